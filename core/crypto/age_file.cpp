// age v1 files (C2SP age.md): X25519 stanzas, header MAC, and the payload in chunks of 64 KiB.
#include "base/check.h"
#include "crypto/aead_box.h"
#include "crypto/age_header.h"
#include "crypto/hash.h"
#include "crypto/keypair.h"
#include "crypto/x25519.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kFileKeySize = 16;
constexpr std::size_t kPayloadNonceSize = 16;
constexpr std::size_t kBoxTagSize = 16;
constexpr std::size_t kSealedFileKeySize = kFileKeySize + kBoxTagSize;
constexpr std::size_t kChunk = 65536;
constexpr std::size_t kSealedChunk = kChunk + kBoxTagSize;
constexpr std::size_t kLargestPlain = 64U << 20U;
constexpr std::size_t kMostRecipients = 16;
constexpr std::string_view kCurveType = "X25519";
constexpr std::string_view kPassphraseType = "scrypt";
constexpr std::string_view kCurveInfo = "age-encryption.org/v1/X25519";

/// The box's 12-byte nonce: an 11-byte big-endian chunk number, then 1 in the last chunk.
using ChunkNonce = std::array<Byte, 12>;

ChunkNonce chunk_nonce(std::uint64_t number, bool is_last) {
    ChunkNonce nonce{};
    for (std::size_t i = 0; i < 8; ++i) {
        nonce[10 - i] = static_cast<Byte>(number >> (8 * i));
    }
    nonce[11] = is_last ? 1 : 0;
    return nonce;
}

AeadBox make_box(ByteView key) {
    AeadBox box("ChaCha20Poly1305");
    box.set_key(key);
    return box;
}

Secret wrapping_key(ByteView shared, ByteView ephemeral_public, ByteView recipient) {
    Bytes salt;
    append(salt, ephemeral_public);
    append(salt, recipient);
    return hkdf_sha256(shared, salt, kCurveInfo, 32);
}

Digest header_mac(ByteView file_key, ByteView authenticated) {
    return hmac_sha256(hkdf_sha256(file_key, {}, "header", 32).view(), {authenticated});
}

Error altered(std::string_view what) {
    return {Fault::bad_input,
            "The age file was altered or cut short (" + std::string(what) + "); get an intact copy."};
}

Status write_curve_stanza(std::string& header, const X25519Public& recipient, const Secret& file_key,
                          Entropy& entropy) {
    Secret ephemeral(32);
    entropy.fill(ephemeral.mutable_view());
    const std::optional<Secret> shared = x25519_agree(ephemeral.view(), recipient);
    if (!shared) {
        return Error{Fault::bad_input, "An age recipient is not a usable X25519 key; nothing was sealed."};
    }
    const X25519Public ephemeral_public = x25519_public(ephemeral.view());
    std::array<Byte, kSealedFileKeySize> body{};
    make_box(wrapping_key(shared->view(), ephemeral_public, recipient).view())
        .seal(ChunkNonce{}, {}, file_key.view(), MutableBytes(body).first(kFileKeySize),
              MutableBytes(body).last(kBoxTagSize));
    write_age_stanza(header, std::string(kCurveType) + ' ' + to_base64_raw(ephemeral_public), body);
    return {};
}

void append_payload(Bytes& out, const Secret& file_key, ByteView plain, Entropy& entropy) {
    std::array<Byte, kPayloadNonceSize> nonce;
    entropy.fill(nonce);
    append(out, nonce);
    AeadBox box = make_box(hkdf_sha256(file_key.view(), nonce, "payload", 32).view());
    std::uint64_t number = 0;
    bool is_last = false;
    while (!is_last) {
        const ByteView chunk = plain.first(std::min(plain.size(), kChunk));
        plain = plain.subspan(chunk.size());
        is_last = plain.empty();
        const std::size_t at = out.size();
        out.resize(at + chunk.size() + kBoxTagSize);
        const MutableBytes sealed = MutableBytes(out).subspan(at);
        box.seal(chunk_nonce(number, is_last), {}, chunk, sealed.first(chunk.size()),
                 sealed.last(kBoxTagSize));
        ++number;
    }
}

