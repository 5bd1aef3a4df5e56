#include "crypto/bech32.h"

namespace firedrill::crypto {
namespace {

constexpr std::string_view kDigits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumDigits = 6;
constexpr std::size_t kLongestText = 1024;

/// One step of the checksum's polynomial remainder.
std::uint32_t step(std::uint32_t sum, std::uint32_t digit) {
    constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                      0x2a1462b3};
    const std::uint32_t top = sum >> 25U;
    sum = ((sum & 0x1ffffffU) << 5U) ^ digit;
    for (std::size_t i = 0; i < kGenerator.size(); ++i) {
        if (((top >> i) & 1U) != 0) {
            sum ^= kGenerator[i];
        }
    }
    return sum;
}

std::uint32_t sum_of_prefix(std::string_view prefix) {
    std::uint32_t sum = 1;
    for (const char c : prefix) {
        sum = step(sum, static_cast<std::uint32_t>(c) >> 5U);
    }
    sum = step(sum, 0);
    for (const char c : prefix) {
        sum = step(sum, static_cast<std::uint32_t>(c) & 31U);
    }
    return sum;
}

Error malformed(std::string_view prefix) {
    return {Fault::bad_input, "The text is not a key that starts with \"" + std::string(prefix) +
                                  "1\"; check that it is complete."};
}

}  // namespace

Secret bech32_encode(std::string_view prefix, ByteView data) {
    const std::size_t digits = (data.size() * 8 + 4) / 5;
    Secret out(prefix.size() + 1 + digits + kChecksumDigits);
    Byte* at = out.mutable_view().data();
    for (const char c : prefix) {
        *at++ = static_cast<Byte>(c);
    }
    *at++ = '1';
    std::uint32_t sum = sum_of_prefix(prefix);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (held < 5) {
            const std::size_t next = (i * 5 + held) / 8;
            bits = (bits << 8U) | (next < data.size() ? data[next] : 0U);
            held += 8;
        }
        held -= 5;
        const std::uint32_t digit = (bits >> held) & 31U;
        sum = step(sum, digit);
        *at++ = static_cast<Byte>(kDigits[digit]);
    }
    for (std::size_t i = 0; i < kChecksumDigits; ++i) {
        sum = step(sum, 0);
    }
    sum ^= 1U;
    for (std::size_t i = 0; i < kChecksumDigits; ++i) {
        *at++ = static_cast<Byte>(kDigits[(sum >> (5U * (5 - i))) & 31U]);
    }
    return out;
}

Result<Secret> bech32_decode(std::string_view prefix, std::string_view text) {
    if (text.size() > kLongestText || text.size() < prefix.size() + 1 + kChecksumDigits ||
        !text.starts_with(prefix) || text[prefix.size()] != '1') {
        return malformed(prefix);
    }
    const std::string_view digits = text.substr(prefix.size() + 1);
    const std::size_t data_digits = digits.size() - kChecksumDigits;
    std::uint32_t sum = sum_of_prefix(prefix);
    Secret out(data_digits * 5 / 8);
    std::size_t written = 0;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const std::size_t digit = kDigits.find(digits[i]);
        if (digit == std::string_view::npos) {
            return malformed(prefix);
        }
        sum = step(sum, static_cast<std::uint32_t>(digit));
        if (i >= data_digits) {
            continue;
        }
        bits = (bits << 5U) | static_cast<std::uint32_t>(digit);
        held += 5;
        if (held >= 8) {
            held -= 8;
            out.mutable_view()[written++] = static_cast<Byte>(bits >> held);
        }
    }
    const bool is_padding_right = held < 5 && (bits & ((1U << held) - 1U)) == 0;
    if (sum != 1 || !is_padding_right || written != out.size_bytes()) {
        return malformed(prefix);
    }
    return out;
}

}  // namespace firedrill::crypto
