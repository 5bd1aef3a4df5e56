// What a store takes of memory for each of its pages, counted by the allocator at its peak, through every
// long work on a large store. Most pages are holes, which the tree remembers like any other, so that the
// files are small.
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "log_world.h"
#include "posix/disk.h"
#include "store/page_store.h"
#include "store/store_restore.h"
#include "tests/support/test_entropy.h"

namespace {

std::atomic<std::size_t> in_use{0};
std::atomic<std::size_t> peak{0};

}  // namespace

// Not inline: the compiler must not pair them with malloc() and free().
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* made = std::malloc(size == 0 ? 1 : size);
    if (made == nullptr) {
        throw std::bad_alloc();
    }
    const std::size_t now = in_use += ::malloc_usable_size(made);
    std::size_t before = peak;
    while (before < now && !peak.compare_exchange_weak(before, now)) {
    }
    return made;
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
    if (block != nullptr) {
        in_use -= ::malloc_usable_size(block);
        std::free(block);
    }
}
void operator delete(void* block, std::size_t) noexcept {
    ::operator delete(block);
}

namespace firedrill::store {
namespace {

constexpr PageNumber kPages = 300'000;
constexpr std::size_t kPromised = 64;          // bytes a page
constexpr std::size_t kConstant = 2 << 20;     // whatever the number of pages
constexpr std::size_t kInMemory = 4096 + 600;  // of a page that is not folded: twice, while it is on its way
const StoreId kStore = test_id<StoreId>(4);

/// Counts from its making on.
class Peak {
  public:
    Peak() : before_(in_use) { peak = before_; }
    [[nodiscard]] std::size_t bytes() const { return peak - before_; }

  private:
    std::size_t before_;
};

struct StoreMemory : testing::Test {
    std::string path;
    std::unique_ptr<Disk> data;
    std::unique_ptr<Disk> log;
    test::TestEntropy entropy;
    std::unique_ptr<PageCipher> cipher;
    std::unique_ptr<PageStore> pages;

    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "firedrill.XXXXXX").string();
        path = mkdtemp(pattern.data());
        data = posix::open_folder(path + "/data", posix::Create::yes).value();
        log = posix::open_folder(path + "/log", posix::Create::yes).value();
        KeyRing ring;
        ring.push_back({1, kTestTimeline, crypto::Secret(32)});
        cipher = make_page_cipher(kStore, std::move(ring));
        pages = PageStore::make_empty(*data, kStore, 1);
        (void)pages->take_work();
    }
    void TearDown() override {
        pages.reset();
        std::filesystem::remove_all(path);
    }
    /// `count` pages, `apart` from one another, from `first` on.
    Commit commit(PageNumber first, PageNumber count, PageNumber apart, PageNumber page_count, Byte fill) {
        std::vector<PlainPage> plain;
        Bytes bytes(kPageSize);
        std::fill_n(bytes.begin(), kPlainSize, fill);
        for (PageNumber i = 0; i < count; ++i) {
            plain.push_back({first + i * apart, bytes});
        }
        return pages->prepare(plain, page_count, *cipher, entropy);
    }
    void fold() {
        const Status folded = pages->fold(1);
        ASSERT_TRUE(folded.is_ok()) << folded.error().text;
    }
    void fill_and_fold() {
        (void)commit(300, 1000, 300, kPages, 1);
        fold();
    }
    void reopen() {
        pages.reset();
        auto opened = PageStore::open(*data, kStore);
        ASSERT_TRUE(opened.is_ok()) << opened.error().text;
        pages = std::move(*opened);
    }
    /// Of everything since `peak` was made, which began without a store; `unfolded` pages were in memory.
    static void expect_within(const Peak& counted, std::size_t unfolded) {
        EXPECT_LE(counted.bytes(), kPages * kPromised + kConstant + unfolded * kInMemory);
        EXPECT_GT(counted.bytes(), kPages * sizeof(Leaf));  // what is counted is counted
    }
};

TEST_F(StoreMemory, ASecondCopyOfTheLeavesWouldBeSeen) {
    fill_and_fold();
    pages.reset();
    const Peak counted;
    reopen();
    {
        const std::vector<Leaf> copy(kPages);
        EXPECT_EQ(copy.back(), Leaf{});
    }
    EXPECT_GT(counted.bytes(), kPages * kPromised + kConstant);
}

TEST_F(StoreMemory, OfOpening) {
    fill_and_fold();
    pages.reset();
    const Peak counted;
    reopen();
    expect_within(counted, 0);
    EXPECT_GE(pages->memory_bytes() + kConstant, counted.bytes() - kPages);  // a start marks every group once
}

