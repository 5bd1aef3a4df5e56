// Codes: secrets that people copy by hand, with a checksum so that a slip of the pen is said at once.
//
// Pure. Text: base 32 over letters and digits that do not look alike, in groups of four; capitals, spaces and
// hyphens do not count when it is read. The checksum differs by kind: one code is never taken for another.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"
#include "seams/entropy.h"

namespace firedrill::identity {

/// The 32 characters: a letter's place is its value.
inline constexpr std::string_view kCodeLetters = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(kCodeLetters.size() == 32);

enum class CodeKind : std::uint8_t { invitation = 1, recovery = 2, spare = 3 };

/// 128 bits for an invitation, 160 for a recovery code, 64 for a spare code of a second factor.
crypto::Secret draw_code(CodeKind kind, Entropy& entropy);
/// "abcd-efgh-…": 32 characters for an invitation, 40 for a recovery code, 16 for a spare code.
std::string write_code(CodeKind kind, const crypto::Secret& code);
/// bad_input when it is not one, is mistyped, or is of another kind.
Result<crypto::Secret> read_code(CodeKind kind, std::string_view text);

}  // namespace firedrill::identity
