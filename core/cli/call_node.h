// One request to a node: over the control socket of the one that runs, else over the folder itself, under the
// same lock that a running node holds.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "cli/verbs.h"
#include "crypto/secret.h"

namespace firedrill::cli {

/// The answer's JSON text. `known`: the node's passphrase where it is known already. not_found when there is
/// no node; what the node answers; what its start answers.
Result<std::string> call_node(const CommonOptions& options, const boost::json::object& request,
                              const crypto::Secret* known = nullptr);

}  // namespace firedrill::cli
