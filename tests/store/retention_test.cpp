// Segments that go: only what is folded and covered, oldest first, on every log disk, whatever happens in
// between.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "store/log_format.h"
#include "store/log_members.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "store/scrub.h"
#include "store_fixture.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

std::vector<SegmentName> segments(const sim::SimDisk& disk) {
    std::vector<SegmentName> out;
    for (const std::string& text : disk.peek_names()) {
        if (const auto name = parse_segment_name(text)) {
            out.push_back(*name);
        }
    }
    return out;
}

/// A world whose log has `hours` closed segments; `is_covered` is asked from then on.
struct Retention : StoreFixture {
    bool is_all_covered = false;
    Lsn covered_below = 0;
    std::vector<SegmentName> asked;

    StoreWorld& begin(std::size_t log_disks, int hours, std::uint64_t seed = 1) {
        StoreWorld& world = made.emplace(seed, log_disks);
        world.covered = [this](const SegmentName& name) {
            asked.push_back(name);
            return is_all_covered || name.first < covered_below;
        };
        expect_ok(world.create());
        expect_ok(world.unlock(kFirst));
        expect_ok(world.unlock(kSecond));
        for (int hour = 0; hour < hours; ++hour) {
            expect_ok(world.execute(kFirst, insert(hour, std::string(900, 'a'))));
            expect_ok(world.execute(kSecond, insert(hour, std::string(900, 'b'))));
            world.universe.loop.run_for(61min);
        }
        return world;
    }
    static std::string rows(StoreWorld& world, StoreId store) {
        return world.query(store, "SELECT count(*) FROM note");
    }
    static Inspection look(StoreWorld& world) {
        std::vector<Disk*> disks;
        world.data->power_on();
        for (const auto& log : world.logs) {
            log->power_on();
            disks.push_back(log.get());
        }
        auto found = inspect(*world.data, disks, true, {});
        EXPECT_TRUE(found) << found.error().text;
        return found ? std::move(*found) : Inspection{};
    }
};

TEST_F(Retention, FoldedAndCoveredSegmentsGoFromEveryDiskAndTheNodeStartsAgain) {
    StoreWorld& world = begin(2, 6);
    const std::size_t before = segments(*world.logs[0]).size();
    ASSERT_GE(before, 6U);
    expect_ok(world.fold());
    is_all_covered = true;

    world.universe.loop.run_for(2min);

    EXPECT_EQ(segments(*world.logs[0]).size(), 1U);
    EXPECT_EQ(segments(*world.logs[0]), segments(*world.logs[1]));
    EXPECT_EQ(world.storage->health().log_members[0].segments, 1U);
    EXPECT_EQ(world.storage->health().log_members[1].bytes, world.storage->health().log_members[0].bytes);
    expect_ok(world.execute(kFirst, insert(100, "after")));
    expect_ok(world.restart());
    EXPECT_FALSE(world.storage->health().is_degraded);
    EXPECT_TRUE(world.storage->health().notes.empty()) << world.storage->health().notes.front();
    expect_ok(world.unlock(kFirst));
    expect_ok(world.unlock(kSecond));
    EXPECT_EQ(rows(world, kFirst), "7");
    EXPECT_EQ(rows(world, kSecond), "6");
    expect_ok(world.read(kFirst, check_integrity));
    world.machine->cut_power();
    EXPECT_TRUE(look(world).is_sound());
    EXPECT_GT(look(world).log.first, 1U);
}

TEST_F(Retention, WhatIsNotCoveredStays) {
    StoreWorld& world = begin(1, 4);
    expect_ok(world.fold());
    const auto before = segments(*world.logs[0]);

    world.universe.loop.run_for(5min);

    EXPECT_EQ(segments(*world.logs[0]), before);
    EXPECT_FALSE(asked.empty());  // it was asked, and the answer was no
}

TEST_F(Retention, WithoutSomebodyToAskNothingGoes) {
    StoreWorld& world = begin(1, 4);
    world.covered = nullptr;
    is_all_covered = true;
    expect_ok(world.restart());
    expect_ok(world.fold());
    const auto before = segments(*world.logs[0]);

    world.universe.loop.run_for(5min);

    EXPECT_EQ(segments(*world.logs[0]), before);
}

