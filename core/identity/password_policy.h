// Which passwords may be chosen: long, not common, not made of the words around them, hard to guess. No
// composition rules, no ageing (NIST SP 800-63B-4 section 3.1.1.2). Pure; callable from any thread.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::identity {

/// Shown wherever a password is chosen.
inline constexpr std::string_view kPasswordGuidance =
    "At least 15 characters. Four or five words that do not belong together are easy to remember and hard to "
    "guess. "
    "Spaces and any letters are welcome; nothing needs to be changed regularly.";

/// What else protects the account decides how long and how hard its password must be.
enum class PasswordUse : std::uint8_t {
    staff_alone,            ///< 15 characters, 50 bits
    staff_second_factor,    ///< 12 characters, 40 bits
    patient_second_factor,  ///< 8 characters, 30 bits
};
inline constexpr std::size_t kLongestPassword = 1024;  ///< bytes; accepted whole, never cut

/// As it is typed to Unicode normalisation form C, so that the same keys on two machines are the same
/// password. bad_input: not UTF-8, empty, or longer than kLongestPassword.
Result<crypto::Secret> normalise_password(ByteView typed);

/// `normalised`: what normalise_password gave. `around`: practice, login, names. bad_input with one sentence
/// that says what to do and never repeats the password.
Status check_new_password(const crypto::Secret& normalised, PasswordUse use,
                          std::span<const std::string_view> around);

/// One of the million most common (docs/formats/common_passwords.md). One SHA-256.
[[nodiscard]] bool is_common_password(ByteView password);
/// How many bits a guesser needs (zxcvbn); characters beyond the first 100 count nothing, which bounds the
/// work.
[[nodiscard]] double guess_bits(ByteView password, std::span<const std::string_view> around);

}  // namespace firedrill::identity
