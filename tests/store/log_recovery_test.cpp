#include <gtest/gtest.h>

#include "log_world.h"
#include "store/log_members.h"

namespace firedrill::store {
namespace {

/// Where record `lsn` starts in the only segment of a log written by append_each with one page a record.
std::uint64_t offset_of(LogWorld& world, std::size_t disk, Lsn lsn) {
    const auto bytes = world.logs[disk]->peek(world.last_segment(disk));
    for (std::uint64_t at = 1024; at < bytes->size(); at += kSector) {
        const auto head = parse_record_head(ByteView(*bytes).subspan(at));
        if (head && head->lsn == lsn) {
            return at;
        }
    }
    return 0;
}

void write_log(LogWorld& world, Lsn last) {
    auto writer = world.create();
    ASSERT_TRUE(writer) << writer.error().text;
    ASSERT_TRUE(append_each(**writer, 2, last));
}

/// Three segments: LSNs 1–4, 5–6, 7–8.
void write_three_segments(LogWorld& world, std::size_t pages = 1) {
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4, pages));
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    ASSERT_TRUE(append_each(**writer, 5, 6, pages));
    ASSERT_TRUE((*writer)->tick(kTestWall + 4h));
    ASSERT_TRUE(append_each(**writer, 7, 8, pages));
    writer->reset();
    world.close_all();
}

const Bytes kGarbage(64, 0xA5);

// Nobody can tell who wrote them, so nobody says that power was lost.
TEST(LogRecovery, BytesThatSomebodyAppendedAreCutAndNotCalledALossOfPower) {
    LogWorld world(1);
    write_log(world, 5);
    auto image = world.logs[0]->peek(world.last_segment(0));
    ASSERT_TRUE(image);
    append(*image, kGarbage);
    ASSERT_TRUE(replace_file(*world.logs[0], world.last_segment(0), *image));

    const auto recovered = world.recover();

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(recovered->scan.last, 5U);
    ASSERT_EQ(recovered->scan.notes.size(), 1U);
    EXPECT_NE(recovered->scan.notes[0].find("something else than the node"), std::string::npos)
        << recovered->scan.notes[0];
}

TEST(LogRecovery, CutsATornTailAndSaysSo) {
    LogWorld world(1);
    write_log(world, 5);
    const std::uint64_t at = offset_of(world, 0, 5);
    world.overwrite(0, world.last_segment(0), at + 700, kGarbage);

    auto recovered = world.recover();

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(recovered->scan.last, 4U);
    EXPECT_GT(recovered->scan.torn_bytes, 4096U);
    ASSERT_EQ(recovered->scan.notes.size(), 1U);
    EXPECT_NE(recovered->scan.notes[0].find("bytes that are no whole record"), std::string::npos);
    ASSERT_TRUE(append_each(*recovered->writer, 5, 7));
    world.power_cycle();
    auto again = world.recover();
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->scan.last, 7U);
    EXPECT_TRUE(again->scan.notes.empty());
}

// The sectors of one batch reach a disk in any order, so that its later records may be whole and its first
// one not.
TEST(LogRecovery, ABatchTornInItsFirstRecordIsATornTail) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    std::vector<Record> batch;
    for (Lsn lsn = 4; lsn <= 7; ++lsn) {
        batch.push_back(test_record(lsn));
    }
    ASSERT_TRUE((*writer)->append(batch, kTestWall));
    world.overwrite(0, world.last_segment(0), offset_of(world, 0, 4), kGarbage);

    auto recovered = world.recover();

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(recovered->scan.last, 3U);
    ASSERT_TRUE(append_each(*recovered->writer, 4, 5));
    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), 5U);
}

// A mirror whose sync failed shows bytes that it never stored. Filling it up must not take them over by
// reading them.
TEST(LogRecovery, AMirrorWhoseSyncFailedIsFilledUpWithFreshBytes) {
    LogWorld world(2);
    {
        auto writer = world.create();
        ASSERT_TRUE(writer);
        ASSERT_TRUE(append_each(**writer, 2, 3));
        (void)world.logs[1]->fail_next_sync("");
        ASSERT_TRUE(append_each(**writer, 4, 4));
        ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    }
    world.close_all();
    ASSERT_TRUE(world.recover());
    world.power_cycle();

    auto alone = world.recover(world.options({1}));

    ASSERT_TRUE(alone) << alone.error().text;
    EXPECT_EQ(world.delivered.size(), 4U);
}

