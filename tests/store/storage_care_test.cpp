// What Storage does for its own sake: filling log disks that came back, folding old commits, reading
// everything.
#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "store_fixture.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

struct StorageCare : StoreFixture {
    StoreWorld& begin(std::size_t log_disks) {
        StoreWorld& world = made.emplace(1, log_disks);
        listen();
        const Status created = world.create();
        EXPECT_TRUE(created) << created.error().text;
        return world;
    }
    static void pass(StoreWorld& world, Duration time) { world.universe.loop.run_for(time); }
};

TEST_F(StorageCare, AFailedLogDiskIsSaidEverywhereAndFilledUpWhileServing) {
    StoreWorld& world = begin(2);
    expect_ok(world.unlock(kFirst));
    expect_ok(world.execute(kFirst, insert(1, "both")));
    (void)world.logs[1]->fail_next_sync("");

    expect_ok(world.execute(kFirst, insert(2, "one disk")));

    pass(world, 1s);
    Health health = world.storage->health();
    EXPECT_TRUE(health.is_degraded);
    EXPECT_FALSE(health.log_members[1].is_present);
    EXPECT_FALSE(health.log_members[1].failure.empty());
    EXPECT_TRUE(has_note("log1 failed and is out of service"));
    ASSERT_FALSE(health.notes.empty());
    EXPECT_NE(health.notes.back().find("log1 is out of service"), std::string::npos);

    expect_ok(world.execute(kFirst, insert(3, "meanwhile")));
    pass(world, 5min);
    health = world.storage->health();
    EXPECT_FALSE(health.is_degraded) << health.notes.back();
    EXPECT_TRUE(has_note("log1 was filled up and is in service again"));
    expect_ok(world.execute(kFirst, insert(4, "both again")));

    // The disk that came back holds everything that was promised, alone.
    world.machine->cut_power();
    world.logs[0]->replace();
    world.boot();
    expect_ok(world.open());
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "4");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(StorageCare, ABlankDiskInThePlaceOfALostOneIsFilledWithClosedSegmentsToo) {
    StoreWorld& world = begin(2);
    expect_ok(world.unlock(kFirst));
    for (int hour = 0; hour < 3; ++hour) {
        expect_ok(world.execute(kFirst, insert(hour, std::string(900, 'h'))));
        pass(world, 61min);
    }
    (void)world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
    expect_ok(world.execute(kFirst, insert(10, "one disk")));
    pass(world, 30min);
    EXPECT_TRUE(world.storage->health().is_degraded);

    world.logs[1]->close_all();
    world.logs[1]->replace();
    pass(world, 10min);

    EXPECT_FALSE(world.storage->health().is_degraded);
    expect_ok(world.execute(kFirst, insert(11, "both")));
    world.machine->cut_power();
    EXPECT_EQ(world.logs[0]->peek_names(), world.logs[1]->peek_names());
    for (const std::string& name : world.logs[0]->peek_names()) {
        if (parse_segment_name(name)) {
            EXPECT_EQ(*world.logs[0]->peek(name), *world.logs[1]->peek(name)) << name;
        }
    }
}

TEST_F(StorageCare, FillingUpNeverOverwritesTheOnlyGoodCopyOfASegment) {
    for (const std::size_t rotten : {std::size_t{0}, std::size_t{3}}) {  // compared, or copied in any case
        StoreWorld& world = begin(2);
        expect_ok(world.unlock(kFirst));
        for (int hour = 0; hour < 4; ++hour) {
            expect_ok(world.execute(kFirst, insert(hour, std::string(900, 'h'))));
            pass(world, 61min);
        }
        expect_ok(world.execute(kFirst, insert(8, "open segment")));
        const std::string name = world.logs[0]->peek_names().at(rotten);
        ASSERT_TRUE(parse_segment_name(name)) << name;
        const Bytes good = *world.logs[1]->peek(name);
        ASSERT_EQ(*world.logs[0]->peek(name), good);
        (void)world.logs[1]->fail_next_sync("");
        expect_ok(world.execute(kFirst, insert(10, "one disk")));
        ASSERT_TRUE(world.storage->health().is_degraded);
        ASSERT_TRUE(world.logs[0]->corrupt(name, good.size() / 2, Bytes(9, 0xee)).has_value());

        pass(world, 30min);

        EXPECT_FALSE(world.storage->health().is_degraded);
        EXPECT_EQ(*world.logs[1]->peek(name), good) << name;
        EXPECT_NE(*world.logs[0]->peek(name), good) << "its own scrub finds that";
    }
}