/// The file key from one X25519 stanza; nullopt when the stanza is for somebody else.
Result<std::optional<Secret>> open_curve_stanza(const AgeIdentity& identity, const AgeStanza& stanza) {
    if (stanza.arguments.size() != 2 || stanza.body.size() != kSealedFileKeySize) {
        return altered("X25519 stanza");
    }
    const std::optional<Bytes> ephemeral_public = from_base64_raw(stanza.arguments[1]);
    if (!ephemeral_public || ephemeral_public->size() != 32) {
        return altered("X25519 stanza");
    }
    const std::optional<Secret> shared = x25519_agree(identity.private_key.view(), *ephemeral_public);
    if (!shared) {
        return altered("X25519 share of small order");
    }
    Secret file_key(kFileKeySize);
    const ByteView body = stanza.body;
    const bool is_ours = make_box(wrapping_key(shared->view(), *ephemeral_public, identity.public_key).view())
                             .open(ChunkNonce{}, {}, body.first(kFileKeySize), body.last(kBoxTagSize),
                                   file_key.mutable_view());
    if (!is_ours) {
        return std::optional<Secret>();
    }
    return std::optional<Secret>(std::move(file_key));
}

/// Every X25519 stanza is parsed, also those after the one that opens.
Result<Secret> open_file_key(const AgeIdentity& identity, const AgeHeader& header) {
    std::optional<Secret> found;
    for (const AgeStanza& stanza : header.stanzas) {
        if (stanza.arguments[0] == kPassphraseType && header.stanzas.size() > 1) {
            return altered("a passphrase stanza beside others");
        }
        if (stanza.arguments[0] != kCurveType) {
            continue;
        }
        std::optional<Secret> file_key = TRY(open_curve_stanza(identity, stanza));
        if (file_key && !found) {
            found = std::move(file_key);
        }
    }
    if (!found) {
        return Error{Fault::wrong_secret,
                     "The age file is not sealed to this identity; use the one it was sealed to."};
    }
    return std::move(*found);
}

Result<Secret> open_payload(const Secret& file_key, ByteView payload) {
    if (payload.size() < kPayloadNonceSize + kBoxTagSize) {
        return altered("no payload");
    }
    const ByteView nonce = payload.first(kPayloadNonceSize);
    ByteView left = payload.subspan(kPayloadNonceSize);
    const std::size_t chunks = (left.size() + kSealedChunk - 1) / kSealedChunk;
    if (left.size() - (chunks - 1) * kSealedChunk < kBoxTagSize) {
        return altered("last chunk");
    }
    const std::size_t plain_size = left.size() - chunks * kBoxTagSize;
    if (plain_size > kLargestPlain) {
        return Error{Fault::limit, "The age file holds more than 64 MiB; open it with the age program."};
    }
    if (chunks > 1 && plain_size == (chunks - 1) * kChunk) {
        return altered("empty last chunk");
    }
    Secret plain(plain_size);
    AeadBox box = make_box(hkdf_sha256(file_key.view(), nonce, "payload", 32).view());
    for (std::size_t i = 0; i < chunks; ++i) {
        const ByteView sealed = left.first(std::min(left.size(), kSealedChunk));
        left = left.subspan(sealed.size());
        const std::size_t size_bytes = sealed.size() - kBoxTagSize;
        if (!box.open(chunk_nonce(i, i + 1 == chunks), {}, sealed.first(size_bytes), sealed.last(kBoxTagSize),
                      plain.mutable_view().subspan(i * kChunk, size_bytes))) {
            return altered("chunk " + std::to_string(i));
        }
    }
    return plain;
}

}  // namespace

Result<Bytes> age_seal(std::span<const std::array<Byte, 32>> recipients, ByteView plain, Entropy& entropy) {
    if (recipients.empty() || recipients.size() > kMostRecipients) {
        return Error{Fault::limit, "An age file has 1 to 16 recipients; choose as many."};
    }
    if (plain.size() > kLargestPlain) {
        return Error{Fault::limit, "An age file made here holds at most 64 MiB; seal it in parts."};
    }
    Secret file_key(kFileKeySize);
    entropy.fill(file_key.mutable_view());
    std::string header(kAgeVersionLine);
    for (const X25519Public& recipient : recipients) {
        TRY(write_curve_stanza(header, recipient, file_key, entropy));
    }
    header += kAgeMacMark;
    const Digest mac = header_mac(file_key.view(), as_bytes(header));
    header += ' ';
    header += to_base64_raw(mac.view());
    header += '\n';

    Bytes out;
    const std::size_t chunks = plain.size() / kChunk + 1;
    out.reserve(header.size() + kPayloadNonceSize + plain.size() + chunks * kBoxTagSize);
    append(out, as_bytes(header));
    append_payload(out, file_key, plain, entropy);
    return out;
}

Result<Secret> age_open(const AgeIdentity& identity, ByteView file) {
    const AgeHeader header = TRY(parse_age_header(file));
    const Secret file_key = TRY(open_file_key(identity, header));
    if (!equal_secret(header_mac(file_key.view(), header.authenticated).view(), header.mac)) {
        return altered("header MAC");
    }
    return open_payload(file_key, header.payload);
}

}  // namespace firedrill::crypto
