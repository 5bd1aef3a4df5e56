#include "store/page_store.h"

#include <sys/resource.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(5);

/// One store on one simulated disk, without a log: what prepare() made is kept to be applied again.
struct PageStoreTest : testing::Test {
    sim::Universe universe{42};
    std::unique_ptr<sim::SimDisk> disk = universe.make_disk("data");
    std::unique_ptr<sim::Machine> machine =
        std::make_unique<sim::Machine>(universe, "node", "10.0.0.1", std::vector<sim::SimDisk*>{disk.get()});
    sim::SimEntropy entropy{universe.random.stream("nonces")};
    std::unique_ptr<PageCipher> cipher = make_page_cipher(kStore, test_ring(kStore));
    std::unique_ptr<PageStore> pages;
    std::vector<Commit> commits;

    void SetUp() override { reopen(); }

    void reopen() {
        auto opened = PageStore::open(*disk, kStore);
        ASSERT_TRUE(opened.is_ok()) << opened.error().text;
        pages = std::move(*opened);
    }
    /// Page `number` gets `fill` in every byte, for each of `numbers`.
    void commit(std::initializer_list<PageNumber> numbers, PageNumber count, Byte fill) {
        std::vector<SealedPage> bytes(numbers.size());
        std::vector<PlainPage> changed;
        std::size_t at = 0;
        for (const PageNumber number : numbers) {
            std::fill_n(bytes[at].begin(), kPlainSize, static_cast<Byte>(fill + number));
            changed.push_back({number, bytes[at++]});
        }
        commits.push_back(pages->prepare(changed, count, *cipher, entropy));
    }
    void fold() {
        const Status folded = pages->fold(commits.size());
        ASSERT_TRUE(folded.is_ok()) << folded.error().text;
    }
    /// First plain byte of a page read with the key, or what went wrong. A read without it must agree.
    std::string look(PageNumber page) {
        SealedPage plain;
        const Status opened = pages->open_page(page, *cipher, plain);
        auto sealed = pages->read(page);
        EXPECT_EQ(opened.is_ok(), sealed.is_ok());
        if (!opened) {
            return std::string(fault_name(opened.error().fault));
        }
        return *sealed ? std::to_string(plain[0]) : "hole";
    }
    [[nodiscard]] std::string file() const { return page_file_name(kStore, 1); }
    [[nodiscard]] Bytes stored(PageNumber page) const {
        const Bytes all = *disk->peek(file());
        const auto from = all.begin() + static_cast<std::ptrdiff_t>((page - 1) * kPageSize);
        return {from, from + kPageSize};
    }
    void overwrite(PageNumber page, const Bytes& bytes) {
        ASSERT_TRUE(disk->corrupt(file(), std::uint64_t{page - 1} * kPageSize, bytes).has_value());
    }
};

TEST_F(PageStoreTest, GivesBackWhatWasFoldedAfterAnotherOpening) {
    commit({1, 2, 4}, 4, 10);
    fold();
    commit({2}, 4, 20);
    fold();
    const StorePosition position = pages->position();

    reopen();

    EXPECT_EQ(pages->position(), position);
    EXPECT_EQ(look(1), "11");
    EXPECT_EQ(look(2), "22");
    EXPECT_EQ(look(3), "hole");
    EXPECT_EQ(look(4), "14");
    EXPECT_EQ(look(5), "hole");
}

TEST_F(PageStoreTest, ReplayReachesTheSameRootBitForBit) {
    commit({1, 2, 3, 4, 5}, 5, 10);
    commit({1, 3}, 3, 20);
    fold();
    commit({1, 5, 6}, 6, 30);
    auto replayed = PageStore::make_empty(*disk, kStore, 9);

    for (const Commit& each : commits) {
        const Status applied = replayed->apply(each);
        ASSERT_TRUE(applied.is_ok()) << applied.error().text;
    }

    EXPECT_EQ(replayed->position(), pages->position());
}