TEST_F(StorageCare, AMirrorThatLeftNeverBootsAloneWithoutProof) {
    StoreWorld& world = begin(2);
    expect_ok(world.unlock(kFirst));
    (void)world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
    expect_ok(world.execute(kFirst, insert(1, "told")));
    world.machine->cut_power();
    world.logs[0]->replace();
    world.boot();

    const Status opened = world.open();

    ASSERT_FALSE(opened.is_ok());
}

/// Power goes at every operation of the filling, on each disk; what was told is there afterwards, from any
/// disk that the node itself would trust.
TEST(StorageCareModel, APowerCutAtAnyOperationOfAFillingLosesNothing) {
    std::uint64_t points = 0;
    for (std::size_t struck = 0; struck < 3; ++struck) {
        for (std::uint64_t k = 1; k < 400; ++k) {
            StoreWorld world(1, 2);
            ASSERT_TRUE(world.create());
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_TRUE(world.execute(kFirst, insert(1, "a")));
            world.universe.loop.run_for(61min);
            (void)world.logs[1]->fail_next_sync("");
            ASSERT_TRUE(world.execute(kFirst, insert(2, "b")));
            sim::SimDisk& disk = struck == 0 ? *world.data : *world.logs[struck - 1];
            disk.cut_power_after(k);
            disk.on_power_cut = [&world] { world.machine->cut_power(); };
            for (int minute = 0; minute < 4 && world.machine->is_on(); ++minute) {
                world.universe.loop.run_for(1min);
            }
            const bool is_cut = !world.machine->is_on();
            int rows = 2;
            if (!is_cut) {
                disk.cut_power_after(0);
                ASSERT_FALSE(world.storage->health().is_degraded);
                ASSERT_TRUE(world.execute(kFirst, insert(3, "c")));
                rows = 3;
                world.machine->cut_power();
            }
            ++points;
            world.boot();
            const Status opened = world.open();
            ASSERT_TRUE(opened) << "disk " << struck << ", operation " << k << ": " << opened.error().text;
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), std::to_string(rows)) << k;
            if (!is_cut) {
                break;
            }
        }
    }
    RecordProperty("crash_points", std::to_string(points));
    RecordProperty("histories", "3");
    EXPECT_GT(points, 30U);
}

/// The sync that closed a segment failed on one disk: reads of that file show what was never stored. Whoever
/// fills the disk, the node that serves or its next start, must write the file anew.
TEST(StorageCareModel, AFileWhoseSyncFailedAtItsCloseIsWrittenAnew) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        for (const bool is_serving : {true, false}) {
            StoreWorld world(seed, 2);
            ASSERT_TRUE(world.create());
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_TRUE(world.execute(kFirst, insert(1, "a")));
            std::string open;
            for (const std::string& name : world.logs[1]->peek_names()) {
                open = parse_segment_name(name) ? name : open;
            }
            world.universe.loop.run_for(58min);
            (void)world.logs[1]->fail_next_sync(open);
            for (int i = 0; i < 60 && !world.storage->health().is_degraded; ++i) {
                world.universe.loop.run_for(5s);
            }
            ASSERT_TRUE(world.storage->health().is_degraded);
            if (is_serving) {
                world.universe.loop.run_for(5min);
            } else {
                world.machine->kill_process();
                world.boot();
                ASSERT_TRUE(world.open());
            }
            ASSERT_FALSE(world.storage->health().is_degraded);

            world.machine->cut_power();

            EXPECT_EQ(*world.logs[0]->peek(open), *world.logs[1]->peek(open)) << seed << " " << is_serving;
        }
    }
}