TEST(LogRecovery, RefusesDamageInTheMiddleOfASingleDiskAndOverwritesNothing) {
    LogWorld world(1);
    write_log(world, 6);
    world.overwrite(0, world.last_segment(0), offset_of(world, 0, 3) + 700, kGarbage);
    const auto before = world.logs[0]->peek(world.last_segment(0));

    const auto recovered = world.recover();

    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().fault, Fault::damaged);
    EXPECT_NE(recovered.error().text.find("LSN 3 "), std::string::npos) << recovered.error().text;
    EXPECT_NE(recovered.error().text.find(to_hex(test_id<StoreId>(1))), std::string::npos)
        << recovered.error().text;
    EXPECT_NE(recovered.error().text.find("after LSN 2"), std::string::npos) << recovered.error().text;
    EXPECT_EQ(world.logs[0]->peek(world.last_segment(0)), before);
    EXPECT_EQ(world.scan().error().fault, Fault::damaged);
}

TEST(LogRecovery, AnOperatorMayAcceptTheLossBehindDamage) {
    LogWorld world(1);
    write_log(world, 6);
    world.overwrite(0, world.last_segment(0), offset_of(world, 0, 3) + 700, kGarbage);
    LogOptions options = world.options();
    options.accept_loss_after = 3;  // 3 itself is damaged: the word does not cover it
    EXPECT_EQ(world.recover(options).error().fault, Fault::damaged);
    options.accept_loss_after = 2;

    auto recovered = world.recover(options);

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(recovered->scan.last, 2U);
    ASSERT_TRUE(append_each(*recovered->writer, 3, 4));
    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), 4U);
}

TEST(LogRecovery, WhatStoodWhenAMirrorLeftIsNeverTakenForATornTail) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 5));
    (void)world.logs[1]->fail_next_sync("");
    ASSERT_TRUE(append_each(**writer, 6, 6));  // the data disk now says that 5 was durable
    writer->reset();
    world.close_all();
    const std::uint64_t fifth = offset_of(world, 0, 5);
    world.overwrite(0, world.last_segment(0), fifth,
                    Bytes(world.logs[0]->peek(world.last_segment(0))->size() - fifth, 0xA5));
    world.logs[1]->replace();

    const auto recovered = world.recover();

    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().fault, Fault::damaged);
    EXPECT_NE(recovered.error().text.find("LSN 5 "), std::string::npos) << recovered.error().text;
}

TEST(LogRecovery, AnUnreadableRecordIsNeverTakenForATornTail) {
    LogWorld world(1);
    write_log(world, 5);
    (void)world.logs[0]->break_sector(world.last_segment(0), offset_of(world, 0, 5) + 1024);
    const auto recovered = world.recover();
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().fault, Fault::disk_failed) << recovered.error().text;
}

TEST(LogRecovery, ReadsDamageFromTheMirrorAndRewritesTheBadCopy) {
    for (const Lsn bad : {Lsn{2}, Lsn{4}, Lsn{6}}) {
        LogWorld world(2);
        write_log(world, 6);
        const auto good = world.logs[0]->peek(world.last_segment(0));
        world.overwrite(1, world.last_segment(1), offset_of(world, 1, bad) + 700, kGarbage);
        const Lsn other = bad == 4 ? 2 : 4;
        world.overwrite(0, world.last_segment(0), offset_of(world, 0, other) + 20, kGarbage);

        auto recovered = world.recover();

        ASSERT_TRUE(recovered) << recovered.error().text;
        EXPECT_EQ(world.delivered.size(), 6U);
        EXPECT_EQ(recovered->scan.repaired_records, 2U);
        const auto first = world.logs[0]->peek(world.last_segment(0));
        EXPECT_EQ(first, world.logs[1]->peek(world.last_segment(1)));
        EXPECT_TRUE(std::equal(first->begin(), first->end(), good->begin()));
    }
}

