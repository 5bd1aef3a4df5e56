// age keys and their text forms.
#include "base/check.h"
#include "crypto/bech32.h"
#include "crypto/keypair.h"
#include "crypto/x25519.h"

namespace firedrill::crypto {
namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "age-secret-key-";
constexpr std::size_t kAgeKeySize = 32;

AgeIdentity identity_of(Secret private_key) {
    AgeIdentity identity;
    identity.public_key = x25519_public(private_key.view());
    identity.private_key = std::move(private_key);
    return identity;
}

}  // namespace

AgeIdentity make_age_identity(Entropy& entropy) {
    Secret private_key(kAgeKeySize);
    entropy.fill(private_key.mutable_view());
    return identity_of(std::move(private_key));
}

Result<AgeIdentity> age_identity_from(const Secret& private_key) {
    if (private_key.size_bytes() != kAgeKeySize) {
        return Error{Fault::bad_input, "An age identity has 32 bytes; check where this one came from."};
    }
    return identity_of(private_key.copy());
}

std::string age_recipient_text(ByteView public_key) {
    CHECK(public_key.size() == kAgeKeySize);
    return std::string(as_text(bech32_encode(kRecipientPrefix, public_key).view()));
}

Secret age_identity_text(const AgeIdentity& identity) {
    Secret text = bech32_encode(kIdentityPrefix, identity.private_key.view());
    for (Byte& c : text.mutable_view()) {
        if (c >= 'a' && c <= 'z') {
            c = static_cast<Byte>(c - 'a' + 'A');
        }
    }
    return text;
}

Result<std::array<Byte, 32>> parse_age_recipient(std::string_view text) {
    const Secret data = TRY(bech32_decode(kRecipientPrefix, text));
    std::array<Byte, 32> out{};
    if (data.size_bytes() != out.size()) {
        return Error{Fault::bad_input,
                     "The age recipient does not have 32 bytes; check that it is complete."};
    }
    std::memcpy(out.data(), data.view().data(), out.size());
    return out;
}

Result<AgeIdentity> parse_age_identity(std::string_view text) {
    Secret lower{as_bytes(text)};
    for (Byte& c : lower.mutable_view()) {
        if (c >= 'a' && c <= 'z') {
            return Error{Fault::bad_input,
                         "An age identity is written in upper case; check that it is complete."};
        }
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<Byte>(c - 'A' + 'a');
        }
    }
    return age_identity_from(TRY(bech32_decode(kIdentityPrefix, as_text(lower.view()))));
}

}  // namespace firedrill::crypto