/// A call fails at every operation of the filling, on each disk, done or not done. The node stops or goes on;
/// what was told is there afterwards either way.
TEST(StorageCareModel, AFailedCallAtAnyOperationOfAFillingLosesNothing) {
    std::uint64_t points = 0;
    std::uint64_t stops = 0;
    for (const auto outcome : {sim::CallOutcome::not_done, sim::CallOutcome::done}) {
        for (std::size_t struck = 0; struck < 3; ++struck) {
            for (std::uint64_t k = 1; k < 400; ++k) {
                StoreWorld world(k, 2);
                ASSERT_TRUE(world.create());
                ASSERT_TRUE(world.unlock(kFirst));
                ASSERT_TRUE(world.execute(kFirst, insert(1, "a")));
                world.universe.loop.run_for(61min);
                (void)world.logs[1]->fail_next_sync("");
                ASSERT_TRUE(world.execute(kFirst, insert(2, "b")));
                sim::SimDisk& disk = struck == 0 ? *world.data : *world.logs[struck - 1];
                const std::uint64_t before = disk.operation_count();
                (void)disk.fail_operation(k, outcome, sim::Times::once);
                world.universe.loop.run_for(4min);
                const bool has_struck = disk.operation_count() - before >= k;
                disk.disarm();
                world.universe.loop.run_for(10min);
                int rows = 2;
                if (!world.fatal) {
                    ASSERT_FALSE(world.storage->health().is_degraded) << struck << " " << k;
                    ASSERT_TRUE(world.execute(kFirst, insert(3, "c")));
                    rows = 3;
                }
                stops += world.fatal ? 1 : 0;
                ++points;
                const Status opened = world.restart();
                ASSERT_TRUE(opened) << "disk " << struck << ", operation " << k << ": "
                                    << opened.error().text;
                ASSERT_TRUE(world.unlock(kFirst));
                ASSERT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), std::to_string(rows)) << k;
                ASSERT_EQ(world.logs[0]->peek_names(), world.logs[1]->peek_names());
                if (!has_struck) {
                    break;
                }
            }
        }
    }
    RecordProperty("crash_points", std::to_string(points));
    RecordProperty("histories", "6");
    EXPECT_GT(points, 100U);
    EXPECT_GT(stops, 0U);  // a membership that cannot be written stops the node
}

/// A page file may never hold what the log could still lose.
TEST_F(StorageCare, AFoldWaitsUntilWhatItFoldsIsDurable) {
    StoreWorld& world = begin(1);
    expect_ok(world.unlock(kFirst));
    expect_ok(world.execute(kFirst, insert(1, "durable")));
    expect_ok(world.fold());
    const Bytes before = *world.data->peek(leaves_file_name(kFirst));
    world.logs[0]->set_slowness(100'000);  // a sync takes 10 seconds
    world.storage->transact(
        kFirst, Access::write,
        [](Database& database) { return database.execute(insert(2, "on its way").c_str()); },
        [](const Status&) {});
    bool is_folded = false;
    pass(world, 100ms);

    world.storage->fold([&is_folded](const Status& status) { is_folded = status.is_ok(); });
    pass(world, 1s);

    EXPECT_EQ(*world.data->peek(leaves_file_name(kFirst)), before);
    EXPECT_FALSE(is_folded);
    pass(world, 1min);
    EXPECT_NE(*world.data->peek(leaves_file_name(kFirst)), before);
    EXPECT_TRUE(is_folded);
}

TEST_F(StorageCare, ScrubFindsAndRepairsRottenPagesAndRecords) {
    StoreWorld& world = begin(2);
    world.scrub_period = 2h;
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    for (int i = 0; i < 40; ++i) {
        expect_ok(world.execute(kFirst, insert(i, std::string(1000, 'b'))));
    }
    expect_ok(world.fold());
    pass(world, 61min);
    std::string segment;
    for (const std::string& name : world.logs[1]->peek_names()) {
        segment = segment.empty() && parse_segment_name(name) ? name : segment;
    }
    ASSERT_TRUE(world.logs[1]->corrupt(segment, 5000, Bytes(100, 0xee)).has_value());
    ASSERT_TRUE(world.data->corrupt(page_file_name(kFirst, 1), 5 * kPageSize, Bytes(100, 0xee)).has_value());

    pass(world, 5h);

    const Health health = world.storage->health();
    EXPECT_GE(health.scrub.found, 2U);
    EXPECT_EQ(health.scrub.repaired, health.scrub.found);
    EXPECT_EQ(health.scrub.not_repairable, 0U);
    EXPECT_GE(health.scrub.page_rounds, 1U);
    EXPECT_GE(health.scrub.log_rounds, 1U);
    EXPECT_EQ(*world.logs[1]->peek(segment), *world.logs[0]->peek(segment));
    EXPECT_TRUE(has_note("scrub found 1 damaged pages"));
}

TEST_F(StorageCare, ScrubTakesAPageFromTheSourceWhenTheLogHasItNot) {
    StoreWorld& world = begin(1);
    SealedPagePtr kept;
    world.scrub_period = 2h;
    world.page_source = [&kept](StoreId, PageNumber, CommitSequence) { return kept; };
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    expect_ok(world.execute(kFirst, insert(1, "precious")));
    expect_ok(world.fold());
    expect_ok(world.lock(kFirst));
    const Bytes file = *world.data->peek(page_file_name(kFirst, 1));
    auto page = std::make_shared<SealedPage>();
    std::copy_n(file.begin() + kPageSize, kPageSize, page->begin());
    kept = page;
    for (const std::string& name : world.logs[0]->peek_names()) {
        if (parse_segment_name(name)) {
            const Bytes all = *world.logs[0]->peek(name);
            ASSERT_TRUE(world.logs[0]->corrupt(name, 4096, Bytes(all.size() - 4096, 0xee)).has_value());
        }
    }
    ASSERT_TRUE(world.data->corrupt(page_file_name(kFirst, 1), kPageSize, Bytes(100, 0xee)).has_value());

    pass(world, 3h);

    EXPECT_EQ(world.storage->health().scrub.repaired, 1U);
}

TEST_F(StorageCare, AnOldCommitIsFoldedSoThatAStartReadsABoundedPieceOfLog) {
    StoreWorld& world = begin(1);
    world.unfolded_log_limit = 256 << 10;
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    expect_ok(world.unlock(kSecond));
    expect_ok(world.execute(kFirst, insert(1, "seldom")));
    EXPECT_GT(world.health(kFirst).unfolded_bytes, 0U);

    for (int i = 0; i < 60; ++i) {
        expect_ok(world.execute(kSecond, insert(i, std::string(3000, 'o'))));
    }
    pass(world, 1s);

    EXPECT_EQ(world.health(kFirst).unfolded_bytes, 0U);
}

TEST_F(StorageCare, AStartReadsOnlyWhatIsNotFolded) {
    StoreWorld& world = begin(1);
    expect_ok(world.unlock(kFirst));
    for (int hour = 0; hour < 4; ++hour) {
        for (int i = 0; i < 20; ++i) {
            expect_ok(world.execute(kFirst, insert(hour * 100 + i, std::string(3000, 'h'))));
        }
        pass(world, 61min);
    }
    expect_ok(world.fold());
    expect_ok(world.restart());
    const std::uint64_t log_bytes = world.storage->health().log_members[0].bytes;

    std::uint64_t read_bytes = 0;
    world.machine->cut_power();
    world.boot();
    // A segment that need not be read may be rotten without keeping the node from starting: scrub will tell.
    std::string oldest;
    for (const std::string& name : world.logs[0]->peek_names()) {
        oldest = oldest.empty() && parse_segment_name(name) ? name : oldest;
    }
    read_bytes = world.logs[0]->peek(oldest)->size();
    ASSERT_GT(log_bytes, read_bytes);
    ASSERT_TRUE(world.logs[0]->corrupt(oldest, 8192, Bytes(100, 0xee)).has_value());

    expect_ok(world.open());

    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "80");
}

