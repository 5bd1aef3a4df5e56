// Clocks that jump around the hour at which a segment is closed, and a log disk that is far slower than the
// other.
#include <algorithm>

#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kFirst = store_id(1);

std::string insert(int id) {
    return fmt::format("INSERT INTO note (id, body) VALUES ({}, 'row')", id);
}

std::ptrdiff_t segments_of(const sim::SimDisk& disk) {
    const auto names = disk.peek_names();
    return std::count_if(names.begin(), names.end(),
                         [](const std::string& name) { return parse_segment_name(name).has_value(); });
}

void expect_ok(const Status& status) {
    ASSERT_TRUE(status.is_ok()) << status.error().text;
}

class SteppedClock : public testing::TestWithParam<Duration> {};

TEST_P(SteppedClock, AroundTheHourOfARotationLosesNothingAndSegmentsStillEnd) {
    StoreWorld world(1, 2);
    expect_ok(world.create());
    expect_ok(world.unlock(kFirst));
    int rows = 0;
    for (int round = 0; round < 3; ++round) {
        const auto before = segments_of(*world.logs[0]);
        world.universe.loop.run_for(59min);
        expect_ok(world.execute(kFirst, insert(++rows)));
        world.machine->clock().step_wall(GetParam());
        expect_ok(world.execute(kFirst, insert(++rows)));
        world.universe.loop.run_for(90s);
        expect_ok(world.execute(kFirst, insert(++rows)));
        world.universe.loop.run_for(62min);
        EXPECT_GT(segments_of(*world.logs[0]), before) << "no segment ended, round " << round;
        EXPECT_LE(segments_of(*world.logs[0]), before + 4) << "round " << round;
    }
    EXPECT_FALSE(world.storage->health().is_degraded);

    expect_ok(world.restart());

    EXPECT_TRUE(world.storage->health().notes.empty()) << world.storage->health().notes.front();
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), std::to_string(rows));
    expect_ok(world.read(kFirst, check_integrity));
}

INSTANTIATE_TEST_SUITE_P(LeapSecondSummerTimeAndWrongClocks, SteppedClock,
                         testing::Values(Duration(-1s), Duration(1s), Duration(-1h), Duration(1h),
                                         Duration(-5h), Duration(48h), Duration(-24h * 365)));

TEST(SlowMirror, AHundredTimesSlowerThanTheOtherHoldsEverythingThatWasPromised) {
    for (const std::size_t slow : {std::size_t{0}, std::size_t{1}}) {
        SCOPED_TRACE(slow);
        StoreWorld world(1, 2);
        expect_ok(world.create());
        world.logs[slow]->set_slowness(100);
        expect_ok(world.unlock(kFirst));
        for (int row = 1; row <= 20; ++row) {
            expect_ok(world.execute(kFirst, insert(row)));
        }
        EXPECT_FALSE(world.storage->health().is_degraded) << "slow is not broken";
        world.machine->cut_power();
        world.logs[1 - slow]->replace();
        world.boot();

        expect_ok(world.open());

        expect_ok(world.unlock(kFirst));
        EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "20") << "on the slow disk alone";
    }
}

}  // namespace
}  // namespace firedrill::store
