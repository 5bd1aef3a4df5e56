// Edges of the log to which no history leads by itself: a disk without room where some was reserved, a close
// mark that says something else than the records before it.
#include <gtest/gtest.h>

#include "log_world.h"
#include "store/segment_deletion.h"

namespace firedrill::store {
namespace {

/// A disk whose files have no room for writes, whatever they reserved, once `is_full`.
class BrokenPromises final : public Disk {
  public:
    explicit BrokenPromises(Disk& real) : real_(real) {}
    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        return std::unique_ptr<File>(std::make_unique<Full>(TRY(real_.open(name, how)), is_full));
    }
    Status rename(std::string_view from, std::string_view to) override { return real_.rename(from, to); }
    Status remove(std::string_view name) override { return real_.remove(name); }
    Result<std::vector<std::string>> list() override { return real_.list(); }
    Status sync_names() override { return real_.sync_names(); }
    Result<std::uint64_t> free_space_bytes() override { return real_.free_space_bytes(); }
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override { return real_.claim(owner); }
    std::string label() const override { return real_.label(); }

    bool is_full = false;

  private:
    class Full final : public File {
      public:
        Full(std::unique_ptr<File> real, const bool& is_full) : real_(std::move(real)), is_full_(is_full) {}
        using File::write_at;
        Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
            return real_->read_at(offset, out);
        }
        Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
            return is_full_ ? Status(Error{Fault::disk_full, "no space"}) : real_->write_at(offset, pieces);
        }
        Status truncate(std::uint64_t size_bytes) override { return real_->truncate(size_bytes); }
        Status allocate(std::uint64_t size_bytes) override { return real_->allocate(size_bytes); }
        Result<std::uint64_t> size_bytes() override { return real_->size_bytes(); }
        Status sync() override { return real_->sync(); }

      private:
        std::unique_ptr<File> real_;
        const bool& is_full_;
    };

    Disk& real_;
};

// It may have taken a prefix: were it tried again like any full disk, two disks could hold different records
// of one LSN.
TEST(LogEdges, ADiskWithoutRoomWhereSomeWasReservedIsAFailedOne) {
    LogWorld world(2);
    BrokenPromises broken(*world.logs[1]);
    LogOptions options = world.options();
    std::vector<Disk*> disks{world.logs[0].get(), &broken};
    options.disks = disks;
    auto writer = create_log(options, as_bytes("slots"), kTestWall);
    ASSERT_TRUE(writer) << writer.error().text;
    ASSERT_TRUE(append_each(**writer, 2, 3));

    broken.is_full = true;

    EXPECT_TRUE(append_each(**writer, 4, 4));
    EXPECT_TRUE((*writer)->members()[0].is_present);
    EXPECT_FALSE((*writer)->members()[1].is_present);
    EXPECT_NE((*writer)->members()[1].failure.find("where it had reserved some"), std::string::npos);
}

TEST(LogEdges, ACloseMarkWithAnotherIndexThanItsRecordsGiveIsNotBelieved) {
    LogWorld world(1);
    {
        auto writer = world.create();
        ASSERT_TRUE(writer);
        ASSERT_TRUE(append_each(**writer, 2, 4));
        ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    }
    world.close_all();
    const std::string first = world.segments(0).front();
    const Bytes before = *world.logs[0]->peek(first);
    const auto header = parse_segment_header(before);
    ASSERT_TRUE(header);
    const std::uint64_t offset = load_u64(before.data() + before.size() - 8);
    auto mark = parse_close_mark(ByteView(before).subspan(offset), offset, *header);
    ASSERT_TRUE(mark);
    mark->index.begin()->second.last_sequence -= 1;
    const Bytes other = encode_close_mark(*mark, *header, *world.options().signing_seed);
    ASSERT_TRUE(parse_close_mark(other, offset, *header));
    ASSERT_EQ(other.size(), before.size() - offset);
    world.overwrite(0, first, offset, other);

    ASSERT_TRUE(world.recover(world.options(), 1, kTestWall + 2h));

    EXPECT_EQ(*world.logs[0]->peek(first), before);
}