TEST_F(PageStoreTest, RefusesGapsForeignHistoriesAndWrongRoots) {
    commit({1, 2}, 2, 10);
    commit({1}, 2, 20);
    commit({2}, 2, 30);
    auto replayed = PageStore::make_empty(*disk, kStore, 9);
    ASSERT_TRUE(replayed->apply(commits[0]).is_ok());

    EXPECT_FALSE(replayed->apply(commits[2]).is_ok());
    Commit other = commits[1];
    other.previous.bytes[0] ^= 1;
    EXPECT_FALSE(replayed->apply(other).is_ok());
    ASSERT_TRUE(replayed->apply(commits[1]).is_ok());
    EXPECT_TRUE(replayed->apply(commits[0]).is_ok());  // below the position: skipped
    Commit forked = commits[1];
    forked.root.bytes[0] ^= 1;
    EXPECT_FALSE(replayed->apply(forked).is_ok());
    Commit wrong = commits[2];
    wrong.root.bytes[0] ^= 1;
    EXPECT_FALSE(replayed->apply(wrong).is_ok());
}

/// How an old but validly sealed page may come to stand where it should not.
using Spoil = void (*)(PageStoreTest&);
struct Wrong {
    const char* name;
    PageNumber page;
    Spoil spoil;
};

class WrongPage : public PageStoreTest, public testing::WithParamInterface<Wrong> {};

void commit_and_fold_again(PageStoreTest& test) {
    test.commit({3}, 4, 50);
    test.fold();
}

const Wrong kWrongs[] = {
    {"Stale", 3,
     [](PageStoreTest& test) {
         const Bytes old = test.stored(3);
         commit_and_fold_again(test);
         test.overwrite(3, old);
     }},
    {"Lost", 3,
     [](PageStoreTest& test) {
         test.disk->lose_next_write(test.file());
         commit_and_fold_again(test);
     }},
    {"Misdirected", 3,
     [](PageStoreTest& test) {
         test.disk->misdirect_next_write(test.file());
         commit_and_fold_again(test);
     }},
    {"Swapped", 3,
     [](PageStoreTest& test) {
         const Bytes two = test.stored(2);
         const Bytes three = test.stored(3);
         test.overwrite(2, three);
         test.overwrite(3, two);
     }},
    {"RolledBack", 3,
     [](PageStoreTest& test) {
         const Bytes before = *test.disk->peek(test.file());
         commit_and_fold_again(test);
         ASSERT_TRUE(test.disk->corrupt(test.file(), 0, before).has_value());
     }},
    {"Rotten", 3, [](PageStoreTest& test) { test.disk->rot_bit(test.file(), 2 * kPageSize + 4090, 3); }},
    {"ZeroedOut", 3, [](PageStoreTest& test) { test.overwrite(3, Bytes(kPageSize)); }},
};

TEST_P(WrongPage, IsFoundAtTheFirstReadAndAcrossARestart) {
    commit({1, 2, 3, 4}, 4, 10);
    fold();
    GetParam().spoil(*this);

    EXPECT_EQ(look(GetParam().page), "damaged");
    EXPECT_EQ(pages->damaged_pages().count(GetParam().page), 1U);
    EXPECT_EQ(look(1), "11");
    reopen();
    EXPECT_EQ(look(GetParam().page), "damaged");
    auto found = pages->verify({});
    ASSERT_TRUE(found.is_ok());
    EXPECT_TRUE(std::find(found->begin(), found->end(), GetParam().page) != found->end());
}

TEST_P(WrongPage, WouldOpenWithoutTheTreeUnlessItWasAlteredOrMoved) {
    commit({1, 2, 3, 4}, 4, 10);
    fold();
    GetParam().spoil(*this);
    SealedPage raw;
    const Bytes bytes = stored(GetParam().page);
    std::copy(bytes.begin(), bytes.end(), raw.begin());
    SealedPage plain;

    const bool opens = cipher->open(GetParam().page, raw, plain).is_ok();

    // The negative control: AEAD alone takes an old page for a good one.
    const std::string name = GetParam().name;
    EXPECT_EQ(opens, name == "Stale" || name == "RolledBack");
}

TEST_P(WrongPage, IsRepairedByTheRightOneAndByNoOther) {
    commit({1, 2, 3, 4}, 4, 10);
    fold();
    GetParam().spoil(*this);
    ASSERT_EQ(look(3), "damaged");
    SealedPagePtr newest;
    for (const Commit& each : commits) {
        for (const PageImage& image : each.pages) {
            newest = image.number == 3 ? image.page : newest;
        }
    }

    EXPECT_FALSE(pages->repair(3, commits[0].pages[0].page).is_ok());
    ASSERT_TRUE(pages->repair(3, newest).is_ok());

    EXPECT_NE(look(3), "damaged");
    EXPECT_TRUE(pages->damaged_pages().empty());
    fold();
    reopen();
    EXPECT_NE(look(3), "damaged");
}

