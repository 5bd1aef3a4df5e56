#include "forms/values.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace firedrill::forms {

namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool are_digits(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

struct Number {
    bool is_negative = false;
    std::string_view whole;
    std::string_view fraction;  // without trailing zeroes
};

Number split_number(std::string_view text) noexcept {
    Number out;
    out.is_negative = text.starts_with('-');
    text.remove_prefix(out.is_negative ? 1 : 0);
    const std::size_t point = text.find('.');
    out.whole = text.substr(0, point);
    if (point != std::string_view::npos) {
        out.fraction = text.substr(point + 1);
        out.fraction = out.fraction.substr(0, out.fraction.find_last_not_of('0') + 1);
    }
    if (out.whole == "0" && out.fraction.empty()) {
        out.is_negative = false;
    }
    return out;
}

std::strong_ordering compare_magnitudes(const Number& a, const Number& b) noexcept {
    if (a.whole.size() != b.whole.size()) {
        return a.whole.size() <=> b.whole.size();
    }
    if (const auto order = a.whole <=> b.whole; order != 0) {
        return order;
    }
    return a.fraction <=> b.fraction;
}

}  // namespace

bool is_integer(std::string_view text) noexcept {
    std::int32_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    return fault == std::errc{} && end == text.data() + text.size() && std::to_string(value) == text;
}

bool is_decimal(std::string_view text) noexcept {
    if (text.starts_with('-')) {
        text.remove_prefix(1);
    }
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    if (!are_digits(whole) || (whole.size() > 1 && whole.front() == '0')) {
        return false;
    }
    if (point != std::string_view::npos && !are_digits(text.substr(point + 1))) {
        return false;
    }
    return text.size() - (point == std::string_view::npos ? 0 : 1) <= 18;
}

bool is_date(std::string_view text) noexcept {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !are_digits(text.substr(0, 4)) ||
        !are_digits(text.substr(5, 2)) || !are_digits(text.substr(8, 2))) {
        return false;
    }
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    std::from_chars(text.data(), text.data() + 4, year);
    std::from_chars(text.data() + 5, text.data() + 7, month);
    std::from_chars(text.data() + 8, text.data() + 10, day);
    using namespace std::chrono;
    return year >= 1 &&
           year_month_day{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)}.ok();
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) noexcept {
    const Number left = split_number(a);
    const Number right = split_number(b);
    if (left.is_negative != right.is_negative) {
        return left.is_negative ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    return left.is_negative ? compare_magnitudes(right, left) : compare_magnitudes(left, right);
}

}  // namespace firedrill::forms
