// Passphrases from people: from the terminal without echo, or from a file that only its owner can read.
#pragma once

#include <string>

#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::posix {

inline constexpr std::size_t kMaxPassphraseBytes = 4096;

/// Asks on the controlling terminal, not on standard input or output. unavailable when there is none (name a
/// passphrase file instead); bad_input when empty; limit when longer than kMaxPassphraseBytes.
Result<crypto::Secret> ask_passphrase(const std::string& prompt);

/// One trailing newline is stripped. not_found; permission when group or others may read it (the text says
/// what to run); bad_input when it is no regular file or empty; limit beyond kMaxPassphraseBytes.
Result<crypto::Secret> read_passphrase_file(const std::string& path);

/// Standard error is a terminal: progress may be rewritten in place.
bool shows_progress_on_terminal() noexcept;

}  // namespace firedrill::posix