INSTANTIATE_TEST_SUITE_P(All, WrongPage, testing::ValuesIn(kWrongs),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PageStoreTest, RebuildsLeavesFromThePageFile) {
    commit({1, 2, 4}, 5, 10);
    fold();
    const std::uint64_t leaves_bytes = disk->peek(leaves_file_name(kStore))->size();
    ASSERT_TRUE(disk->corrupt(leaves_file_name(kStore), leaves_bytes - 56, Bytes(8, 0xee)).has_value());

    reopen();

    EXPECT_EQ(look(4), "14");
    EXPECT_EQ(look(3), "hole");
}

TEST_F(PageStoreTest, RebuildsLeavesWhenPagesLeftAndCameBackAsHoles) {
    commit({1, 2, 3, 4}, 4, 10);
    fold();
    commit({1}, 2, 20);
    commit({1}, 4, 30);
    fold();
    const std::uint64_t leaves_bytes = disk->peek(leaves_file_name(kStore))->size();
    ASSERT_TRUE(disk->corrupt(leaves_file_name(kStore), leaves_bytes - 56, Bytes(8, 0xee)).has_value());

    reopen();

    EXPECT_EQ(look(2), "12");
    EXPECT_EQ(look(3), "hole");
    EXPECT_EQ(look(4), "hole");
}

/// The published leaves of a store with `size` bytes of file, stating `page_count` under a header hash that
/// fits: what only somebody who can write the data disk makes.
Bytes forged_leaves(Bytes leaves, PageNumber page_count, std::size_t size) {
    constexpr std::size_t kCountAt = 72;
    constexpr std::size_t kHashAt = 116;
    for (std::size_t i = 0; i < 4; ++i) {
        leaves[kCountAt + i] = static_cast<Byte>(page_count >> (8 * i));
    }
    const Digest digest = crypto::sha256(ByteView(leaves).first(kHashAt));
    std::copy(digest.bytes.begin(), digest.bytes.end(), leaves.begin() + kHashAt);
    leaves.resize(size);
    return leaves;
}

