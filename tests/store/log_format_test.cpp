#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "crypto/hash.h"
#include "log_world.h"

namespace firedrill::store {
namespace {

Bytes flatten(const Record& record, Lsn durable, const Digest& previous) {
    const EncodedRecord encoded = encode_record(record, durable, previous);
    Bytes out = encoded.start;
    for (const PageImage& image : own_pages(record.body)) {
        if (image.page) {
            append(out, *image.page);
        }
    }
    out.resize(out.size() + encoded.padding);
    EXPECT_EQ(out.size(), encoded.size);
    return out;
}

/// The pages of test_commit() with a hole behind them.
CommitPart test_part(std::uint32_t number, std::size_t pages) {
    Commit commit = test_commit(4, 9, pages);
    CommitPart part{commit.store, commit.sequence, number, std::move(commit.pages)};
    part.pages.push_back({static_cast<PageNumber>(pages + 1), nullptr, Digest{}});
    return part;
}
Commit test_return(CommitSequence to, std::uint32_t parts, std::size_t pages) {
    Commit commit = test_commit(4, 9, pages);
    commit.page_count = static_cast<PageNumber>(pages + 2);
    commit.pages.push_back({static_cast<PageNumber>(pages + 1), nullptr, Digest{}});
    commit.taken_back = Commit::Return{to, parts, 0};
    return commit;
}

RC_GTEST_PROP(LogRecord, IsReadBackAsItWasWritten, ()) {
    Record record;
    record.lsn = *rc::gen::inRange<Lsn>(1, 1U << 30);
    record.wall.ns = *rc::gen::arbitrary<std::int64_t>();
    switch (*rc::gen::inRange(0, 5)) {
        case 0:
            record.body =
                test_commit(*rc::gen::arbitrary<Byte>(), *rc::gen::inRange<CommitSequence>(1, 1U << 30),
                            *rc::gen::inRange<std::size_t>(1, 5));
            break;
        case 1: record.body = NodeSlots{*rc::gen::arbitrary<Bytes>()}; break;
        case 2:
            record.body =
                test_part(*rc::gen::inRange<std::uint32_t>(1, 100), *rc::gen::inRange<std::size_t>(0, 4));
            break;
        case 3:
            record.body =
                test_return(*rc::gen::inRange<CommitSequence>(1, 9), *rc::gen::inRange<std::uint32_t>(0, 9),
                            *rc::gen::inRange<std::size_t>(0, 4));
            break;
        default:
            record.body = Reset{test_id<TimelineId>(1), test_id<TimelineId>(2), *rc::gen::arbitrary<Lsn>()};
    }
    Digest previous;
    previous.bytes.fill(*rc::gen::arbitrary<Byte>());
    const Lsn durable = *rc::gen::inRange<Lsn>(0, record.lsn);

    const Bytes bytes = flatten(record, durable, previous);
    const auto view = check_record(bytes);

    RC_ASSERT(view.has_value());
    RC_ASSERT(view->head.previous == previous);
    const Record again = to_record(*view);
    RC_ASSERT(again.lsn == record.lsn);
    RC_ASSERT(again.durable == durable);
    RC_ASSERT(again.wall == record.wall);
    RC_ASSERT(again.body.index() == record.body.index());
    RC_ASSERT(flatten(again, durable, previous) == bytes);
}

TEST(LogRecord, IsRefusedWhenAnyByteIsFlippedOrMissing) {
    const std::vector<Record> records = {
        test_record(7, 2),
        {8, 0, kTestWall, NodeSlots{Bytes(40, 0x5A)}},
        {9, 0, kTestWall, Reset{test_id<TimelineId>(1), test_id<TimelineId>(2), 8}},
        {10, 0, kTestWall, test_part(1, 1)},
        {11, 0, kTestWall, test_return(3, 1, 1)},
    };
    for (const Record& record : records) {
        Bytes bytes = flatten(record, record.lsn - 1, Digest{});
        ASSERT_TRUE(check_record(bytes));
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            for (const Byte mask : {Byte{0x01}, Byte{0x80}}) {
                bytes[i] ^= mask;
                ASSERT_FALSE(check_record(bytes)) << "byte " << i << " of record " << record.lsn;
                bytes[i] ^= mask;
            }
            ASSERT_FALSE(check_record(ByteView(bytes).first(i)));
        }
        bytes.push_back(0);
        ASSERT_FALSE(check_record(bytes));
    }
}

TEST(LogRecord, WithPagesOutOfOrderIsRefusedByWriterAndReader) {
    Record record = test_record(7, 2);
    auto& pages = std::get<Commit>(record.body).pages;
    std::swap(pages[0], pages[1]);
    EXPECT_EQ(check_limits(record).error().fault, Fault::bad_usage);
    EXPECT_FALSE(check_record(flatten(record, 6, Digest{})));
}

TEST(LogSegment, NameIsReadBackAndNothingElseIs) {
    const SegmentName name = segment_name(kTestTimeline, 0x1234);
    EXPECT_EQ(to_text(name), "log.22222222.0000000000001234");
    EXPECT_EQ(parse_segment_name(to_text(name)), name);
    for (const char* bad : {"", "log.22222222.000000000000123", "log.22222222.0000000000000000",
                            "log.2222222A.0000000000001234", "log.22222222x0000000000001234", "log.members",
                            "log.22222222.0000000000001234.new", "lug.22222222.0000000000001234"}) {
        EXPECT_FALSE(parse_segment_name(bad)) << bad;
    }
}

/// A closed segment of three records, as the writer made it.
Bytes small_segment(LogWorld& world) {
    auto writer = world.create();
    EXPECT_TRUE(writer);
    EXPECT_TRUE(append_each(**writer, 2, 3));
    EXPECT_TRUE((*writer)->tick(kTestWall + 2h));
    return *world.logs[0]->peek(world.segments(0).front());
}

// Every byte of a small segment matters: whatever is flipped is found, and with the next segment as witness
// nothing is mistaken for a torn tail.
TEST(LogSegment, EveryFlippedByteIsFoundAndNoneIsTakenForATear) {
    LogWorld world(1);
    const Bytes good = small_segment(world);
    const std::string name = world.segments(0).front();
    const std::uint64_t mark = load_u64(good.data() + good.size() - 8);
    ASSERT_TRUE(world.scan());
    ASSERT_EQ(world.delivered.size(), 3U);
    for (std::size_t i = 0; i < good.size(); i += i % 512 < 256 || i % 4096 < 8 ? 1 : 7) {
        const Byte bad = good[i] ^ Byte { 0x10 };
        world.overwrite(0, name, i, ByteView(&bad, 1));
        const auto scan = world.scan();
        if (i < mark) {
            ASSERT_FALSE(scan) << i;
            ASSERT_EQ(scan.error().fault, Fault::damaged) << i << ": " << scan.error().text;
        } else {
            // The close mark is a statement about records that stand by themselves: it can be made again.
            ASSERT_TRUE(scan) << i << ": " << scan.error().text;
            ASSERT_EQ(world.delivered.size(), 3U);
        }
        world.overwrite(0, name, i, ByteView(&good[i], 1));
    }
}

TEST(LogSegment, CloseMarkIsRefusedWhenAnyByteIsFlippedOrMissing) {
    LogWorld world(1);
    Bytes good = small_segment(world);
    const auto header = parse_segment_header(good);
    ASSERT_TRUE(header);
    const std::uint64_t offset = load_u64(good.data() + good.size() - 8);
    Bytes mark(good.begin() + static_cast<std::ptrdiff_t>(offset), good.end());
    const auto parsed = parse_close_mark(mark, offset, *header);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->last, 3U);
    EXPECT_EQ(parsed->index.size(), 2U);
    for (std::size_t i = 0; i < mark.size(); ++i) {
        mark[i] ^= 0x10;
        ASSERT_FALSE(parse_close_mark(mark, offset, *header)) << i;
        mark[i] ^= 0x10;
        ASSERT_FALSE(parse_close_mark(ByteView(mark).first(i), offset, *header)) << i;
    }
    EXPECT_FALSE(parse_close_mark(mark, offset + 512, *header));
    SegmentHeader other = *header;
    other.digest.bytes[0] ^= 1;
    EXPECT_FALSE(parse_close_mark(mark, offset, other));
}

