// What every Workers must keep (seams/workers.h), in both worlds.
#pragma once

#include <atomic>
#include <map>
#include <vector>

#include "seams/worlds.h"

namespace firedrill::test {

template <class World>
class WorkersContract : public ::testing::Test {
  protected:
    World world_;
    Workers& workers_ = world_.workers();
};
TYPED_TEST_SUITE(WorkersContract, Worlds, WorldNames);

TYPED_TEST(WorkersContract, OneLaneRunsOneJobAtATimeInOrderAndDonesFollow) {
    std::atomic<int> running = 0;
    std::vector<int> jobs;
    std::vector<int> dones;
    for (int i = 0; i < 200; ++i) {
        this->workers_.run(
            Lane::log,
            [&, i] {
                EXPECT_EQ(running.fetch_add(1), 0);
                jobs.push_back(i);
                running.fetch_sub(1);
            },
            [&, i] { dones.push_back(i); });
    }
    EXPECT_TRUE(dones.empty());

    ASSERT_TRUE(this->world_.run_until([&] { return dones.size() == 200; }));

    for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(jobs[static_cast<std::size_t>(i)], i);
        EXPECT_EQ(dones[static_cast<std::size_t>(i)], i);
    }
}

TYPED_TEST(WorkersContract, EveryLaneKeepsItsOwnOrder) {
    std::map<int, std::vector<int>> dones;
    int done_count = 0;
    for (int i = 0; i < 300; ++i) {
        this->workers_.run(
            static_cast<Lane>(16 + i % 7), [] {},
            [&, i] {
                dones[i % 7].push_back(i);
                ++done_count;
            });
    }

    ASSERT_TRUE(this->world_.run_until([&] { return done_count == 300; }));

    for (const auto& [lane, order] : dones) {
        EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << lane;
    }
}

TYPED_TEST(WorkersContract, DoneSeesWhatItsJobWroteAndMayRunMore) {
    int value = 0;
    int seen = 0;
    this->workers_.run(
        Lane::passwords,
        [&] {
            this->workers_.charge(Work::seal_page, 3);
            value = 41;
        },
        [&] { this->workers_.run(Lane::passwords, [&] { ++value; }, [&] { seen = value; }); });

    ASSERT_TRUE(this->world_.run_until([&] { return seen != 0; }));

    EXPECT_EQ(seen, 42);
}

TYPED_TEST(WorkersContract, AJobWithoutDoneIsFine) {
    std::atomic<bool> is_run = false;
    bool is_done = false;
    this->workers_.run(Lane::audit, [&] { is_run = true; }, nullptr);
    this->workers_.run(Lane::audit, [] {}, [&] { is_done = true; });

    ASSERT_TRUE(this->world_.run_until([&] { return is_done; }));

    EXPECT_TRUE(is_run);
}

TYPED_TEST(WorkersContract, WhatAJobHoldsIsReleasedInTheEnd) {
    auto held = std::make_shared<int>(1);
    {
        TypeParam world;
        bool is_done = false;
        world.workers().run(Lane::log, [held] {}, [held, &is_done] { is_done = true; });
        ASSERT_TRUE(world.run_until([&] { return is_done; }));
        for (int i = 0; i < 20; ++i) {
            world.workers().run(Lane::log, [held] {}, [held] { ADD_FAILURE() << "the loop runs no more"; });
        }
    }
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace firedrill::test
