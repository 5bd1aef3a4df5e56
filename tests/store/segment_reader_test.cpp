// What a sound segment is: one reader decides, and the walk, scrub, the check of a copy, the filling of a
// disk and the removal of old segments agree with it, byte for byte.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "log_world.h"
#include "store/copy_check.h"
#include "store/log_members.h"
#include "store/log_resilver.h"
#include "store/log_scrub.h"
#include "store/log_walk.h"
#include "store/segment_reader.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

/// What each of the five says of one segment on one disk.
struct Verdicts {
    SegmentReading reading;
    bool reader = false;
    bool walk = false;
    bool scrub = false;
    bool copy = false;
    bool filling = false;
    bool removal = false;
    bool does_walk_refuse = false;

    [[nodiscard]] bool do_agree() const {
        return reader == walk && reader == scrub && reader == copy && reader == filling &&
               (removal || !reader) && !(does_walk_refuse && removal);
    }
    [[nodiscard]] std::string text() const {
        return fmt::format("reader {} walk {} scrub {} copy {} filling {} removal {} walk refuses {} flaw {}",
                           reader, walk, scrub, copy, filling, removal, does_walk_refuse,
                           static_cast<int>(reading.flaw));
    }
};

/// Is the segment that begins with `name` closed and without anything to repair in this walk?
bool walks_soundly(const WalkedLog& walked, const SegmentName& name) {
    for (const WalkedSegment& segment : walked.segments) {
        if (segment_name(segment.header.timeline, segment.header.first) == name) {
            return segment.is_closed && segment.repairs.empty();
        }
    }
    return false;
}

Verdicts ask_all(Disk& disk, const SegmentName& name, Lsn last, const SignerKey& signer) {
    Verdicts out;
    const auto reading = read_segment(disk, name);
    EXPECT_TRUE(reading) << reading.error().text;
    out.reading = *reading;
    out.reader = reading->state == SegmentState::closed;
    out.filling = *is_sound_segment(disk, name);
    out.removal = *is_sound_through(disk, name, last);

    LogSource source;
    source.disk = &disk;
    WalkedLog walked;
    WalkOptions options;
    options.is_own_log = true;
    options.until_damage = &walked;
    const auto catalogue = read_catalogue({source}, kTestNode);
    auto walk = catalogue ? walk_log(*catalogue, options, {}, nullptr) : Result<WalkedLog>(catalogue.error());
    out.does_walk_refuse = !walk;
    out.walk = walks_soundly(walk ? *walk : walked, name);

    LogScrub scrub({&disk}, std::numeric_limits<Lsn>::max(), false);
    for (bool is_over = false; !is_over;) {
        const auto step = scrub.step(1 << 20);
        EXPECT_TRUE(step);
        is_over = !step || *step;
    }
    out.scrub = scrub.report.found == 0;

    CopyOwner owner{kTestNode, {signer}};
    const auto copied = check_log_copy(disk, owner, nullptr);
    out.copy = copied && copied->through >= last;
    return out;
}

/// One log disk; a closed segment with LSNs 1 to `last`, and an open one behind it.
struct OneSegment {
    LogWorld world{1};
    SegmentName name;
    Lsn last = 0;
    Bytes good;
    SignerKey signer{};

    explicit OneSegment(Lsn through) : last(through) {
        auto writer = world.create();
        EXPECT_TRUE(writer);
        EXPECT_TRUE(append_each(**writer, 2, last));
        EXPECT_TRUE((*writer)->tick(kTestWall + 2h));
        EXPECT_TRUE(append_each(**writer, last + 1, last + 1));
        writer->reset();
        world.close_all();
        const std::string first = world.segments(0).front();
        name = *parse_segment_name(first);
        good = *world.logs[0]->peek(first);
        signer = parse_segment_header(good)->signer;
    }
    Disk& disk() { return *world.logs[0]; }
    Verdicts ask() { return ask_all(disk(), name, last, signer); }
    void write(const Bytes& bytes) {
        auto file = disk().open(to_text(name), Open::existing);
        ASSERT_TRUE(file);
        ASSERT_TRUE((*file)->truncate(0));
        ASSERT_TRUE((*file)->write_at(0, ByteView(bytes)));
        ASSERT_TRUE((*file)->sync());
    }
};

bool is_long() {
    return std::getenv("FIREDRILL_LONG") != nullptr;
}

/// Every byte, but of a page in its middle: those are all alike to the reader.
bool is_tried(std::size_t at, std::size_t size) {
    constexpr std::size_t kStride = 61;
    return is_long() || at < 2200 || at + 600 > size || at % kStride == 0 || at % 512 < 2;
}