TEST(LogRecovery, RewritesAnUnreadableSectorFromTheMirror) {
    LogWorld world(2);
    write_log(world, 6);
    (void)world.logs[0]->break_sector(world.last_segment(0), offset_of(world, 0, 3) + 1024);
    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), 6U);
    ASSERT_TRUE(world.recover(world.options({0})));
    EXPECT_EQ(world.delivered.size(), 6U);
}

TEST(LogRecovery, StartsWithoutAMirrorThatIsGoneAndFillsItUpLater) {
    LogWorld world(2);
    write_log(world, 4);

    auto alone = world.recover(world.options({1}));
    ASSERT_TRUE(alone) << alone.error().text;
    ASSERT_TRUE(append_each(*alone->writer, 5, 6));
    EXPECT_EQ(world.recover(world.options({0})).error().fault, Fault::refused);  // it lacks 5 and 6

    auto both = world.recover();
    ASSERT_TRUE(both) << both.error().text;
    EXPECT_EQ(world.delivered.size(), 6U);
    EXPECT_TRUE(both->scan.members[0].is_present);
    ASSERT_TRUE(append_each(*both->writer, 7, 8));
    ASSERT_TRUE(world.recover(world.options({0})));
    EXPECT_EQ(world.delivered.size(), 8U);
}

TEST(LogRecovery, AnEmptyDiskIsFilledUpAndServes) {
    LogWorld world(2);
    write_log(world, 4);
    world.logs[0]->replace();

    auto recovered = world.recover();
    ASSERT_TRUE(recovered) << recovered.error().text;
    ASSERT_TRUE(append_each(*recovered->writer, 5, 6));

    ASSERT_TRUE(world.recover(world.options({0})));
    EXPECT_EQ(world.delivered.size(), 6U);
}

TEST(LogRecovery, AStaleMirrorWithOtherUnacknowledgedRecordsIsOverwritten) {
    LogWorld world(2);
    write_log(world, 4);
    {
        auto alone = world.recover(world.options({0}));
        ASSERT_TRUE(alone);
        const Record other{5, 0, kTestWall, test_commit(9, 5, 2)};  // disk 1 goes another way
        ASSERT_TRUE(alone->writer->append(std::span(&other, 1), kTestWall));
        ASSERT_TRUE(append_each(*alone->writer, 6, 7));
    }
    LogOptions forced = world.options({1});
    forced.accept_loss_after = 4;
    EXPECT_EQ(world.recover(world.options({1})).error().fault, Fault::refused);
    auto second = world.recover(forced);
    ASSERT_TRUE(second) << second.error().text;
    EXPECT_EQ(second->scan.last, 4U);
    ASSERT_TRUE(append_each(*second->writer, 5, 5));

    auto both = world.recover();

    ASSERT_TRUE(both) << both.error().text;
    EXPECT_EQ(world.delivered.size(), 5U);
    EXPECT_EQ(world.delivered.back(), seen(test_record(5)));
    EXPECT_EQ(world.logs[0]->peek(world.last_segment(0)), world.logs[1]->peek(world.last_segment(1)));
}

TEST(LogRecovery, ScanPrefersTheCopyThatOthersWereToldOf) {
    LogWorld world(2);
    write_log(world, 4);
    {
        auto one = world.recover(world.options({1}));
        ASSERT_TRUE(one);
        const Record other{5, 0, kTestWall, test_commit(9, 5, 2)};
        ASSERT_TRUE(one->writer->append(std::span(&other, 1), kTestWall));
        ASSERT_TRUE(append_each(*one->writer, 6, 7));
    }
    LogOptions forced = world.options({0});
    forced.accept_loss_after = 4;
    auto stale = world.recover(forced);
    ASSERT_TRUE(stale);
    ASSERT_TRUE(append_each(*stale->writer, 5, 5));

    const auto scan = world.scan();

    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->last, 7U);
    EXPECT_TRUE(scan->members[0].is_stale);
    EXPECT_FALSE(scan->members[1].is_stale);
}

