// Many practices on one node: they rest when nobody uses them, open again on demand, and one that is damaged
// or whose fold takes long harms no other.
#include <gtest/gtest.h>

#include "store/page_store.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

constexpr std::uint32_t kStores = 1000;

/// One row in each of a thousand stores, under a limit that holds few of them.
struct ManyStores : testing::Test {
    StoreWorld world;

    void SetUp() override {
        world.memory_limit_bytes = 2ULL << 20;
        ASSERT_TRUE(world.create().is_ok());
    }
    void fill(std::uint32_t count) {
        for (std::uint32_t i = 1; i <= count; ++i) {
            ASSERT_TRUE(world.unlock(store_id(i)).is_ok());
            ASSERT_TRUE(
                world.execute(store_id(i), fmt::format("INSERT INTO note VALUES (1, 'of {}')", i)).is_ok());
        }
    }
    [[nodiscard]] std::uint64_t memory_bytes() const {
        std::uint64_t total = 0;
        for (const StoreHealth& each : world.storage->health().stores) {
            total += each.memory_bytes;
        }
        return total;
    }
    void pass(Duration time) {
        bool is_over = false;
        world.machine->seams().clock.call_at(world.machine->seams().clock.now() + time,
                                             [&] { is_over = true; });
        world.run_until([&] { return is_over; });
    }
};

TEST_F(ManyStores, RestWhenUnusedAndOpenAgainOnDemand) {
    fill(kStores);
    pass(std::chrono::minutes(5));

    // Unlocked all the time, and nothing is held of any of them.
    EXPECT_EQ(memory_bytes(), 0U);
    for (std::uint32_t i = 1; i <= kStores; i += 37) {
        ASSERT_TRUE(world.storage->is_unlocked(store_id(i)));
        EXPECT_EQ(world.query(store_id(i), "SELECT body FROM note"), fmt::format("of {}", i));
    }
    EXPECT_GT(memory_bytes(), 0U);
    EXPECT_TRUE(world.execute(store_id(1), "INSERT INTO note VALUES (2, 'again')").is_ok());
    ASSERT_TRUE(world.restart().is_ok());
    ASSERT_TRUE(world.unlock(store_id(1)).is_ok());
    EXPECT_EQ(world.query(store_id(1), "SELECT count(*) FROM note"), "2");
}

TEST_F(ManyStores, StayBelowTheLimitWhileTheyAreReadOneAfterAnother) {
    fill(200);
    ASSERT_TRUE(world.fold().is_ok());
    std::uint64_t highest = 0;
    for (int round = 0; round < 2; ++round) {
        for (std::uint32_t i = 1; i <= 200; ++i) {
            EXPECT_EQ(world.query(store_id(i), "SELECT body FROM note"), fmt::format("of {}", i));
            highest = std::max(highest, memory_bytes());
        }
    }
    EXPECT_LE(highest, world.memory_limit_bytes + (1U << 20));
}

TEST_F(ManyStores, ADamagedOneHarmsNoOther) {
    fill(3);
    ASSERT_TRUE(world.fold().is_ok());
    pass(std::chrono::minutes(5));
    const std::string file = page_file_name(store_id(2), 1);
    const std::uint64_t size = world.data->peek(file)->size();
    ASSERT_TRUE(world.data->corrupt(file, 0, Bytes(size, 0xee)).has_value());
    const auto names = world.logs[0]->list();
    ASSERT_TRUE(names.is_ok());
    for (const std::string& name : *names) {
        const std::uint64_t log_size = world.logs[0]->peek(name)->size();
        if (log_size > 8192) {
            ASSERT_TRUE(world.logs[0]->corrupt(name, 8192, Bytes(log_size - 8192, 0xee)).has_value());
        }
    }

    EXPECT_NE(world.query(store_id(2), "SELECT body FROM note").find("error: damaged"), std::string::npos);

    EXPECT_EQ(world.query(store_id(1), "SELECT body FROM note"), "of 1");
    EXPECT_EQ(world.query(store_id(3), "SELECT body FROM note"), "of 3");
    EXPECT_TRUE(world.execute(store_id(3), "INSERT INTO note VALUES (2, 'goes on')").is_ok());
    EXPECT_TRUE(world.health(store_id(2)).is_damaged);
    EXPECT_FALSE(world.health(store_id(3)).is_damaged);
    EXPECT_FALSE(world.fatal.has_value());
}

TEST_F(ManyStores, FoldsOnTopOfFoldsAllAnswer) {
    world.fold_after_bytes = 4 * kPageSize;
    ASSERT_TRUE(world.restart().is_ok());
    fill(2);
    int answered = 0;
    for (int i = 0; i < 20; ++i) {
        world.storage->transact(
            store_id(1), Access::write,
            [i](Database& database) {
                return database.execute(fmt::format("INSERT INTO note VALUES ({}, 'x')", 100 + i).c_str());
            },
            [&](Status status) { answered += status.is_ok() ? 1 : 0; });
        world.storage->fold([&](Status status) { answered += status.is_ok() ? 1 : 0; });
    }
    world.run_until([&] { return answered == 40; });
    EXPECT_EQ(answered, 40);
    ASSERT_TRUE(world.fold().is_ok());
    EXPECT_EQ(world.health(store_id(1)).unfolded_bytes, 0U);
    EXPECT_EQ(world.query(store_id(1), "SELECT count(*) FROM note"), "21");
    EXPECT_EQ(world.query(store_id(1), "PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace firedrill::store
