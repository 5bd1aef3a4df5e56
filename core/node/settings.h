// Settings: what firedrill.toml may say. Every key has a default; an unknown key is an error. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/hash.h"
#include "identity/identity.h"
#include "node/operator_secrets.h"

namespace firedrill::node {

struct Settings {
    std::string data = "firedrill-data";  ///< the node's folder
    std::vector<std::string> logs;        ///< log folders, best on other disks; empty: <data>/log
    std::string listen = "127.0.0.1:8443";
    std::vector<std::string> hosts{"localhost", "127.0.0.1"};
    std::string passphrase_file;  ///< outside `data`; empty: ask on the terminal
    identity::SecondFactorRule staff_second_factor = identity::SecondFactorRule::optional;
    /// Argon2id of passwords: password_memory_kib and password_passes, neither below the default, at most 1
    /// GiB and 16 passes.
    crypto::PasswordCost cost = crypto::kProductionCost;
    std::string key_file;  ///< outside `data`, random bytes, in place of a passphrase
    SecretLimits secrets;  ///< table [secrets]: how old the operator's secrets may get
};

/// `name` is the file's name for messages. bad_input naming file, line and key. At most 64 KiB.
Result<Settings> parse_settings(std::string_view text, std::string_view name);

}  // namespace firedrill::node
