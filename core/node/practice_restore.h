// The operator's verb practice.restore: one practice's store taken back to an earlier state. docs/control.md
// has its fields. Loop only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "identity/identity.h"
#include "node/command_fields.h"
#include "node/progress.h"
#include "store/storage.h"

namespace firedrill::node {

/// Refused while somebody of the practice is signed in, unless the request ends the sessions. What was
/// drained into the practice after that state is put back in its inbox's queue at the next sign-in, by
/// forms::Submissions.
void restore_practice(store::Storage& storage, identity::Identity& identity, CommandFields& fields,
                      const std::function<void(std::string_view)>& journal, OnProgress progress,
                      std::function<void(Result<std::string>)> then);

}  // namespace firedrill::node
