// One-time codes from an authenticator app: TOTP (RFC 6238) with HMAC-SHA-1, steps of 30 seconds and six
// digits, which is what every app can do; and the secret's text forms for apps.
//
// Pure; callable from any thread. It remembers nothing: that each step is taken once is the caller's part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "crypto/secret.h"

namespace firedrill::crypto {

inline constexpr std::size_t kTotpSecretSize = 20;  ///< bytes: the block of SHA-1 (RFC 4226, section 4)
inline constexpr std::int64_t kTotpPeriodSeconds = 30;
inline constexpr std::size_t kTotpDigits = 6;

/// The step of a moment; steps before 1970 are step 0.
std::uint64_t totp_step(WallTime at) noexcept;

/// HOTP (RFC 4226) of a step: 0 to 999,999.
std::uint32_t totp_code(ByteView secret, std::uint64_t step);
/// "012345".
std::string write_totp_code(std::uint32_t code);
/// Six digits; spaces and hyphens between them do not count. Nullopt for anything else.
std::optional<std::uint32_t> read_totp_code(std::string_view typed) noexcept;

/// The step of `now`, the one before or the one after it that has this code and is later than `last_step`;
/// the earliest one. All are looked at, whatever matches.
std::optional<std::uint64_t> match_totp(ByteView secret, std::uint32_t code, std::uint64_t now,
                                        std::uint64_t last_step);

/// RFC 4648 base 32 in capitals, without padding: what people type into an app by hand.
std::string to_base32(ByteView bytes);
/// "otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER", percent-encoded. It holds the secret.
std::string write_otpauth(std::string_view issuer, std::string_view account, ByteView secret);

}  // namespace firedrill::crypto
