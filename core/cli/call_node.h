// One request to a node: over the control socket of the one that runs, else over the folder itself, under the
// same lock that a running node holds.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "cli/verbs.h"
#include "crypto/secret.h"
#include "node/progress.h"

namespace firedrill::cli {

/// The answer's JSON text. `progress`: the node is asked to say how far it is, and this is called with it.
/// `known`: the node's passphrase where it is known already. not_found when there is no node; what the node
/// answers; what its start answers.
Result<std::string> call_node(const CommonOptions& options, const boost::json::object& request,
                              const crypto::Secret* known = nullptr, node::OnProgress progress = {});
/// The same; how far the node is stands on standard error meanwhile.
Result<std::string> call_node_with_progress(const CommonOptions& options, const boost::json::object& request);

}  // namespace firedrill::cli
