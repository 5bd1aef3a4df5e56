// Files that hold the operator's secret: a passphrase, random bytes, or what the service manager hands over.
//
// Called by verbs before a node starts. Blocking. Every one is read into locked memory and nowhere else.
// Failures: not_found; permission when others may read it (the text says what to run); bad_input when it is
// no regular file, is empty or too short; limit when it is too long.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::posix {

inline constexpr std::size_t kMaxPassphraseBytes = 4096;
inline constexpr std::size_t kLeastKeyFileBytes = 32;
inline constexpr std::size_t kMostKeyFileBytes = 1024;

/// One trailing newline is stripped. Mode 0600 or less, owned by this user or root.
Result<crypto::Secret> read_passphrase_file(const std::string& path);
/// The very bytes, newlines included: random ones, kLeastKeyFileBytes to kMostKeyFileBytes. Same modes.
Result<crypto::Secret> read_key_file(const std::string& path);
/// A credential of this name that systemd passed (LoadCredential=), as a path; nullopt without one.
Result<std::optional<std::string>> find_credential(const std::string& name);
/// As read_passphrase_file(); systemd may give the service's group access to it by an access list.
Result<crypto::Secret> read_credential(const std::string& path);

/// Cuts one "\n" or "\r\n" off `size` bytes of `buffer`; bad_input when nothing is left, limit beyond
/// kMaxPassphraseBytes.
Result<crypto::Secret> finish_passphrase(const crypto::Secret& buffer, std::size_t size,
                                         const std::string& object);

}  // namespace firedrill::posix
