#include "sim/canary.h"

#include <algorithm>

namespace firedrill::sim {

namespace {

constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";  // 32: each byte's low five bits

Bytes widen(ByteView secret, bool is_big_endian) {
    Bytes out;
    for (Byte byte : secret) {
        out.push_back(is_big_endian ? Byte{0} : byte);
        out.push_back(is_big_endian ? byte : Byte{0});
    }
    return out;
}

Bytes hex(ByteView secret, bool is_upper, std::string_view before) {
    std::string out;
    for (Byte byte : secret) {
        out += before;
        out += to_hex(ByteView(&byte, 1));
    }
    if (is_upper) {
        std::transform(out.begin(), out.end(), out.begin(),
                       [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
    }
    return {out.begin(), out.end()};
}

/// The base64 characters that `secret` alone decides when `shift` bytes precede it.
Bytes base64_core(ByteView secret, std::size_t shift, bool is_url) {
    Bytes padded(shift, 0);
    append(padded, secret);
    const std::string text = is_url ? to_base64url(padded) : to_base64(padded);
    const std::size_t first = (shift * 8 + 5) / 6;
    const std::size_t last = padded.size() * 8 / 6;
    return {text.begin() + static_cast<std::ptrdiff_t>(first),
            text.begin() + static_cast<std::ptrdiff_t>(last)};
}

}  // namespace

std::string make_canary(const std::array<Byte, kCanaryTail>& random) {
    std::string out(kCanaryPrefix);
    for (Byte byte : random) {
        out += kAlphabet[byte % kAlphabet.size()];
    }
    return out;
}

std::vector<std::string> find_canaries(std::string_view plain) {
    std::vector<std::string> found;
    for (std::size_t at = plain.find(kCanaryPrefix); at != std::string_view::npos;
         at = plain.find(kCanaryPrefix, at + 1)) {
        const std::string_view word = plain.substr(at, kCanarySize);
        const std::string_view tail = word.substr(std::min(kCanaryPrefix.size(), word.size()));
        if (word.size() == kCanarySize && tail.find_first_not_of(kAlphabet) == std::string_view::npos) {
            found.emplace_back(word);
        }
    }
    return found;
}

std::vector<Encoded> encode_all_ways(ByteView secret) {
    std::vector<Encoded> all{{"raw", {secret.begin(), secret.end()}}, {"utf-16le", widen(secret, false)},
                             {"utf-16be", widen(secret, true)},       {"hex", hex(secret, false, "")},
                             {"HEX", hex(secret, true, "")},          {"percent", hex(secret, false, "%")},
                             {"PERCENT", hex(secret, true, "%")}};
    for (std::size_t shift = 0; shift < 3; ++shift) {
        all.push_back({"base64", base64_core(secret, shift, false)});
        all.push_back({"base64url", base64_core(secret, shift, true)});
    }
    std::vector<Encoded> unique;
    for (Encoded& one : all) {
        const bool is_known = std::any_of(unique.begin(), unique.end(),
                                          [&](const Encoded& other) { return other.bytes == one.bytes; });
        if (!is_known && !one.bytes.empty()) {
            unique.push_back(std::move(one));
        }
    }
    return unique;
}

}  // namespace firedrill::sim
