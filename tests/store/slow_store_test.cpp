// One practice whose files are slow, and one whose files are damaged, harm no other. Measured in virtual
// time.
#include <algorithm>

#include <gtest/gtest.h>

#include "store/page_store.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kSlow = store_id(1);
const StoreId kDamaged = store_id(2);
constexpr std::uint32_t kFirstHealthy = 3;
constexpr std::uint32_t kLastHealthy = 5;
constexpr std::uint64_t kFoldAfter = 16 * kPageSize;

/// A file whose every operation takes `extra` more.
class SlowFile final : public File {
  public:
    SlowFile(std::unique_ptr<File> real, sim::CostMeter& meter, const Duration& extra)
        : real_(std::move(real)), meter_(meter), extra_(extra) {}
    using File::write_at;
    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
        meter_.add(extra_);
        return real_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
        meter_.add(extra_);
        return real_->write_at(offset, pieces);
    }
    Status truncate(std::uint64_t size_bytes) override { return real_->truncate(size_bytes); }
    Status allocate(std::uint64_t size_bytes) override { return real_->allocate(size_bytes); }
    Result<std::uint64_t> size_bytes() override { return real_->size_bytes(); }
    Status sync() override {
        meter_.add(extra_);
        return real_->sync();
    }

  private:
    std::unique_ptr<File> real_;
    sim::CostMeter& meter_;
    const Duration& extra_;
};

/// A data disk on which the files of some stores are slow.
class PartlySlowDisk final : public Disk {
  public:
    PartlySlowDisk(Disk& real, sim::CostMeter& meter, StoreId slow)
        : real_(real), meter_(meter), slow_{to_hex(slow)} {}
    void slow_down(StoreId store) { slow_.push_back(to_hex(store)); }
    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        auto file = TRY(real_.open(name, how));
        const bool is_slow = std::any_of(slow_.begin(), slow_.end(), [name](const std::string& each) {
            return name.find(each) != std::string_view::npos;
        });
        if (!is_slow) {
            return file;
        }
        return std::unique_ptr<File>(std::make_unique<SlowFile>(std::move(file), meter_, extra));
    }
    Status rename(std::string_view from, std::string_view to) override { return real_.rename(from, to); }
    Status remove(std::string_view name) override { return real_.remove(name); }
    Result<std::vector<std::string>> list() override { return real_.list(); }
    Status sync_names() override { return real_.sync_names(); }
    Result<std::uint64_t> free_space_bytes() override { return real_.free_space_bytes(); }
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override { return real_.claim(owner); }
    std::string label() const override { return real_.label(); }

    Duration extra{0};

  private:
    Disk& real_;
    sim::CostMeter& meter_;
    std::vector<std::string> slow_;
};

std::string insert(int id, std::size_t size) {
    return fmt::format("INSERT OR REPLACE INTO note (id, body) VALUES ({}, '{}')", id,
                       std::string(size, 's'));
}

struct SlowStore : testing::Test {
    StoreWorld world;
    std::unique_ptr<PartlySlowDisk> disk;
    int slow_pending = 0;

    void SetUp() override {
        disk = std::make_unique<PartlySlowDisk>(*world.data, world.universe.meter, kSlow);
        world.data_instead = disk.get();
        world.fold_after_bytes = kFoldAfter;
        ASSERT_TRUE(world.create());
        for (std::uint32_t number = 1; number <= kLastHealthy; ++number) {
            ASSERT_TRUE(world.unlock(store_id(number)));
            for (int id = 0; id < 8; ++id) {
                ASSERT_TRUE(world.execute(store_id(number), insert(id, 3000)));
            }
        }
        ASSERT_TRUE(world.fold());
    }
    void TearDown() override { world.storage.reset(); }