// Nobody closes a segment whose last record is not durable.
TEST(LogEdges, ADamagedRecordBeforeACloseMarkIsNoTornTailAlsoWhenTheNextSegmentIsGone) {
    LogWorld world(1);
    {
        auto writer = world.create();
        ASSERT_TRUE(writer);
        ASSERT_TRUE(append_each(**writer, 2, 4));
        ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    }
    world.close_all();
    const std::vector<std::string> segments = world.segments(0);
    ASSERT_EQ(segments.size(), 2U);
    const Bytes before = *world.logs[0]->peek(segments[0]);
    const std::uint64_t mark = load_u64(before.data() + before.size() - 8);
    world.overwrite(0, segments[0], mark - 1000, Bytes(64, 0xA5));
    ASSERT_TRUE(world.logs[0]->remove(segments[1]));
    ASSERT_TRUE(world.logs[0]->sync_names());

    const auto recovered = world.recover();

    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().fault, Fault::damaged);
    EXPECT_NE(recovered.error().text.find("LSN 4 "), std::string::npos) << recovered.error().text;
}

/// Three segments: LSNs 1–4, 5–6, 7–8.
void write_three_segments(LogWorld& world) {
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    ASSERT_TRUE(append_each(**writer, 5, 6));
    ASSERT_TRUE((*writer)->tick(kTestWall + 4h));
    ASSERT_TRUE(append_each(**writer, 7, 8));
    writer->reset();
    world.close_all();
}

TEST(LogEdges, WhatMayGoIsLookedForFromWhereTheLogBegins) {
    LogWorld world(1);
    write_three_segments(world);

    const auto all = oldest_segments(world.options().disks, 1, 4);
    const auto later = oldest_segments(world.options().disks, 5, 4);

    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 3U);
    EXPECT_TRUE((*all)[0].is_closed);
    EXPECT_TRUE((*all)[1].is_closed);
    EXPECT_FALSE((*all)[2].is_closed);
    ASSERT_TRUE(later);
    ASSERT_EQ(later->size(), 2U);
    EXPECT_EQ((*later)[0].name.first, 5U);
}

// Its index says nothing of the records between.
TEST(LogEdges, ASegmentBeforeAHoleIsNotClosedForWhoeverRemovesSegments) {
    LogWorld world(1);
    write_three_segments(world);
    ASSERT_TRUE(world.logs[0]->remove(world.segments(0)[1]));

    const auto found = oldest_segments(world.options().disks, 1, 4);

    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_FALSE((*found)[0].is_closed);
}

TEST(LogEdges, RecordsThatDoNotFollowEachOtherCloseNoSegment) {
    for (const bool is_other : {false, true}) {
        LogWorld world(1);
        write_three_segments(world);
        const std::string first = world.segments(0).front();
        Bytes bytes = *world.logs[0]->peek(first);
        const std::uint64_t mark = load_u64(bytes.data() + bytes.size() - 8);
        world.overwrite(0, first, mark, Bytes(bytes.size() - mark));
        if (is_other) {
            // Record 3 as another history has it: sound in itself, and of the same size.
            LogWorld other(1);
            auto writer = other.create();
            ASSERT_TRUE(writer);
            ASSERT_TRUE(append_each(**writer, 2, 2));
            const Record third{3, 0, kTestWall, test_commit(9, 77, 1)};
            ASSERT_TRUE((*writer)->append(std::span(&third, 1), kTestWall));
            const Bytes there = *other.logs[0]->peek(first);
            const std::uint64_t size = record_size(test_record(3));
            ASSERT_EQ(record_size(third), size);
            const std::uint64_t at = mark - 2 * size;
            ASSERT_EQ(parse_record_head(ByteView(there).subspan(at))->lsn, 3U);
            world.overwrite(0, first, at, ByteView(there).subspan(at, size));
        }

        const auto found = oldest_segments(world.options().disks, 1, 4);

        ASSERT_TRUE(found);
        EXPECT_EQ((*found)[0].is_closed, !is_other);
    }
}

}  // namespace
}  // namespace firedrill::store
