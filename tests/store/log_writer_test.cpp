#include <gtest/gtest.h>

#include "log_world.h"
#include "store/log_members.h"
#include "store/log_resilver.h"

namespace firedrill::store {
namespace {

std::vector<Lsn> lsns(const std::vector<Seen>& all) {
    std::vector<Lsn> out;
    for (const Seen& each : all) {
        out.push_back(each.lsn);
    }
    return out;
}

TEST(LogWriter, WhatItAppendedIsReadBackInOrder) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer) << writer.error().text;
    ASSERT_TRUE(append_each(**writer, 2, 5, 3));

    const auto scan = world.scan();

    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->first, 1U);
    EXPECT_EQ(scan->last, 5U);
    EXPECT_EQ(scan->torn_bytes, 0U);
    EXPECT_TRUE(scan->notes.empty());
    EXPECT_EQ(scan->identity.node, kTestNode);
    EXPECT_EQ(as_text(scan->node_slots), "slots one");
    EXPECT_EQ(lsns(world.delivered), (std::vector<Lsn>{1, 2, 3, 4, 5}));
    EXPECT_EQ(world.delivered[3], seen(test_record(4, 3)));
    EXPECT_EQ(world.logs[0]->peek(world.last_segment(0)), world.logs[1]->peek(world.last_segment(1)));
}

TEST(LogWriter, ARecordOnThreeDisksTakesAsLongAsOnOne) {
    const auto cost_of_a_record = [](std::size_t disks) {
        LogWorld world(disks);
        auto writer = world.create();
        EXPECT_TRUE(writer);
        EXPECT_TRUE(append_each(**writer, 2, 3));
        (void)world.take_cost();
        EXPECT_TRUE(append_each(**writer, 4, 4));
        return world.take_cost();
    };

    EXPECT_GT(cost_of_a_record(1), sim::kSataSsd.access);
    EXPECT_EQ(cost_of_a_record(3), cost_of_a_record(1));
}

TEST(LogWriter, RefusesToCreateALogWhereOneIs) {
    LogWorld world(1);
    ASSERT_TRUE(world.create());
    const auto again = world.create();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().fault, Fault::exists);
}

TEST(LogWriter, TakesNoDiskTwice) {
    LogWorld world(2);
    auto twice = world.options({0, 0});
    EXPECT_EQ(create_log(twice, as_bytes("slots one"), kTestWall).error().fault, Fault::bad_usage);
}

TEST(LogWriter, ACopyOfADiskGetsAnIdOfItsOwnSoThatItIsNeverTakenForTheOther) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    writer->reset();
    world.power_cycle();
    (void)world.logs[1]->put_back(world.logs[0]->image());
    ASSERT_EQ(*world.logs[0]->peek("log.disk"), *world.logs[1]->peek("log.disk"));

    auto recovered = world.recover();

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_NE(*world.logs[0]->peek("log.disk"), *world.logs[1]->peek("log.disk"));
    (void)world.logs[1]->fail_next_sync("");
    ASSERT_TRUE(append_each(*recovered->writer, 4, 5));
    world.power_cycle();
    const auto stale = world.recover(world.options({1}));
    ASSERT_FALSE(stale);
    EXPECT_EQ(stale.error().fault, Fault::refused);
}

TEST(LogWriter, ABatchSharesOneSyncOfEachDisk) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    std::vector<Record> batch;
    for (Lsn lsn = 2; lsn < 22; ++lsn) {
        batch.push_back(test_record(lsn));
    }
    ASSERT_TRUE((*writer)->reserve(1 << 20));
    const std::uint64_t before = world.logs[0]->operation_count();

    ASSERT_TRUE((*writer)->append(batch, kTestWall));

    EXPECT_EQ(world.logs[0]->operation_count() - before, 2U);  // one write, one sync
    EXPECT_EQ(world.data.peek_names(), std::vector<std::string>{"log.members"});
}

TEST(LogWriter, IsReadBackAfterAPowerCut) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 9));
    world.power_cycle();

    auto recovered = world.recover();

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(world.delivered.size(), 9U);
    ASSERT_TRUE(append_each(*recovered->writer, 10, 12));
    const auto scan = world.scan();
    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->last, 12U);
}

TEST(LogWriter, ClosesASegmentAfterAnHourEvenWhenNothingMoreIsWritten) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->tick(kTestWall + 59min));
    EXPECT_EQ(world.segments(0).size(), 1U);

    ASSERT_TRUE((*writer)->tick(kTestWall + 60min));
    EXPECT_EQ(world.segments(0).size(), 2U);
    ASSERT_TRUE((*writer)->tick(kTestWall + 300min));  // the new one is empty: there is nothing to close

    EXPECT_EQ(world.segments(0).size(), 2U);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    const auto scan = world.scan();
    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->last, 3U);
    EXPECT_TRUE(scan->notes.empty());
}