TEST(SegmentReader, AClosedSegmentIsSoundToAllFive) {
    OneSegment one(3);

    const Verdicts said = one.ask();

    EXPECT_TRUE(said.do_agree()) << said.text();
    EXPECT_TRUE(said.reader);
    EXPECT_FALSE(said.does_walk_refuse);
    EXPECT_EQ(said.reading.flaw, SegmentFlaw::none);
    EXPECT_EQ(said.reading.last, 3U);
    EXPECT_EQ(said.reading.end, one.good.size());
}

TEST(SegmentReader, WithAnyByteFlippedNobodyCallsItSound) {
    OneSegment one(2);
    std::map<SegmentFlaw, std::size_t> flaws;
    for (std::size_t at = 0; at < one.good.size(); ++at) {
        if (!is_tried(at, one.good.size())) {
            continue;
        }
        const Bytes rot{static_cast<Byte>(one.good[at] ^ 0x10)};
        one.world.overwrite(0, to_text(one.name), at, rot);
        const Verdicts said = one.ask();
        EXPECT_TRUE(said.do_agree()) << "byte " << at << ": " << said.text();
        EXPECT_FALSE(said.reader) << "byte " << at;
        ++flaws[said.reading.flaw];
        one.world.overwrite(0, to_text(one.name), at, ByteView(one.good).subspan(at, 1));
    }
    EXPECT_GE(flaws[SegmentFlaw::header], 512U);
    EXPECT_EQ(flaws[SegmentFlaw::slots], 512U);  // the document and every byte of its padding
    EXPECT_GE(flaws[SegmentFlaw::record], 500U);
    EXPECT_GE(flaws[SegmentFlaw::close_mark], 500U);
    EXPECT_EQ(flaws[SegmentFlaw::none], 0U);
}

TEST(SegmentReader, CutAtAnyLengthNobodyCallsItSound) {
    OneSegment one(2);
    for (std::size_t size = 0; size < one.good.size(); ++size) {
        if (!is_tried(size, one.good.size())) {
            continue;
        }
        one.write(Bytes(one.good.begin(), one.good.begin() + static_cast<std::ptrdiff_t>(size)));
        const Verdicts said = one.ask();
        EXPECT_TRUE(said.do_agree()) << size << " bytes: " << said.text();
        EXPECT_FALSE(said.reader) << size << " bytes";
    }
}

TEST(SegmentReader, WithBytesBehindTheCloseMarkNobodyCallsItSound) {
    OneSegment one(2);
    for (const std::size_t more : {1U, 7U, 511U, 512U, 513U, 1024U, 4096U}) {
        for (const Byte fill : {0x00, 0x5a}) {
            Bytes longer = one.good;
            longer.resize(longer.size() + more, fill);
            one.write(longer);
            const Verdicts said = one.ask();
            EXPECT_TRUE(said.do_agree()) << more << " bytes of " << int{fill} << ": " << said.text();
            EXPECT_FALSE(said.reader);
            EXPECT_FALSE(said.does_walk_refuse) << "its records are all there";
        }
    }
}

TEST(SegmentReader, WithoutAnythingBehindTheRecordsItIsOpen) {
    OneSegment one(2);
    const std::uint64_t end = load_u64(one.good.data() + one.good.size() - 8);
    Bytes records(one.good.begin(), one.good.begin() + static_cast<std::ptrdiff_t>(end));

    one.write(records);
    EXPECT_EQ(one.ask().reading.state, SegmentState::open);
    records.resize(records.size() + 3000);
    one.write(records);
    EXPECT_EQ(one.ask().reading.state, SegmentState::open);
    records.back() = 1;
    one.write(records);
    EXPECT_EQ(one.ask().reading.state, SegmentState::unsound);
}

TEST(SegmentReader, UntilABranchWhatFollowsIsNotLookedAt) {
    OneSegment one(4);
    const Bytes rot{0x5a};
    one.world.overwrite(0, to_text(one.name), one.good.size() - 700, rot);

    const auto reading = read_segment(one.disk(), one.name, 2);

    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->state, SegmentState::open);
    EXPECT_EQ(reading->last, 2U);
    EXPECT_TRUE(reading->is_through(2));
    EXPECT_FALSE(reading->is_through(3));
}

