// Rules for text that comes from people. Pure; callable from any thread.
#pragma once

#include <string_view>

namespace firedrill {

/// Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing past U+10FFFF).
bool is_utf8(std::string_view text) noexcept;
/// Code points of well-formed UTF-8.
std::size_t count_characters(std::string_view text) noexcept;
/// Well-formed UTF-8 without control characters (C0, DEL, C1); with `takes_lines`, tab and line feed may
/// stand in it.
bool is_plain_text(std::string_view text, bool takes_lines) noexcept;
/// Nothing but spaces, tabs and line ends: no answer.
bool is_blank(std::string_view text) noexcept;

}  // namespace firedrill
