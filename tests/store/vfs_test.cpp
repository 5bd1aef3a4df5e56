#include "store/vfs.h"

#include <gtest/gtest.h>

#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(5);

struct StoreFileTest : testing::Test {
    sim::Universe universe{7};
    std::unique_ptr<sim::SimDisk> disk = universe.make_disk("data");
    sim::Machine machine{universe, "node", "10.0.0.1", {disk.get()}};
    sim::SimEntropy entropy{universe.random.stream("nonces")};
    std::unique_ptr<PageCipher> cipher = make_page_cipher(kStore, test_ring(kStore));
    std::unique_ptr<PageStore> pages = PageStore::make_empty(*disk, kStore, 1);
    StoreFile file{*pages, *cipher, entropy};

    static SealedPage first_page(PageNumber count) {
        SealedPage page{};
        page[16] = 16;  // page size 4096, big-endian
        page[20] = kReservedSize;
        page[30] = static_cast<Byte>(count >> 8);
        page[31] = static_cast<Byte>(count);
        return page;
    }
    static SealedPage filled(Byte fill) {
        SealedPage page{};
        std::fill_n(page.begin(), kPlainSize, fill);
        return page;
    }
    void write(PageNumber page, const SealedPage& bytes) {
        ASSERT_TRUE(file.write(std::uint64_t{page - 1} * kPageSize, bytes).is_ok());
    }
};

TEST_F(StoreFileTest, TakesTheLengthFromTheHeaderAndDropsWhatLiesBeyond) {
    write(1, first_page(3));
    write(3, filled(7));
    write(4, filled(8));
    EXPECT_EQ(file.size_bytes(), 4 * kPageSize);

    ASSERT_TRUE(file.sync().is_ok());

    const auto commit = file.take_commit();
    ASSERT_TRUE(commit.has_value());
    EXPECT_EQ(commit->page_count, 3U);
    EXPECT_EQ(commit->pages.size(), 2U);
    EXPECT_EQ(file.size_bytes(), 3 * kPageSize);
    EXPECT_FALSE(file.take_commit().has_value());
}

TEST_F(StoreFileTest, GrowsWithItsLastPageWhenTheHeaderIsNotWritten) {
    write(1, first_page(2));
    write(2, filled(6));
    ASSERT_TRUE(file.sync().is_ok());
    ASSERT_TRUE(file.take_commit().has_value());
    write(4, filled(7));

    ASSERT_TRUE(file.sync().is_ok());

    const auto commit = file.take_commit();
    ASSERT_TRUE(commit.has_value());
    EXPECT_EQ(commit->page_count, 4U);
    EXPECT_EQ(file.size_bytes(), 4 * kPageSize);
}

TEST_F(StoreFileTest, ReadsItsBatchItsPagesHolesAndNothingPastTheEnd) {
    write(1, first_page(3));
    write(3, filled(7));
    ASSERT_TRUE(file.sync().is_ok());
    write(3, filled(9));
    SealedPage page;
    std::size_t got = 0;

    ASSERT_TRUE(file.read(2 * kPageSize, page, got).is_ok());
    EXPECT_EQ(page, filled(9));
    file.drop_batch();
    ASSERT_TRUE(file.read(2 * kPageSize, page, got).is_ok());
    EXPECT_EQ(page, filled(7));
    ASSERT_TRUE(file.read(kPageSize, page, got).is_ok());
    EXPECT_EQ(page, SealedPage{});
    EXPECT_EQ(got, kPageSize);
    ASSERT_TRUE(file.read(3 * kPageSize, page, got).is_ok());
    EXPECT_EQ(got, 0U);
    std::array<Byte, 16> header{};
    ASSERT_TRUE(file.read(16, header, got).is_ok());
    EXPECT_EQ(header[0], 16);
    EXPECT_EQ(header[15], 3);
}

TEST_F(StoreFileTest, RefusesAFirstPageOfAnotherShape) {
    SealedPage wrong = first_page(1);
    wrong[20] = 0;
    write(1, wrong);

    const Status refused = file.sync();

    ASSERT_FALSE(refused.is_ok());
    EXPECT_EQ(refused.error().fault, Fault::internal);
    EXPECT_EQ(pages->position().sequence, 0U);
}

TEST_F(StoreFileTest, KeepsTheFirstFailureAndDropsTheBatch) {
    write(1, first_page(1));
    file.fail({Fault::disk_failed, "first"});
    file.fail({Fault::damaged, "second"});

    ASSERT_TRUE(file.failure().has_value());
    EXPECT_EQ(file.failure()->text, "first");
    ASSERT_TRUE(file.sync().is_ok());
    EXPECT_FALSE(file.take_commit().has_value());
}

TEST_F(StoreFileTest, ASyncWithoutWritesMakesNoCommit) {
    ASSERT_TRUE(file.sync().is_ok());
    EXPECT_FALSE(file.take_commit().has_value());
}

TEST_F(StoreFileTest, BoundsTheBatch) {
    for (PageNumber page = 1; page <= kMaxChangedPages; ++page) {
        write(page, filled(1));
    }
    const Status refused = file.write(kMaxChangedPages * kPageSize, filled(1));
    ASSERT_FALSE(refused.is_ok());
    EXPECT_EQ(refused.error().fault, Fault::limit);
    EXPECT_TRUE(file.write(0, filled(2)).is_ok());
}

}  // namespace
}  // namespace firedrill::store
