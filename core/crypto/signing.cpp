// Ed25519.
#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/rng.h>

#include "base/check.h"
#include "crypto/keypair.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kSeedSize = 32;
constexpr std::size_t kSignatureSize = 64;

}  // namespace

std::array<Byte, 32> ed25519_public(const Secret& seed) {
    CHECK(seed.size_bytes() == kSeedSize);
    const std::vector<Byte> raw = Botan::Ed25519_PrivateKey::from_seed(seed.view()).raw_public_key_bits();
    std::array<Byte, 32> out;
    CHECK(raw.size() == out.size());
    std::memcpy(out.data(), raw.data(), out.size());
    return out;
}

std::array<Byte, 64> ed25519_sign(const Secret& seed, ByteView message) {
    CHECK(seed.size_bytes() == kSeedSize);
    Botan::Null_RNG no_randomness;  // RFC 8032 signatures draw none
    const auto key = Botan::Ed25519_PrivateKey::from_seed(seed.view());
    Botan::PK_Signer signer(key, no_randomness, "Pure");
    const std::vector<Byte> raw = signer.sign_message(message, no_randomness);
    std::array<Byte, 64> out;
    CHECK(raw.size() == out.size());
    std::memcpy(out.data(), raw.data(), out.size());
    return out;
}

bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature) {
    if (public_key.size() != 32 || signature.size() != kSignatureSize) {
        return false;
    }
    try {
        const Botan::Ed25519_PublicKey key(public_key);
        Botan::PK_Verifier verifier(key, "Pure");
        return verifier.verify_message(message, signature);
    } catch (const Botan::Exception&) {
        return false;  // not a point of the curve
    }
}

}  // namespace firedrill::crypto
