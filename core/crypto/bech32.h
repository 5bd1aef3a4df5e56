// Bech32 (BIP 173) without its length limit, as age uses it for keys. Pure. Within crypto only.
#pragma once

#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::crypto {

/// Lower-case text: `prefix` | '1' | data | checksum. A Secret because keys pass through here.
Secret bech32_encode(std::string_view prefix, ByteView data);
/// The data of a text with exactly this lower-case `prefix`. bad_input for any other prefix, character or
/// checksum, for upper case, and for padding that is not zero or not shorter than a digit.
Result<Secret> bech32_decode(std::string_view prefix, std::string_view text);

}  // namespace firedrill::crypto
