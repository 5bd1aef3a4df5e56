// Authenticated encryption: XAES-256-GCM as C2SP specifies it (c2sp.org/XAES-256-GCM), and key-committing
// wraps.
//
// A key may seal 2^80 messages under random nonces. Objects may be used by one thread at a time.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "seams/entropy.h"

namespace firedrill::crypto {

inline constexpr std::size_t kKeySize = 32;
inline constexpr std::size_t kNonceSize = 24;
inline constexpr std::size_t kTagSize = 16;
using Nonce = std::array<Byte, kNonceSize>;
using Tag = std::array<Byte, kTagSize>;

class Xaes256Gcm {
  public:
    /// `key` 32 bytes.
    explicit Xaes256Gcm(const Secret& key);
    ~Xaes256Gcm();
    Xaes256Gcm(Xaes256Gcm&&) noexcept;
    Xaes256Gcm& operator=(Xaes256Gcm&&) noexcept;

    /// `out` has the size of `plain` (may be the same memory). The caller guarantees a fresh random nonce.
    void seal(const Nonce& nonce, ByteView associated, ByteView plain, MutableBytes out, Tag& tag);
    /// False when anything differs; `out` is then zeroes. `out` may be the memory of `sealed`.
    [[nodiscard]] bool open(const Nonce& nonce, ByteView associated, ByteView sealed, const Tag& tag,
                            MutableBytes out);
    /// The same, after the same work whether it opens or not; for small secrets behind something guessable.
    [[nodiscard]] bool open_evenly(const Nonce& nonce, ByteView associated, ByteView sealed, const Tag& tag,
                                   MutableBytes out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A commitment to a key: HMAC-SHA-256(key, "firedrill key commitment v1" || context). GCM alone commits to
/// nothing.
Digest key_commitment(const Secret& key, ByteView context);

/// A key or small secret sealed under another: commitment[32] | nonce[24] | tag[16] | sealed. `context` says
/// what it is and for whom; it is authenticated, not stored. Formats: docs/formats/key_slots.md.
Bytes wrap(const Secret& under, ByteView context, ByteView secret, Entropy& entropy);
/// wrong_secret when the commitment does not match `under`, after the same work as when it does; damaged when
/// it does but the rest does not open.
Result<Secret> unwrap(const Secret& under, ByteView context, ByteView wrapped);
inline constexpr std::size_t kWrapOverhead = 32 + kNonceSize + kTagSize;

}  // namespace firedrill::crypto
