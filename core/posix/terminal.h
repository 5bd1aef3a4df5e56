// Passphrases from people: from the terminal without echo, or from a file that only its owner can read.
#pragma once

#include <string>

#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::posix {

/// Asks on the controlling terminal, not on standard input or output. unavailable when there is none (name a
/// passphrase file instead); bad_input when empty; limit when longer than kMaxPassphraseBytes.
Result<crypto::Secret> ask_passphrase(const std::string& prompt);

/// Standard error is a terminal: progress may be rewritten in place.
bool shows_progress_on_terminal() noexcept;

}  // namespace firedrill::posix
