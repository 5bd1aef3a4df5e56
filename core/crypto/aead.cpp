#include "crypto/aead.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <botan/block_cipher.h>

#include "base/check.h"
#include "crypto/aead_box.h"
#include "crypto/hash.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kNonceHalf = 12;
constexpr std::size_t kOpeningKeys = 4;  // kept derived
constexpr std::string_view kCommitmentLabel = "firedrill key commitment v1";

}  // namespace

struct Xaes256Gcm::State {
    /// AES-256-GCM under the key that messages share whose nonces begin alike.
    struct Derived {
        std::array<Byte, kNonceHalf> half{};
        AeadBox box{"AES-256/GCM"};
        std::uint64_t used_at = 0;
        bool is_keyed = false;
    };

    std::unique_ptr<Botan::BlockCipher> aes = Botan::BlockCipher::create_or_throw("AES-256");
    Secret k1{kBlock};  // CMAC's first subkey
    Derived sealing;
    std::vector<Derived> opening;  // the last few; pages read one after another were seldom written so
    std::uint64_t uses = 0;

    /// The key is CMAC of 00 i 'X' 00 | first half of the nonce, for i = 1 and 2.
    void derive(Derived& derived, const Nonce& nonce) const {
        std::copy_n(nonce.begin(), kNonceHalf, derived.half.begin());
        Secret subkey(kKeySize);
        Byte* out = subkey.mutable_view().data();
        const Byte* mask = k1.view().data();
        for (std::size_t i = 0; i < 2; ++i) {
            Byte* block = out + i * kBlock;
            block[0] = 0;
            block[1] = static_cast<Byte>(i + 1);
            block[2] = 'X';
            block[3] = 0;
            std::memcpy(block + 4, nonce.data(), kNonceHalf);
            for (std::size_t j = 0; j < kBlock; ++j) {
                block[j] ^= mask[j];
            }
        }
        aes->encrypt_n(out, out, 2);
        derived.box.set_key(subkey.view());
        derived.is_keyed = true;
    }

    AeadBox& to_seal(const Nonce& nonce) {
        if (!sealing.is_keyed || !begins_with(nonce, sealing)) {
            derive(sealing, nonce);
        }
        return sealing.box;
    }

    AeadBox& to_open(const Nonce& nonce) {
        auto found = std::find_if(opening.begin(), opening.end(),
                                  [&](const Derived& each) { return begins_with(nonce, each); });
        if (found == opening.end()) {
            if (opening.size() < kOpeningKeys) {
                opening.emplace_back();
            }
            found = std::min_element(opening.begin(), opening.end(), [](const Derived& a, const Derived& b) {
                return a.used_at < b.used_at;
            });
            derive(*found, nonce);
        }
        found->used_at = ++uses;
        return found->box;
    }

    static bool begins_with(const Nonce& nonce, const Derived& derived) {
        return std::equal(derived.half.begin(), derived.half.end(), nonce.begin());
    }
};

Xaes256Gcm::Xaes256Gcm(const Secret& key) : state_(std::make_unique<State>()) {
    CHECK(key.size_bytes() == kKeySize);
    state_->aes->set_key(key.view());
    const MutableBytes k1 = state_->k1.mutable_view();
    state_->aes->encrypt(k1.data());
    const auto carry = static_cast<Byte>(k1[0] >> 7U);
    for (std::size_t i = 0; i < kBlock; ++i) {
        const unsigned next = i + 1 < kBlock ? k1[i + 1] >> 7U : 0U;
        k1[i] = static_cast<Byte>((static_cast<unsigned>(k1[i]) << 1U) | next);
    }
    k1[kBlock - 1] ^= static_cast<Byte>(0x87U * carry);
}
Xaes256Gcm::~Xaes256Gcm() = default;
Xaes256Gcm::Xaes256Gcm(Xaes256Gcm&&) noexcept = default;
Xaes256Gcm& Xaes256Gcm::operator=(Xaes256Gcm&&) noexcept = default;

void Xaes256Gcm::seal(const Nonce& nonce, ByteView associated, ByteView plain, MutableBytes out, Tag& tag) {
    state_->to_seal(nonce).seal(ByteView(nonce).subspan(kNonceHalf), associated, plain, out, tag);
}

bool Xaes256Gcm::open(const Nonce& nonce, ByteView associated, ByteView sealed, const Tag& tag,
                      MutableBytes out) {
    return state_->to_open(nonce).open(ByteView(nonce).subspan(kNonceHalf), associated, sealed, tag, out);
}

bool Xaes256Gcm::open_evenly(const Nonce& nonce, ByteView associated, ByteView sealed, const Tag& tag,
                             MutableBytes out) {
    return state_->to_open(nonce).open_evenly(ByteView(nonce).subspan(kNonceHalf), associated, sealed, tag,
                                              out);
}

Digest key_commitment(const Secret& key, ByteView context) {
    return hmac_sha256(key.view(), {as_bytes(kCommitmentLabel), context});
}

Bytes wrap(const Secret& under, ByteView context, ByteView secret, Entropy& entropy) {
    Nonce nonce;
    entropy.fill(nonce);
    const Digest commitment = key_commitment(under, context);
    Bytes out;
    out.reserve(kWrapOverhead + secret.size());
    append(out, commitment.view());
    append(out, nonce);
    out.resize(kWrapOverhead + secret.size());
    Tag tag;
    Xaes256Gcm(under).seal(nonce, context, secret, MutableBytes(out).subspan(kWrapOverhead), tag);
    std::memcpy(out.data() + kWrapOverhead - kTagSize, tag.data(), kTagSize);
    return out;
}

Result<Secret> unwrap(const Secret& under, ByteView context, ByteView wrapped) {
    if (wrapped.size() < kWrapOverhead) {
        return Error{Fault::damaged,
                     "The wrapped secret is shorter than its fixed part; restore it from a copy."};
    }
    Reader reader(wrapped);
    const ByteView commitment = reader.bytes(32);
    Nonce nonce;
    reader.fill(nonce);
    Tag tag;
    reader.fill(tag);
    const ByteView sealed = reader.bytes(reader.left());
    // Opened in either case: how long it takes says nothing about the secret.
    const bool is_committed = equal_secret(key_commitment(under, context).view(), commitment);
    Secret plain(sealed.size());
    const bool is_opened = Xaes256Gcm(under).open_evenly(nonce, context, sealed, tag, plain.mutable_view());
    if (!is_committed) {
        return Error{Fault::wrong_secret,
                     "The secret given does not open this wrapped key; use the one it was made with."};
    }
    if (!is_opened) {
        return Error{Fault::damaged,
                     "The wrapped secret was altered after it was written; restore it from a copy."};
    }
    return plain;
}

}  // namespace firedrill::crypto
