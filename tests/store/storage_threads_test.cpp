// Storage over real lanes and real files: what only threads can get wrong. Made for ThreadSanitizer as well.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "posix/workers.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

constexpr std::uint32_t kStores = 6;
constexpr int kCommits = 40;

/// A scratch folder with a data disk and a log disk.
struct Folder {
    std::string path;
    std::unique_ptr<Disk> data;
    std::unique_ptr<Disk> log;

    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "firedrill.XXXXXX").string();
        path = mkdtemp(pattern.data());
        data = posix::open_folder(path + "/data", posix::Create::yes).value();
        log = posix::open_folder(path + "/log", posix::Create::yes).value();
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

struct RealWorld {
    Folder& folder;
    posix::PosixEntropy entropy;
    posix::PosixLoop loop;
    posix::PosixWorkers workers{loop};
    crypto::Secret signing_seed{32};
    std::unique_ptr<Storage> storage;

    explicit RealWorld(Folder& where) : folder(where) {}
    Seams seams() { return {loop, loop, entropy, workers, *folder.data, {folder.log.get()}}; }
    StorageOptions options() {
        StorageOptions made;
        made.node.bytes.fill(0x11);
        made.first_timeline = test_timeline();
        made.signing_seed = &signing_seed;
        made.fold_after_bytes = 16 * kPageSize;  // folds run among the commits
        return made;
    }
    void run_until_zero(int& left) {
        ASSERT_TRUE(loop.run_until([&left] { return left == 0; }));
    }
    void unlock_all() {
        int left = kStores;
        for (std::uint32_t number = 1; number <= kStores; ++number) {
            storage->unlock(store_id(number), test_ring(store_id(number)), kNotes, [&left](Status status) {
                EXPECT_TRUE(status.is_ok()) << status.error().text;
                --left;
            });
        }
        run_until_zero(left);
    }
};

TEST(StorageThreads, ManyStoresCommitFoldAndComeBackOnRealLanes) {
    Folder folder;
    {
        RealWorld world(folder);
        auto made = Storage::create(world.seams(), world.options(), as_bytes("slots"));
        ASSERT_TRUE(made.is_ok()) << made.error().text;
        world.storage = std::move(*made);
        world.unlock_all();
        int left = int{kStores} * kCommits;
        for (int i = 0; i < kCommits; ++i) {
            for (std::uint32_t number = 1; number <= kStores; ++number) {
                world.storage->transact(
                    store_id(number), Access::write,
                    [](Database& database) {
                        return database.execute("INSERT INTO note (body) VALUES ('real')");
                    },
                    [&left](Status status) {
                        EXPECT_TRUE(status.is_ok()) << status.error().text;
                        --left;
                    });
            }
        }
        world.run_until_zero(left);
        // The world goes while lanes may still fold: as a process that is killed.
    }
    RealWorld again(folder);
    auto opened = Storage::open(again.seams(), again.options());
    ASSERT_TRUE(opened.is_ok()) << opened.error().text;
    again.storage = std::move(*opened);
    again.unlock_all();
    int left = kStores;
    for (std::uint32_t number = 1; number <= kStores; ++number) {
        again.storage->transact(
            store_id(number), Access::read,
            [](Database& database) -> Status {
                TRY(check_integrity(database));
                auto statement = TRY(database.prepare("SELECT count(*) FROM note"));
                EXPECT_TRUE(TRY(statement.step()));
                EXPECT_EQ(statement.integer(0), kCommits);
                return {};
            },
            [&left](Status status) {
                EXPECT_TRUE(status.is_ok()) << status.error().text;
                --left;
            });
    }
    again.run_until_zero(left);
}

/// Everything that lanes do at once: commits, reads, folds, locks, slots, stores that rest for want of
/// memory.
TEST(StorageThreads, ReadersLocksSlotsAndRestingStoresStandBesideCommits) {
    Folder folder;
    RealWorld world(folder);
    StorageOptions options = world.options();
    options.memory_limit_bytes = 1 << 20;
    auto made = Storage::create(world.seams(), options, as_bytes("slots"));
    ASSERT_TRUE(made.is_ok()) << made.error().text;
    world.storage = std::move(*made);
    world.unlock_all();
    int left = 0;
    const auto expect_ok = [&left](const Status& status) {
        EXPECT_TRUE(status.is_ok()) << status.error().text;
        --left;
    };
    for (int round = 0; round < 12; ++round) {
        for (std::uint32_t number = 1; number <= kStores; ++number) {
            const StoreId id = store_id(number);
            left += 2;
            world.storage->transact(
                id, Access::write,
                [](Database& database) {
                    return database.execute("INSERT INTO note (body) VALUES (hex(zeroblob(3000)))");
                },
                expect_ok);
            world.storage->transact(id, Access::read, check_integrity, expect_ok);
        }
        left += 2;
        world.storage->set_node_slots(Bytes(100, static_cast<Byte>(round + 1)), expect_ok);
        world.storage->fold(expect_ok);
        const StoreId locked = store_id(1 + static_cast<std::uint32_t>(round) % kStores);
        left += 2;
        world.storage->lock(locked, expect_ok);
        world.storage->unlock(locked, test_ring(locked), kNotes, expect_ok);
        EXPECT_FALSE(world.storage->health().is_fatal);
        world.run_until_zero(left);
    }
    EXPECT_EQ(world.storage->node_slots(), Bytes(100, 12));
}

}  // namespace
}  // namespace firedrill::store
