// Durations, monotonic instants, wall times, and their text forms. Values only: nothing here reads a clock.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace firedrill {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A point on one node's monotonic clock (CLOCK_BOOTTIME: it goes on during sleep). Comparable only within a
/// boot.
struct Instant {
    std::int64_t ns = 0;
    auto operator<=>(const Instant&) const = default;
    friend Instant operator+(Instant a, Duration d) { return {a.ns + d.count()}; }
    friend Instant operator-(Instant a, Duration d) { return {a.ns - d.count()}; }
    friend Duration operator-(Instant a, Instant b) { return Duration(a.ns - b.ns); }
};

/// Nanoseconds since 1970-01-01T00:00:00Z as the node believes it; may step either way. A label, never an
/// order.
struct WallTime {
    std::int64_t ns = 0;
    auto operator<=>(const WallTime&) const = default;
    friend WallTime operator+(WallTime a, Duration d) { return {a.ns + d.count()}; }
    friend Duration operator-(WallTime a, WallTime b) { return Duration(a.ns - b.ns); }
};

/// "2026-03-01T12:00:00Z" (seconds) in UTC, proleptic Gregorian.
std::string format_utc(WallTime at);
/// RFC 9110 section 5.6.7 IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_http_date(WallTime at);
/// Exactly "YYYY-MM-DDTHH:MM:SSZ".
Result<WallTime> parse_utc(std::string_view text);

/// "90s", "15m", "1h30m", "3d", "41d 03:10", "250ms": units ms s m h d w, then optionally " HH:MM". Not
/// negative.
Result<Duration> parse_duration(std::string_view text);
/// Shortest exact text of the same grammar: "1h30m", "0s".
std::string format_duration(Duration duration);
inline double seconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace firedrill
