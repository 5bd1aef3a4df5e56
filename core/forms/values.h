// What an answer of each item type may look like, and how two answers compare. Pure; used inside forms/ only.
#pragma once

#include <compare>
#include <string_view>

namespace firedrill::forms {

/// FHIR integer: 32 bits, no leading zeroes, no plus sign.
bool is_integer(std::string_view text) noexcept;
/// -?digits(.digits)?, no leading zeroes, at most 18 digits: what JSON takes as it stands.
bool is_decimal(std::string_view text) noexcept;
/// YYYY-MM-DD, a day that exists, years 0001–9999.
bool is_date(std::string_view text) noexcept;

/// Both is_integer() or is_decimal().
std::strong_ordering compare_numbers(std::string_view a, std::string_view b) noexcept;

}  // namespace firedrill::forms
