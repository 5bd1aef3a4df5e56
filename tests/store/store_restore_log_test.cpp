// What a log says of a store that was taken back, where SQL cannot easily lead: holes, parts without their
// commit, a log that begins too late.
#include <gtest/gtest.h>

#include "log_world.h"
#include "store/page_store.h"
#include "store/store_restore.h"
#include "tests/support/test_entropy.h"

namespace firedrill::store {
namespace {

const StoreId kStore = test_id<StoreId>(4);

struct StoreRestoreLog : testing::Test {
    LogWorld world{1};
    test::TestEntropy entropy;
    std::unique_ptr<PageStore> pages = PageStore::make_empty(world.data, kStore, 1);
    std::unique_ptr<PageCipher> cipher;
    std::unique_ptr<LogWriter> writer;
    Lsn next = 2;

    void SetUp() override {
        KeyRing ring;
        ring.push_back({1, kTestTimeline, crypto::Secret(32)});
        cipher = make_page_cipher(kStore, std::move(ring));
        auto made = world.create();
        ASSERT_TRUE(made);
        writer = std::move(*made);
    }
    void append(RecordBody body) {
        const Record record{next++, 0, kTestWall, std::move(body)};
        const Status done = writer->append(std::span(&record, 1), kTestWall);
        ASSERT_TRUE(done) << done.error().text;
    }
    void commit(std::vector<PageNumber> numbers, PageNumber count, Byte fill) {
        std::vector<Bytes> bytes;
        std::vector<PlainPage> plain;
        bytes.reserve(numbers.size());
        for (const PageNumber number : numbers) {
            bytes.emplace_back(kPageSize);
            std::fill_n(bytes.back().begin(), kPlainSize, fill);
            plain.push_back({number, bytes.back()});
        }
        append(pages->prepare(plain, count, *cipher, entropy));
    }
    /// One that the log does not have.
    void commit_elsewhere(std::initializer_list<PageNumber> numbers, PageNumber count) {
        const Bytes bytes(kPageSize);
        std::vector<PlainPage> plain;
        for (const PageNumber number : numbers) {
            plain.push_back({number, bytes});
        }
        (void)pages->prepare(plain, count, *cipher, entropy);
    }
    Result<StoreRestore> prepare(Lsn until) {
        const std::span<Disk* const> disks = world.options().disks;
        RestorePreparation preparation({disks.begin(), disks.end()}, kStore, {until, {}}, {4096, 65536},
                                       false);
        for (bool is_over = false; !is_over;) {
            is_over = TRY(preparation.step(*pages));
        }
        return preparation.take();
    }
    /// What the log gives somebody who knows nothing else.
    Result<StorePosition> replay() {
        auto fresh = PageStore::make_empty(world.data, kStore, 1);
        TRY(scan_log(
            world.options().disks, 0,
            [&](Record&& record) -> Status {
                const auto* commit = std::get_if<Commit>(&record.body);
                return commit == nullptr ? Status() : fresh->apply(*commit);
            },
            nullptr));
        return fresh->position();
    }
};

TEST_F(StoreRestoreLog, PagesThatWereHolesBecomeHolesAgain) {
    commit({1}, 5, 1);  // 2 to 5 are holes
    const StorePosition past = pages->position();
    commit({1, 2, 4, 5}, 6, 2);

    auto made = prepare(2);

    ASSERT_TRUE(made) << made.error().text;
    EXPECT_TRUE(made->parts.empty());
    EXPECT_EQ(made->commit.pages.size(), 4U);
    ASSERT_TRUE(pages->apply(made->commit));
    EXPECT_EQ(pages->position().root, past.root);
    EXPECT_EQ(pages->position().page_count, 5U);
    append(made->commit);
    const auto again = replay();
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(*again, pages->position());
    // A fold writes zeroes there, and the file alone gives the root.
    ASSERT_TRUE(pages->fold(next - 1));
    auto opened = PageStore::open(world.data, kStore);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_TRUE((*opened)->verify({})->empty());
    auto hole = (*opened)->read(4);
    ASSERT_TRUE(hole);
    EXPECT_EQ(*hole, nullptr);
}

TEST_F(StoreRestoreLog, PartsWithoutTheirCommitNeverHappened) {
    commit({1, 2, 3}, 3, 1);
    commit({1, 2, 3}, 3, 2);
    const StoreRestore made = prepare(2).value();
    CommitPart part{kStore, 3, 1, {made.commit.pages[0]}};
    append(part);
    EXPECT_EQ(replay().value(), pages->position());

    commit({2}, 3, 3);  // somebody else's commit of the same sequence
    EXPECT_EQ(replay().value(), pages->position());

    // A later one, in parts of its own, after two that lead nowhere.
    StoreRestore later = prepare(2).value();
    Commit whole = later.commit;
    ASSERT_EQ(whole.pages.size(), 3U);
    append(CommitPart{kStore, whole.sequence, 1, {whole.pages[1]}});
    append(CommitPart{kStore, whole.sequence, 1, {whole.pages[0]}});
    append(CommitPart{kStore, whole.sequence, 2, {whole.pages[1]}});
    whole.taken_back = Commit::Return{1, 2, 2};
    ASSERT_TRUE(pages->apply(whole));
    append(whole);
    const auto again = replay();
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(*again, pages->position());
    ASSERT_TRUE(world.recover());
}

TEST_F(StoreRestoreLog, ACommitWhosePartsAreMissingIsDamageAndNotAnotherState) {
    commit({1, 2, 3}, 3, 1);
    commit({1, 2, 3}, 3, 2);
    Commit whole = prepare(2).value().commit;
    append(CommitPart{kStore, whole.sequence, 1, {whole.pages[0]}});
    whole.taken_back = Commit::Return{1, 2, 2};  // says two parts, and there is one
    append(whole);
    const auto refused = replay();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::damaged) << refused.error().text;
}

TEST_F(StoreRestoreLog, PartsOfTwoCommitsMakeNoCommit) {
    commit({1, 2, 3}, 3, 1);
    commit({1, 2, 3}, 3, 2);
    Commit whole = prepare(2).value().commit;
    append(CommitPart{kStore, whole.sequence, 1, {whole.pages[0]}});
    append(CommitPart{kStore, whole.sequence + 1, 2, {whole.pages[1]}});
    whole.taken_back = Commit::Return{1, 2, 2};
    append(whole);
    const auto refused = replay();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::damaged) << refused.error().text;
}

