// The simulated loop, clock, chance, workers and machines: what only the simulated world promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "sim/seams/machine.h"

namespace firedrill::sim {
namespace {

TEST(Random, IsXoshiro256PlusPlusSeededBySplitMix64) {
    Random random(0);
    EXPECT_EQ(random.u64(), 5987356902031041503U);
    EXPECT_EQ(random.u64(), 7051070477665621255U);
    EXPECT_EQ(random.u64(), 6633766593972829180U);
}

TEST(Random, StreamsDependOnNameAndSeedOnly) {
    Random random(3);
    Random before = random.stream("network");
    (void)random.u64();
    Random after = random.stream("network");
    EXPECT_EQ(before.u64(), after.u64());
    EXPECT_NE(random.stream("network").u64(), random.stream("disk").u64());
    EXPECT_NE(random.stream("network").u64(), Random(4).stream("network").u64());
}

TEST(Random, StaysInItsBounds) {
    Random random(5);
    std::vector<int> counts(6);
    for (int i = 0; i < 6000; ++i) {
        ++counts[random.below(6)];
        const std::uint64_t value = random.between(10, 12);
        EXPECT_TRUE(value >= 10 && value <= 12);
    }
    for (const int count : counts) {
        EXPECT_GT(count, 800);
        EXPECT_LT(count, 1200);
    }
    EXPECT_FALSE(random.chance(0, 5));
    EXPECT_TRUE(random.chance(5, 5));
}

TEST(SimLoop, SaysWhenNothingWillEverHappen) {
    SimLoop loop;
    EXPECT_FALSE(loop.step());
    loop.call_after(3s, [] {});
    EXPECT_EQ(loop.run_until(Instant{} + 2s), RunEnd::reached);
    EXPECT_EQ(loop.now(), Instant{} + 2s);
    EXPECT_EQ(loop.run_until(Instant{} + 5s), RunEnd::idle);
    EXPECT_EQ(loop.now(), Instant{} + 5s);
    EXPECT_EQ(loop.run_until([] { return false; }), RunEnd::idle);
}

/// A little world whose order of events says which seed it was.
std::vector<int> storm_order(std::uint64_t seed) {
    SimLoop loop;
    loop.set_storm(Random(seed));
    std::vector<int> order;
    for (int owner = 0; owner < 4; ++owner) {
        const Queue queue = loop.new_queue();
        const Owner who = loop.new_owner();
        for (int i = 0; i < 5; ++i) {
            loop.post(who, queue, [&order, owner, i] { order.push_back(owner * 10 + i); });
        }
    }
    loop.run_to_idle();
    return order;
}

TEST(SimLoop, AStormShufflesQueuesBySeedAndKeepsEachInOrder) {
    const auto order = storm_order(1);
    EXPECT_EQ(order, storm_order(1));
    EXPECT_NE(order, storm_order(2));
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
    for (int owner = 0; owner < 4; ++owner) {
        std::vector<int> own;
        std::copy_if(order.begin(), order.end(), std::back_inserter(own),
                     [&](int v) { return v / 10 == owner; });
        EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    }
}

TEST(SimLoop, TracesEveryEventInOrder) {
    SimLoop loop;
    std::vector<std::uint64_t> events;
    loop.set_trace([&](Instant at, Owner, std::uint64_t number) {
        EXPECT_EQ(number, events.size());
        events.push_back(static_cast<std::uint64_t>(at.ns));
    });
    loop.call_after(5ns, [] {});
    loop.call_after(2ns, [] {});
    loop.run_to_idle();
    EXPECT_EQ(events, (std::vector<std::uint64_t>{2, 5}));
    EXPECT_EQ(loop.event_count(), 2U);
}

TEST(SimClock, DriftsAndMovesPendingTimersWhenItsRateChanges) {
    SimLoop loop;
    SimClock fast(loop, 100s, {11, 10});
    EXPECT_EQ(fast.now(), Instant{} + 100s);
    Instant first;
    Instant second;
    fast.call_at(Instant{} + 111s, [&] { first = loop.now(); });
    fast.call_at(Instant{} + 131s, [&] { second = loop.now(); });
    (void)loop.run_until(Instant{} + 20s);
    EXPECT_EQ(first, Instant{} + 10s);
    EXPECT_EQ(fast.now(), Instant{} + 122s);

    fast.set_drift({1, 2});
    loop.run_to_idle();

    EXPECT_EQ(second, Instant{} + 38s);
    EXPECT_EQ(fast.now(), Instant{} + 131s);
}

TEST(SimClock, WallTimeStepsWithoutMovingTheMonotonicClock) {
    SimLoop loop;
    SimClock clock(loop, 7s);
    EXPECT_EQ(clock.wall(), kUniverseStart);
    (void)loop.run_for(1h);
    clock.step_wall(-2h);
    EXPECT_EQ(clock.wall(), kUniverseStart + Duration(-1h));
    EXPECT_EQ(clock.now(), Instant{} + 1h + 7s);
    EXPECT_EQ(format_utc(kUniverseStart), "2026-03-01T00:00:00Z");
}

class MachineTest : public ::testing::Test {
  protected:
    Universe universe_{21};
    std::unique_ptr<SimDisk> data_ = universe_.make_disk("main/node1/disk0");
    std::unique_ptr<SimDisk> log_ = universe_.make_disk("main/node1/disk1");
    std::unique_ptr<Machine> machine_ = boot("node1/1");

