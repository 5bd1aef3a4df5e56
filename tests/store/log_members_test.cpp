// "log.members": two slots overwritten in place, and the copies on the log disks.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "log_world.h"
#include "store/log_members.h"

namespace firedrill::store {
namespace {

Membership membership(std::uint64_t generation, std::size_t disks = 2) {
    Membership made;
    made.generation = generation;
    made.durable = 10 * generation;
    made.begin = 3;
    for (std::size_t i = 0; i < disks; ++i) {
        made.disks.push_back({test_id<LogDiskId>(static_cast<Byte>(i + 1)), "a log disk"});
    }
    return made;
}

std::uint64_t generation_on(Disk& disk) {
    const auto read = read_membership(disk, kTestNode);
    return read && *read ? (*read)->generation : 0;
}

void flip(sim::SimDisk& disk, std::uint64_t offset) {
    const Byte was = disk.peek(kMembershipFile)->at(offset);
    ASSERT_TRUE(disk.corrupt(kMembershipFile, offset, Bytes(1, static_cast<Byte>(was ^ 0x40U))));
}

/// As version 2 wrote it: one document, as long as it has to be.
Bytes old_document(const Membership& membership) {
    LogWorld world(1);
    EXPECT_TRUE(write_membership(world.data, kTestNode, membership));
    Bytes old = *world.data.peek(kMembershipFile);
    std::size_t size = 68;
    for (const Membership::Disk& disk : membership.disks) {
        size += 20 + disk.label.size();
    }
    old.resize(size);
    old[8] = 2;
    old[10] = 2;
    append(old, crypto::sha256(old).view());
    return old;
}

TEST(LogMembers, OneOfTwoSlotsIsEnoughWhateverHappensToTheOther) {
    for (std::size_t i = 0; i < kMembershipFileSize; i += 7) {
        LogWorld world(1);
        ASSERT_TRUE(write_membership(world.data, kTestNode, membership(5)));
        ASSERT_TRUE((*read_stored_membership(world.data, kTestNode).value()).is_whole);
        flip(world.data, i);

        const auto stored = read_stored_membership(world.data, kTestNode);
        ASSERT_TRUE(stored && *stored) << i;
        EXPECT_EQ((*stored)->membership.generation, 5U);
        EXPECT_FALSE((*stored)->is_whole) << i;
        EXPECT_TRUE((*stored)->is_harmed) << i;

        ASSERT_TRUE(write_membership(world.data, kTestNode, membership(6)));
        EXPECT_TRUE((*read_stored_membership(world.data, kTestNode).value()).is_whole);
    }
}

TEST(LogMembers, AnUnreadableSectorInOneSlotIsNoLoss) {
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{kMembershipSlotSize}}) {
        LogWorld world(1);
        ASSERT_TRUE(write_membership(world.data, kTestNode, membership(5)));
        ASSERT_TRUE(world.data.break_sector(kMembershipFile, offset));
        EXPECT_EQ(generation_on(world.data), 5U);
        ASSERT_TRUE(write_membership(world.data, kTestNode, membership(6)));
        EXPECT_EQ(generation_on(world.data), 6U);
    }
}

TEST(LogMembers, PowerCutAtAnyOperationOfAChangeLeavesTheOldOrTheNew) {
    for (const std::uint64_t harmed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}}) {
        bool is_over = false;
        std::uint64_t old_ones = 0;
        for (std::uint64_t k = 1; !is_over; ++k) {
            for (std::uint64_t seed = 1; seed <= 20; ++seed) {
                SCOPED_TRACE(fmt::format("{} {} {}", harmed, k, seed));
                LogWorld world(1, seed);
                ASSERT_TRUE(write_membership(world.data, kTestNode, membership(5)));
                if (harmed > 0) {
                    flip(world.data, harmed == 1 ? 40 : kMembershipSlotSize + 40);
                }
                world.data.cut_power_after(k);
                is_over = write_membership(world.data, kTestNode, membership(6)).is_ok();
                world.data.power_loss();
                world.data.power_on();
                const std::uint64_t found = generation_on(world.data);
                ASSERT_TRUE(found == 6 || (found == 5 && !is_over)) << found;
                old_ones += found == 5 ? 1 : 0;
            }
        }
        EXPECT_GT(old_ones, 20U);
    }
}