/// Most memory that this process ever had.
std::uint64_t peak_bytes() {
    rusage used{};
    EXPECT_EQ(getrusage(RUSAGE_SELF, &used), 0);
    return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

TEST_F(PageStoreTest, APageCountThatNeitherFileBearsOutIsDamageAndCostsNoMemory) {
    commit({1, 2, 3}, 3, 10);
    fold();
    const Bytes sound = *disk->peek(leaves_file_name(kStore));
    for (const PageNumber count : {PageNumber{4}, PageNumber{1000}, PageNumber{1} << 24}) {
        ASSERT_TRUE(
            replace_file(*disk, leaves_file_name(kStore), forged_leaves(sound, count, sound.size())).is_ok());
        const std::uint64_t before = peak_bytes();

        const auto opened = PageStore::open(*disk, kStore);

        ASSERT_FALSE(opened.is_ok()) << count;
        EXPECT_EQ(opened.error().fault, Fault::damaged);
        EXPECT_NE(opened.error().text.find("more pages"), std::string::npos) << opened.error().text;
        EXPECT_LT(peak_bytes() - before, 64u << 20) << count;
    }
}

TEST_F(PageStoreTest, AForgedPageCountWithLeavesForItDoesNotGiveTheRoot) {
    commit({1, 2, 3}, 3, 10);
    fold();
    const Bytes sound = *disk->peek(leaves_file_name(kStore));
    for (const PageNumber count : {PageNumber{2}, PageNumber{5000}}) {
        const std::size_t size = 148 + std::size_t{count} * sizeof(Leaf);
        ASSERT_TRUE(replace_file(*disk, leaves_file_name(kStore), forged_leaves(sound, count, size)).is_ok());

        const auto opened = PageStore::open(*disk, kStore);

        ASSERT_FALSE(opened.is_ok()) << count;
        EXPECT_EQ(opened.error().fault, Fault::damaged);
    }
}

TEST_F(PageStoreTest, RebuildsLeavesWhoseFileIsTooShortOrTooLong) {
    commit({1, 2, 4}, 5, 10);
    commit({5}, 5, 10);
    fold();
    const Bytes sound = *disk->peek(leaves_file_name(kStore));
    for (const std::size_t size : {sound.size() - 1, std::size_t{148}, sound.size() + 1}) {
        ASSERT_TRUE(replace_file(*disk, leaves_file_name(kStore), forged_leaves(sound, 5, size)).is_ok());

        reopen();

        EXPECT_EQ(look(5), "15") << size;
        EXPECT_EQ(look(3), "hole") << size;
    }
}

TEST_F(PageStoreTest, HolesBeyondThePageFileNeedTheirLeaves) {
    commit({1, 2}, 9, 10);
    fold();
    reopen();
    EXPECT_EQ(look(9), "hole");
    EXPECT_EQ(look(2), "12");
    const Bytes sound = *disk->peek(leaves_file_name(kStore));
    ASSERT_TRUE(disk->corrupt(leaves_file_name(kStore), 150, Bytes(8, 0xee)).has_value());
    reopen();  // all leaves are there, one is wrong
    EXPECT_EQ(look(9), "hole");
    EXPECT_EQ(look(1), "11");

    ASSERT_TRUE(
        replace_file(*disk, leaves_file_name(kStore), forged_leaves(sound, 9, sound.size() - 1)).is_ok());

    EXPECT_EQ(PageStore::open(*disk, kStore).error().fault, Fault::damaged);
}

TEST_F(PageStoreTest, ADamagedHeaderOrAMissingPageFileIsSaid) {
    commit({1}, 1, 10);
    fold();
    const auto image = disk->image();
    disk->corrupt(leaves_file_name(kStore), 30, Bytes(4, 0xee));
    EXPECT_EQ(PageStore::open(*disk, kStore).error().fault, Fault::damaged);
    pages.reset();
    machine->cut_power();
    disk->put_back(image);
    machine = std::make_unique<sim::Machine>(universe, "node.2", "10.0.0.1",
                                             std::vector<sim::SimDisk*>{disk.get()});
    ASSERT_TRUE(disk->remove(file()).is_ok());

    EXPECT_EQ(PageStore::open(*disk, kStore).error().fault, Fault::damaged);
}

TEST_F(PageStoreTest, AFoldAfterAFailedSyncGoesIntoANewFile) {
    commit({1, 2}, 2, 10);
    fold();
    commit({2}, 2, 20);
    disk->fail_next_sync(file());
    const Status failed = pages->fold(2);
    ASSERT_FALSE(failed.is_ok());
    EXPECT_EQ(pages->folded().sequence, 1U);
    EXPECT_EQ(look(2), "22");

    fold();

    EXPECT_FALSE(disk->peek(file()).has_value());
    ASSERT_TRUE(disk->peek(page_file_name(kStore, 2)).has_value());
    reopen();
    EXPECT_EQ(look(1), "11");
    EXPECT_EQ(look(2), "22");
}

TEST_F(PageStoreTest, OneWrongPageAmongManyReadAheadIsFoundAndHidesNoOther) {
    std::vector<SealedPage> bytes(100);
    std::vector<PlainPage> changed;
    for (PageNumber page = 1; page <= 100; ++page) {
        std::fill_n(bytes[page - 1].begin(), kPlainSize, static_cast<Byte>(page));
        changed.push_back({page, bytes[page - 1]});
    }
    commits.push_back(pages->prepare(changed, 100, *cipher, entropy));
    fold();
    const Bytes old = stored(50);
    commit({50}, 100, 7);
    fold();
    overwrite(50, old);
    disk->rot_bit(file(), 60 * kPageSize + 9, 1);
    for (const bool is_reopened : {false, true}) {
        if (is_reopened) {
            reopen();
        }
        for (PageNumber page = 1; page <= 100; ++page) {
            EXPECT_EQ(look(page), page == 50 || page == 61 ? "damaged" : std::to_string(page));
        }
    }
}

TEST_F(PageStoreTest, ATagPutBackInTheLeavesFileDoesNotBringAnOldPageBack) {
    commit({1, 2, 3, 4}, 4, 10);
    fold();
    const Bytes old_page = stored(3);
    const Bytes old_leaves = *disk->peek(leaves_file_name(kStore));
    commit({3}, 4, 20);
    fold();
    overwrite(3, old_page);
    const std::size_t tag_at = 148 + 2 * 48 + 32;
    ASSERT_TRUE(disk->corrupt(leaves_file_name(kStore), tag_at, ByteView(old_leaves).subspan(tag_at, 16)));

    // The root covers the tags: the leaves are computed again, and the old page is none of this root.
    EXPECT_EQ(PageStore::open(*disk, kStore).error().fault, Fault::damaged);
}

TEST_F(PageStoreTest, CommitsAndReadsGoOnBesideAFold) {
    commit({1, 2, 3, 4}, 4, 10);
    fold();
    commit({2, 4}, 4, 20);
    const StorePosition frozen = pages->position();
    const std::shared_ptr<Fold> fold_on_its_way = pages->begin_fold(2);
    ASSERT_NE(fold_on_its_way, nullptr);
    commit({2}, 3, 30);  // changed again, and the last page leaves
    fold_on_its_way->run();
    EXPECT_EQ(look(2), "32");
    commit({1}, 4, 40);  // it comes back as a hole

    ASSERT_TRUE(pages->end_fold(*fold_on_its_way).is_ok());

    EXPECT_EQ(pages->folded(), frozen);
    EXPECT_EQ(look(1), "41");
    EXPECT_EQ(look(2), "32");
    EXPECT_EQ(look(3), "13");
    EXPECT_EQ(look(4), "hole");
    const StorePosition newest = pages->position();
    reopen();
    EXPECT_EQ(pages->position(), frozen);
    EXPECT_EQ(look(4), "24");
    ASSERT_TRUE(pages->apply(commits[2]).is_ok());
    ASSERT_TRUE(pages->apply(commits[3]).is_ok());
    fold();
    reopen();
    EXPECT_EQ(pages->position(), newest);
    EXPECT_EQ(look(2), "32");
    EXPECT_EQ(look(4), "hole");
}

/// The worked example of docs/formats/page_file.md.
TEST_F(PageStoreTest, WritesTheDocumentedLeavesFile) {
    commit({1}, 1, 10);
    fold();

    const Bytes leaves = *disk->peek("leaves.05000000000000000000000000000000");

    ASSERT_EQ(leaves.size(), 148U + 48U);
    EXPECT_EQ(to_hex(ByteView(leaves).first(40)),
              "46444c4541564553"
              "01000000"
              "05000000000000000000000000000000"
              "01000000"
              "0100000000000000");
    EXPECT_TRUE(equal(ByteView(leaves).subspan(40, 32), pages->position().last_hash.view()));
    EXPECT_EQ(load_u32(&leaves[72]), 1U);
    EXPECT_TRUE(equal(ByteView(leaves).subspan(76, 32), pages->position().root.view()));
    EXPECT_EQ(load_u64(&leaves[108]), 1U);
    EXPECT_TRUE(equal(ByteView(leaves).subspan(116, 32), crypto::sha256(ByteView(leaves).first(116)).view()));
    EXPECT_TRUE(equal(ByteView(leaves).subspan(148, 32), commits[0].pages[0].leaf.view()));
    EXPECT_TRUE(equal(ByteView(leaves).subspan(180), page_tag(*commits[0].pages[0].page)));
}

TEST_F(PageStoreTest, NoncesOfAnOpenStoreShareTheFirstHalfAndNoTwoAreEqual) {
    std::set<Bytes> nonces;
    std::set<Bytes> halves;
    for (int record = 0; record < 50; ++record) {
        commit({1, 2, 3, 4, 5, 6, 7, 8, 9}, 9, static_cast<Byte>(record));
        for (const PageImage& image : commits.back().pages) {
            const auto at = image.page->begin() + 4046;
            nonces.insert(Bytes(at, at + 24));
            halves.insert(Bytes(at, at + 12));
        }
    }
    EXPECT_EQ(nonces.size(), 450U);
    EXPECT_EQ(halves.size(), 1U);
}

TEST_F(PageStoreTest, TheLockPageIsNeverThere) {
    PageNumber last = kLockPage + 1;
    commit({1, last}, last, 10);

    EXPECT_EQ(look(kLockPage), "hole");
    EXPECT_EQ(look(last), std::to_string(static_cast<Byte>(10 + last)));
    EXPECT_EQ(pages->position().page_count, last);
}

}  // namespace
}  // namespace firedrill::store
