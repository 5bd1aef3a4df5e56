// Scrub of a node that does not run, and what inspection says of a damaged log.
#include "store/scrub.h"

#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "store_fixture.h"

namespace firedrill::store {
namespace {

struct Scrub : StoreFixture {
    /// A stopped node with one folded store of many pages.
    StoreWorld& begin(std::size_t count) {
        StoreWorld& world = made.emplace(1, count);
        EXPECT_TRUE(world.create());
        EXPECT_TRUE(world.unlock(kFirst));
        for (int i = 0; i < 20; ++i) {
            EXPECT_TRUE(world.execute(kFirst, fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", i,
                                                          std::string(2000, 'n'))));
        }
        EXPECT_TRUE(world.fold());
        stop();
        return world;
    }
    static std::string segment(const sim::SimDisk& disk) { return segment_files(disk).at(0); }
    /// Where the n-th record of the first segment begins.
    static std::uint64_t record(const sim::SimDisk& disk, int nth) {
        const Bytes bytes = *disk.peek(segment(disk));
        for (std::uint64_t at = 0; at + kRecordHeadSize <= bytes.size(); at += kSector) {
            if (parse_record_head(ByteView(bytes).subspan(at)) && nth-- == 0) {
                return at;
            }
        }
        return 0;
    }
};

TEST_F(Scrub, FindsNothingInASoundNode) {
    StoreWorld& world = begin(2);

    const auto report = scrub_folder(*world.data, logs, {});

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->found, 0U);
    EXPECT_GT(report->pages, 10U);
    EXPECT_GT(report->log_bytes, 40U * kPageSize);
    EXPECT_TRUE(report->notes.empty());
}

TEST_F(Scrub, MendsPagesFromTheLogAndRecordsFromTheMirror) {
    StoreWorld& world = begin(2);
    ASSERT_TRUE(world.data->corrupt(page_file_name(kFirst, 1), 5 * kPageSize, Bytes(100, 0xee)).has_value());
    ASSERT_TRUE(world.logs[1]
                    ->corrupt(segment(*world.logs[1]), record(*world.logs[1], 6) + 700, Bytes(50, 0xee))
                    .has_value());
    auto seen = inspect(*world.data, logs, true, {});
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(seen->soundness, Soundness::repairable);

    const auto report = scrub_folder(*world.data, logs, {});

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->found, 2U);
    EXPECT_EQ(report->repaired, 2U);
    EXPECT_EQ(report->not_repairable, 0U);
    seen = inspect(*world.data, logs, true, {});
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_TRUE(seen->is_sound());
    ASSERT_TRUE(world.open());
    ASSERT_TRUE(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "20");
}

TEST_F(Scrub, SaysWhatItCannotMendAndLeavesItAsItIs) {
    StoreWorld& world = begin(1);
    ASSERT_TRUE(world.logs[0]
                    ->corrupt(segment(*world.logs[0]), record(*world.logs[0], 6) + 700, Bytes(50, 0xee))
                    .has_value());
    const Bytes before = *world.logs[0]->peek(segment(*world.logs[0]));

    const auto seen = inspect(*world.data, logs, true, {});

    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(seen->soundness, Soundness::damaged);
    ASSERT_TRUE(seen->log_damage.has_value());
    EXPECT_EQ(seen->log_damage->segment, segment(*world.logs[0]));
    EXPECT_EQ(seen->log_damage->offset, record(*world.logs[0], 6));
    EXPECT_EQ(seen->log_damage->first, 7U);
    EXPECT_EQ(seen->log_damage->last, 7U);
    EXPECT_EQ(seen->log.last, 6U);
    EXPECT_EQ(*world.logs[0]->peek(segment(*world.logs[0])), before);
}

TEST_F(Scrub, ALogThatEndsBelowThePageFilesIsDamageEvenInItsLastRecord) {
    StoreWorld& world = begin(1);
    const Lsn last = inspect(*world.data, logs, false, {})->log.last;
    ASSERT_TRUE(world.logs[0]
                    ->corrupt(segment(*world.logs[0]),
                              record(*world.logs[0], static_cast<int>(last) - 1) + 700, Bytes(50, 0xee))
                    .has_value());

    const auto seen = inspect(*world.data, logs, true, {});

    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_FALSE(seen->is_sound());
    ASSERT_TRUE(seen->log_damage.has_value());
    EXPECT_EQ(seen->log_damage->first, last);
}