TEST_F(StoreRestoreLog, APageWhoseVersionOfThenWasInASegmentThatIsGoneIsRefusedWithTheWayOut) {
    commit_elsewhere({1, 2}, 2);
    commit({1}, 2, 1);
    commit({2}, 2, 2);
    const auto refused = prepare(2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::unavailable);
    EXPECT_NE(refused.error().text.find("1 pages of that state were last written before"), std::string::npos)
        << refused.error().text;
}

TEST_F(StoreRestoreLog, WhatALogThatBeginsLaterLacksAndNobodyChangedSinceIsAsItIsNow) {
    commit_elsewhere({1, 2}, 2);
    commit({1}, 2, 1);
    const Digest wanted = pages->position().root;
    commit({1}, 2, 2);
    const auto prepared = prepare(2);
    ASSERT_TRUE(prepared) << prepared.error().text;
    EXPECT_EQ(prepared->commit.root, wanted);
    EXPECT_EQ(prepared->plan.changed_pages, 1U);
}

TEST_F(StoreRestoreLog, AGapInTheMiddleIsRefusedWithTheWayOut) {
    commit({1}, 1, 1);
    commit_elsewhere({1}, 1);
    commit({1}, 1, 2);
    const auto refused = prepare(2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::unavailable);
    EXPECT_NE(refused.error().text.find("has commit 3 and not the 1 before it"), std::string::npos)
        << refused.error().text;
}

TEST_F(StoreRestoreLog, OfAnotherHistoryIsRefused) {
    commit({1}, 1, 1);
    commit({1}, 1, 2);
    commit_elsewhere({1}, 1);
    const auto refused = prepare(2);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::damaged) << refused.error().text;
}

}  // namespace
}  // namespace firedrill::store
