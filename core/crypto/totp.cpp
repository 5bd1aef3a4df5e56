#include "crypto/totp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include <botan/mac.h>

#include "base/check.h"

namespace firedrill::crypto {

namespace {

constexpr std::uint32_t kCodes = 1'000'000;
constexpr std::size_t kLongestTyped = 32;

Botan::MessageAuthenticationCode& thread_hmac_sha1() {
    thread_local const std::unique_ptr<Botan::MessageAuthenticationCode> mac =
        Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-1)");
    return *mac;
}

bool is_unreserved(char c) noexcept {  // RFC 3986, section 2.3
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encode_all(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += is_unreserved(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace

std::uint64_t totp_step(WallTime at) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(at.ns, 0) / 1'000'000'000 / kTotpPeriodSeconds);
}

std::uint32_t totp_code(ByteView secret, std::uint64_t step) {
    std::array<Byte, 8> counter{};  // most significant byte first
    for (std::size_t i = 0; i < counter.size(); ++i) {
        counter[i] = static_cast<Byte>(step >> (56 - 8 * i));
    }
    Botan::MessageAuthenticationCode& mac = thread_hmac_sha1();
    mac.set_key(secret);
    mac.update(counter);
    std::array<Byte, 20> hash{};
    mac.final(std::span<Byte>(hash));
    mac.clear();  // forgets the key
    const std::size_t at = hash[19] & 15U;
    const std::uint32_t number = (static_cast<std::uint32_t>(hash[at] & 127U) << 24U) |
                                 (static_cast<std::uint32_t>(hash[at + 1]) << 16U) |
                                 (static_cast<std::uint32_t>(hash[at + 2]) << 8U) | hash[at + 3];
    zeroise(MutableBytes(hash));
    return number % kCodes;
}

std::string write_totp_code(std::uint32_t code) {
    CHECK(code < kCodes);
    return fmt::format("{:06}", code);
}

std::optional<std::uint32_t> read_totp_code(std::string_view typed) noexcept {
    std::uint32_t value = 0;
    std::size_t digits = 0;
    if (typed.size() > kLongestTyped) {
        return std::nullopt;
    }
    for (const char c : typed) {
        if (c == ' ' || c == '-') {
            continue;
        }
        if (c < '0' || c > '9' || digits == kTotpDigits) {
            return std::nullopt;
        }
        value = value * 10 + static_cast<std::uint32_t>(c - '0');
        ++digits;
    }
    return digits == kTotpDigits ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> match_totp(ByteView secret, std::uint32_t code, std::uint64_t now,
                                        std::uint64_t last_step) {
    std::optional<std::uint64_t> out;
    for (const std::uint64_t step : {now + 1, now, now == 0 ? 0 : now - 1}) {
        if (totp_code(secret, step) == code && step > last_step) {
            out = step;
        }
    }
    return out;
}

std::string to_base32(ByteView bytes) {
    constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string out;
    std::uint32_t held = 0;
    std::uint32_t bits = 0;
    for (const Byte byte : bytes) {
        held = (held << 8U) | byte;
        for (bits += 8; bits >= 5;) {
            bits -= 5;
            out.push_back(kLetters[(held >> bits) & 31U]);
        }
        held &= (1U << bits) - 1;
    }
    if (bits > 0) {
        out.push_back(kLetters[(held << (5 - bits)) & 31U]);
    }
    return out;
}

std::string write_otpauth(std::string_view issuer, std::string_view account, ByteView secret) {
    const std::string name = percent_encode_all(issuer);
    std::string letters = to_base32(secret);
    std::string out = fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}", name,
                                  percent_encode_all(account), letters, name);
    zeroise(letters);
    return out;
}

}  // namespace firedrill::crypto
