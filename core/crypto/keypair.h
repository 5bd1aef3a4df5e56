// Key pairs: X25519 + ML-KEM-768 hybrid for sealing to people, age X25519 for the inbox, Ed25519 for
// signatures.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "seams/entropy.h"

namespace firedrill::crypto {

/// A person's pair. public_key = x25519[32] | ml_kem_768_public[1184]; private_key = x25519[32] |
/// ml_kem_768_seed[64].
struct SealingPair {
    Bytes public_key;    ///< 1216 bytes
    Secret private_key;  ///< 96 bytes
};
SealingPair make_sealing_pair(Entropy& entropy);

/// Seals `secret` (<= 4 KiB) to a public half: HPKE-like, both shared secrets and the whole transcript go
/// into HKDF; then wrap(). Layout: ephemeral_x25519[32] | ml_kem_ciphertext[1088] | wrap. bad_input for a
/// malformed public key.
Result<Bytes> seal_to(ByteView public_key, ByteView context, ByteView secret, Entropy& entropy);
/// wrong_secret when it was sealed to somebody else or is not for this context; bad_input when malformed.
Result<Secret> open_sealed(const Secret& private_key, ByteView public_key, ByteView context, ByteView sealed);

/// age v1 files with X25519 recipients (C2SP age.md). Texts "age1…" and "AGE-SECRET-KEY-1…" (Bech32).
struct AgeIdentity {
    Secret private_key;  ///< 32 bytes
    std::array<Byte, 32> public_key{};
};
AgeIdentity make_age_identity(Entropy& entropy);
/// Recomputes the public half. bad_input unless 32 bytes.
Result<AgeIdentity> age_identity_from(const Secret& private_key);
std::string age_recipient_text(ByteView public_key);
Secret age_identity_text(const AgeIdentity& identity);
/// bad_input unless a well-formed age1… recipient.
Result<std::array<Byte, 32>> parse_age_recipient(std::string_view text);
Result<AgeIdentity> parse_age_identity(std::string_view text);
/// 1–16 recipients; any plaintext size up to 64 MiB.
Result<Bytes> age_seal(std::span<const std::array<Byte, 32>> recipients, ByteView plain, Entropy& entropy);
/// wrong_secret when no stanza is for this identity; bad_input for every malformed, truncated or altered
/// file.
Result<Secret> age_open(const AgeIdentity& identity, ByteView file);

/// Ed25519 (RFC 8032). seed[32] → public[32]; signatures 64 bytes.
std::array<Byte, 32> ed25519_public(const Secret& seed);
std::array<Byte, 64> ed25519_sign(const Secret& seed, ByteView message);
[[nodiscard]] bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature);

}  // namespace firedrill::crypto