// The format is a promise: what was written by version 1 is written so, byte for byte, and read, for ever.
TEST(LogSegment, IsWrittenAsTheGoldenFileSays) {
    std::ifstream file(FIREDRILL_TEST_DATA "/log_segment_v1.bin", std::ios::binary);
    const Bytes golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    LogWorld world(1);

    const Bytes written = small_segment(world);

    ASSERT_EQ(golden.size(), 11264U);
    EXPECT_EQ(to_hex(crypto::sha256(written).view()), to_hex(crypto::sha256(golden).view()));
    EXPECT_TRUE(written == golden);
    world.overwrite(0, world.segments(0).front(), 0, golden);
    EXPECT_TRUE(world.scan());
    EXPECT_EQ(world.delivered.size(), 3U);
}

TEST(LogSegment, OfANewerFormatIsRefusedUntouched) {
    LogWorld world(1);
    const Bytes good = small_segment(world);
    for (const std::size_t at : {std::size_t{10}, std::size_t{12}}) {  // minimum reader, features
        Bytes header(good.begin(), good.begin() + 512);
        header[at] = 9;
        const Digest digest = crypto::sha256(ByteView(header).first(480));
        std::copy(digest.bytes.begin(), digest.bytes.end(), header.begin() + 480);
        EXPECT_EQ(parse_segment_header(header).error().fault, Fault::newer_format);
        world.overwrite(0, world.segments(0).front(), 0, header);
        EXPECT_EQ(world.scan().error().fault, Fault::newer_format);
        EXPECT_EQ(world.recover().error().fault, Fault::newer_format);
    }
}

TEST(LogSegment, PiecesOfAnotherSegmentNodeOrTimelineAreRefused) {
    LogWorld world(1);
    const Bytes good = small_segment(world);
    LogWorld other(1);
    LogOptions options = other.options();
    options.identity.node = test_id<NodeId>(0x77);
    auto writer = create_log(options, as_bytes("slots one"), kTestWall);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 3));
    const Bytes foreign = *other.logs[0]->peek(other.segments(0).front());

    // Record 2 and what follows from the other node's log, at the same places.
    world.overwrite(0, world.segments(0).front(), 1536, ByteView(foreign).subspan(1536, 10240));

    EXPECT_EQ(world.scan().error().fault, Fault::damaged);
}

}  // namespace
}  // namespace firedrill::store
