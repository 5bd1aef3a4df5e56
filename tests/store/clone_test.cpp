// Machines that are copies of one another: the same bytes on every disk, and then two lives.
//
// Nothing on a disk and nothing in a process may decide a nonce: two nodes that start from the same bytes, or
// go on from the same memory, seal under the same keys, and are told apart by what the system draws alone.
#include <array>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(1);

using SealedUnder = std::set<std::pair<StoreId, crypto::Nonce>>;

class WatchedCipher final : public PageCipher {
  public:
    WatchedCipher(StoreId store, std::unique_ptr<PageCipher> real, SealedUnder& seen, int& repeats)
        : store_(store), real_(std::move(real)), seen_(seen), repeats_(repeats) {}
    void seal(PageNumber page, CommitSequence sequence, const crypto::Nonce& nonce, ByteView plain,
              SealedPage& out) override {
        repeats_ += seen_.emplace(store_, nonce).second ? 0 : 1;
        real_->seal(page, sequence, nonce, plain, out);
    }
    Status open(PageNumber page, const SealedPage& sealed, MutableBytes out) override {
        return real_->open(page, sealed, out);
    }

  private:
    StoreId store_;
    std::unique_ptr<PageCipher> real_;
    SealedUnder& seen_;
    int& repeats_;
};

struct Clones : testing::Test {
    SealedUnder seen;
    int repeats = 0;

    void watch(StoreWorld& world) {
        world.parts.page_cipher = [this](StoreId store, KeyRing ring) {
            return std::make_unique<WatchedCipher>(store, make_page_cipher(store, std::move(ring)), seen,
                                                   repeats);
        };
    }
    /// A node that wrote for a while and was switched off.
    void live(StoreWorld& world) {
        watch(world);
        ASSERT_TRUE(world.create());
        ASSERT_TRUE(world.unlock(kStore));
        write_on(world, 0);
        ASSERT_TRUE(world.fold());
        write_on(world, 100);
        world.machine->cut_power();
    }
    static void write_on(StoreWorld& world, int from) {
        for (int i = from; i < from + 20; ++i) {
            ASSERT_TRUE(world.execute(kStore, fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", i,
                                                          std::string(500, 'c'))));
        }
    }
    /// Byte for byte what `from` has on its disks, started as a machine of its own, and written on.
    void live_on_as_copy(StoreWorld& from, std::uint64_t entropy_seed) {
        StoreWorld copy(entropy_seed);
        watch(copy);
        copy.machine->cut_power();
        (void)copy.data->put_back(from.data->image());
        (void)copy.logs[0]->put_back(from.logs[0]->image());
        copy.boots = from.boots;
        copy.boot();
        ASSERT_TRUE(copy.open());
        ASSERT_TRUE(copy.unlock(kStore));
        write_on(copy, 200);
        ASSERT_TRUE(copy.read(kStore, check_integrity));
        EXPECT_EQ(copy.query(kStore, "SELECT count(*) FROM note"), "60");
    }
};

TEST_F(Clones, TwoNodesFromOneCopyOfAllDisksNeverSealUnderOneNonceTwice) {
    StoreWorld first(1);
    live(first);
    const std::size_t before = seen.size();

    live_on_as_copy(first, 2);
    live_on_as_copy(first, 3);

    EXPECT_GT(seen.size(), before + 40);
    EXPECT_EQ(repeats, 0);
}

/// What the seam must not do, and what the test must notice: both copies go on with one state of the pool.
TEST_F(Clones, AnEntropyPoolCopiedWithTheDisksIsNoticed) {
    StoreWorld first(1);
    live(first);
    EXPECT_EQ(repeats, 0);

    live_on_as_copy(first, 7);
    live_on_as_copy(first, 7);

    EXPECT_GE(repeats, 20);
}

// ---- memory that is copied: a virtual machine that is resumed twice from one picture of it

/// The system's entropy: what it draws after the copying is each copy's own.
class ForkedEntropy final : public Entropy {
  public:
    explicit ForkedEntropy(std::uint64_t life) : own_(life) {}
    void fill(MutableBytes out) override { (is_forked ? own_ : common_).fill(out); }
    bool is_forked = false;

  private:
    sim::Random common_{1};
    sim::Random own_;
};

/// What a process must not do: it draws ahead, and the copy of the machine has what was drawn.
class PooledEntropy final : public Entropy {
  public:
    explicit PooledEntropy(Entropy& system) : system_(system) {}
    void fill(MutableBytes out) override {
        for (Byte& byte : out) {
            if (next_ == pool_.size()) {
                system_.fill(pool_);
                next_ = 0;
            }
            byte = pool_[next_++];
        }
    }

  private:
    Entropy& system_;
    std::array<Byte, 65536> pool_{};
    std::size_t next_ = pool_.size();
};

struct Life {
    SealedUnder before;  ///< under which nonces was sealed up to the copying
    SealedUnder after;
    int repeats = 0;
};

/// Two stores, more than 1,024 records of one of them: what holds for a number of records changes once on
/// each side of the copying.
void live_a_life(std::uint64_t number, bool is_pooled, Life& life) {
    ForkedEntropy system(number);
    PooledEntropy pool(system);
    SealedUnder seen;
    StoreWorld world(5);
    world.entropy_instead = is_pooled ? static_cast<Entropy*>(&pool) : &system;
    world.parts.page_cipher = [&](StoreId store, KeyRing ring) {
        return std::make_unique<WatchedCipher>(store, make_page_cipher(store, std::move(ring)), seen,
                                               life.repeats);
    };
    ASSERT_TRUE(world.create());
    const auto write = [&world](std::uint32_t store, int from, int until) {
        for (int i = from; i < until; ++i) {
            ASSERT_TRUE(world.execute(store_id(store),
                                      fmt::format("INSERT INTO note (id, body) VALUES ({}, 'copied')", i)));
        }
    };
    ASSERT_TRUE(world.unlock(store_id(1)));
    ASSERT_TRUE(world.unlock(store_id(2)));
    write(1, 0, 1015);
    write(2, 0, 5);
    life.before = std::exchange(seen, {});
    system.is_forked = true;
    write(2, 5, 30);
    write(1, 1015, 1045);
    ASSERT_TRUE(world.unlock(store_id(3)));
    write(3, 0, 5);
    life.after = std::exchange(seen, {});
}

std::size_t shared_after_the_copying(bool is_pooled) {
    Life one;
    Life other;
    live_a_life(2, is_pooled, one);
    live_a_life(3, is_pooled, other);
    EXPECT_EQ(one.before, other.before);  // copies they are
    EXPECT_GT(one.after.size(), 60U);
    EXPECT_EQ(one.repeats + other.repeats, 0);
    std::size_t shared = 0;
    for (const auto& each : one.after) {
        shared += one.before.contains(each) || other.after.contains(each) ? 1 : 0;
    }
    return shared;
}

TEST(ClonedMemory, TwoMachinesResumedFromOnePictureNeverSealUnderOneNonceTwice) {
    EXPECT_EQ(shared_after_the_copying(false), 0U);
}

TEST(ClonedMemory, EntropyDrawnAheadOfTheCopyingIsNoticed) {
    EXPECT_GE(shared_after_the_copying(true), 20U);
}

}  // namespace
}  // namespace firedrill::store
