// Stores that are made anew from the log at a start: beside their old files, and counted.
#include <algorithm>

#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store/store_rebuild.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);
constexpr int kRows = 12;

void expect_ok(const Status& status) {
    ASSERT_TRUE(status.is_ok()) << status.error().text;
}

/// Two stores of some rows each, a page or more a row, folded; the log has more than one segment. A rebuild
/// writes to its file many times.
struct StoreRebuildTest : testing::Test {
    std::optional<StoreWorld> made;

    StoreWorld& world() { return *made; }
    void fill(std::uint64_t seed = 1) {
        made.emplace(seed);
        made->rebuild_bytes = 16 << 10;
        expect_ok(made->create());
        for (int row = 1; row <= kRows; ++row) {
            for (const StoreId store : {kFirst, kSecond}) {
                if (row == 1) {
                    expect_ok(made->unlock(store));
                }
                expect_ok(made->execute(store, fmt::format("INSERT INTO note VALUES ({}, '{}')", row,
                                                           std::string(9000, static_cast<char>('a' + row)))));
            }
            if (row == 4) {
                made->universe.loop.run_for(2h);  // a new segment
            }
        }
        expect_ok(made->fold());
        made->machine->cut_power();
        made->boot();
    }
    std::string oldest_segment() {
        for (const std::string& name : world().logs[0]->peek_names()) {
            if (parse_segment_name(name)) {
                return name;
            }
        }
        return "";
    }
    /// A bit in the middle of the oldest segment's records: the files hold what they say, the log no more.
    void rot_log() {
        const Bytes segment = *world().logs[0]->peek(oldest_segment());
        ASSERT_TRUE(world().logs[0]->rot_bit(oldest_segment(), segment.size() / 2, 3));
    }
    void misread_leaves() { world().data->shorten_next_read(leaves_file_name(kFirst)); }
    void rot_leaves() { ASSERT_TRUE(world().data->rot_bit(leaves_file_name(kFirst), 60, 1)); }
    void expect_rows(StoreId store) {
        expect_ok(world().unlock(store));
        EXPECT_EQ(world().query(store, "SELECT count(*) FROM note"), std::to_string(kRows));
        expect_ok(world().read(store, check_integrity));
    }
};

TEST_F(StoreRebuildTest, ARebuildIsCountedUntilTheNextStart) {
    fill();
    rot_leaves();

    expect_ok(world().open());
    const Health health = world().storage->health();
    expect_rows(kFirst);

    EXPECT_EQ(health.repairs.stores_rebuilt, 1U);
    EXPECT_EQ(health.repairs.pages_repaired, 0U);
    EXPECT_GT(health.repairs.last.ns, 0);
    ASSERT_FALSE(health.notes.empty());
    EXPECT_NE(health.notes.back().find("replace it soon"), std::string::npos) << health.notes.back();
    expect_ok(world().fold());
    expect_ok(world().restart());
    EXPECT_FALSE(world().storage->health().repairs.is_any());
}

TEST_F(StoreRebuildTest, NothingIsCountedWhereNothingHadToBeMended) {
    fill();

    expect_ok(world().open());
    expect_rows(kFirst);
    expect_ok(world().execute(kFirst, "DELETE FROM note WHERE id = 1"));
    expect_ok(world().restart());

    EXPECT_FALSE(world().storage->health().repairs.is_any());
    EXPECT_TRUE(world().storage->health().notes.empty());
}

TEST_F(StoreRebuildTest, WhatIsMendedWhileTheNodeServesIsCountedAndTold) {
    fill();
    std::vector<std::string> told;
    world().on_note = [&told](const std::string& text) { told.push_back(text); };
    expect_ok(world().open());
    for (const std::string& name : world().data->peek_names()) {
        if (name.starts_with("pages." + to_hex(kFirst))) {
            world().data->corrupt(name, 4096 * 5, Bytes(8192, 0x77));
        }
    }
    EXPECT_FALSE(world().storage->health().repairs.is_any());

    expect_ok(world().unlock(kFirst));
    EXPECT_EQ(world().query(kFirst, "SELECT sum(length(body)) FROM note"), std::to_string(kRows * 9000));
    expect_ok(world().lock(kFirst));

    EXPECT_EQ(world().storage->health().repairs.pages_repaired, 2U);
    EXPECT_EQ(world().storage->health().repairs.stores_rebuilt, 0U);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_NE(told[0].find("2 pages on"), std::string::npos) << told[0];
}

