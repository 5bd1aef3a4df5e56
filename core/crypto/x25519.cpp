#include "crypto/x25519.h"

#include <botan/x25519.h>

#include "base/check.h"

namespace firedrill::crypto {

X25519Public x25519_public(ByteView secret) {
    CHECK(secret.size() == 32);
    const std::vector<Byte> raw = Botan::X25519_PrivateKey(secret).raw_public_key_bits();
    X25519Public out;
    CHECK(raw.size() == out.size());
    std::memcpy(out.data(), raw.data(), out.size());
    return out;
}

std::optional<Secret> x25519_agree(ByteView secret, ByteView peer) {
    CHECK(secret.size() == 32);
    CHECK(peer.size() == 32);
    Secret shared{ByteView(Botan::X25519_PrivateKey(secret).agree(peer.data(), peer.size()))};
    static constexpr X25519Public kZero{};
    if (equal_secret(shared.view(), kZero)) {
        return std::nullopt;
    }
    return shared;
}

}  // namespace firedrill::crypto
