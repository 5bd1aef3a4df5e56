// Taking a store back in several commits: which states lie on the way, and what a crash between two leaves.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/restore_path.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kFirst = store_id(1);

Result<StoreRestorePlan> restore(StoreWorld& world, Lsn until) {
    auto got = std::make_shared<std::optional<Result<StoreRestorePlan>>>();
    world.storage->restore_store(kFirst, {until, {}}, RestoreMode::go,
                                 [got](Result<StoreRestorePlan> plan) { *got = std::move(plan); });
    world.universe.loop.run_until([&] { return got->has_value() || !world.machine->is_on(); });
    return *got ? std::move(**got) : Result<StoreRestorePlan>(Error{Fault::unavailable, "no answer"});
}

/// Rows `first` … of 900 bytes, four a page.
Status fill(StoreWorld& world, int first, int rows, char letter) {
    return world.write(kFirst, [=](Database& database) -> Status {
        for (int id = first; id < first + rows; ++id) {
            auto row = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
            const std::string body(900, letter);
            row.bind(1, id).bind(2, std::string_view(body));
            TRY(row.run());
        }
        return {};
    });
}

std::string rows(StoreWorld& world) {
    return world.query(kFirst,
                       "SELECT coalesce(group_concat(id || substr(body, 1, 1)), '') FROM (SELECT * FROM note "
                       "ORDER BY id)");
}

std::vector<CommitSequence> members(const Lineage& lineage, CommitSequence end) {
    std::vector<CommitSequence> out;
    for (CommitSequence at = 1; at <= end; ++at) {
        if (lineage.contains(at)) {
            out.push_back(at);
        }
    }
    return out;
}

TEST(Lineage, LeavesOutWhatWasTakenBack) {
    const std::vector<TakingBack> takings{{5, 2}, {8, 4}};
    using Members = std::vector<CommitSequence>;
    EXPECT_EQ(members(Lineage(4, 1, takings), 10), (Members{1, 2, 3, 4}));
    EXPECT_EQ(members(Lineage(5, 1, takings), 10), (Members{1, 2}));
    EXPECT_EQ(members(Lineage(7, 1, takings), 10), (Members{1, 2, 6, 7}));
    EXPECT_EQ(members(Lineage(8, 1, takings), 10), (Members{1, 2, 3, 4}));
    EXPECT_EQ(members(Lineage(9, 1, takings), 10), (Members{1, 2, 3, 4, 9}));
    EXPECT_EQ(Lineage(9, 1, takings).newest_common(Lineage(7, 1, takings)), 2U);
    EXPECT_EQ(Lineage(9, 1, takings).before(9), 4U);
    EXPECT_EQ(Lineage(9, 1, takings).before(1), 0U);
}

TEST(Lineage, WhatGoesBackBeyondTheLogCountsAsAnyOtherCommit) {
    const std::vector<TakingBack> takings{{5, 2}};
    EXPECT_EQ(members(Lineage(6, 4, takings), 10), (std::vector<CommitSequence>{4, 5, 6}));
}

/// Five commits of 8 pages each on top of what is wanted; a step may have 20.
struct Steps {
    explicit Steps(std::uint64_t seed) : world(seed) {
        world.restore_pages_limit = 20;
        world.restore_part_pages = 6;
        EXPECT_TRUE(world.create());
        EXPECT_TRUE(world.unlock(kFirst));
        EXPECT_TRUE(fill(world, 1, 160, 'a'));
        wanted = world.storage->health().durable;
        states.push_back(rows(world));
        for (int slice = 0; slice < 5; ++slice) {
            EXPECT_TRUE(fill(world, 1 + slice * 32, 32, 'b'));
            states.push_back(rows(world));
        }
        EXPECT_TRUE(world.lock(kFirst));
        EXPECT_TRUE(world.fold());
    }
    StoreWorld world;
    Lsn wanted = 0;
    std::vector<std::string> states;  // from the wanted one to the newest
};