    std::unique_ptr<Machine> boot(const std::string& name) {
        return std::make_unique<Machine>(universe_, name, "10.0.0.1",
                                         std::vector<SimDisk*>{data_.get(), log_.get()});
    }
};

TEST_F(MachineTest, ADoneComesAfterWhatItsJobCost) {
    Instant at;
    machine_->workers().run(
        Lane::passwords, [&] { machine_->workers().charge(Work::password_hash, 2); },
        [&] { at = universe_.loop.now(); });
    universe_.loop.run_to_idle();
    EXPECT_EQ(at, Instant{} + 2 * WorkCosts{}.password_hash);

    machine_->workers().run(
        Lane::log,
        [&] {
            auto file = log_->open("a", Open::any).value();
            ASSERT_TRUE(file->sync());
        },
        [&] { at = universe_.loop.now(); });
    const Instant start = universe_.loop.now();
    universe_.loop.run_to_idle();
    EXPECT_EQ(at, start + kSataSsd.call + kSataSsd.access);
}

TEST_F(MachineTest, LanesTakeTurnsWithThemselvesAndOverlapWithOthers) {
    std::vector<std::pair<int, Instant>> dones;
    const auto run = [&](Lane lane, int mark) {
        machine_->workers().run(
            lane, [&] { machine_->workers().charge(Work::tls_handshake, 1); },
            [&, mark] { dones.emplace_back(mark, universe_.loop.now()); });
    };
    run(Lane::log, 1);
    run(Lane::log, 2);
    run(Lane::audit, 3);
    universe_.loop.run_to_idle();

    const Instant one = Instant{} + WorkCosts{}.tls_handshake;
    const Instant two = one + WorkCosts{}.tls_handshake;
    EXPECT_EQ(dones, (std::vector<std::pair<int, Instant>>{{1, one}, {3, one}, {2, two}}));
}

TEST_F(MachineTest, WorkOfHandlersIsCountedAndDelaysNoJob) {
    Instant at;
    machine_->workers().charge(Work::request, 100);
    machine_->workers().run(Lane::log, [] {}, [&] { at = universe_.loop.now(); });
    universe_.loop.run_to_idle();
    EXPECT_EQ(at, Instant{});
    EXPECT_EQ(machine_->workers().loop_work(), 100 * WorkCosts{}.request);
}

TEST_F(MachineTest, APowerCutInsideAJobLeavesTheRestWithoutDisksAndNoDone) {
    auto held = std::make_shared<int>(1);
    std::vector<Fault> faults;
    int losses = 0;
    machine_->on_power_lost = [&] { ++losses; };
    log_->cut_power_after(2);
    machine_->clock().call_at(machine_->clock().now() + 1h,
                              [held] { ADD_FAILURE() << "no power, no timer"; });
    machine_->workers().run(
        Lane::log,
        [&] {
            EXPECT_TRUE(log_->open("a", Open::any).is_ok());
            faults.push_back(log_->open("b", Open::any).error().fault);
            faults.push_back(log_->list().error().fault);
            faults.push_back(data_->list().error().fault);
            machine_->clock().defer([held] { ADD_FAILURE() << "no power, no handler"; });
            machine_->workers().run(Lane::log, [held] { ADD_FAILURE() << "no power, no job"; }, nullptr);
        },
        [held] { ADD_FAILURE() << "no power, no done"; });
    machine_->workers().run(Lane::log, [held] { ADD_FAILURE() << "no power, no next job"; }, nullptr);
    universe_.loop.run_to_idle();

    EXPECT_EQ(faults, std::vector<Fault>(3, Fault::powered_off));
    EXPECT_EQ(losses, 1);
    EXPECT_FALSE(machine_->is_on());
    EXPECT_EQ(held.use_count(), 1);
}

TEST_F(MachineTest, AnotherIncarnationBootsOverTheSameDisks) {
    auto file = data_->open("a", Open::any).value();
    ASSERT_TRUE(file->write_at(0, as_bytes("kept")));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(data_->sync_names());
    NodeId first = draw_id<NodeId>(machine_->seams().entropy);
    file.reset();
    machine_->cut_power();
    machine_.reset();

    machine_ = boot("node1/2");

    EXPECT_EQ(as_text(read_file(*data_, "a", 100).value()), "kept");
    EXPECT_NE(draw_id<NodeId>(machine_->seams().entropy), first);
}

TEST_F(MachineTest, KillingTheProcessKeepsWhatWasWrittenAndFreesTheClaim) {
    auto claim = data_->claim("node1").value();
    auto file = data_->open("a", Open::any).value();
    ASSERT_TRUE(file->write_at(0, as_bytes("written, not synced")));
    machine_->kill_process();
    EXPECT_EQ(file->sync().error().fault, Fault::powered_off);
    claim.reset();
    machine_.reset();

    machine_ = boot("node1/2");

    EXPECT_EQ(as_text(read_file(*data_, "a", 100).value()), "written, not synced");
    EXPECT_TRUE(data_->claim("node1").is_ok());
}

}  // namespace
}  // namespace firedrill::sim