TEST(LogMembers, AFailedOperationOfAChangeNeverLeavesNeither) {
    for (const sim::CallOutcome outcome : {sim::CallOutcome::not_done, sim::CallOutcome::done}) {
        for (const sim::Times times : {sim::Times::once, sim::Times::for_ever}) {
            for (std::uint64_t k = 1; k < 20; ++k) {
                LogWorld world(1, k);
                ASSERT_TRUE(write_membership(world.data, kTestNode, membership(5)));
                world.data.fail_operation(k, outcome, times);
                const Status written = write_membership(world.data, kTestNode, membership(6));
                world.data.disarm();
                world.power_cycle();
                const std::uint64_t found = generation_on(world.data);
                EXPECT_TRUE(found == 6 || (found == 5 && !written)) << k << ": " << found;
                EXPECT_TRUE(times == sim::Times::for_ever || written) << k << ": " << written.error().text;
            }
        }
    }
}

TEST(LogMembers, AChangeNeedsNoSpace) {
    LogWorld world(1);
    ASSERT_TRUE(write_membership(world.data, kTestNode, membership(5)));
    world.data.set_capacity(world.data.used_bytes());
    ASSERT_EQ(replace_file(world.data, "another", Bytes(4096)).error().fault, Fault::disk_full);

    ASSERT_TRUE(write_membership(world.data, kTestNode, membership(6)));

    world.power_cycle();
    EXPECT_EQ(generation_on(world.data), 6U);
}

TEST(LogMembers, AFileOfVersionTwoIsReadAndConvertedByAStartThatHasRoom) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    writer->reset();
    const Membership now = *read_membership(world.data, kTestNode).value();
    ASSERT_TRUE(replace_file(world.data, kMembershipFile, old_document(now)));
    const auto old = read_stored_membership(world.data, kTestNode);
    ASSERT_TRUE(old && *old);
    EXPECT_EQ((*old)->membership.disks.size(), 2U);
    EXPECT_FALSE((*old)->is_whole);
    EXPECT_FALSE((*old)->is_harmed);

    world.close_all();
    const std::uint64_t room = world.data.used_bytes();
    world.data.set_capacity(room);
    ASSERT_TRUE(world.recover()) << "a full data disk does not keep it from starting";
    EXPECT_LT(world.data.peek(kMembershipFile)->size(), kMembershipSlotSize);
    world.close_all();
    world.data.set_capacity(1 << 30);
    const auto recovered = world.recover();
    ASSERT_TRUE(recovered);
    EXPECT_TRUE(recovered->scan.notes.empty());
    EXPECT_EQ(world.data.peek(kMembershipFile)->size(), kMembershipFileSize);
}

// ---- the copies
// ----------------------------------------------------------------------------------------------

void lose_word(LogWorld& world) {
    world.close_all();
    ASSERT_TRUE(world.data.remove(kMembershipFile));
    ASSERT_TRUE(world.data.sync_names());
}

/// What a log disk holds now. The log is opened again for it, as files must not be open.
sim::DiskImage image_of(LogWorld& world, std::size_t disk, std::unique_ptr<LogWriter>& writer) {
    writer.reset();
    world.close_all();
    sim::DiskImage image = world.logs[disk]->image();
    auto again = world.recover();
    EXPECT_TRUE(again) << again.error().text;
    writer = std::move(again->writer);
    return image;
}

TEST(LogMembers, TheCopiesOfAllDisksInServiceReplaceTheWordOfTheDataDisk) {
    for (const bool is_removed : {true, false}) {
        LogWorld world(2);
        auto writer = world.create();
        ASSERT_TRUE(writer);
        ASSERT_TRUE(append_each(**writer, 2, 6));
        writer->reset();
        if (is_removed) {
            lose_word(world);
        } else {
            world.close_all();
            flip(world.data, 40);
            flip(world.data, kMembershipSlotSize + 40);
        }

        auto recovered = world.recover();

        ASSERT_TRUE(recovered) << recovered.error().text;
        ASSERT_EQ(recovered->scan.notes.size(), 1U);
        EXPECT_NE(recovered->scan.notes[0].find("agree in what it said"), std::string::npos);
        EXPECT_EQ(world.delivered.size(), 6U);
        EXPECT_TRUE((*read_stored_membership(world.data, kTestNode).value()).is_whole);
        ASSERT_TRUE(append_each(*recovered->writer, 7, 8));
        recovered->writer.reset();
        world.close_all();
        auto again = world.recover();
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->scan.notes.empty());
        EXPECT_EQ(world.delivered.size(), 8U);
    }
}

