// The log against a model: random histories, and a power cut or a fault at every disk operation.
//
// The model is a list. After any fault and recovery: what was acknowledged is there, in order; what follows
// it is a prefix of what was tried; nothing else is there; and the log goes on.
#include <functional>

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "log_world.h"

namespace firedrill::store {
namespace {

/// Disk operations of histories at which something struck.
struct Tally {
    std::uint64_t points = 0;
    std::uint64_t histories = 0;
    void report(std::uint64_t least) const {
        testing::Test::RecordProperty("crash_points", std::to_string(points));
        testing::Test::RecordProperty("histories", std::to_string(histories));
        EXPECT_GE(points, least);
    }
};

struct Model {
    std::vector<Seen> tried;
    std::size_t acknowledged = 0;
    bool is_created = false;
};

/// A history is a function of its seed: batches of 1–4 records of 1–3 pages, hours passing in between.
struct History {
    std::uint64_t seed = 1;
    int steps = 6;

    /// Until the end or the first failure.
    Status run(LogWriter& writer, Model& model) const {
        sim::Random random(seed);
        WallTime wall = kTestWall;
        for (int step = 0; step < steps; ++step) {
            wall = wall + std::chrono::minutes(random.below(40));
            if (random.chance(1, 4)) {
                const Status ticked = writer.tick(wall);
                if (!ticked && ticked.error().fault != Fault::disk_full) {
                    return ticked;
                }
                continue;
            }
            std::vector<Record> batch(1 + random.below(4));
            for (Record& record : batch) {
                record = test_record(model.tried.size() + 1, 1 + random.below(3));
                if (random.chance(1, 8)) {
                    record.body = NodeSlots{Bytes(random.below(2000), static_cast<Byte>(step))};
                }
                model.tried.push_back(seen(record));
            }
            TRY(writer.append(batch, wall));
            model.acknowledged = model.tried.size();
        }
        return {};
    }
};

Status create_and_run(LogWorld& world, const History& history, Model& model) {
    auto writer = TRY(world.create());
    model.is_created = true;
    model.tried.push_back(seen({1, 0, kTestWall, NodeSlots{}}));
    model.acknowledged = 1;
    return history.run(*writer, model);
}

/// What must hold of what recovery delivered.
::testing::AssertionResult agrees(const std::vector<Seen>& delivered, Model& model) {
    if (delivered.size() < model.acknowledged) {
        return ::testing::AssertionFailure() << "lost: " << delivered.size() << " of " << model.acknowledged;
    }
    if (delivered.size() > model.tried.size() ||
        !std::equal(delivered.begin(), delivered.end(), model.tried.begin())) {
        return ::testing::AssertionFailure() << "invented or changed among " << delivered.size();
    }
    model.tried = delivered;  // the rest never happened
    model.acknowledged = delivered.size();
    return ::testing::AssertionSuccess();
}

/// Recovers, compares, goes on, and reads everything once more after a loss of power.
::testing::AssertionResult recovers(LogWorld& world, Model& model) {
    auto recovered = world.recover();
    if (!recovered) {
        if (!model.is_created) {
            return ::testing::AssertionSuccess();  // creation was not acknowledged: there is no node yet
        }
        return ::testing::AssertionFailure() << "refused: " << recovered.error().text;
    }
    if (!model.is_created) {
        return ::testing::AssertionSuccess();
    }
    if (auto agreed = agrees(world.delivered, model); !agreed) {
        return agreed;
    }
    const Status more = History{99, 5}.run(*recovered->writer, model);
    if (!more) {
        return ::testing::AssertionFailure() << "cannot go on: " << more.error().text;
    }
    world.power_cycle();
    auto again = world.recover();
    if (!again) {
        return ::testing::AssertionFailure() << "second recovery refused: " << again.error().text;
    }
    return agrees(world.delivered, model);
}

std::vector<sim::SimDisk*> all_disks(LogWorld& world) {
    std::vector<sim::SimDisk*> out{&world.data};
    for (const auto& disk : world.logs) {
        out.push_back(disk.get());
    }
    return out;
}

/// Power goes for the whole machine at the k-th operation of one disk.
void cut_power(LogWorld& world, std::size_t which, std::uint64_t k) {
    const auto disks = all_disks(world);
    disks[which]->cut_power_after(k);
    disks[which]->on_power_cut = [disks, which] {
        for (std::size_t i = 0; i < disks.size(); ++i) {
            if (i != which) {
                disks[i]->power_loss();
            }
        }
    };
}

std::vector<std::uint64_t> operations(LogWorld& world) {
    std::vector<std::uint64_t> out;
    for (sim::SimDisk* disk : all_disks(world)) {
        out.push_back(disk->operation_count());
    }
    return out;
}

void sweep_power_cuts(std::size_t disks, std::uint64_t seed, Tally& tally) {
    LogWorld whole(disks, seed);
    Model dry;
    ASSERT_TRUE(create_and_run(whole, History{seed}, dry));
    const auto counts = operations(whole);
    ++tally.histories;
    for (std::size_t which = 0; which < counts.size(); ++which) {
        for (std::uint64_t k = 1; k <= counts[which]; ++k) {
            LogWorld world(disks, seed * 1000 + k);
            Model model;
            ++tally.points;
            cut_power(world, which, k);
            const Status ended = create_and_run(world, History{seed}, model);
            ASSERT_FALSE(ended);
            ASSERT_EQ(ended.error().fault, Fault::powered_off) << ended.error().text;
            world.power_on();
            ASSERT_TRUE(recovers(world, model)) << "seed " << seed << " disk " << which << " cut " << k;
        }
    }
}

TEST(LogModel, SurvivesAPowerCutAtEveryDiskOperation) {
    Tally tally;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        sweep_power_cuts(1, seed, tally);
        sweep_power_cuts(2, seed, tally);
    }
    tally.report(900);
}

// A cut leaves the disks in some state; recovery from it is cut again at each of its own operations.
TEST(LogModel, SurvivesAPowerCutAtEveryOperationOfRecovery) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const std::size_t disks = 1 + seed % 2;
        std::uint64_t recovery_cut = 0;
        for (bool is_over = false; !is_over;) {
            ++recovery_cut;
            LogWorld world(disks, seed);
            Model model;
            cut_power(world, 1, 12 + seed % 17);
            (void)create_and_run(world, History{seed, 10}, model);
            world.power_on();
            if (!model.is_created) {
                break;
            }
            const std::size_t which = recovery_cut % (disks + 1);
            cut_power(world, which, 1 + recovery_cut / (disks + 1));
            const auto interrupted = world.recover();
            is_over = interrupted.is_ok();
            for (sim::SimDisk* disk : all_disks(world)) {
                disk->cut_power_after(0);
            }
            world.power_cycle();
            ASSERT_TRUE(recovers(world, model)) << "seed " << seed << " recovery cut " << recovery_cut;
        }
    }
}

