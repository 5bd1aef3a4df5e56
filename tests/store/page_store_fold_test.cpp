// Folds whose calls fail, or are reported as failed although they were done.
#include <gtest/gtest.h>

#include "store/page_store.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(5);

/// One store on one simulated disk, without a log.
struct FoldWorld {
    explicit FoldWorld(std::uint64_t seed = 42) : universe(seed) {}
    sim::Universe universe;
    std::unique_ptr<sim::SimDisk> disk = universe.make_disk("data");
    sim::Machine machine{universe, "node", "10.0.0.1", {disk.get()}};
    sim::SimEntropy entropy{universe.random.stream("nonces")};
    std::unique_ptr<PageCipher> cipher = make_page_cipher(kStore, test_ring(kStore));
    std::unique_ptr<PageStore> pages = PageStore::make_empty(*disk, kStore, 1);

    void commit(std::initializer_list<PageNumber> numbers, PageNumber count, Byte fill) {
        std::vector<SealedPage> bytes(numbers.size());
        std::vector<PlainPage> changed;
        for (const PageNumber number : numbers) {
            SealedPage& page = bytes[changed.size()];
            std::fill_n(page.begin(), kPlainSize, fill);
            changed.push_back({number, page});
        }
        (void)pages->prepare(changed, count, *cipher, entropy);
    }
    [[nodiscard]] std::uint64_t file_pages() const {
        const auto file = disk->peek(page_file_name(kStore, 1));
        return file ? file->size() / kPageSize : 0;
    }
    /// Two folds, after the second of which the file must be cut. Yields the operations of the second.
    Status fold_twice(const std::function<void()>& before_the_second) {
        commit({1, 2, 3, 4, 5, 6}, 6, 10);
        TRY(pages->fold(1));
        commit({1}, 3, 20);
        before_the_second();
        return pages->fold(2);
    }
};

std::vector<sim::DiskOperation> operations_of_a_fold() {
    FoldWorld world;
    std::vector<sim::DiskOperation> seen;
    EXPECT_TRUE(world.fold_twice(
        [&] { world.disk->set_watch([&seen](sim::DiskOperation each) { seen.push_back(each); }); }));
    EXPECT_EQ(world.file_pages(), 3U);
    return seen;
}

TEST(PageStoreFold, ThatWasPublishedAndReportedAsFailedIsNotTakenForLostFiles) {
    const std::size_t operations = operations_of_a_fold().size();
    ASSERT_GE(operations, 6U);
    int failures = 0;
    for (std::uint64_t k = 1; k <= operations; ++k) {
        FoldWorld world;
        const Status folded = world.fold_twice(
            [&] { world.disk->fail_operation(k, sim::CallOutcome::done, sim::Times::once); });
        failures += folded ? 0 : 1;

        const auto lost = world.pages->keep_files();

        ASSERT_TRUE(lost) << "operation " << k << ": " << lost.error().text;
        EXPECT_FALSE(*lost) << "operation " << k;
        ASSERT_TRUE(world.pages->fold(2)) << "operation " << k;
        EXPECT_TRUE(world.pages->is_folded());
        const auto opened = PageStore::open(*world.disk, kStore);
        ASSERT_TRUE(opened) << "operation " << k;
        EXPECT_EQ((*opened)->position(), world.pages->position());
    }
    EXPECT_GE(failures, 5);
}

TEST(PageStoreFold, AFileThatCouldNotBeCutIsCutByTheNextFold) {
    const std::vector<sim::DiskOperation> operations = operations_of_a_fold();
    const auto cut = std::find(operations.begin(), operations.end(), sim::DiskOperation::truncate);
    ASSERT_NE(cut, operations.end());
    const auto k = static_cast<std::uint64_t>(cut - operations.begin()) + 1;
    FoldWorld world;

    ASSERT_TRUE(world.fold_twice(
        [&] { world.disk->fail_operation(k, sim::CallOutcome::not_done, sim::Times::once); }));

    EXPECT_EQ(world.file_pages(), 6U);  // only space is wasted
    world.commit({2}, 3, 30);
    ASSERT_TRUE(world.pages->fold(3));
    EXPECT_EQ(world.file_pages(), 3U);
}

/// A fold into a new file, from after the sync that failed.
Status move(FoldWorld& world, const std::function<void()>& before_it) {
    world.commit({1, 2, 3}, 3, 10);
    TRY(world.pages->fold(1));
    world.commit({2}, 3, 20);
    world.disk->fail_next_sync(page_file_name(kStore, 1));
    if (world.pages->fold(2)) {
        return Error{Fault::internal, "no sync failed"};
    }
    before_it();
    return world.pages->fold(2);
}

// The name of the new file must be durable before a leaves file that counts on it.
TEST(PageStoreFold, APowerCutAtAnyOperationOfAMoveToAnotherFileLeavesOneOrTheOther) {
    std::uint64_t operations = 0;
    {
        FoldWorld world;
        ASSERT_TRUE(
            move(world, [&] { world.disk->set_watch([&operations](sim::DiskOperation) { ++operations; }); }));
    }
    ASSERT_GE(operations, 8U);
    int moved = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        for (std::uint64_t k = 1; k <= operations; ++k) {
            FoldWorld world(seed);
            (void)move(world, [&] { world.disk->cut_power_after(k); }).is_ok();
            const StorePosition after = world.pages->position();
            world.pages.reset();
            world.machine.cut_power();
            world.disk->power_on();

            const auto opened = PageStore::open(*world.disk, kStore);

            ASSERT_TRUE(opened) << "seed " << seed << ", operation " << k << ": " << opened.error().text;
            const StorePosition found = (*opened)->position();
            EXPECT_TRUE(found.sequence == 1 || found == after) << "operation " << k;
            const auto damaged = (*opened)->verify({});
            ASSERT_TRUE(damaged);
            // The sync that failed was that of page 2 in the old file: the log has it.
            const bool is_old = found.sequence == 1 && *damaged == std::vector<PageNumber>{2};
            EXPECT_TRUE(damaged->empty() || is_old) << "seed " << seed << ", operation " << k;
            moved += found == after ? 1 : 0;
        }
    }
    EXPECT_GE(moved, 3);
}

}  // namespace
}  // namespace firedrill::store
