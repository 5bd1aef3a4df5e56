// What an answer of each item type may look like, and how two answers compare. Pure; used inside forms/ only.
#pragma once

#include <compare>
#include <string_view>

namespace firedrill::forms {

/// Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing past U+10FFFF).
bool is_utf8(std::string_view text) noexcept;
/// Code points of well-formed UTF-8.
std::size_t count_characters(std::string_view text) noexcept;
/// Well-formed UTF-8 without control characters (C0, DEL, C1); with `takes_lines`, tab and line feed may
/// stand in it.
bool is_plain_text(std::string_view text, bool takes_lines) noexcept;
/// Nothing but spaces, tabs and line ends: no answer.
bool is_blank(std::string_view text) noexcept;

/// FHIR integer: 32 bits, no leading zeroes, no plus sign.
bool is_integer(std::string_view text) noexcept;
/// -?digits(.digits)?, no leading zeroes, at most 18 digits: what JSON takes as it stands.
bool is_decimal(std::string_view text) noexcept;
/// YYYY-MM-DD, a day that exists, years 0001–9999.
bool is_date(std::string_view text) noexcept;

/// Both is_integer() or is_decimal().
std::strong_ordering compare_numbers(std::string_view a, std::string_view b) noexcept;

}  // namespace firedrill::forms
