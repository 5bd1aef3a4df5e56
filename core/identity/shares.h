// An escrow share as people hold it: six lines of letters and digits, each with a check letter of its own, so
// that a slip of the pen is found in its line. And what the directory remembers of a share without knowing
// it.
//
// Pure. docs/formats/key_slots.md, "Shares".
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"
#include "crypto/threshold.h"

namespace firedrill::identity {

inline constexpr std::size_t kShareLines = 6;
inline constexpr std::size_t kShareLineLetters = 24;  ///< the last one is the check letter
using ShareLines = std::array<std::string, kShareLines>;

/// `share` of crypto::kShareSize bytes: "abcd-efgh-…", six groups of four a line.
ShareLines write_share(const crypto::Secret& share);
/// Capitals, spaces, hyphens and line ends do not count. bad_input says which line is mistyped, or that some
/// are missing or too many.
Result<crypto::Secret> read_share(std::string_view text);

using ShareFingerprint = std::array<Byte, 16>;
using ShareChecksum = std::array<Byte, 5>;
/// Tells whether a share is the one that was handed out.
ShareFingerprint share_fingerprint(const crypto::Secret& share);
/// What its holder types back: "abcd-efgh". Says nothing about the share.
ShareChecksum share_checksum(const crypto::Secret& share);
std::string write_checksum(const ShareChecksum& checksum);
/// bad_input unless eight letters and digits.
Result<ShareChecksum> read_checksum(std::string_view text);

}  // namespace firedrill::identity