/// A data disk that takes nothing must not make memory grow for ever.
TEST_F(StorageCare, AStoreThatCannotBeFoldedIsRefusedAtABoundAndGoesOnOnceItCan) {
    StoreWorld& world = begin(1);
    world.fold_after_bytes = 64 << 10;
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    world.data->set_capacity(world.data->used_bytes());
    Status written;
    int id = 0;
    for (; written && id < 2000; ++id) {
        written = world.execute(kFirst, insert(id, std::string(3000, 'w')));
        pass(world, 1s);
    }
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().fault, Fault::disk_full);
    EXPECT_NE(written.error().text.find("cannot be folded"), std::string::npos) << written.error().text;
    EXPECT_LT(world.health(kFirst).unfolded_bytes, 16 * world.fold_after_bytes);

    world.data->set_capacity(1ULL << 40);
    expect_ok(world.fold());

    expect_ok(world.execute(kFirst, insert(id, "again")));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), std::to_string(id));
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(StorageCare, SpaceOfPagesThatWentIsGivenBackByTheFold) {
    StoreWorld& world = begin(1);
    expect_ok(world.unlock(kFirst));
    for (int id = 0; id < 40; ++id) {
        expect_ok(world.execute(kFirst, insert(id, std::string(3000, 'g'))));
    }
    expect_ok(world.fold());
    const std::string file = page_file_name(kFirst, 1);
    const std::size_t before = world.data->peek(file)->size();
    expect_ok(world.execute(kFirst, "DELETE FROM note"));
    expect_ok(world.execute(kFirst, "PRAGMA incremental_vacuum"));

    expect_ok(world.fold());

    EXPECT_EQ(world.data->peek(file)->size(), world.health(kFirst).pages * kPageSize);
    EXPECT_LT(world.data->peek(file)->size(), before / 2);
}

}  // namespace
}  // namespace firedrill::store