TEST_F(Retention, WhatOneStoreHasNotFoldedStays) {
    StoreWorld& world = begin(1, 0);
    is_all_covered = true;
    expect_ok(world.lock(kFirst));  // an idle store is folded
    for (int minute = 0; minute < 130; ++minute) {
        expect_ok(world.execute(kSecond, insert(minute, "kept in memory while it is used")));
        world.universe.loop.run_for(1min);
    }
    ASSERT_GT(world.health(kSecond).unfolded_bytes, 0U);

    EXPECT_EQ(segments(*world.logs[0]).size(), 3U);

    expect_ok(world.lock(kSecond));
    world.universe.loop.run_for(5min);
    EXPECT_EQ(segments(*world.logs[0]).size(), 1U);
}

TEST_F(Retention, OnlyTheOldestGoSoThatNoHoleIsLeft) {
    StoreWorld& world = begin(1, 6);
    expect_ok(world.fold());
    const auto before = segments(*world.logs[0]);
    covered_below = before[2].first;  // the first two, and none after

    world.universe.loop.run_for(5min);

    EXPECT_EQ(segments(*world.logs[0]), std::vector(before.begin() + 2, before.end()));
}

TEST_F(Retention, AStoreThatCannotBeServedKeepsItsSegments) {
    StoreWorld& world = begin(1, 3);
    expect_ok(world.fold());
    expect_ok(world.lock(kSecond));
    world.machine->cut_power();
    // A page that no record of the log gives back: every copy of its bytes is gone.
    const std::string file = page_file_name(kSecond, 1);
    ASSERT_TRUE(world.data->corrupt(file, 0, Bytes(world.data->peek(file)->size(), 0xee)).has_value());
    const auto before = segments(*world.logs[0]);
    const std::string oldest = to_text(before.front());
    const std::size_t size = world.logs[0]->peek(oldest)->size();
    ASSERT_TRUE(world.logs[0]->corrupt(oldest, 8192, Bytes(size - 8192 - 1024, 0xee)).has_value());
    world.boot();
    expect_ok(world.open());
    EXPECT_FALSE(world.unlock(kSecond).is_ok());
    ASSERT_TRUE(world.health(kSecond).is_damaged);
    is_all_covered = true;

    world.universe.loop.run_for(5min);

    EXPECT_EQ(segments(*world.logs[0]), before);
}

/// Power goes at every operation of the removal, on each disk. The node comes back whole, with the same
/// segments on both disks, and both are believed.
TEST_F(Retention, APowerCutAtAnyOperationOfARemovalLosesNothing) {
    std::uint64_t points = 0;
    std::size_t between_disks = 0;
    for (std::size_t struck = 0; struck < 3; ++struck) {
        for (std::uint64_t k = 1; k < 400; ++k) {
            is_all_covered = false;
            StoreWorld& world = begin(2, 3, 100 * k + struck);
            expect_ok(world.fold());
            const std::size_t all = segments(*world.logs[0]).size();
            is_all_covered = true;
            sim::SimDisk& disk = struck == 0 ? *world.data : *world.logs[struck - 1];
            disk.cut_power_after(k);
            disk.on_power_cut = [&world] { world.machine->cut_power(); };
            world.universe.loop.run_for(2min);
            const bool is_cut = !world.machine->is_on();
            disk.cut_power_after(0);
            disk.on_power_cut = nullptr;
            if (!is_cut) {
                world.machine->cut_power();
            }
            ++points;
            between_disks += segments(*world.logs[0]) != segments(*world.logs[1]) ? 1 : 0;
            const Inspection before_start = look(world);
            // A torn slot of log.members is for the start to write again; nothing else is to be mended.
            ASSERT_TRUE(before_start.is_sound() ||
                        (before_start.soundness == Soundness::repairable &&
                         before_start.log.notes.size() == 1 &&
                         before_start.log.notes[0].find("of the two slots") != std::string::npos))
                << struck << " " << k << " " << before_start.log.notes.size();
            is_all_covered = false;
            world.boot();
            const Status opened = world.open();
            ASSERT_TRUE(opened) << "disk " << struck << ", operation " << k << ": " << opened.error().text;
            ASSERT_FALSE(world.storage->health().is_degraded);
            ASSERT_TRUE(world.storage->health().notes.empty()) << world.storage->health().notes.front();
            ASSERT_EQ(segments(*world.logs[0]), segments(*world.logs[1]));
            ASSERT_TRUE(segments(*world.logs[0]).size() == all || segments(*world.logs[0]).size() == 1);
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_EQ(rows(world, kFirst), "3");
            if (!is_cut) {
                break;
            }
        }
    }
    RecordProperty("crash_points", std::to_string(points));
    RecordProperty("histories", "3");
    EXPECT_GT(points, 30U);
    EXPECT_GT(between_disks, 3U);  // the interesting cuts did happen
}

