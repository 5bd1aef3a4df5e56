// Machines that are copies of one another: the same bytes on every disk, and then two lives.
//
// Nothing on a disk may decide a nonce: two nodes that start from the same bytes seal under the same keys,
// and are told apart by the entropy seam alone.
#include <set>

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

}  // namespace
}  // namespace firedrill::store
