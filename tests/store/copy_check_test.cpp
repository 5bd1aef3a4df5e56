// Copies of a log that do not count: another's, with a hole, cut short, with one bit turned over.
#include "cover_world.h"

namespace firedrill::store {
namespace {

struct CopyCheck : CoverWorld {
    std::unique_ptr<sim::SimDisk> copy;
    std::vector<SegmentName> names;

    StoreWorld& begin_with_copy(int hours) {
        copy.reset();  // before the universe that it is of
        StoreWorld& world = begin(1, hours);
        copy = copy_of(world);
        names = segments(*copy);
        return world;
    }
    void replace(const SegmentName& name, const Bytes& bytes) {
        expect_ok(replace_file(*copy, to_text(name), bytes));
    }
    Bytes bytes_of(const SegmentName& name) { return *copy->peek(to_text(name)); }
};

TEST_F(CopyCheck, ClosedSegmentsCountAndTheOpenOneDoesNot) {
    StoreWorld& world = begin_with_copy(3);

    const auto report = check(world, *copy);

    ASSERT_TRUE(report) << report.error().text;
    ASSERT_EQ(names.size(), 4U);
    EXPECT_EQ(report->segments, 3U);
    EXPECT_EQ(report->through + 1, names.back().first);
    EXPECT_EQ(report->timeline, test_timeline());
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        size += bytes_of(names[i]).size();
    }
    EXPECT_GE(report->bytes, size);  // every byte of what counts
    ASSERT_EQ(report->uncounted.size(), 1U);
    EXPECT_NE(report->uncounted[0].find(to_text(names.back())), std::string::npos) << report->uncounted[0];
}

TEST_F(CopyCheck, ACopyOfOnlyAnOpenSegmentIsRefused) {
    StoreWorld& world = begin_with_copy(0);

    const auto report = check(world, *copy);

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::refused);
    EXPECT_NE(report.error().text.find("nothing in"), std::string::npos) << report.error().text;
}

TEST_F(CopyCheck, AnEmptyFolderIsNotFound) {
    StoreWorld& world = begin(1, 1);
    const auto empty = world.universe.make_disk("empty");

    EXPECT_EQ(check(world, *empty).error().fault, Fault::not_found);
}

TEST_F(CopyCheck, AnotherNodesLogIsRefused) {
    StoreWorld& world = begin_with_copy(2);
    CopyOwner other = owner(world);
    other.node.bytes.fill(0x12);

    const auto report = check_log_copy(*copy, other, {});

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::refused) << report.error().text;
}

TEST_F(CopyCheck, ASignatureByAKeyThatTheNodeDoesNotKnowIsRefused) {
    StoreWorld& world = begin_with_copy(2);
    CopyOwner other = owner(world);
    other.signers[0][7] ^= 1;

    const auto report = check_log_copy(*copy, other, {});

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::refused);
    EXPECT_NE(report.error().text.find(to_text(names.front())), std::string::npos) << report.error().text;
}

TEST_F(CopyCheck, AMissingSegmentIsNamed) {
    for (const std::size_t gone : {0U, 1U, 2U}) {
        StoreWorld& world = begin_with_copy(4);
        expect_ok(copy->remove(to_text(names[gone])));

        const auto report = check(world, *copy);

        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().fault, Fault::damaged);
        EXPECT_NE(report.error().text.find(to_text(names[gone]) + " is missing"), std::string::npos)
            << report.error().text;
    }
}

TEST_F(CopyCheck, ALostNewestSegmentOnlyCoversLess) {
    StoreWorld& world = begin_with_copy(3);
    expect_ok(copy->remove(to_text(names[3])));
    expect_ok(copy->remove(to_text(names[2])));

    const auto report = check(world, *copy);

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->through + 1, names[2].first);
}

TEST_F(CopyCheck, ASegmentWithAnothersNameIsFound) {
    StoreWorld& world = begin_with_copy(3);
    replace(names[1], bytes_of(names[2]));

    const auto report = check(world, *copy);

    ASSERT_FALSE(report);
    EXPECT_NE(report.error().text.find(to_text(names[1])), std::string::npos) << report.error().text;
}

