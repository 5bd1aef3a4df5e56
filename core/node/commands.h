// Operator commands: JSON text in, JSON text out, over a node's services. docs/control.md lists verbs and
// fields.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "identity/identity.h"
#include "node/operator_secrets.h"
#include "node/progress.h"
#include "store/storage.h"

namespace firedrill::node {

struct CommandTargets {
    NodeId node;
    store::Storage& storage;
    identity::Identity& identity;
    OperatorSecrets& secrets;
    WallTime now;
    std::function<std::size_t()> connection_count;
    std::function<void(std::string_view)> journal;  ///< empty: none
    OnProgress progress;                            ///< empty: nobody to tell
};
/// Nothing of it needs somebody's attention: what `status` says first.
bool is_sound(const store::Health& health);
/// bad_usage: not JSON, unknown verb or field, field of the wrong type; nothing was done.
void run_command(CommandTargets targets, std::string request, std::function<void(Result<std::string>)> then);

}  // namespace firedrill::node
