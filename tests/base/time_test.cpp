#include "base/time.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace firedrill {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The example of RFC 9110 section 5.6.7.
TEST(WallTime, PrintsTheDateOfTheHttpStandard) {
    const WallTime at{784111777 * kSecond};
    EXPECT_EQ(format_http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_utc(at), "1994-11-06T08:49:37Z");
}

TEST(WallTime, KnowsLeapDaysAndTheEpoch) {
    EXPECT_EQ(format_utc(WallTime{0}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(format_utc(WallTime{-kSecond}), "1969-12-31T23:59:59Z");
    const auto leap = parse_utc("2024-02-29T23:59:59Z");
    ASSERT_TRUE(leap.is_ok());
    EXPECT_EQ(format_utc(*leap + std::chrono::seconds(1)), "2024-03-01T00:00:00Z");
}

TEST(WallTime, RefusesWhatIsNoDate) {
    for (const char* text :
         {"", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01T12:00:00z", "2026-02-29T00:00:00Z",
          "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z",
          "2026-03-01T12:00:60Z", " 2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z ", "2026-03-01 12:00:00Z",
          "-026-03-01T12:00:00Z"}) {
        const auto result = parse_utc(text);
        ASSERT_FALSE(result.is_ok()) << text;
        EXPECT_EQ(result.error().fault, Fault::bad_input) << text;
    }
}

RC_GTEST_PROP(WallTime, RoundTripsThroughText, ()) {
    // Years 0001 to 2262: the range of both the text and of 64-bit nanoseconds.
    const auto second = *rc::gen::inRange<std::int64_t>(-9'000'000'000, 9'000'000'000);
    const WallTime at{second * kSecond};
    const auto back = parse_utc(format_utc(at));
    RC_ASSERT(back.is_ok());
    RC_ASSERT(*back == at);
}

TEST(Duration, ReadsEveryUnit) {
    const std::pair<const char*, Duration> samples[] = {
        {"0s", 0s},
        {"90s", 90s},
        {"250ms", 250ms},
        {"15m", 15min},
        {"1h30m", 90min},
        {"3d", 72h},
        {"2w", 14 * 24h},
        {"41d 03:10", 41 * 24h + 3h + 10min},
        {"1m250ms", 60s + 250ms},
        {"0d 00:00", 0s},
    };
    for (const auto& [text, expected] : samples) {
        const auto got = parse_duration(text);
        ASSERT_TRUE(got.is_ok()) << text;
        EXPECT_EQ(*got, expected) << text;
    }
}

TEST(Duration, RefusesWhatIsNone) {
    for (const char* text :
         {"", " ", "5", "s", "-5s", "+5s", "5 s", "5y", "1.5h", "1d  03:10", "1d 3:10", "1d 24:00",
          "1d 03:60", " 03:10", "99999999999999999999s", "1000000w", "5s ", "5S"}) {
        const auto result = parse_duration(text);
        ASSERT_FALSE(result.is_ok()) << text;
        EXPECT_EQ(result.error().fault, Fault::bad_input) << text;
    }
}

TEST(Duration, FormatsTheShortestExactText) {
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_duration(90s), "1m30s");
    EXPECT_EQ(format_duration(90min), "1h30m");
    EXPECT_EQ(format_duration(14 * 24h), "14d");
    EXPECT_EQ(format_duration(250ms), "250ms");
}

RC_GTEST_PROP(Duration, RoundTripsThroughText, ()) {
    const auto ms = *rc::gen::inRange<std::int64_t>(0, 100ll * 365 * 86400 * 1000);
    const Duration duration = std::chrono::milliseconds(ms);
    const auto back = parse_duration(format_duration(duration));
    RC_ASSERT(back.is_ok());
    RC_ASSERT(*back == duration);
}

TEST(Instant, DifferencesAndSumsAgree) {
    const Instant start{5 * kSecond};
    EXPECT_EQ((start + 3s) - start, Duration(3s));
    EXPECT_EQ((start + 3s) - 3s, start);
    EXPECT_LT(start, start + 1ns);
}

}  // namespace
}  // namespace firedrill
