// What an authenticator app does with an otpauth address: an own reading of it, so that tests and fuzz
// targets do not ask the writer whether the writer is right.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace firedrill::test {

/// RFC 4648 base 32 without padding; nullopt for other letters or bits left over that are not zero.
inline std::optional<Bytes> from_base32(std::string_view text) {
    Bytes out;
    std::uint64_t held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
        if (value < 0) {
            return std::nullopt;
        }
        held = held * 32 + static_cast<unsigned>(value);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<Byte>(held >> bits));
            held %= std::uint64_t{1} << bits;
        }
    }
    return held == 0 && bits < 5 ? std::optional(out) : std::nullopt;
}

inline std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const auto digit = [&](std::size_t at) -> int {
            const char c = at < text.size() ? text[at] : 'x';
            return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        };
        if (digit(i + 1) < 0 || digit(i + 2) < 0) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(digit(i + 1) * 16 + digit(i + 2)));
        i += 2;
    }
    return out;
}

struct Enrolment {
    std::string issuer;
    std::string account;
    Bytes secret;
};
/// Nullopt unless it is an address as our pages write it, with one issuer in both places.
inline std::optional<Enrolment> read_otpauth(std::string_view address) {
    constexpr std::string_view kStart = "otpauth://totp/";
    const std::size_t colon = address.find(':', kStart.size());
    const std::size_t secret = address.find("?secret=");
    const std::size_t issuer = address.find("&issuer=");
    if (!address.starts_with(kStart) || colon == std::string_view::npos || secret == std::string_view::npos ||
        issuer == std::string_view::npos || colon > secret || secret > issuer) {
        return std::nullopt;
    }
    const auto before = percent_decode(address.substr(kStart.size(), colon - kStart.size()));
    const auto account = percent_decode(address.substr(colon + 1, secret - colon - 1));
    const auto key = from_base32(address.substr(secret + 8, issuer - secret - 8));
    const auto after = percent_decode(address.substr(issuer + 8));
    if (!before || !account || !key || !after || *before != *after) {
        return std::nullopt;
    }
    return Enrolment{*before, *account, *key};
}

}  // namespace firedrill::test