    /// A commit to the slow store that nobody waits for.
    void write_to_slow(int id, StoreId store = kSlow) {
        ++slow_pending;
        world.storage->transact(
            store, Access::write,
            [id](Database& database) { return database.execute(insert(id, 3000).c_str()); },
            [this](const Status& status) {
                EXPECT_TRUE(status.is_ok()) << status.error().text;
                --slow_pending;
            });
    }
    /// How long the slowest of these commits took, over all healthy stores.
    Duration worst_commit(int commits, std::uint64_t& most_unfolded) {
        Duration worst{0};
        for (int i = 0; i < commits; ++i) {
            for (std::uint32_t number = kFirstHealthy; number <= kLastHealthy; ++number) {
                const Instant began = world.machine->clock().now();
                EXPECT_TRUE(world.execute(store_id(number), insert(i % 40, 3000)));
                worst = std::max(worst, world.machine->clock().now() - began);
                most_unfolded = std::max(most_unfolded, world.health(store_id(number)).unfolded_bytes);
            }
        }
        return worst;
    }
};

TEST_F(SlowStore, OthersCommitAndFoldWhileOneIsSlowAndOneIsDamaged) {
    const std::string file = page_file_name(kDamaged, 1);
    ASSERT_TRUE(world.data->corrupt(file, 0, Bytes(world.data->peek(file)->size(), 0xee)).has_value());
    ASSERT_TRUE(world.lock(kDamaged));
    disk->extra = 10min;
    for (int id = 100; id < 110; ++id) {
        write_to_slow(id);  // more than is kept unfolded: its fold begins, and takes for ever
    }
    world.universe.loop.run_for(1s);
    const Instant began = world.machine->clock().now();
    int damaged_answers = 0;
    world.storage->unlock(kDamaged, test_ring(kDamaged), kNotes, [&](const Status&) { ++damaged_answers; });

    std::uint64_t most_unfolded = 0;
    const Duration worst = worst_commit(120, most_unfolded);

    EXPECT_LT(worst, 100ms);
    EXPECT_LT(world.machine->clock().now() - began, 10min);  // all of it while the slow fold was under way
    EXPECT_GT(world.health(kSlow).unfolded_bytes, 0U);
    EXPECT_LE(most_unfolded, 3 * kFoldAfter);
    EXPECT_EQ(damaged_answers, 1);
}

/// Stores 11, 12 … are slow as well, up to `count` slow ones in all; each begins a fold that takes for ever.
struct SlowStores : SlowStore {
    void hang(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            const StoreId store = store_id(11 + i);
            disk->slow_down(store);
            ASSERT_TRUE(world.unlock(store));
        }
        disk->extra = 10min;
        for (std::uint32_t i = 0; i < count; ++i) {
            for (int id = 100; id < 120; ++id) {
                write_to_slow(id, store_id(11 + i));
            }
        }
        world.universe.loop.run_for(1s);
        for (std::uint32_t i = 0; i < count; ++i) {
            ASSERT_GT(world.health(store_id(11 + i)).unfolded_bytes, kFoldAfter / 2);
        }
    }
};

TEST_F(SlowStores, AllFoldLanesButOneMayHangAndOthersCommitAndFold) {
    hang(kFoldsAtOnce - 1);
    const Instant began = world.machine->clock().now();

    std::uint64_t most_unfolded = 0;
    const Duration worst = worst_commit(120, most_unfolded);

    EXPECT_LT(worst, 100ms);
    EXPECT_LE(most_unfolded, 3 * kFoldAfter);  // they fold again and again
    EXPECT_LT(world.machine->clock().now() - began, 10min);
}

