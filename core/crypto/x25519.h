// X25519 (RFC 7748) on raw bytes. Within crypto only; used by the hybrid seal and by age.
#pragma once

#include <array>
#include <optional>

#include "crypto/secret.h"

namespace firedrill::crypto {

using X25519Public = std::array<Byte, 32>;

/// `secret` 32 bytes, clamped here.
X25519Public x25519_public(ByteView secret);
/// nullopt when the shared secret is all zero: the peer's point has a small order.
std::optional<Secret> x25519_agree(ByteView secret, ByteView peer);

}  // namespace firedrill::crypto