TEST_F(Retention, ADiskThatFailsDuringARemovalIsDroppedAndTheOtherGoesOn) {
    for (std::uint64_t k = 1; k <= 12; ++k) {
        is_all_covered = false;
        StoreWorld& world = begin(2, 3, k);
        expect_ok(world.fold());
        const auto before = segments(*world.logs[1]);
        is_all_covered = true;
        (void)world.logs[1]->fail_operation(k, sim::CallOutcome::not_done, sim::Times::for_ever);

        world.universe.loop.run_for(2min);

        const auto left = segments(*world.logs[1]);  // the oldest went first: there is no hole
        EXPECT_TRUE(std::equal(left.rbegin(), left.rend(), before.rbegin())) << k;

        expect_ok(world.execute(kFirst, insert(50, "goes on")));
        EXPECT_EQ(segments(*world.logs[0]).size(), 1U) << k;
        EXPECT_TRUE(world.storage->health().is_degraded);
    }
}

TEST_F(Retention, ADataDiskThatCannotBeWrittenPutsTheRemovalOff) {
    StoreWorld& world = begin(1, 3);
    expect_ok(world.fold());
    const auto before = segments(*world.logs[0]);
    (void)world.data->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
    is_all_covered = true;
    world.universe.loop.run_for(3min);
    EXPECT_EQ(segments(*world.logs[0]), before);

    world.data->disarm();
    world.universe.loop.run_for(3min);

    EXPECT_EQ(segments(*world.logs[0]).size(), 1U);
}

TEST_F(Retention, AFullDataDiskKeepsNoSegmentFromGoing) {
    StoreWorld& world = begin(1, 3);
    expect_ok(world.fold());
    ASSERT_GT(segments(*world.logs[0]).size(), 1U);
    world.data->set_capacity(world.data->used_bytes());
    is_all_covered = true;
    world.universe.loop.run_for(3min);
    EXPECT_EQ(segments(*world.logs[0]).size(), 1U);
    expect_ok(world.execute(kFirst, insert(60, "serves")));
}

TEST_F(Retention, AStaleDiskWithOldSegmentsNeitherBringsThemBackNorKeepsTheNodeFromStarting) {
    for (const bool is_serving : {true, false}) {
        is_all_covered = false;
        StoreWorld& world = begin(2, 2);
        (void)world.logs[1]->fail_next_sync("");
        expect_ok(world.execute(kFirst, insert(40, "one disk")));
        world.logs[1]->close_all();
        const sim::DiskImage stale = world.logs[1]->image();
        (void)world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
        for (int hour = 10; hour < 13; ++hour) {
            expect_ok(world.execute(kFirst, insert(hour, std::string(900, 'c'))));
            world.universe.loop.run_for(61min);
        }
        expect_ok(world.fold());
        is_all_covered = true;
        world.universe.loop.run_for(5min);
        ASSERT_EQ(segments(*world.logs[0]).size(), 1U);
        if (!is_serving) {
            world.machine->cut_power();
        }
        world.logs[1]->close_all();
        world.logs[1]->replace();
        (void)world.logs[1]->put_back(stale);
        ASSERT_GT(segments(*world.logs[1]).size(), 2U);
        if (!is_serving) {
            world.boot();
            expect_ok(world.open());
            expect_ok(world.unlock(kFirst));
        } else {
            // A page that only the log has right is found in it although the stale disk tells another story.
            expect_ok(world.execute(kFirst, insert(70, "young")));
            expect_ok(world.fold());
            world.universe.loop.run_for(15min);
        }

        EXPECT_FALSE(world.storage->health().is_degraded);
        EXPECT_EQ(segments(*world.logs[1]), segments(*world.logs[0]));
        EXPECT_EQ(rows(world, kFirst), is_serving ? "7" : "6");
    }
}

