// VACUUM: the whole database rewritten as one commit, within the bound of a transaction.
#include <gtest/gtest.h>

#include "store/vfs.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(1);

/// Rows of 900 bytes, four a page.
Status fill(StoreWorld& world, int first, int rows) {
    return world.write(kStore, [=](Database& database) -> Status {
        for (int id = first; id < first + rows; ++id) {
            auto row = TRY(database.prepare("INSERT INTO note (id, body) VALUES (?1, ?2)"));
            const std::string body = std::to_string(id) + std::string(900, 'v');
            row.bind(1, id).bind(2, std::string_view(body));
            TRY(row.run());
        }
        return {};
    });
}

struct VacuumTest : testing::Test {
    StoreWorld world;
    void SetUp() override {
        expect_ok(world.create());
        expect_ok(world.unlock(kStore));
    }
    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    Status vacuum() {
        return world.wait([&](Storage::Done done) { world.storage->vacuum(kStore, std::move(done)); });
    }
    PageNumber pages() const { return world.health(kStore).pages; }
};

TEST_F(VacuumTest, GivesTheSpaceOfFreePagesBackInOneCommit) {
    expect_ok(fill(world, 1, 2000));
    expect_ok(world.execute(kStore, "DELETE FROM note WHERE id % 20 <> 0"));
    const PageNumber before = pages();
    const CommitSequence sequence = world.health(kStore).sequence;

    expect_ok(vacuum());

    EXPECT_LT(pages(), before / 8);
    EXPECT_EQ(world.health(kStore).sequence, sequence + 1);
    EXPECT_EQ(world.query(kStore, "SELECT sum(id) FROM note"), "101000");
    EXPECT_EQ(world.query(kStore, "PRAGMA freelist_count"), "0");
    expect_ok(world.read(kStore, check_integrity));
    expect_ok(fill(world, 5000, 100));
    expect_ok(world.execute(kStore, "DELETE FROM note WHERE id >= 5000"));
    expect_ok(world.execute(kStore, "PRAGMA incremental_vacuum"));  // it still works afterwards
    EXPECT_EQ(world.query(kStore, "PRAGMA freelist_count"), "0");
    expect_ok(world.restart());
    expect_ok(world.unlock(kStore));
    EXPECT_EQ(world.query(kStore, "SELECT sum(id) FROM note"), "101000");
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(VacuumTest, TakesAStoreNearTheBoundAndRefusesOneAboveIt) {
    expect_ok(fill(world, 1, 16000));
    expect_ok(fill(world, 16001, 16000));
    ASSERT_LT(pages(), kMaxChangedPages);
    ASSERT_GT(pages(), kMaxChangedPages - 300);
    expect_ok(vacuum());
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), "32000");
    expect_ok(world.read(kStore, check_integrity));

    expect_ok(fill(world, 40001, 1500));
    ASSERT_GT(pages(), kMaxChangedPages);
    const CommitSequence sequence = world.health(kStore).sequence;
    const Status refused = vacuum();
    ASSERT_FALSE(refused.is_ok());
    EXPECT_EQ(refused.error().fault, Fault::limit);
    EXPECT_NE(refused.error().text.find("incremental_vacuum"), std::string::npos) << refused.error().text;
    EXPECT_EQ(world.health(kStore).sequence, sequence);
    expect_ok(fill(world, 50001, 1));
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), "33501");
}

TEST_F(VacuumTest, LeavesTheGatesAsTheyWere) {
    expect_ok(fill(world, 1, 100));
    expect_ok(vacuum());
    EXPECT_FALSE(world.execute(kStore, "ATTACH ':memory:' AS other").is_ok());
    EXPECT_FALSE(world.execute(kStore, "ATTACH '' AS other").is_ok());
    EXPECT_FALSE(world.execute(kStore, "VACUUM").is_ok());  // not in a transaction
    EXPECT_FALSE(world.execute(kStore, "VACUUM INTO 'x'").is_ok());
    const Status refused = fill(world, 1000, 40000);
    ASSERT_FALSE(refused.is_ok());
    EXPECT_EQ(refused.error().fault, Fault::limit);
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), "100");
}

TEST_F(VacuumTest, IsRefusedForALockedStoreAndDoesNothingToAnEmptyOne) {
    const StoreId empty = store_id(2);
    expect_ok(world.unlock(empty, {}));
    expect_ok(world.wait([&](Storage::Done done) { world.storage->vacuum(empty, std::move(done)); }));
    EXPECT_FALSE(world.storage->has_store(empty));
    expect_ok(world.lock(kStore));
    EXPECT_EQ(vacuum().error().fault, Fault::refused);
}

TEST(VacuumModel, APowerCutAtAnyOperationLeavesTheDatabaseWhole) {
    std::uint64_t points = 0;
    for (int disk = 0; disk < 2; ++disk) {
        for (std::uint64_t k = 1;; ++k) {
            ASSERT_LT(k, 200U);
            StoreWorld world(k);
            world.fold_after_bytes = 64 << 10;
            ASSERT_TRUE(world.create());
            ASSERT_TRUE(world.unlock(kStore));
            ASSERT_TRUE(fill(world, 1, 400));
            ASSERT_TRUE(world.execute(kStore, "DELETE FROM note WHERE id % 3 <> 0"));
            sim::SimDisk& struck = disk == 0 ? *world.data : *world.logs[0];
            struck.cut_power_after(k);
            const bool was_told =
                world.wait([&](Storage::Done done) { world.storage->vacuum(kStore, std::move(done)); })
                    .is_ok();
            world.universe.loop.run_for(std::chrono::minutes(3));
            const bool is_over = world.machine->is_on();
            struck.cut_power_after(0);

            ASSERT_TRUE(world.restart()) << "disk " << disk << ", operation " << k;
            ASSERT_TRUE(world.unlock(kStore)) << "disk " << disk << ", operation " << k;
            ASSERT_EQ(world.query(kStore, "SELECT sum(id) FROM note"), "26733") << disk << " " << k;
            if (was_told) {
                ASSERT_EQ(world.query(kStore, "PRAGMA freelist_count"), "0");
            }
            ASSERT_TRUE(world.read(kStore, check_integrity)) << disk << " " << k;
            ++points;
            if (is_over) {
                break;
            }
        }
    }
    EXPECT_GT(points, 4U);
}

}  // namespace
}  // namespace firedrill::store