TEST_F(SlowStores, WhenAllFoldLanesHangOthersStillCommitAndFoldOnceOneIsFree) {
    hang(kFoldsAtOnce);
    const Instant began = world.machine->clock().now();

    std::uint64_t most_unfolded = 0;
    const Duration worst = worst_commit(48, most_unfolded);  // less than 8 times kFoldAfter of each

    EXPECT_LT(worst, 100ms);
    EXPECT_LT(world.machine->clock().now() - began, 10min);
    EXPECT_GT(most_unfolded, kFoldAfter);  // nothing was folded meanwhile
    disk->extra = 0s;
    world.run_until([this] { return world.health(store_id(kFirstHealthy)).unfolded_bytes < kFoldAfter; });
    ASSERT_TRUE(world.fold());
    EXPECT_EQ(world.health(store_id(kFirstHealthy)).unfolded_bytes, 0U);
    EXPECT_EQ(world.health(store_id(11)).unfolded_bytes, 0U);
}

TEST_F(SlowStore, AmongAThousandStoresOneSlowAndOneDamagedHarmNoOther) {
    constexpr std::uint32_t kMany = 1000;
    for (std::uint32_t number = 100; number < 100 + kMany; ++number) {
        ASSERT_TRUE(world.unlock(store_id(number)));
    }
    const std::string file = page_file_name(kDamaged, 1);
    ASSERT_TRUE(world.data->corrupt(file, 0, Bytes(world.data->peek(file)->size(), 0xee)).has_value());
    ASSERT_TRUE(world.lock(kDamaged));
    disk->extra = 10min;
    for (int id = 100; id < 110; ++id) {
        write_to_slow(id);
    }
    world.universe.loop.run_for(1s);
    std::optional<Status> damaged;
    world.storage->unlock(kDamaged, test_ring(kDamaged), kNotes,
                          [&](const Status& status) { damaged = status; });
    Duration worst{0};
    const Instant began = world.machine->clock().now();

    for (std::uint32_t number = 100; number < 100 + kMany; ++number) {
        const Instant asked = world.machine->clock().now();
        ASSERT_TRUE(world.execute(store_id(number), insert(1, 3000)));
        worst = std::max(worst, world.machine->clock().now() - asked);
    }

    EXPECT_LT(worst, 100ms);
    EXPECT_LT(world.machine->clock().now() - began, 10min);
    EXPECT_GT(world.health(kSlow).unfolded_bytes, 0U);
    ASSERT_TRUE(damaged.has_value());
    int sound = 0;
    for (const StoreHealth& each : world.storage->health().stores) {
        sound += each.is_damaged ? 0 : 1;
    }
    EXPECT_GE(sound, static_cast<int>(kMany));
}

TEST_F(SlowStore, ASlowReaderKeepsNobodyWaiting) {
    ASSERT_TRUE(world.restart());
    ASSERT_TRUE(world.unlock(kSlow));
    for (std::uint32_t number = kFirstHealthy; number <= kLastHealthy; ++number) {
        ASSERT_TRUE(world.unlock(store_id(number)));
    }
    disk->extra = 10min;
    bool has_answer = false;
    world.storage->transact(kSlow, Access::read, check_integrity, [&](const Status&) { has_answer = true; });

    std::uint64_t most_unfolded = 0;
    EXPECT_LT(worst_commit(20, most_unfolded), 100ms);

    EXPECT_FALSE(has_answer);
}

TEST_F(SlowStore, AStoreThatIsWrittenFasterThanItFoldsWaitsForItselfInsteadOfFillingMemory) {
    disk->extra = 30s;
    for (int id = 0; id < 400; ++id) {
        write_to_slow(1000 + id);
    }
    std::uint64_t most = 0;
    for (int second = 0; second < 3600 && slow_pending > 0; ++second) {
        world.universe.loop.run_for(1s);
        most = std::max(most, world.health(kSlow).unfolded_bytes);
    }

    EXPECT_GT(most, 4 * kFoldAfter);  // it was pressed
    EXPECT_LE(most, 8 * kFoldAfter + 8 * kPageSize);
    disk->extra = 0s;
    world.run_until([this] { return slow_pending == 0; });
    EXPECT_EQ(world.query(kSlow, "SELECT count(*) FROM note"), "408");
}

}  // namespace
}  // namespace firedrill::store