TEST(LogRecovery, RefusesToStartWithoutAnyProofOfMembership) {
    LogWorld world(2);
    write_log(world, 4);
    ASSERT_TRUE(world.data.remove("log.members"));
    ASSERT_TRUE(world.data.sync_names());
    ASSERT_TRUE(world.logs[1]->remove("log.members"));
    EXPECT_EQ(world.recover().error().fault, Fault::refused);
    LogOptions forced = world.options();
    forced.accept_loss_after = 5;
    EXPECT_EQ(world.recover(forced).error().fault, Fault::refused);
    forced.accept_loss_after = 4;
    ASSERT_TRUE(world.recover(forced));
    ASSERT_TRUE(world.recover());
    EXPECT_EQ(world.delivered.size(), 4U);
}

TEST(LogRecovery, RefusesALogThatEndsBelowWhatAPageFileHolds) {
    LogWorld world(1);
    write_log(world, 5);
    world.overwrite(0, world.last_segment(0), offset_of(world, 0, 5) + 700, kGarbage);
    LogOptions options = world.options();
    options.folded_through = 5;
    EXPECT_EQ(world.recover(options).error().fault, Fault::damaged);
    options.folded_through = 4;
    EXPECT_TRUE(world.recover(options));
}

TEST(LogRecovery, RefusesAnotherNodesDisk) {
    LogWorld world(1);
    write_log(world, 3);
    LogOptions options = world.options();
    options.identity.node = test_id<NodeId>(0x77);
    EXPECT_EQ(world.recover(options).error().fault, Fault::refused);
}

TEST(LogRecovery, SaysNotFoundForEmptyDisks) {
    LogWorld world(2);
    EXPECT_EQ(world.recover().error().fault, Fault::not_found);
    EXPECT_EQ(world.scan().error().fault, Fault::not_found);
}

TEST(LogRecovery, ARewrittenCloseMarkCarriesTheSameStatement) {
    LogWorld world(1);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    const std::string first = world.segments(0).front();
    const auto before = world.logs[0]->peek(first);
    world.overwrite(0, first, before->size() - 300, kGarbage);

    ASSERT_TRUE(world.recover(world.options(), 1, kTestWall + 2h));

    EXPECT_EQ(world.logs[0]->peek(first), before);
}

TEST(LogRecovery, ClosedSegmentsBelowTheStartAreCheckedByTheirCloseMarksOnly) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    ASSERT_TRUE(append_each(**writer, 5, 6));
    ASSERT_TRUE(world.recover(world.options(), 5));
    EXPECT_EQ(world.delivered.size(), 2U);
    ASSERT_TRUE(world.recover(world.options(), 3));
    EXPECT_EQ(world.delivered.size(), 4U);

    // Without its close mark the segment is read in full, and repaired.
    const std::string first = world.segments(0).front();
    const auto before = world.logs[0]->peek(first);
    world.overwrite(0, first, before->size() - 300, kGarbage);
    auto recovered = world.recover(world.options(), 5);
    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(world.delivered.size(), 2U);
    EXPECT_EQ(world.logs[0]->peek(first), before);
}

TEST(LogRecovery, AMissingOldestSegmentIsRefusedWhereItIsNeeded) {
    LogWorld world(1);
    write_three_segments(world);
    const std::vector<std::string> segments = world.segments(0);
    const auto middle = world.logs[0]->peek(segments[1]);
    ASSERT_TRUE(world.logs[0]->remove(segments[1]));
    const auto hole = world.recover();
    ASSERT_FALSE(hole);
    EXPECT_NE(hole.error().text.find("LSNs 5–6"), std::string::npos) << hole.error().text;
    ASSERT_TRUE(world.logs[0]->remove(segments[0]));

    EXPECT_EQ(world.recover(world.options(), 5).error().fault, Fault::damaged);
    ASSERT_TRUE(world.recover(world.options(), 7));
    EXPECT_EQ(world.delivered.size(), 2U);
}