/// One bit in every header, slots document, record head, description, page, padding and close mark: a segment
/// that others follow is named, and the newest one never counts.
TEST_F(CopyCheck, NoChangedBitIsEverCounted) {
    StoreWorld& world = begin_with_copy(3);
    const Lsn whole = check(world, *copy)->through;
    std::size_t tried = 0;
    std::size_t named = 0;
    for (std::size_t which = 0; which < 3; ++which) {
        const Bytes sound = bytes_of(names[which]);
        const bool is_newest = which == 2;
        if (is_newest) {
            expect_ok(copy->remove(to_text(names[3])));  // then the closed one is the last that is there
        }
        const std::size_t mark_at = sound.size() - 1024;
        for (std::size_t at = 0; at < sound.size(); at += at < 512 || at >= mark_at ? 1 : 37) {
            Bytes changed = sound;
            changed[at] ^= static_cast<Byte>(1U << (at % 8));
            replace(names[which], changed);

            const auto report = check(world, *copy);

            ++tried;
            if (report) {
                ASSERT_TRUE(is_newest) << "byte " << at;
                ASSERT_LT(report->through, whole) << "byte " << at;
                ASSERT_EQ(report->uncounted.size(), 1U);
                continue;
            }
            const bool says_which = report.error().text.find(to_text(names[which])) != std::string::npos;
            named += says_which ? 1 : 0;
            ASSERT_TRUE(report.error().fault == Fault::damaged || report.error().fault == Fault::newer_format)
                << "byte " << at << ": " << report.error().text;
            ASSERT_TRUE(says_which || report.error().fault == Fault::newer_format) << report.error().text;
        }
        replace(names[which], sound);
    }
    EXPECT_EQ(check(world, *copy)->through, whole);
    EXPECT_GT(tried, 4000U);
    EXPECT_GT(named, 3000U);
}

TEST_F(CopyCheck, ASegmentCutShortIsNamedOrDoesNotCount) {
    StoreWorld& world = begin_with_copy(3);
    const Lsn whole = check(world, *copy)->through;
    for (const std::size_t which : {1U, 2U}) {
        const Bytes sound = bytes_of(names[which]);
        if (which == 2) {
            expect_ok(copy->remove(to_text(names[3])));
        }
        for (std::size_t size = 0; size < sound.size(); size += size % 512 == 0 ? 100 : 412) {
            replace(names[which], Bytes(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)));

            const auto report = check(world, *copy);

            if (which == 1) {
                ASSERT_FALSE(report) << size;
                ASSERT_NE(report.error().text.find(to_text(names[1])), std::string::npos);
            } else {
                ASSERT_TRUE(!report || report->through < whole) << size;
            }
        }
        replace(names[which], sound);
    }
}

TEST_F(CopyCheck, WhatIsAppendedToAClosedSegmentIsFound) {
    StoreWorld& world = begin_with_copy(3);
    Bytes longer = bytes_of(names[1]);
    longer.resize(longer.size() + 512);
    replace(names[1], longer);

    EXPECT_EQ(check(world, *copy).error().fault, Fault::damaged);
}

TEST_F(CopyCheck, AnUnreadableSectorIsNotSkipped) {
    StoreWorld& world = begin_with_copy(3);
    const std::string name = to_text(names[1]);
    ASSERT_TRUE(copy->break_sector(name, 4096).has_value());

    const auto report = check(world, *copy);

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::disk_failed) << report.error().text;
}

TEST_F(CopyCheck, ASegmentThatWasJustBegunWhenItWasCopiedDoesNotCount) {
    StoreWorld& world = begin_with_copy(2);
    replace(names.back(), Bytes(4096));

    const auto report = check(world, *copy);

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->through + 1, names.back().first);
    EXPECT_EQ(report->uncounted.size(), 1U);
}

}  // namespace
}  // namespace firedrill::store
