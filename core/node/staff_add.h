// staff.add: an owner invites a colleague from the node's own machine. Loop only; used inside node/.
#pragma once

#include <functional>
#include <string>

#include "identity/identity.h"
#include "node/command_fields.h"

namespace firedrill::node {

/// Signs the owner in, invites, signs the owner out again, also after a refusal. Answers with the invitation
/// code, which is shown this once. The operator alone cannot do it: an invitation seals the practice key.
/// refused: not this owner's password, or not an owner. exists, bad_input, limit: as People::invite().
void add_staff(identity::Identity& identity, CommandFields& fields,
               std::function<void(Result<std::string>)> then);

}  // namespace firedrill::node
