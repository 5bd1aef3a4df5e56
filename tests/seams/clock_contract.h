// What every Clock must keep (seams/clock.h), in both worlds.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "seams/worlds.h"

namespace firedrill::test {

/// Work that takes some microseconds of the real world's time.
inline void pass_real_time() {
    std::string text;
    for (int i = 0; i < 2000; ++i) {
        text += std::to_string(i);
    }
    EXPECT_FALSE(text.empty());
}

template <class World>
class ClockContract : public ::testing::Test {
  protected:
    World world_;
    Clock& clock_ = world_.clock();
};
TYPED_TEST_SUITE(ClockContract, Worlds, WorldNames);

TYPED_TEST(ClockContract, TimeStandsStillInsideAHandlerAndNeverGoesBack) {
    auto& clock = this->clock_;
    std::vector<Instant> seen;
    for (int i = 0; i < 50; ++i) {
        clock.defer([&] {
            const Instant before = clock.now();
            const WallTime wall = clock.wall();
            pass_real_time();
            EXPECT_EQ(before, clock.now());
            EXPECT_EQ(wall, clock.wall());
            seen.push_back(before);
        });
    }

    ASSERT_TRUE(this->world_.run_until([&] { return seen.size() == 50; }));

    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TYPED_TEST(ClockContract, DeferredHandlersRunInOrderAndNeverInsideTheCall) {
    auto& clock = this->clock_;
    std::vector<int> order;
    bool is_inside = false;
    for (int i = 0; i < 10; ++i) {
        clock.defer([&, i] {
            EXPECT_FALSE(is_inside);
            order.push_back(i);
            is_inside = true;
            clock.defer([&, i] { order.push_back(100 + i); });
            is_inside = false;
        });
    }
    EXPECT_TRUE(order.empty());

    ASSERT_TRUE(this->world_.run_until([&] { return order.size() == 20; }));

    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
        EXPECT_EQ(order[static_cast<std::size_t>(i) + 10], 100 + i);
    }
}

TYPED_TEST(ClockContract, TimersRunAtOrAfterTheirInstantEarlierOnesFirstAndTiesInOrder) {
    auto& clock = this->clock_;
    const Instant start = clock.now();
    std::vector<int> order;
    const auto set = [&](Duration after, int mark) {
        clock.call_at(start + after, [&, after, mark] {
            EXPECT_GE(clock.now(), start + after);
            order.push_back(mark);
        });
    };
    set(9ms, 5);
    set(3ms, 2);
    set(9ms, 6);
    set(1ms, 1);
    set(3ms, 3);
    set(-5ms, 0);
    set(3ms, 4);

    ASSERT_TRUE(this->world_.run_until([&] { return order.size() == 7; }));

    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));
}

TYPED_TEST(ClockContract, ACancelledTimerNeverRunsNotEvenWhenDue) {
    auto& clock = this->clock_;
    const Instant at = clock.now() + 2ms;
    bool is_done = false;
    TimerId second = TimerId::none;
    const TimerId first = clock.call_at(at, [&] { clock.cancel(second); });
    second =
        clock.call_at(at, [] { ADD_FAILURE() << "cancelled by the timer before it, at the same instant"; });
    const TimerId third = clock.call_at(at, [] { ADD_FAILURE() << "cancelled at once"; });
    EXPECT_NE(first, TimerId::none);
    EXPECT_NE(second, first);
    clock.cancel(third);
    clock.cancel(third);
    clock.cancel(TimerId::none);
    clock.call_at(at + 2ms, [&] {
        clock.cancel(first);  // it ran long ago
        is_done = true;
    });

    EXPECT_TRUE(this->world_.run_until([&] { return is_done; }));
}

TYPED_TEST(ClockContract, CancellingReleasesWhatTheHandlerHolds) {
    auto& clock = this->clock_;
    auto held = std::make_shared<int>(1);
    const TimerId id = clock.call_at(clock.now() + 1h, [held] {});
    EXPECT_EQ(held.use_count(), 2);

    clock.cancel(id);

    EXPECT_EQ(held.use_count(), 1);
}

TYPED_TEST(ClockContract, AfterTheEndNothingRunsAndHandlersAreDestroyed) {
    auto held = std::make_shared<int>(1);
    {
        TypeParam world;
        Clock& clock = world.clock();
        bool is_stopped = false;
        clock.defer([&] {
            is_stopped = true;
            world.stop();
        });
        clock.defer([held] { ADD_FAILURE() << "ran after the end"; });
        clock.call_at(clock.now() + 1h, [held] { ADD_FAILURE() << "ran after the end"; });
        (void)world.run_until([] { return false; });
        EXPECT_TRUE(is_stopped);
    }
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace firedrill::test
