#include "base/text.h"

#include <algorithm>
#include <optional>

namespace firedrill {

namespace {

// Takes one code point off the front; nullopt when the bytes there are not one.
std::optional<char32_t> take_character(std::string_view& text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() < size) {
        return std::nullopt;
    }
    char32_t point = size == 1 ? lead : lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80) {
            return std::nullopt;
        }
        point = (point << 6) | (next & 0x3F);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
        return std::nullopt;
    }
    text.remove_prefix(size);
    return point;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        if (!take_character(text)) {
            return false;
        }
    }
    return true;
}

std::size_t count_characters(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_plain_text(std::string_view text, bool takes_lines) noexcept {
    while (!text.empty()) {
        const auto point = take_character(text);
        if (!point) {
            return false;
        }
        const bool is_line = *point == '\n' || *point == '\t';
        const bool is_control = *point < 0x20 || (*point >= 0x7F && *point <= 0x9F);
        if (is_control && !(takes_lines && is_line)) {
            return false;
        }
    }
    return true;
}

bool is_blank(std::string_view text) noexcept {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace firedrill