TEST(RestoreSteps, APowerCutAtAnyOperationLeavesAStateOnTheWayAndTheSameRestoreGoesOn) {
    std::set<std::size_t> met;
    for (int disk = 0; disk < 2; ++disk) {
        for (std::uint64_t k = 1;; ++k) {
            ASSERT_LT(k, 300U);
            Steps steps(k);
            StoreWorld& world = steps.world;
            sim::SimDisk& struck = disk == 0 ? *world.data : *world.logs[0];
            struck.cut_power_after(k);
            const bool was_told = restore(world, steps.wanted).is_ok();
            const bool is_over = world.machine->is_on();
            struck.cut_power_after(0);

            ASSERT_TRUE(world.restart()) << "disk " << disk << ", operation " << k;
            ASSERT_TRUE(world.unlock(kFirst)) << "disk " << disk << ", operation " << k;
            const auto found = std::find(steps.states.begin(), steps.states.end(), rows(world));
            ASSERT_NE(found, steps.states.end()) << "disk " << disk << ", operation " << k;
            const auto at = static_cast<std::size_t>(found - steps.states.begin());
            ASSERT_TRUE(at == 0 || !was_told) << "disk " << disk << ", operation " << k;
            met.insert(at);
            ASSERT_TRUE(world.read(kFirst, check_integrity));
            ASSERT_TRUE(world.lock(kFirst));

            const auto again = restore(world, steps.wanted);

            ASSERT_TRUE(again || again.error().fault == Fault::refused) << again.error().text;
            ASSERT_TRUE(world.restart());
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_EQ(rows(world), steps.states[0]) << "disk " << disk << ", operation " << k;
            if (is_over) {
                break;
            }
        }
    }
    EXPECT_TRUE(met.contains(0));
    EXPECT_TRUE(met.contains(5));
    EXPECT_GE(met.size(), 4U);  // and between
}

TEST(RestoreSteps, EndAfterTheFirstWhenItCannotBeFoldedAndSayWhereTheStoreStands) {
    Steps steps(1);
    StoreWorld& world = steps.world;
    world.data->set_capacity(1);

    const auto failed = restore(world, steps.wanted);

    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().fault, Fault::disk_full) << failed.error().text;
    EXPECT_NE(failed.error().text.find("1 step(s) were made"), std::string::npos) << failed.error().text;
    ASSERT_TRUE(world.unlock(kFirst));
    const std::string between = rows(world);
    EXPECT_NE(between, steps.states.front());
    EXPECT_NE(between, steps.states.back());
    ASSERT_TRUE(world.lock(kFirst));
    world.data->set_capacity(1ULL << 40);
    const auto done = restore(world, steps.wanted);
    ASSERT_TRUE(done) << done.error().text;
    ASSERT_TRUE(world.unlock(kFirst));
    EXPECT_EQ(rows(world), steps.states.front());
}

// Histories with restores in them, to states that were taken back before too, in steps of a few pages.
RC_GTEST_PROP(RestoreSteps, AnyStateIsReachedInSteps, ()) {
    StoreWorld world(*rc::gen::inRange<std::uint64_t>(1, 1000));
    world.restore_pages_limit = *rc::gen::inRange<std::size_t>(12, 30);
    world.restore_part_pages = 3;
    RC_ASSERT(world.create().is_ok());
    RC_ASSERT(world.unlock(kFirst).is_ok());
    RC_ASSERT(fill(world, 1, 4, 'a').is_ok());
    std::vector<std::pair<Lsn, std::string>> states{{world.storage->health().durable, rows(world)}};
    std::uint32_t most_commits = 0;
    for (int step = 0; step < 25; ++step) {
        switch (*rc::gen::inRange(0, 5)) {
            case 0:
                RC_ASSERT(world.execute(kFirst, "DELETE FROM note WHERE id > (SELECT max(id) - 20 FROM note)")
                              .is_ok());
                break;
            case 1: RC_ASSERT(world.execute(kFirst, "PRAGMA incremental_vacuum(4)").is_ok()); break;
            case 2: {
                const auto to = *rc::gen::elementOf(states);
                RC_ASSERT(world.lock(kFirst).is_ok());
                const auto done = restore(world, to.first);
                RC_ASSERT(world.unlock(kFirst).is_ok());
                const std::string now = rows(world);
                if (done || done.error().fault == Fault::refused) {
                    RC_ASSERT(now == to.second);
                } else {
                    // One commit has more pages than a step may: it stands at a state on the way.
                    RC_LOG() << done.error().text;
                    RC_ASSERT(done.error().fault == Fault::limit);
                    RC_ASSERT(std::any_of(states.begin(), states.end(),
                                          [&](const auto& state) { return state.second == now; }));
                }
                most_commits = std::max(most_commits, done ? done->commits : 0);
                break;
            }
            default:
                RC_ASSERT(fill(world, *rc::gen::inRange(1, 120), 20, static_cast<char>('a' + step)).is_ok());
        }
        states.emplace_back(world.storage->health().durable, rows(world));
    }
    RC_ASSERT(world.restart().is_ok());
    RC_ASSERT(world.unlock(kFirst).is_ok());
    RC_ASSERT(rows(world) == states.back().second);
    RC_ASSERT(world.read(kFirst, check_integrity).is_ok());
    RC_CLASSIFY(most_commits > 1);
}

}  // namespace
}  // namespace firedrill::store