TEST_F(Retention, APageIsRepairedFromAShortenedLogWhileAStaleDiskHoldsOldSegments) {
    StoreWorld& world = begin(2, 2);
    expect_ok(world.fold());
    (void)world.logs[1]->fail_next_sync("");
    expect_ok(world.execute(kFirst, insert(40, "one disk")));
    world.logs[1]->close_all();
    const sim::DiskImage stale = world.logs[1]->image();
    (void)world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
    for (int hour = 10; hour < 13; ++hour) {
        expect_ok(world.execute(kFirst, insert(hour, std::string(900, 'c'))));
        world.universe.loop.run_for(61min);
    }
    expect_ok(world.fold());
    is_all_covered = true;
    world.universe.loop.run_for(5min);
    ASSERT_EQ(segments(*world.logs[0]).size(), 1U);
    world.logs[1]->close_all();
    world.logs[1]->replace();
    (void)world.logs[1]->put_back(stale);
    expect_ok(world.execute(kFirst, "DELETE FROM note"));  // changes the table's first page
    expect_ok(world.execute(kFirst, insert(1, "kept by the young log")));
    expect_ok(world.fold());
    expect_ok(world.lock(kFirst));
    const std::string file = page_file_name(kFirst, 1);
    ASSERT_TRUE(world.data->corrupt(file, 2 * kPageSize, Bytes(100, 0xee)).has_value());

    expect_ok(world.unlock(kFirst));

    EXPECT_EQ(rows(world, kFirst), "1");
    EXPECT_EQ(world.health(kFirst).repaired_pages, 1U);
}

TEST_F(Retention, AScrubRoundUnderwayDoesNotBringSegmentsBack) {
    StoreWorld& world = begin(2, 3);
    world.scrub_period = 3h;
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    expect_ok(world.unlock(kSecond));
    expect_ok(world.fold());
    world.universe.loop.run_for(1min + 5s);  // the round has begun
    is_all_covered = true;

    world.universe.loop.run_for(10h);

    EXPECT_EQ(segments(*world.logs[0]).size(), 1U);
    EXPECT_EQ(segments(*world.logs[1]).size(), 1U);
    EXPECT_EQ(world.storage->health().scrub.found, 0U);
    EXPECT_GE(world.storage->health().scrub.log_rounds, 1U);
}

TEST_F(Retention, ARestoreWantsTheCopyOfWhatIsGone) {
    StoreWorld& world = begin(1, 4);
    expect_ok(world.fold());
    world.machine->cut_power();
    auto copy = world.universe.make_disk("copy");
    (void)copy->put_back(world.logs[0]->image());
    world.boot();
    expect_ok(world.open());
    expect_ok(world.unlock(kFirst));
    is_all_covered = true;
    world.universe.loop.run_for(3min);
    expect_ok(world.execute(kFirst, insert(90, "newest")));
    world.machine->cut_power();
    world.logs[0]->power_on();
    auto data = world.universe.make_disk("data2");
    auto log = world.universe.make_disk("log2");
    std::vector<Disk*> targets{log.get()};
    RestoreOptions how;
    how.new_timeline.bytes.fill(0x44);
    std::vector<Disk*> alone{world.logs[0].get()};

    const auto refused = restore_from_log(alone, *data, targets, how);

    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find("older pages are missing"), std::string::npos)
        << refused.error().text;
    EXPECT_TRUE(data->peek_names().empty());
    std::vector<Disk*> both{world.logs[0].get(), copy.get()};
    const auto restored = restore_from_log(both, *data, targets, how);
    ASSERT_TRUE(restored) << restored.error().text;
    EXPECT_EQ(restored->stores, 2U);
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    expect_ok(world.fold());
    EXPECT_EQ(PageStore::open(*data, kFirst).value()->position().root,
              PageStore::open(*world.data, kFirst).value()->position().root);
}

