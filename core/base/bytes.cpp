#include "base/bytes.h"

namespace firedrill {

namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode64(ByteView bytes, std::string_view alphabet) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    int held = 0;
    for (Byte byte : bytes) {
        bits = (bits << 8) | byte;
        held += 8;
        while (held >= 6) {
            held -= 6;
            out.push_back(alphabet[(bits >> held) & 63]);
        }
    }
    if (held > 0) {
        out.push_back(alphabet[(bits << (6 - held)) & 63]);
    }
    return out;
}

std::optional<Bytes> decode64(std::string_view text, std::string_view alphabet) {
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    Bytes out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    int held = 0;
    for (char c : text) {
        const std::size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6) | static_cast<std::uint32_t>(digit);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out.push_back(static_cast<Byte>(bits >> held));
        }
    }
    if ((bits & ((1u << held) - 1)) != 0) {
        return std::nullopt;
    }
    return out;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

std::uint64_t load_little(const Byte* from, std::size_t count) noexcept {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < count; ++i) {
        v |= static_cast<std::uint64_t>(from[i]) << (8 * i);
    }
    return v;
}

void store_little(Byte* to, std::uint64_t v, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        to[i] = static_cast<Byte>(v >> (8 * i));
    }
}

}  // namespace

ByteView Reader::bytes(std::size_t size) {
    if (!ok_ || left() < size) {
        ok_ = false;
        return {};
    }
    ByteView out = in_.subspan(at_, size);
    at_ += size;
    return out;
}

ByteView Reader::sized(std::size_t limit) {
    const std::size_t size = u32();
    if (size > limit) {
        ok_ = false;
        return {};
    }
    return bytes(size);
}

std::uint64_t Reader::get(std::size_t count) {
    ByteView v = bytes(count);
    return v.size() == count ? load_little(v.data(), count) : 0;
}

std::uint32_t load_u32(const Byte* from) noexcept {
    return static_cast<std::uint32_t>(load_little(from, 4));
}
std::uint64_t load_u64(const Byte* from) noexcept {
    return load_little(from, 8);
}
void store_u32(Byte* to, std::uint32_t v) noexcept {
    store_little(to, v, 4);
}
void store_u64(Byte* to, std::uint64_t v) noexcept {
    store_little(to, v, 8);
}

std::string to_hex(ByteView bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (Byte byte : bytes) {
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    Bytes out(text.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out[i] = static_cast<Byte>(high * 16 + low);
    }
    return out;
}

std::string to_base64(ByteView bytes) {
    std::string out = encode64(bytes, kBase64);
    out.resize((out.size() + 3) / 4 * 4, '=');
    return out;
}
std::string to_base64url(ByteView bytes) {
    return encode64(bytes, kBase64Url);
}
std::optional<Bytes> from_base64url(std::string_view text) {
    return decode64(text, kBase64Url);
}
std::string to_base64_raw(ByteView bytes) {
    return encode64(bytes, kBase64);
}
std::optional<Bytes> from_base64_raw(std::string_view text) {
    return decode64(text, kBase64);
}

}  // namespace firedrill
