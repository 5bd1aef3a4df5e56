#include "crypto/hash.h"

#include <utility>

#include <botan/hash.h>
#include <botan/kdf.h>
#include <botan/mac.h>
#include <botan/pwdhash.h>

#include "base/check.h"
#include "crypto/hash_primitives.h"

namespace firedrill::crypto {
namespace {

/// One context a thread: looking an algorithm up by name costs more than hashing a page.
Botan::HashFunction& thread_sha256() {
    thread_local const std::unique_ptr<Botan::HashFunction> hash =
        Botan::HashFunction::create_or_throw("SHA-256");
    return *hash;
}
Botan::MessageAuthenticationCode& thread_hmac() {
    thread_local const std::unique_ptr<Botan::MessageAuthenticationCode> mac =
        Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
    return *mac;
}
const Botan::KDF& thread_hkdf() {
    thread_local const std::unique_ptr<Botan::KDF> kdf = Botan::KDF::create_or_throw("HKDF(SHA-256)");
    return *kdf;
}

}  // namespace

Digest sha256(std::initializer_list<ByteView> pieces) {
    Botan::HashFunction& hash = thread_sha256();
    for (const ByteView piece : pieces) {
        hash.update(piece);
    }
    Digest digest;
    hash.final(std::span<Byte>(digest.bytes));
    return digest;
}

struct Sha256::State {
    std::unique_ptr<Botan::HashFunction> hash = Botan::HashFunction::create_or_throw("SHA-256");
};
Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
    state_->hash->update(bytes);
}

Digest Sha256::finish() {
    Digest digest;
    state_->hash->final(std::span<Byte>(digest.bytes));
    return digest;
}

Digest hmac_sha256(ByteView key, std::initializer_list<ByteView> pieces) {
    Botan::MessageAuthenticationCode& mac = thread_hmac();
    mac.set_key(key);
    for (const ByteView piece : pieces) {
        mac.update(piece);
    }
    Digest digest;
    mac.final(std::span<Byte>(digest.bytes));
    mac.clear();  // forgets the key
    return digest;
}

Secret hkdf_sha256(ByteView key, ByteView salt, std::string_view info, std::size_t size_bytes) {
    CHECK(size_bytes > 0);
    CHECK(size_bytes <= 8160);
    Secret out(size_bytes);
    thread_hkdf().derive_key(out.mutable_view(), key, salt, as_bytes(info));
    return out;
}

Secret argon2id_with(ByteView password, ByteView salt, PasswordCost cost, std::uint32_t lanes,
                     ByteView pepper, ByteView associated, std::size_t size_bytes) {
    CHECK(lanes >= 1);
    CHECK(cost.memory_kib >= 8 * lanes);
    CHECK(cost.passes >= 1);
    const auto hash = Botan::PasswordHashFamily::create_or_throw("Argon2id")
                          ->from_params(cost.memory_kib, cost.passes, lanes);
    Secret out(size_bytes);
    hash->hash(out.mutable_view(), as_text(password), salt, associated, pepper);
    return out;
}

Secret argon2id(ByteView password, ByteView salt, PasswordCost cost, std::size_t size_bytes) {
    CHECK(salt.size() == 16);
    return argon2id_with(password, salt, cost, 1, {}, {}, size_bytes);
}

}  // namespace firedrill::crypto
