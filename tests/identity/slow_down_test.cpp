#include "identity/slow_down.h"

#include <gtest/gtest.h>

namespace firedrill::identity {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct World {
    SlowDown slow_down;
    Instant now{1'000'000'000'000};
    Duration guess(std::string_view login, std::string_view source) {
        return slow_down.admit("harbor", login, source, now);
    }
    void succeed(std::string_view login, std::string_view source) {
        slow_down.succeeded("harbor", login, source, now);
    }
};

TEST(SlowDown, AFewMistakesCostNothing) {
    World world;
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(world.guess("ada", "a"), Duration::zero()) << i;
    }
    EXPECT_GT(world.guess("ada", "a"), Duration::zero());
    EXPECT_EQ(world.guess("bob", "a"), Duration::zero());  // a colleague behind the same address
}

TEST(SlowDown, WaitsDoubleUpToAMinute) {
    World world;
    std::vector<std::int64_t> waits;
    for (int i = 0; i < 14; ++i) {
        const Duration wait = world.guess("ada", "a");
        if (wait > Duration::zero()) {
            waits.push_back(std::chrono::duration_cast<seconds>(wait).count());
            world.now = world.now + wait;
            EXPECT_EQ(world.guess("ada", "a"), Duration::zero());
        }
    }
    EXPECT_EQ(waits, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 60, 60, 60}));
}

TEST(SlowDown, RefusedAttemptsDoNotLengthenTheWait) {
    World world;
    for (int i = 0; i < 5; ++i) {
        (void)world.guess("ada", "a");
    }
    for (int i = 0; i < 1000; ++i) {
        EXPECT_GT(world.guess("ada", "a"), Duration::zero());
    }
    world.now = world.now + seconds(1);
    EXPECT_EQ(world.guess("ada", "a"), Duration::zero());
}

TEST(SlowDown, SpreadGuessingSlowsTheAccountButNotWhereItsPersonSignedInBefore) {
    World world;
    EXPECT_EQ(world.guess("ada", "home"), Duration::zero());
    world.succeed("ada", "home");
    for (int i = 0; i < 100; ++i) {
        (void)world.guess("ada", std::to_string(i));
        world.now = world.now + std::chrono::milliseconds(1);
    }
    EXPECT_GT(world.guess("ada", "elsewhere"), Duration::zero());
    EXPECT_LE(world.guess("ada", "elsewhere"), seconds(30));
    EXPECT_EQ(world.guess("ada", "home"), Duration::zero());
}

TEST(SlowDown, OneSourceTryingManyAccountsIsSlowed) {
    World world;
    int admitted = 0;
    for (int i = 0; i < 200; ++i) {
        admitted += world.guess("p" + std::to_string(i), "sprayer") == Duration::zero() ? 1 : 0;
    }
    EXPECT_EQ(admitted, 31);
    EXPECT_EQ(world.guess("ada", "other"), Duration::zero());
}

TEST(SlowDown, ABusyPracticeBehindOneAddressIsNeverSlowed) {
    World world;
    for (int i = 0; i < 500; ++i) {
        const std::string login = "person" + std::to_string(i % 40);
        EXPECT_EQ(world.guess(login, "office"), Duration::zero()) << i;
        world.succeed(login, "office");
    }
}

TEST(SlowDown, AnHourOfQuietForgivesAll) {
    World world;
    for (int i = 0; i < 30; ++i) {
        (void)world.guess("ada", "a");
        world.now = world.now + minutes(2);
    }
    world.now = world.now + minutes(61);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(world.guess("ada", "a"), Duration::zero()) << i;
    }
}

TEST(SlowDown, RemembersABoundedNumberAndForgetsTheLongestUnused) {
    World world;
    for (int i = 0; i < 5; ++i) {
        (void)world.guess("ada", "a");
    }
    EXPECT_GT(world.guess("ada", "a"), Duration::zero());
    for (std::size_t i = 0; i < kSlowDownEntries; ++i) {
        (void)world.guess("x" + std::to_string(i), "s" + std::to_string(i));
    }
    EXPECT_EQ(world.guess("ada", "a"), Duration::zero());
}

}  // namespace
}  // namespace firedrill::identity