TEST_F(Scrub, APageThatTheLogDoesNotHoldEitherIsDamage) {
    StoreWorld& world = begin(1);
    // The only record that holds the page is damaged, and so is the page.
    const std::string name = segment(*world.logs[0]);
    const Bytes file = *world.data->peek(page_file_name(kFirst, 1));
    const Bytes log = *world.logs[0]->peek(name);
    const Bytes page(file.begin() + 5 * kPageSize, file.begin() + 6 * kPageSize);
    const auto at = std::search(log.begin(), log.end(), page.begin(), page.end());
    ASSERT_NE(at, log.end());
    ASSERT_TRUE(world.logs[0]->corrupt(name, static_cast<std::uint64_t>(at - log.begin()), Bytes(50, 0xee)));
    ASSERT_TRUE(world.data->corrupt(page_file_name(kFirst, 1), 5 * kPageSize, Bytes(100, 0xee)).has_value());

    const auto seen = inspect(*world.data, logs, true, {});

    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(seen->soundness, Soundness::damaged);
    EXPECT_EQ(seen->stores.front().soundness, Soundness::damaged);
}

TEST_F(Scrub, ARottenBeginningOfOneCopyIsRepairableAndOfAllCopiesDamage) {
    StoreWorld& world = begin(2);
    ASSERT_TRUE(world.logs[1]->corrupt(segment(*world.logs[1]), 20, Bytes(3, 0xee)).has_value());
    EXPECT_EQ(inspect(*world.data, logs, true, {})->soundness, Soundness::repairable);

    ASSERT_TRUE(world.logs[0]->corrupt(segment(*world.logs[0]), 20, Bytes(3, 0xee)).has_value());
    const auto seen = inspect(*world.data, logs, true, {});
    EXPECT_TRUE(!seen || seen->soundness == Soundness::damaged);
}

TEST(ScrubOfANewNode, ALogWithoutItsFirstRecordIsDamage) {
    StoreWorld world(1, 2);
    ASSERT_TRUE(world.create());
    world.machine->cut_power();
    world.boot();
    std::vector<Disk*> logs;
    for (const auto& log : world.logs) {
        logs.push_back(log.get());
        for (const std::string& name : log->peek_names()) {
            if (parse_segment_name(name)) {
                ASSERT_TRUE(log->corrupt(name, 1100, Bytes(3, 0xee)).has_value());
            }
        }
    }

    const auto seen = inspect(*world.data, logs, true, {});

    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(seen->soundness, Soundness::damaged);
}

TEST_F(Scrub, AStoreWhoseFilesTellNothingIsBuiltAnewFromAWholeLog) {
    StoreWorld& world = begin(1);
    ASSERT_TRUE(world.data->corrupt(leaves_file_name(kFirst), 0, Bytes(64, 0xee)).has_value());

    EXPECT_EQ(inspect(*world.data, logs, true, {})->soundness, Soundness::repairable);
    ASSERT_TRUE(world.open());
    ASSERT_TRUE(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "20");
}

TEST_F(Scrub, AMirrorThatIsNotHereIsNotSound) {
    StoreWorld& world = begin(2);

    const auto seen = inspect(*world.data, std::span(logs).first(1), true, {});
    const auto report = scrub_folder(*world.data, std::span(logs).first(1), {});

    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(seen->soundness, Soundness::repairable);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->not_repairable, 1U);
}

TEST_F(Scrub, RefusesANodeThatRuns) {
    StoreWorld& world = begin(1);
    ASSERT_TRUE(world.open());

    const auto report = scrub_folder(*world.data, logs, {});

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::in_use);
}

TEST_F(Scrub, APowerCutAtAnyOperationLosesNothing) {
    for (std::uint64_t k = 1; k < 200; ++k) {
        logs.clear();
        StoreWorld& world = begin(2);
        ASSERT_TRUE(
            world.data->corrupt(page_file_name(kFirst, 1), 5 * kPageSize, Bytes(100, 0xee)).has_value());
        world.data->cut_power_after(k);
        const bool is_done = scrub_folder(*world.data, logs, {}).is_ok();
        world.data->cut_power_after(0);
        world.machine->cut_power();
        world.boot();
        const Status opened = world.open();
        ASSERT_TRUE(opened) << k << ": " << opened.error().text;
        ASSERT_TRUE(world.unlock(kFirst));
        ASSERT_TRUE(world.read(kFirst, check_integrity)) << k;
        ASSERT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "20") << k;
        if (is_done) {
            return;
        }
    }
    FAIL() << "the scrub never ended";
}

}  // namespace
}  // namespace firedrill::store