/// One disk fails at its k-th operation. Then the process starts again, with or without a loss of power in
/// between.
void sweep_faults(std::size_t disks, std::uint64_t seed, sim::CallOutcome outcome, sim::Times times,
                  Tally& tally) {
    LogWorld whole(disks, seed);
    Model dry;
    ASSERT_TRUE(create_and_run(whole, History{seed}, dry));
    const auto counts = operations(whole);
    ++tally.histories;
    for (std::size_t which = 0; which < counts.size(); ++which) {
        for (std::uint64_t k = 1; k <= counts[which]; ++k) {
            LogWorld world(disks, seed * 1000 + k);
            Model model;
            ++tally.points;
            sim::SimDisk& disk = *all_disks(world)[which];
            (void)disk.fail_operation(k, outcome, times);
            const Status ended = create_and_run(world, History{seed}, model);
            const bool is_mirror_left = disks > 1 && which > 0;
            if (model.is_created && is_mirror_left) {
                ASSERT_TRUE(ended) << "a mirror is left: " << ended.error().text;
            }
            if (times == sim::Times::for_ever) {
                if (!is_mirror_left) {
                    continue;  // nothing is left to recover from
                }
                disk.replace();  // somebody puts in a new disk
            }
            if (k % 2 == 0) {
                world.power_cycle();
            } else {
                world.close_all();
            }
            ASSERT_TRUE(recovers(world, model)) << "seed " << seed << " disk " << which << " fault at " << k;
        }
    }
}

TEST(LogModel, SurvivesAFaultAtEveryDiskOperation) {
    Tally tally;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        for (const std::size_t disks : {1U, 2U}) {
            for (const auto outcome : {sim::CallOutcome::done, sim::CallOutcome::not_done}) {
                sweep_faults(disks, seed, outcome, sim::Times::once, tally);
            }
            sweep_faults(disks, seed, sim::CallOutcome::not_done, sim::Times::for_ever, tally);
        }
    }
    tally.report(1000);
}

TEST(LogModel, SurvivesAFailedSyncAnywhere) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        for (const std::size_t disks : {1U, 2U}) {
            LogWorld world(disks, seed);
            Model model;
            auto writer = world.create();
            ASSERT_TRUE(writer);
            model.is_created = true;
            model.tried.push_back(seen({1, 0, kTestWall, NodeSlots{}}));
            model.acknowledged = 1;
            ASSERT_TRUE((History{seed, static_cast<int>(seed % 5)}.run(**writer, model)));
            (void)world.logs[seed % disks]->fail_next_sync("");
            (void)History{seed + 100, 3}.run(**writer, model);
            world.close_all();
            ASSERT_TRUE(recovers(world, model)) << "seed " << seed << " disks " << disks;
        }
    }
}

// Three disks; any one of them is lost, wiped, set back to an earlier image, or scribbled on, between any two
// histories.
RC_GTEST_PROP(LogModel, SurvivesTheLossOfAnyMirrorBetweenRuns, (std::uint64_t seed)) {
    sim::Random random(seed);
    LogWorld world(3, seed);
    Model model;
    RC_ASSERT(create_and_run(world, History{seed, 4}, model).is_ok());
    std::optional<sim::DiskImage> image;
    for (int round = 0; round < 6; ++round) {
        sim::SimDisk& disk = *world.logs[random.below(3)];
        world.power_cycle();
        std::vector<std::size_t> attached;
        switch (random.below(4)) {
            case 0: disk.replace(); break;
            case 1:
                for (std::size_t i = 0; i < 3; ++i) {
                    if (world.logs[i].get() != &disk) {
                        attached.push_back(i);
                    }
                }
                break;
            case 2:
                if (image) {
                    (void)disk.put_back(*image);
                } else {
                    image = disk.image();
                }
                break;
            default:
                for (const std::string& name : disk.peek_names()) {
                    const std::uint64_t size = disk.peek(name)->size();
                    if (size > 0 && parse_segment_name(name)) {
                        Bytes junk(1 + random.below(3000), 0xEE);
                        (void)disk.corrupt(name, random.below(size), junk);
                    }
                }
        }
        auto recovered = world.recover(attached.empty() ? world.options() : world.options(attached));
        if (!recovered) {
            RC_FAIL(recovered.error().text);
        }
        const auto agreed = agrees(world.delivered, model);
        if (!agreed) {
            RC_FAIL(agreed.message());
        }
        RC_ASSERT(
            (History{seed + static_cast<std::uint64_t>(round), 3}.run(*recovered->writer, model)).is_ok());
    }
}

}  // namespace
}  // namespace firedrill::store
