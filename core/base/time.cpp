#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace firedrill {

namespace {

struct Civil {
    std::int64_t year;
    unsigned month, day, hour, minute, second, weekday;  // weekday: 0 = Sunday
};

Civil to_civil(WallTime at) {
    using namespace std::chrono;
    const sys_time<nanoseconds> point{nanoseconds(at.ns)};
    const auto day = floor<days>(point);
    const year_month_day date{day};
    const hh_mm_ss clock{floor<std::chrono::seconds>(point - day)};
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            static_cast<unsigned>(clock.hours().count()),
            static_cast<unsigned>(clock.minutes().count()),
            static_cast<unsigned>(clock.seconds().count()),
            weekday{day}.c_encoding()};
}

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 6> kUnits{{{"w", 7 * 86400 * kSecond},
                                      {"d", 86400 * kSecond},
                                      {"h", 3600 * kSecond},
                                      {"m", 60 * kSecond},
                                      {"s", kSecond},
                                      {"ms", 1'000'000}}};

Error bad_duration(std::string_view text) {
    return {Fault::bad_input,
            fmt::format("\"{}\" is not a duration; write for example 90s, 15m, 1h30m, 3d or \"41d 03:10\"",
                        text)};
}

bool read_number(std::string_view& text, std::int64_t& out) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || out < 0 || end == text.data()) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

}  // namespace

std::string format_utc(WallTime at) {
    const Civil c = to_civil(at);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute,
                       c.second);
}

std::string format_http_date(WallTime at) {
    constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const Civil c = to_civil(at);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[c.weekday], c.day,
                       kMonths[c.month - 1], c.year, c.hour, c.minute, c.second);
}

Result<WallTime> parse_utc(std::string_view text) {
    auto fail = [&] {
        return Error{Fault::bad_input,
                     fmt::format("\"{}\" is not a UTC time of the form YYYY-MM-DDTHH:MM:SSZ", text)};
    };
    constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
    if (text.size() != kShape.size()) {
        return fail();
    }
    std::array<int, 20> digit{};
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        if (kShape[i] == 'd' ? (text[i] < '0' || text[i] > '9') : text[i] != kShape[i]) {
            return fail();
        }
        digit[i] = text[i] - '0';
    }
    auto two = [&](std::size_t i) { return static_cast<unsigned>(digit[i] * 10 + digit[i + 1]); };
    using namespace std::chrono;
    const year_month_day date{year{static_cast<int>(two(0) * 100 + two(2))}, month{two(5)}, day{two(8)}};
    if (!date.ok() || two(11) > 23 || two(14) > 59 || two(17) > 59) {
        return fail();
    }
    const auto point = sys_days{date} + hours(two(11)) + minutes(two(14)) + std::chrono::seconds(two(17));
    return WallTime{duration_cast<nanoseconds>(point.time_since_epoch()).count()};
}

Result<Duration> parse_duration(std::string_view text) {
    std::string_view rest = text;
    constexpr std::int64_t kLimit = 200ll * 366 * 86400 * kSecond;
    std::int64_t total = 0;
    bool any = false;
    while (!rest.empty() && rest.front() != ' ') {
        std::int64_t number = 0;
        if (!read_number(rest, number)) {
            return bad_duration(text);
        }
        const Unit* found = nullptr;
        for (const Unit& unit : kUnits) {
            if (rest.starts_with(unit.name) && (found == nullptr || unit.name.size() > found->name.size())) {
                found = &unit;
            }
        }
        if (found == nullptr || number > kLimit / found->ns || total > kLimit - number * found->ns) {
            return bad_duration(text);
        }
        rest.remove_prefix(found->name.size());
        total += number * found->ns;
        any = true;
    }
    if (!rest.empty()) {  // " HH:MM"
        auto is_digit = [&](std::size_t i) { return rest[i] >= '0' && rest[i] <= '9'; };
        if (rest.size() != 6 || rest[3] != ':' || !is_digit(1) || !is_digit(2) || !is_digit(4) ||
            !is_digit(5)) {
            return bad_duration(text);
        }
        const std::int64_t hour = (rest[1] - '0') * 10 + (rest[2] - '0');
        const std::int64_t minute = (rest[4] - '0') * 10 + (rest[5] - '0');
        if (hour > 23 || minute > 59) {
            return bad_duration(text);
        }
        total += (hour * 60 + minute) * 60 * kSecond;
    }
    if (!any) {
        return bad_duration(text);
    }
    return Duration(total);
}

std::string format_duration(Duration duration) {
    std::int64_t left = duration.count();
    std::string out;
    for (const Unit& unit : kUnits) {
        if (unit.name == "w") {
            continue;
        }
        const std::int64_t count = left / unit.ns;
        if (count > 0) {
            out += fmt::format("{}{}", count, unit.name);
            left -= count * unit.ns;
        }
    }
    return out.empty() ? "0s" : out;
}

}  // namespace firedrill
