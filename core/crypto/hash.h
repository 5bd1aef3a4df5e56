// Hashes and key derivation. Pure; callable from any thread.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::crypto {

/// SHA-256 (FIPS 180-4) of the pieces one after another. No length prefixes: the caller makes them
/// unambiguous.
Digest sha256(std::initializer_list<ByteView> pieces);
inline Digest sha256(ByteView bytes) {
    return sha256({bytes});
}

/// A reusable SHA-256 context: cheaper than sha256() in a loop.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(ByteView bytes);
    /// The digest of everything since the last finish(); the context is then as new.
    Digest finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// HMAC-SHA-256 (RFC 2104).
Digest hmac_sha256(ByteView key, std::initializer_list<ByteView> pieces);
/// HKDF-SHA-256 (RFC 5869), extract and expand; `size_bytes` <= 8160.
Secret hkdf_sha256(ByteView key, ByteView salt, std::string_view info, std::size_t size_bytes);

/// Argon2id version 1.3 (RFC 9106). Memory in KiB (>= 8 per lane), t passes, one lane.
struct PasswordCost {
    std::uint32_t memory_kib = 65536;
    std::uint32_t passes = 3;
    auto operator<=>(const PasswordCost&) const = default;
};
/// RFC 9106's second recommended option: 64 MiB, t = 3. Used for everything a person types, in production.
inline constexpr PasswordCost kProductionCost{65536, 3};
/// For simulated worlds and tests only; production refuses to start with less than kProductionCost.
inline constexpr PasswordCost kToyCost{8, 1};

/// `salt` 16 bytes. Blocking and dear: only from a job.
Secret argon2id(ByteView password, ByteView salt, PasswordCost cost, std::size_t size_bytes);

}  // namespace firedrill::crypto