TEST(LogWriter, RotatesAtMostOnceForAnyStepOfTheClock) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    WallTime wall = kTestWall;
    Lsn lsn = 1;
    const auto write_at = [&](WallTime at) {
        const Record record = test_record(++lsn);
        return (*writer)->append(std::span(&record, 1), at);
    };

    wall = kTestWall + 30min;
    ASSERT_TRUE(write_at(wall));
    ASSERT_TRUE(write_at(wall + -72h));  // stepped back three days: no time passed
    ASSERT_TRUE(write_at(wall + -72h + 29min));
    EXPECT_EQ(world.segments(0).size(), 1U);
    ASSERT_TRUE(write_at(wall + -72h + 30min));  // an hour was seen to pass
    EXPECT_EQ(world.segments(0).size(), 2U);
    ASSERT_TRUE(write_at(wall + 24h * 365));  // asleep for a year
    EXPECT_EQ(world.segments(0).size(), 3U);
    ASSERT_TRUE(write_at(WallTime{std::numeric_limits<std::int64_t>::min()}));
    EXPECT_EQ(world.segments(0).size(), 3U);
    ASSERT_TRUE(write_at(WallTime{std::numeric_limits<std::int64_t>::max()}));
    EXPECT_EQ(world.segments(0).size(), 4U);

    const auto scan = world.scan();
    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(world.delivered.size(), lsn);
}

TEST(LogWriter, RotatesNearTheSizeLimit) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 10, 2000));  // about 8 MiB each

    EXPECT_EQ(world.segments(0).size(), 2U);
    EXPECT_LE(world.logs[0]->peek(world.segments(0).front())->size(), kSegmentLimit);
    const auto scan = world.scan();
    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->last, 10U);
}

TEST(LogWriter, AnswersDiskFullBeforeAnythingIsWritten) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    world.logs[0]->set_capacity(world.logs[0]->used_bytes() + 8192);
    const auto before = world.logs[0]->peek(world.last_segment(0));
    const Record large = test_record(4, 1000);

    EXPECT_EQ((*writer)->reserve(16 << 20).error().fault, Fault::disk_full);
    EXPECT_EQ((*writer)->append(std::span(&large, 1), kTestWall).error().fault, Fault::disk_full);
    EXPECT_EQ(world.logs[0]->peek(world.last_segment(0)), before);

    world.logs[0]->set_capacity(1ULL << 40);
    ASSERT_TRUE((*writer)->append(std::span(&large, 1), kTestWall));
    ASSERT_TRUE(world.scan());
    EXPECT_EQ(world.delivered.back(), seen(large));
}

TEST(LogWriter, TheCloseMarkHasRoomInWhatWasReserved) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 5, 60));  // nearly all that was reserved at the beginning
    sim::SimDisk& disk = *world.logs[0];
    disk.set_capacity(disk.used_bytes() + (24 << 10));  // no room for another step: reserved to the byte
    Lsn last = 5;
    for (Status done; done; ++last) {
        const Record record = test_record(last + 1);
        done = (*writer)->append(std::span(&record, 1), kTestWall);
        ASSERT_TRUE(done || done.error().fault == Fault::disk_full) << done.error().text;
        ASSERT_LT(last, 100U);
    }
    disk.set_capacity(disk.used_bytes() + (1 << 20));  // just what the next segment takes

    const Status closed = (*writer)->tick(kTestWall + std::chrono::minutes(61));

    ASSERT_TRUE(closed) << closed.error().text;
    EXPECT_EQ(world.segments(0).size(), 2U);
    disk.set_capacity(1ULL << 40);
    world.power_cycle();
    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), last - 1);
}

TEST(LogWriter, AFullDiskPutsOffRotationAndLeavesNoHalfSegment) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    world.logs[1]->set_capacity(world.logs[1]->used_bytes() + 4096);

    EXPECT_EQ((*writer)->tick(kTestWall + 2h).error().fault, Fault::disk_full);
    EXPECT_EQ(world.segments(0).size(), 1U);
    EXPECT_EQ(world.segments(1).size(), 1U);
    const Record record = test_record(2);
    ASSERT_TRUE((*writer)->append(std::span(&record, 1), kTestWall + 2h));

    world.logs[1]->set_capacity(1ULL << 40);
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    EXPECT_EQ(world.segments(1).size(), 2U);
    const auto scan = world.scan();
    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->last, 2U);
}

TEST(LogWriter, AFailedSyncOfTheOnlyDiskIsFatalForEver) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    (void)world.logs[0]->fail_next_sync("");
    const Record record = test_record(2);

    EXPECT_EQ((*writer)->append(std::span(&record, 1), kTestWall).error().fault, Fault::disk_failed);
    EXPECT_EQ((*writer)->append(std::span(&record, 1), kTestWall).error().fault, Fault::disk_failed);
    EXPECT_EQ((*writer)->tick(kTestWall).error().fault, Fault::disk_failed);
    EXPECT_EQ((*writer)->reserve(1).error().fault, Fault::disk_failed);
}