TEST(LogRecovery, AnAcceptedLossTakesTheSegmentsBehindItAway) {
    LogWorld world(1);
    write_three_segments(world);
    const std::string middle = world.segments(0)[1];
    const std::uint64_t end = world.logs[0]->peek(middle)->size();
    world.overwrite(0, middle, 1024, Bytes(end - 1024, 0xA5));
    EXPECT_EQ(world.recover().error().fault, Fault::damaged);
    LogOptions options = world.options();
    options.accept_loss_after = 4;

    auto recovered = world.recover(options);

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(recovered->scan.last, 4U);
    EXPECT_EQ(world.segments(0).size(),
              2U);  // the one that begins at LSN 7 is gone, and proves nothing later
    ASSERT_TRUE(append_each(*recovered->writer, 5, 5));
    recovered->writer.reset();
    world.close_all();
    const auto again = world.recover();
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(world.delivered.size(), 5U);
}

TEST(LogRecovery, ASegmentOfAnotherHistoryIsNotRead) {
    LogWorld world(1);
    write_three_segments(world);
    LogWorld other(1, 2);
    write_three_segments(other, 2);  // the same LSNs and names, other records
    const std::string middle = world.segments(0)[1];
    const auto foreign = other.logs[0]->peek(middle);
    ASSERT_TRUE(foreign);
    ASSERT_TRUE(replace_file(*world.logs[0], middle, *foreign));

    const auto recovered = world.recover();

    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().fault, Fault::damaged) << recovered.error().text;
    EXPECT_NE(recovered.error().text.find("LSNs 5–6"), std::string::npos) << recovered.error().text;
}

TEST(LogRecovery, AClosedSegmentThatAMirrorLacksComesBackThoughNobodyReadsIt) {
    LogWorld world(2);
    write_three_segments(world);
    const std::vector<std::string> all = world.segments(0);
    ASSERT_TRUE(world.logs[1]->remove(all[0]));
    ASSERT_TRUE(world.logs[1]->sync_names());

    const auto recovered = world.recover(world.options(), 7);  // what comes before is folded

    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(world.segments(1), all);
    EXPECT_EQ(world.logs[1]->peek(all[0]), world.logs[0]->peek(all[0]));
}

TEST(LogRecovery, ADiskThatCannotBeReadAtTheStartIsOutOfServiceForAReason) {
    LogWorld world(2);
    write_three_segments(world);
    (void)world.logs[1]->die();

    const auto recovered = world.recover();

    ASSERT_TRUE(recovered) << recovered.error().text;
    const LogScan::Member member = recovered->writer->members()[1];
    EXPECT_FALSE(member.is_present);
    EXPECT_NE(member.failure, "");
}

TEST(LogMembers, RefuseEveryFlippedByte) {
    LogWorld world(2);
    write_log(world, 2);
    const auto good = world.data.peek("log.members");
    for (std::size_t i = 0; i < good->size(); ++i) {
        Bytes bad = *good;
        bad[i] ^= 0x40;
        bad[(i + good->size() / 2) % good->size()] ^= 0x40;  // the same of the other slot
        ASSERT_TRUE(replace_file(world.data, "log.members", bad));
        ASSERT_FALSE(read_membership(world.data, kTestNode)) << i;
        bad = *good;
        bad.resize(i);
        ASSERT_TRUE(replace_file(world.data, "log.members", bad));
        ASSERT_EQ(read_membership(world.data, kTestNode).is_ok(), i >= kMembershipSlotSize) << i;
    }
    const auto disk = world.logs[0]->peek("log.disk");
    for (std::size_t i = 0; i < disk->size(); ++i) {
        Bytes bad = *disk;
        bad[i] ^= 0x40;
        ASSERT_TRUE(replace_file(*world.logs[0], "log.disk", bad));
        const auto id = read_log_disk_id(*world.logs[0], kTestNode);
        ASSERT_TRUE(!id || !*id) << i;
    }
}

}  // namespace
}  // namespace firedrill::store
