#include "store/segment_deletion.h"

#include <gtest/gtest.h>

namespace firedrill::store {
namespace {

StoreId store(Byte fill) {
    StoreId id;
    id.bytes.fill(fill);
    return id;
}

SegmentFacts segment(Lsn first, SegmentIndex index, bool is_closed = true) {
    return {segment_name(TimelineId{}, first), is_closed, std::move(index)};
}

IndexEntry through(CommitSequence last) {
    IndexEntry entry;
    entry.last_sequence = last;
    return entry;
}

/// Two stores over four segments; the last one is open.
const std::vector<SegmentFacts> kLog{segment(1, {{store(1), through(10)}}),
                                     segment(11, {{store(1), through(20)}, {store(2), through(5)}}),
                                     segment(26, {{store(2), through(9)}}), segment(30, {}, false)};
const std::map<StoreId, CommitSequence> kAllFolded{{store(1), 20}, {store(2), 9}};

bool always(const SegmentName&) {
    return true;
}

TEST(SegmentDeletion, NothingGoesWithoutACopyElsewhere) {
    EXPECT_TRUE(deletable_segments(kLog, kAllFolded, {}).empty());
    EXPECT_TRUE(deletable_segments(kLog, kAllFolded, [](const SegmentName&) { return false; }).empty());
}

TEST(SegmentDeletion, EverythingFoldedAndCoveredGoesExceptTheNewest) {
    EXPECT_EQ(deletable_segments(kLog, kAllFolded, always).size(), 3U);
    EXPECT_TRUE(deletable_segments(std::span(kLog).last(1), kAllFolded, always).empty());
    EXPECT_TRUE(deletable_segments({}, kAllFolded, always).empty());
}

TEST(SegmentDeletion, AStoreThatIsNotFoldedHoldsItsSegmentAndAllLaterOnes) {
    const auto gone = deletable_segments(kLog, {{store(1), 19}, {store(2), 9}}, always);
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].first, 1U);
    EXPECT_EQ(deletable_segments(kLog, {{store(1), 20}, {store(2), 8}}, always).size(), 2U);
}

TEST(SegmentDeletion, AStoreThatNobodyKnowsHoldsItsSegments) {
    EXPECT_EQ(deletable_segments(kLog, {{store(1), 20}}, always).size(), 1U);
}

TEST(SegmentDeletion, NoHoleIsLeft) {
    const auto but_the_second = [](const SegmentName& name) { return name.first != 11; };
    EXPECT_EQ(deletable_segments(kLog, kAllFolded, but_the_second).size(), 1U);
}

TEST(SegmentDeletion, ASegmentThatIsNotClosedStays) {
    std::vector<SegmentFacts> log = kLog;
    log[1].is_closed = false;
    EXPECT_EQ(deletable_segments(log, kAllFolded, always).size(), 1U);
}

}  // namespace
}  // namespace firedrill::store
