// The operator's verb practice.compact: the space of a practice's free pages given back. docs/control.md has
// its fields. Loop only.
#pragma once

#include <functional>
#include <string>

#include "identity/identity.h"
#include "node/command_fields.h"
#include "node/progress.h"
#include "store/storage.h"

namespace firedrill::node {

/// refused while nobody of the practice is signed in: its pages cannot be moved without its key.
void compact_practice(store::Storage& storage, const identity::Identity& identity, CommandFields& fields,
                      OnProgress progress, std::function<void(Result<std::string>)> then);

}  // namespace firedrill::node
