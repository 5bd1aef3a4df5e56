// secrets.list and secrets.rotate of the operator's channel. Loop only; used inside node/.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "node/command_fields.h"
#include "node/operator_secrets.h"

namespace firedrill::node {

/// One object a secret: its name, when it was made, when it is due, and whether that has passed.
boost::json::array describe_ages(const std::vector<SecretAge>& ages, WallTime now);
/// secrets.list; secrets.rotate, whose field `secret` says which: for the passphrase `current` and `next` are
/// its bytes in hexadecimal. bad_usage for any other verb.
void run_secret_command(OperatorSecrets& secrets, std::string_view verb, CommandFields& fields, WallTime now,
                        const std::function<void(Result<std::string>)>& then);

}  // namespace firedrill::node