TEST_F(StoreMemory, OfAFoldBesideCommits) {
    fill_and_fold();
    pages.reset();
    const Peak counted;
    reopen();
    for (PageNumber i = 0; i < 20; ++i) {
        (void)commit(1 + i, 100, 2900, kPages, 2);
    }
    const auto fold = pages->begin_fold(2);
    ASSERT_TRUE(fold);
    for (PageNumber i = 0; i < 20; ++i) {
        (void)commit(7 + i, 100, 2900, kPages, 3);  // partly the same pages
    }
    fold->run();
    ASSERT_TRUE(pages->end_fold(*fold).is_ok());
    expect_within(counted, 4000);

    const StorePosition position = pages->position();
    EXPECT_NE(pages->folded(), position);
    this->fold();
    reopen();
    EXPECT_EQ(pages->position(), position);
}

TEST_F(StoreMemory, OfAFoldIntoANewFileAndOfKeepingOne) {
    fill_and_fold();
    pages.reset();
    const Peak counted;
    reopen();
    (void)commit(1, 10, 7, kPages, 2);
    ASSERT_TRUE(data->remove(page_file_name(kStore, 1)).is_ok());
    const auto kept = pages->keep_files();
    ASSERT_TRUE(kept && *kept);
    fold();
    const auto bad = pages->verify({});
    ASSERT_TRUE(bad.is_ok());
    EXPECT_TRUE(bad->empty());
    expect_within(counted, 10);
}

TEST_F(StoreMemory, OfComputingTheLeavesAgain) {
    fill_and_fold();
    const StorePosition position = pages->position();
    pages.reset();
    auto file = data->open(leaves_file_name(kStore), Open::existing);
    ASSERT_TRUE(file.is_ok());
    ASSERT_TRUE((*file)->truncate(5000).is_ok());
    const Peak counted;
    reopen();
    EXPECT_EQ(pages->position(), position);
    expect_within(counted, 0);
}

TEST_F(StoreMemory, OfGrowingAndOfGivingBack) {
    fill_and_fold();
    pages.reset();
    const Peak counted;
    reopen();
    for (PageNumber i = 1; i <= 200; ++i) {
        (void)commit(1, 1, 1, kPages - 200 + i, 4);
    }
    expect_within(counted, 10);
    (void)commit(1, 1, 1, kPages / 3, 5);
    fold();
    EXPECT_LE(pages->memory_bytes(), kPages / 3 * kPromised + kConstant);
    expect_within(counted, 10);
}

TEST_F(StoreMemory, OfTakingAStoreBackInSteps) {
    const crypto::Secret seed(32);
    std::vector<Disk*> disks{log.get()};
    LogOptions options;
    options.identity = {kTestNode, kTestTimeline};
    options.disks = disks;
    options.membership = data.get();
    options.signing_seed = &seed;
    auto writer = create_log(options, as_bytes("slots"), kTestWall);
    ASSERT_TRUE(writer.is_ok()) << writer.error().text;
    Lsn next = 2;
    const auto append = [&](RecordBody body) {
        const Record record{next++, 0, kTestWall, std::move(body)};
        ASSERT_TRUE((*writer)->append(std::span(&record, 1), kTestWall).is_ok());
    };
    append(commit(1, 1000, 300, kPages, 1));
    const Digest wanted = pages->position().root;
    for (PageNumber i = 0; i < 4; ++i) {
        append(commit(1 + i * 90'000, 90, 7, kPages + 20 * i, static_cast<Byte>(2 + i)));
    }
    fold();
    pages.reset();
    const Peak counted;
    reopen();

    RestorePreparation preparation(disks, kStore, {2, {}}, {50, 200}, false);
    std::uint32_t commits = 0;
    for (bool is_last = false; !is_last;) {
        const auto stepped = preparation.step(*pages);
        ASSERT_TRUE(stepped.is_ok()) << stepped.error().text;
        if (!*stepped) {
            continue;
        }
        StoreRestore restore = preparation.take();
        is_last = restore.is_last;
        const Status applied = pages->apply(restore.commit);
        ASSERT_TRUE(applied.is_ok()) << applied.error().text;
        fold();
        ASSERT_LT(++commits, 10U);
    }
    EXPECT_GE(commits, 2U);
    EXPECT_EQ(pages->position().root, wanted);
    expect_within(counted, 200 + 1000);
}

}  // namespace
}  // namespace firedrill::store
