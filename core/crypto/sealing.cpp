// The hybrid seal: X25519 and ML-KEM-768 (FIPS 203), bound together with their transcript by HKDF-SHA-256.
#include <botan/ml_kem.h>
#include <botan/pubkey.h>
#include <botan/rng.h>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/botan_rng.h"
#include "crypto/hash.h"
#include "crypto/keypair.h"
#include "crypto/x25519.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kCurveSize = 32;
constexpr std::size_t kKemSeedSize = 64;
constexpr std::size_t kKemPublicSize = 1184;
constexpr std::size_t kKemCiphertextSize = 1088;
constexpr std::size_t kKemSharedSize = 32;
constexpr std::size_t kPublicSize = kCurveSize + kKemPublicSize;
constexpr std::size_t kPrivateSize = kCurveSize + kKemSeedSize;
constexpr std::size_t kHeadSize = kCurveSize + kKemCiphertextSize;
constexpr std::size_t kLargestSecret = 4096;
constexpr std::string_view kSealInfo = "firedrill seal_to v1 X25519 ML-KEM-768 HKDF-SHA-256 XAES-256-GCM";

Botan::ML_KEM_Mode kem_mode() {
    return Botan::ML_KEM_Mode(Botan::ML_KEM_Mode::ML_KEM_768);
}

/// The wrapping key. Every transcript field but the last has a fixed size, so their concatenation is
/// unambiguous.
Secret combine(ByteView kem_shared, ByteView curve_shared, ByteView head, ByteView public_key,
               ByteView context) {
    const Digest transcript = sha256({head, public_key, context});
    Secret shared(kKemSharedSize + kCurveSize);
    std::memcpy(shared.mutable_view().data(), kem_shared.data(), kKemSharedSize);
    std::memcpy(shared.mutable_view().data() + kKemSharedSize, curve_shared.data(), kCurveSize);
    return hkdf_sha256(shared.view(), transcript.view(), kSealInfo, kKeySize);
}

Error malformed_public_key() {
    return {Fault::bad_input,
            "The recipient's public key is not an X25519 and ML-KEM-768 key; nothing was sealed."};
}
Error malformed_sealed() {
    return {Fault::bad_input, "The sealed secret does not have the shape of one; nothing was opened."};
}

}  // namespace

SealingPair make_sealing_pair(Entropy& entropy) {
    SealingPair pair;
    pair.private_key = Secret(kPrivateSize);
    entropy.fill(pair.private_key.mutable_view());
    append(pair.public_key, x25519_public(pair.private_key.view().first(kCurveSize)));
    const Botan::ML_KEM_PrivateKey kem(pair.private_key.view().subspan(kCurveSize), kem_mode());
    append(pair.public_key, kem.raw_public_key_bits());
    CHECK(pair.public_key.size() == kPublicSize);
    return pair;
}

Result<Bytes> seal_to(ByteView public_key, ByteView context, ByteView secret, Entropy& entropy) {
    if (public_key.size() != kPublicSize) {
        return malformed_public_key();
    }
    if (secret.size() > kLargestSecret) {
        return Error{Fault::limit,
                     "A sealed secret has at most 4096 bytes; seal a key and encrypt under it instead."};
    }
    Secret ephemeral(kCurveSize);
    entropy.fill(ephemeral.mutable_view());
    const std::optional<Secret> curve_shared = x25519_agree(ephemeral.view(), public_key.first(kCurveSize));
    if (!curve_shared) {
        return malformed_public_key();
    }
    Bytes out(kHeadSize);
    const X25519Public ephemeral_public = x25519_public(ephemeral.view());
    std::memcpy(out.data(), ephemeral_public.data(), kCurveSize);
    Secret kem_shared(kKemSharedSize);
    try {
        const Botan::ML_KEM_PublicKey kem(public_key.subspan(kCurveSize), kem_mode());
        EntropyRng rng(entropy);
        Botan::PK_KEM_Encryptor(kem, "Raw")
            .encrypt(MutableBytes(out).subspan(kCurveSize), kem_shared.mutable_view(), rng, kKemSharedSize);
    } catch (const Botan::Exception&) {
        return malformed_public_key();  // a coefficient is not below the modulus
    }
    const Secret key = combine(kem_shared.view(), curve_shared->view(), out, public_key, context);
    append(out, wrap(key, context, secret, entropy));
    return out;
}

Result<Secret> open_sealed(const Secret& private_key, ByteView public_key, ByteView context,
                           ByteView sealed) {
    if (private_key.size_bytes() != kPrivateSize || public_key.size() != kPublicSize) {
        return Error{Fault::bad_input,
                     "The key pair is not an X25519 and ML-KEM-768 pair; nothing was opened."};
    }
    if (sealed.size() < kHeadSize + kWrapOverhead ||
        sealed.size() > kHeadSize + kWrapOverhead + kLargestSecret) {
        return malformed_sealed();
    }
    const ByteView head = sealed.first(kHeadSize);
    const std::optional<Secret> curve_shared =
        x25519_agree(private_key.view().first(kCurveSize), head.first(kCurveSize));
    if (!curve_shared) {
        return malformed_sealed();
    }
    Secret kem_shared(kKemSharedSize);
    try {
        const Botan::ML_KEM_PrivateKey kem(private_key.view().subspan(kCurveSize), kem_mode());
        Botan::Null_RNG no_randomness;  // decapsulation draws none
        Botan::PK_KEM_Decryptor(kem, no_randomness, "Raw")
            .decrypt(kem_shared.mutable_view(), head.subspan(kCurveSize), kKemSharedSize);
    } catch (const Botan::Exception&) {
        return malformed_sealed();
    }
    const Secret key = combine(kem_shared.view(), curve_shared->view(), head, public_key, context);
    return unwrap(key, context, sealed.subspan(kHeadSize));
}

}  // namespace firedrill::crypto