// After a failed sync the kernel may show bytes that it will never write. A restart without power loss reads
// them, so recovery must store them anew before anybody builds on them.
TEST(LogWriter, ARestartAfterAFailedSyncDoesNotTrustWhatItReads) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    (void)world.logs[0]->fail_next_sync("");
    const Record record = test_record(2);
    ASSERT_FALSE((*writer)->append(std::span(&record, 1), kTestWall));
    world.close_all();
    EXPECT_EQ((*read_membership(world.data, kTestNode).value()).suspect, 2U);

    auto recovered = world.recover();
    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ((*read_membership(world.data, kTestNode).value()).suspect, 0U);  // written anew, so it is over
    const std::size_t count = world.delivered.size();
    ASSERT_TRUE(append_each(*recovered->writer, count + 1, 6));
    world.power_cycle();

    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), 6U);
}

TEST(LogWriter, GoesOnWithoutAFailedMirrorOnceThatIsWrittenDown) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    (void)world.logs[1]->fail_next_sync("");

    ASSERT_TRUE(append_each(**writer, 4, 6));

    EXPECT_TRUE((*writer)->members()[0].is_present);
    EXPECT_FALSE((*writer)->members()[1].is_present);
    world.power_cycle();
    auto stale = world.recover(world.options({1}));
    ASSERT_FALSE(stale);
    EXPECT_EQ(stale.error().fault, Fault::refused);
    auto recovered = world.recover();
    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(world.delivered.size(), 6U);
    EXPECT_EQ(world.logs[0]->peek(world.last_segment(0)), world.logs[1]->peek(world.last_segment(1)));
    EXPECT_TRUE(recovered->writer->members()[1].is_present);
}

TEST(LogWriter, ADiskWhoseOpenSegmentWasRemovedIsOutOfServiceBeforeTheNextAcknowledgement) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    ASSERT_TRUE(world.logs[1]->remove(world.last_segment(1)));

    ASSERT_TRUE(append_each(**writer, 4, 4));

    EXPECT_TRUE((*writer)->members()[0].is_present);
    EXPECT_FALSE((*writer)->members()[1].is_present);
    EXPECT_FALSE((*writer)->members()[1].failure.empty());
    world.power_cycle();
    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), 4U);
}

TEST(LogWriter, ARemovedOpenSegmentIsNoticedThoughNothingIsWritten) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    ASSERT_TRUE((*writer)->tick(kTestWall));
    EXPECT_TRUE((*writer)->members()[1].is_present);
    ASSERT_TRUE(world.logs[1]->remove(world.last_segment(1)));

    ASSERT_TRUE((*writer)->tick(kTestWall));

    EXPECT_FALSE((*writer)->members()[1].is_present);
    EXPECT_NE((*writer)->members()[1].failure.find("removed"), std::string::npos);
}

TEST(LogWriter, NothingIsAcknowledgedOnceNoDiskHasTheOpenSegment) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    ASSERT_TRUE(world.logs[0]->remove(world.last_segment(0)));
    ASSERT_TRUE(world.logs[1]->remove(world.last_segment(1)));
    const Record record = test_record(4);

    EXPECT_EQ((*writer)->append(std::span(&record, 1), kTestWall).error().fault, Fault::disk_failed);
    EXPECT_EQ((*writer)->tick(kTestWall).error().fault, Fault::disk_failed);
}

TEST(LogWriter, AFilledDiskJoinsOnlyWithWhatWasClosedMeanwhile) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    (void)world.logs[1]->fail_next_sync("");
    ASSERT_TRUE(append_each(**writer, 2, 3));
    const auto filled = (*writer)->begin_resilver(kTestWall);
    ASSERT_TRUE(filled);
    ASSERT_TRUE(*filled->step(1 << 20));
    const WallTime later = kTestWall + std::chrono::minutes(61);
    ASSERT_TRUE((*writer)->tick(later));  // closes a segment that was open when the filling began

    auto joined = (*writer)->rejoin(*filled, later);

    ASSERT_TRUE(joined) << joined.error().text;
    EXPECT_EQ(*joined, Rejoin::more);
    EXPECT_FALSE((*writer)->members()[1].is_present);
    ASSERT_TRUE(*filled->step(1 << 20));
    joined = (*writer)->rejoin(*filled, later);
    ASSERT_TRUE(joined) << joined.error().text;
    EXPECT_EQ(*joined, Rejoin::joined);
    EXPECT_EQ(world.segments(1), world.segments(0));
}

TEST(LogWriter, StopsWhenAMirrorFailsAndThatCannotBeWrittenDown) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    (void)world.logs[1]->fail_next_sync("");
    (void)world.data.die();
    const Record record = test_record(2);

    EXPECT_EQ((*writer)->append(std::span(&record, 1), kTestWall).error().fault, Fault::disk_failed);
    EXPECT_EQ((*writer)->append(std::span(&record, 1), kTestWall).error().fault, Fault::disk_failed);
}

}  // namespace
}  // namespace firedrill::store