/// Random segments: several stores, parts of commits, page counts; one byte of one of them turned over.
RC_GTEST_PROP(SegmentReader, AgreesWithTheOthersOnRandomSegments, ()) {
    LogWorld world(1);
    auto writer = world.create();
    RC_ASSERT(writer.is_ok());
    const auto count = *rc::gen::inRange<Lsn>(0, 6);
    Lsn lsn = 2;
    for (; lsn < 2 + count; ++lsn) {
        Record record = test_record(lsn, *rc::gen::inRange<std::size_t>(1, 3));
        if (*rc::gen::arbitrary<bool>()) {
            const auto& commit = std::get<Commit>(record.body);
            CommitPart part;
            part.store = commit.store;
            part.sequence = commit.sequence;
            part.part = *rc::gen::inRange<std::uint32_t>(1, 4);
            part.pages = commit.pages;
            record.body = std::move(part);
        }
        RC_ASSERT((*writer)->append(std::span(&record, 1), kTestWall).is_ok());
    }
    RC_ASSERT((*writer)->tick(kTestWall + 2h).is_ok());
    RC_ASSERT(append_each(**writer, lsn, lsn));
    writer->reset();
    world.close_all();
    const std::string first = world.segments(0).front();
    const SegmentName name = *parse_segment_name(first);
    const Bytes good = *world.logs[0]->peek(first);
    const SignerKey signer = parse_segment_header(good)->signer;

    const Verdicts before = ask_all(*world.logs[0], name, lsn - 1, signer);
    RC_ASSERT(before.do_agree());
    RC_ASSERT(before.reader);

    const auto at = *rc::gen::inRange<std::size_t>(0, good.size());
    const Bytes rot{static_cast<Byte>(good[at] ^ *rc::gen::inRange<Byte>(1, 255))};
    world.overwrite(0, first, at, rot);
    const Verdicts after = ask_all(*world.logs[0], name, lsn - 1, signer);
    RC_ASSERT(after.do_agree());
    RC_ASSERT(!after.reader);
}

/// Two log disks; the first segment is closed on both, then disk 1 leaves.
struct ReturningDisk {
    LogWorld world{2};
    std::unique_ptr<LogWriter> writer;
    std::string first;
    Bytes good;

    ReturningDisk() {
        auto made = world.create();
        EXPECT_TRUE(made);
        writer = std::move(*made);
        EXPECT_TRUE(append_each(*writer, 2, 4));
        EXPECT_TRUE(writer->tick(kTestWall + 2h));
        EXPECT_TRUE(append_each(*writer, 5, 6));
        (void)world.logs[1]->fail_next_sync("");
        EXPECT_TRUE(append_each(*writer, 7, 8));
        EXPECT_FALSE(writer->members()[1].is_present);
        first = world.segments(0).front();
        good = *world.logs[1]->peek(first);
    }
    void rot(std::size_t disk, const std::string& file, std::uint64_t at) {
        const Bytes byte{static_cast<Byte>(world.logs[disk]->peek(file)->at(at) ^ 0x5a)};
        world.overwrite(disk, file, at, byte);
    }
    void fill_and_join() {
        const auto filled = writer->begin_resilver(kTestWall + 3h);
        ASSERT_TRUE(filled);
        const auto go_on = [&filled] {
            for (;;) {
                const auto step = filled->step(1 << 20);
                ASSERT_TRUE(step) << step.error().text;
                if (*step) {
                    return;
                }
            }
        };
        go_on();
        for (;;) {
            const auto joined = writer->rejoin(*filled, kTestWall + 3h);
            ASSERT_TRUE(joined) << joined.error().text;
            if (*joined == Rejoin::joined) {
                return;
            }
            go_on();
        }
    }
    Result<RecoveredLog> start_again() {
        writer.reset();
        world.close_all();
        world.power_cycle();
        return world.recover();
    }
};

class ResilverByte : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(OfTheSegment, ResilverByte,
                         ::testing::Values(20, 512 + 3, 512 + 100, 1023, 1024 + 17, 1700, 7000),
                         [](const auto& at) { return "Byte" + std::to_string(at.param); });

TEST_P(ResilverByte, TheGoodCopyOnTheReturnedDiskSurvivesRotOnTheServingOne) {
    ReturningDisk node;
    node.rot(0, node.first, GetParam());

    node.fill_and_join();

    EXPECT_EQ(*node.world.logs[1]->peek(node.first), node.good);
    const auto started = node.start_again();
    ASSERT_TRUE(started) << started.error().text;
    EXPECT_EQ(node.world.delivered.size(), 8U);
    EXPECT_EQ(*node.world.logs[0]->peek(node.first), node.good) << "the start mends the serving disk from it";
}