TEST(LogMembers, TheCopiesAreNotBelievedWhenOneOfThemIsMissingOrNotWhatWasWritten) {
    for (const int what : {0, 1, 2}) {
        LogWorld world(2);
        auto writer = world.create();
        ASSERT_TRUE(writer);
        ASSERT_TRUE(append_each(**writer, 2, 6));
        writer->reset();
        lose_word(world);
        LogOptions options = world.options();
        if (what == 0) {
            ASSERT_TRUE(world.logs[1]->remove(kMembershipFile));
        } else if (what == 1) {
            flip(*world.logs[1], 40);
            flip(*world.logs[1], kMembershipSlotSize + 40);
        } else {
            options = world.options({0});
        }
        EXPECT_EQ(world.recover(options).error().fault, Fault::refused) << what;
    }
}

/// A disk fails, comes back stale, and the word of the data disk is lost: with the disk that stayed it is
/// found out, alone it is refused. So it is after every change in between.
TEST(LogMembers, AStaleDiskIsNeverBelievedByItsCopy) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    const sim::DiskImage before = image_of(world, 1, *writer);
    world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
    ASSERT_TRUE(append_each(**writer, 5, 9));
    EXPECT_FALSE((*writer)->members()[1].is_present);
    writer->reset();
    world.logs[1]->disarm();
    lose_word(world);
    (void)world.logs[1]->put_back(before);

    EXPECT_EQ(world.recover(world.options({1})).error().fault, Fault::refused);
    world.close_all();
    ASSERT_FALSE(read_membership(world.data, kTestNode).value());
    auto recovered = world.recover();
    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(world.delivered.size(), 9U);
    EXPECT_TRUE(recovered->writer->members()[1].is_present) << "it was filled up";
}

/// A log disk fails while the data disk is full, at every operation of the change: the node goes on, or its
/// next start finds everything that was acknowledged.
TEST(LogMembers, ALogDiskThatFailsWhileTheDataDiskIsFullStopsNobody) {
    for (const bool is_last_synced : {false, true}) {
        LogWorld world(2);
        auto writer = world.create();
        ASSERT_TRUE(writer);
        ASSERT_TRUE(append_each(**writer, 2, 4));
        world.data.set_capacity(world.data.used_bytes());
        if (is_last_synced) {
            (void)world.logs[0]->fail_next_sync("");
        } else {
            world.logs[0]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
        }

        ASSERT_TRUE(append_each(**writer, 5, 9)) << "it must go on with the other disk";

        EXPECT_FALSE((*writer)->members()[0].is_present);
        EXPECT_EQ(read_membership(world.data, kTestNode).value()->disks.size(), 1U);
        EXPECT_EQ(read_membership(*world.logs[1], kTestNode).value()->disks.size(), 1U);
        writer->reset();
        world.logs[0]->disarm();
        world.power_cycle();
        ASSERT_TRUE(world.recover());
        EXPECT_EQ(world.delivered.size(), 9U);
    }
}

TEST(LogMembers, PowerCutAtAnyOperationOfBecomingSmallerLosesNothingAcknowledged) {
    for (const bool is_data : {true, false}) {  // which disk's operation the power goes at
        bool is_over = false;
        for (std::uint64_t k = 1; !is_over; ++k) {
            SCOPED_TRACE(fmt::format("{} {}", is_data, k));
            ASSERT_LT(k, 100U);
            LogWorld world(2, k);
            auto writer = world.create();
            ASSERT_TRUE(writer);
            ASSERT_TRUE(append_each(**writer, 2, 4));
            const sim::DiskImage stale = image_of(world, 0, *writer);
            world.data.set_capacity(world.data.used_bytes());
            world.logs[0]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
            (is_data ? world.data : *world.logs[1]).cut_power_after(k);
            Lsn acknowledged = 4;
            is_over = true;
            for (Lsn lsn = 5; lsn <= 7 && is_over; ++lsn) {
                const Record record = test_record(lsn);
                is_over = (*writer)->append(std::span(&record, 1), kTestWall).is_ok();
                acknowledged = is_over ? lsn : acknowledged;
            }
            writer->reset();
            world.logs[0]->disarm();
            world.power_cycle();
            (void)world.logs[0]->put_back(stale);

            auto recovered = world.recover();
            ASSERT_TRUE(recovered) << recovered.error().text;
            ASSERT_GE(world.delivered.size(), acknowledged);
            recovered->writer.reset();

            // The word of the data disk is lost on top of it: refused, or nothing is missing.
            lose_word(world);
            auto without = world.recover();
            EXPECT_TRUE(without && world.delivered.size() >= acknowledged)
                << (without ? "lost" : without.error().text);
        }
    }
}

}  // namespace
}  // namespace firedrill::store