TEST_F(Retention, APageFileThatCannotBeReadIsSaidToNeedACopy) {
    StoreWorld& world = begin(1, 3);
    expect_ok(world.fold());
    is_all_covered = true;
    world.universe.loop.run_for(3min);
    world.machine->cut_power();
    ASSERT_TRUE(world.data->corrupt(leaves_file_name(kSecond), 0, Bytes(64, 0xee)).has_value());
    world.boot();

    expect_ok(world.open());

    EXPECT_TRUE(world.health(kSecond).is_damaged);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(world, kFirst), "3");
}

TEST_F(Retention, ALogThatLostItsBeginningByItselfIsNotSound) {
    StoreWorld& world = begin(1, 3);
    expect_ok(world.fold());
    world.machine->cut_power();
    world.logs[0]->power_on();
    ASSERT_TRUE(world.logs[0]->remove(to_text(segments(*world.logs[0]).front())));
    ASSERT_TRUE(world.logs[0]->sync_names());

    EXPECT_FALSE(look(world).is_sound());
    world.boot();
    expect_ok(world.open());  // every page is there all the same

    ASSERT_FALSE(world.storage->health().notes.empty());
    EXPECT_NE(world.storage->health().notes.front().find("removed on purpose"), std::string::npos);
}

TEST_F(Retention, AnOfflineScrubLeavesHalfRemovedSegmentsAlone) {
    StoreWorld& world = begin(2, 3);
    expect_ok(world.fold());
    world.machine->cut_power();
    const sim::DiskImage before = world.logs[1]->image();
    world.boot();
    expect_ok(world.open());
    is_all_covered = true;
    world.universe.loop.run_for(3min);
    world.machine->cut_power();
    (void)world.logs[1]->put_back(before);  // power went before its names were gone
    for (const auto& disk : world.logs) {
        disk->power_on();
    }
    world.data->power_on();
    std::vector<Disk*> disks{world.logs[0].get(), world.logs[1].get()};

    const auto scrubbed = scrub_folder(*world.data, disks, {});

    ASSERT_TRUE(scrubbed) << scrubbed.error().text;
    EXPECT_EQ(scrubbed->found, 0U);
    EXPECT_EQ(segments(*world.logs[0]).size(), 1U);
}

TEST(LogMembers, AMembershipOfTheFirstVersionBeginsWithTheFirstRecord) {
    sim::Universe universe(1);
    const auto disk = universe.make_disk("data");
    NodeId node;
    node.bytes.fill(0x11);
    Membership written;
    written.generation = 4;
    written.durable = 9;
    written.begin = 7;
    written.disks.push_back({LogDiskId{}, "log0"});
    ASSERT_TRUE(write_membership(*disk, node, written));
    EXPECT_EQ((*read_membership(*disk, node).value()).begin, 7U);

    Bytes old = *disk->peek(kMembershipFile);
    old.resize(68 + 20 + 4);
    old.erase(old.begin() + 56, old.begin() + 64);  // the field that version 1 lacks
    old[8] = 1;
    old[10] = 1;
    append(old, crypto::sha256(old).view());
    ASSERT_TRUE(replace_file(*disk, kMembershipFile, old));

    const auto read = read_membership(*disk, node);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ((**read).begin, 0U);
    EXPECT_EQ((**read).durable, 9U);
    EXPECT_EQ((**read).disks.size(), 1U);
}

}  // namespace
}  // namespace firedrill::store