TEST(Resilver, TwoCopiesThatRottedInDifferentPlacesMakeAWholeOne) {
    ReturningDisk node;
    node.rot(0, node.first, 1700);
    node.rot(0, node.first, node.good.size() - 5);  // its close mark
    node.rot(1, node.first, 512 + 100);
    node.rot(1, node.first, 7000);

    node.fill_and_join();

    EXPECT_EQ(*node.world.logs[1]->peek(node.first), node.good);
    EXPECT_TRUE(node.start_again());
}

TEST(Resilver, ASegmentThatOnlyTheReturnedDiskStillHasIsKept) {
    ReturningDisk node;
    ASSERT_TRUE(node.world.logs[0]->remove(node.first));
    const auto listed = node.writer->begin_resilver(kTestWall + 3h);
    ASSERT_TRUE(listed);
    listed->want({*parse_segment_name(node.first)});

    for (;;) {
        const auto step = listed->step(1 << 20);
        ASSERT_TRUE(step) << step.error().text;
        if (*step) {
            break;
        }
    }

    EXPECT_EQ(*node.world.logs[1]->peek(node.first), node.good);
}

TEST(Resilver, ARecordOfTheOpenSegmentThatOnlyTheReturnedDiskHasSoundIsKept) {
    ReturningDisk node;
    const std::string open = node.world.last_segment(0);
    const Bytes before = *node.world.logs[0]->peek(open);
    node.rot(0, open, 1024 + 300);  // LSN 5, which disk 1 has too

    node.fill_and_join();

    EXPECT_EQ(node.world.logs[1]->peek(open)->at(1024 + 300), before[1024 + 300]);
    const auto started = node.start_again();
    ASSERT_TRUE(started) << started.error().text;
    EXPECT_EQ(node.world.delivered.size(), 8U);
}

TEST(Resilver, AnotherHistoryOnTheReturnedDiskIsNotBelieved) {
    ReturningDisk node;
    // The serving disk's last record before disk 1 left is rotten, and disk 1 has another one in its place
    // that is sound in itself, as a disk has that was written to elsewhere meanwhile.
    const std::string open = node.world.last_segment(0);
    Bytes held = *node.world.logs[1]->peek(open);
    const SegmentHeader header = *parse_segment_header(held);
    const auto head = *parse_record_head(ByteView(held).subspan(header.records_offset()));
    const EncodedRecord other = encode_record(test_record(5, 1), 1, header.digest);
    Record changed = test_record(5, 1);
    changed.wall = kTestWall + 5h;
    const EncodedRecord forged = encode_record(changed, 1, header.digest);
    ASSERT_EQ(forged.size, head.size());
    ASSERT_NE(forged.chain, other.chain);
    node.world.overwrite(1, open, header.records_offset(), forged.start);
    node.rot(0, open, header.records_offset() + 300);
    const Bytes rotten = *node.world.logs[0]->peek(open);

    node.fill_and_join();

    EXPECT_EQ(node.world.logs[1]->peek(open)->at(header.records_offset() + 300),
              rotten[header.records_offset() + 300]);
}

TEST(LogScrub, CutsWhatStandsBehindACloseMark) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    ASSERT_TRUE(append_each(**writer, 5, 5));
    writer->reset();
    world.close_all();
    const std::string first = world.segments(0).front();
    const Bytes good = *world.logs[0]->peek(first);
    {
        auto file = world.logs[1]->open(first, Open::existing);
        ASSERT_TRUE(file);
        ASSERT_TRUE((*file)->truncate(good.size() + 512));
    }
    LogScrub scrub({world.logs[0].get(), world.logs[1].get()}, std::numeric_limits<Lsn>::max(), false);

    ASSERT_TRUE(scrub.step(1 << 30));

    EXPECT_EQ(scrub.report.found, 1U);
    EXPECT_EQ(scrub.report.repaired, 1U);
    EXPECT_EQ(*world.logs[1]->peek(first), good);
}

TEST(LogRecovery, CutsWhatStandsBehindACloseMarkOnOneOfTwoDisks) {
    LogWorld world(2);
    auto writer = world.create();
    ASSERT_TRUE(writer);
    ASSERT_TRUE(append_each(**writer, 2, 4));
    ASSERT_TRUE((*writer)->tick(kTestWall + 2h));
    ASSERT_TRUE(append_each(**writer, 5, 5));
    writer->reset();
    world.close_all();
    const std::string first = world.segments(0).front();
    const Bytes good = *world.logs[0]->peek(first);
    {
        auto file = world.logs[1]->open(first, Open::existing);
        ASSERT_TRUE(file);
        ASSERT_TRUE((*file)->truncate(good.size() + 512));
    }

    ASSERT_TRUE(world.recover());

    EXPECT_EQ(*world.logs[1]->peek(first), good);
}

}  // namespace
}  // namespace firedrill::store