TEST_F(StoreRebuildTest, LeavesThatHadToBeComputedAgainAreCountedAndWrittenAgain) {
    fill();
    ASSERT_TRUE(world().data->rot_bit(leaves_file_name(kFirst), 148 + 48 * 3 + 5, 1));
    expect_ok(world().open());

    EXPECT_EQ(world().storage->health().repairs.pages_repaired, 1U);
    expect_ok(world().fold());
    expect_ok(world().restart());

    EXPECT_FALSE(world().storage->health().repairs.is_any());
    expect_rows(kFirst);
}

TEST_F(StoreRebuildTest, AMisreadStoreWhoseLogIsDamagedHarmsNoOtherAndKeepsItsFiles) {
    fill();
    rot_log();
    misread_leaves();

    expect_ok(world().open());

    EXPECT_TRUE(world().health(kFirst).is_damaged);
    EXPECT_FALSE(world().health(kSecond).is_damaged);
    EXPECT_FALSE(world().storage->health().repairs.is_any());
    expect_rows(kSecond);
    expect_ok(world().restart());
    EXPECT_FALSE(world().health(kFirst).is_damaged) << world().health(kFirst).damage;
    expect_rows(kFirst);
    for (const std::string& name : world().data->peek_names()) {
        EXPECT_FALSE(name.starts_with(kBuildingPrefix)) << name;
    }
}

TEST_F(StoreRebuildTest, AStoreForWhoseRebuildTheDataDiskHasNoRoomStandsAsideAlone) {
    fill();
    rot_leaves();
    world().data->set_capacity(world().data->used_bytes() + 8192);

    expect_ok(world().open());
    EXPECT_TRUE(world().health(kFirst).is_damaged);
    EXPECT_NE(world().health(kFirst).damage.find("restart the node"), std::string::npos)
        << world().health(kFirst).damage;
    expect_rows(kSecond);

    world().data->set_capacity(1ULL << 40);
    expect_ok(world().restart());
    expect_rows(kFirst);
}

/// Power goes at every operation of a start that rebuilds a store whose files were only misread, and then the
/// log turns out to be damaged: no moment may have made the store depend on it.
TEST_F(StoreRebuildTest, PowerCutAtAnyOperationOfARebuildTakesNothingThatTheFilesHeld) {
    bool is_over = false;
    std::uint64_t k = 1;
    std::uint64_t beside = 0;
    for (; !is_over; ++k) {
        ASSERT_LT(k, 2000U);
        SCOPED_TRACE(k);
        fill(k);
        misread_leaves();
        world().data->cut_power_after(k);
        is_over = world().open().is_ok() && world().fold().is_ok();
        world().data->disarm();
        for (const std::string& name : world().data->peek_names()) {
            beside += name.starts_with(kBuildingPrefix) ? 1 : 0;
        }
        rot_log();
        expect_ok(world().restart());
        ASSERT_FALSE(world().health(kFirst).is_damaged) << world().health(kFirst).damage;
        expect_rows(kFirst);
        expect_rows(kSecond);
    }
    EXPECT_GT(k, 40U);
    EXPECT_GT(beside, 5U) << "no cut came while the new file was beside the old one";
}

/// One operation of the rebuild fails, once or from then on: the store may stand aside, and comes back whole.
TEST_F(StoreRebuildTest, AFailedOperationOfARebuildTakesNothingEither) {
    for (const sim::Times times : {sim::Times::once, sim::Times::for_ever}) {
        for (const sim::CallOutcome outcome : {sim::CallOutcome::not_done, sim::CallOutcome::done}) {
            bool is_over = false;
            for (std::uint64_t k = 1; !is_over; k += 3) {
                ASSERT_LT(k, 2000U);
                SCOPED_TRACE(fmt::format("{} {} {}", static_cast<int>(times), static_cast<int>(outcome), k));
                fill(k);
                misread_leaves();
                const std::uint64_t before = world().data->operation_count();
                world().data->fail_operation(k, outcome, times);
                if (world().open().is_ok()) {
                    (void)world().fold().is_ok();
                }
                is_over = world().data->operation_count() - before < k;
                world().data->disarm();
                rot_log();
                expect_ok(world().restart());
                ASSERT_FALSE(world().health(kFirst).is_damaged) << world().health(kFirst).damage;
                expect_rows(kFirst);
                expect_rows(kSecond);
            }
        }
    }
}

}  // namespace
}  // namespace firedrill::store
