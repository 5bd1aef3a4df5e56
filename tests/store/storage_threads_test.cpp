// Storage over real lanes and real files: what only threads can get wrong. Made for ThreadSanitizer as well.
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>

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

/// While it is shut, writes and syncs through files of it wait.
class Gate {
  public:
    void shut() {
        const std::lock_guard lock(mutex_);
        is_shut_ = true;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        is_shut_ = false;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !is_shut_; });
        --waiting_;
    }
    void wait_for(std::size_t waiting) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_ >= waiting; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_shut_ = false;
    std::size_t waiting_ = 0;
};

class GatedFile final : public File {
  public:
    GatedFile(std::unique_ptr<File> real, Gate& gate) : real_(std::move(real)), gate_(gate) {}
    using File::write_at;
    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
        return real_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
        gate_.pass();
        return real_->write_at(offset, pieces);
    }
    Status truncate(std::uint64_t size_bytes) override { return real_->truncate(size_bytes); }
    Status allocate(std::uint64_t size_bytes) override { return real_->allocate(size_bytes); }
    Result<std::uint64_t> size_bytes() override { return real_->size_bytes(); }
    Status sync() override { return real_->sync(); }

  private:
    std::unique_ptr<File> real_;
    Gate& gate_;
};

/// A data disk on which the page files of stores 1 … `gated` hang while the gate is shut.
class GatedDisk final : public Disk {
  public:
    GatedDisk(Disk& real, Gate& gate, std::uint32_t gated) : real_(real), gate_(gate), gated_(gated) {}
    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        auto file = TRY(real_.open(name, how));
        for (std::uint32_t number = 1; number <= gated_; ++number) {
            if (name.starts_with("pages." + to_hex(store_id(number)))) {
                return std::unique_ptr<File>(std::make_unique<GatedFile>(std::move(file), gate_));
            }
        }
        return file;
    }
    Status rename(std::string_view from, std::string_view to) override { return real_.rename(from, to); }
    Status remove(std::string_view name) override { return real_.remove(name); }
    Result<std::vector<std::string>> list() override { return real_.list(); }
    Status sync_names() override { return real_.sync_names(); }
    Result<std::uint64_t> free_space_bytes() override { return real_.free_space_bytes(); }
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override { return real_.claim(owner); }
    std::string label() const override { return real_.label(); }

  private:
    Disk& real_;
    Gate& gate_;
    std::uint32_t gated_;
};

/// As many folds hang as run at once, and the threads that a node has are enough for everybody else.
TEST(StorageThreads, AHealthyStoreCommitsAndReadsWhileEveryFoldHangs) {
    Folder folder;
    Gate gate;
    RealWorld world(folder);
    GatedDisk disk(*folder.data, gate, kFoldsAtOnce);
    posix::PosixWorkers workers{world.loop, 2 * kFoldsAtOnce + 6};
    const Seams seams{world.loop, world.loop, world.entropy, workers, disk, {folder.log.get()}};
    auto made = Storage::create(seams, world.options(), as_bytes("slots"));
    ASSERT_TRUE(made.is_ok()) << made.error().text;
    world.storage = std::move(*made);
    world.unlock_all();
    int left = 0;
    const auto expect_ok = [&left](const Status& status) {
        EXPECT_TRUE(status.is_ok()) << status.error().text;
        --left;
    };
    const auto insert = [](Database& database) {
        return database.execute("INSERT INTO note (body) VALUES (hex(zeroblob(3000)))");
    };
    gate.shut();
    for (std::uint32_t number = 1; number <= kFoldsAtOnce; ++number) {
        for (int i = 0; i < 20; ++i) {
            ++left;
            world.storage->transact(store_id(number), Access::write, insert, expect_ok);
        }
    }
    world.run_until_zero(left);  // their commits do not wait for their folds
    gate.wait_for(kFoldsAtOnce);

    for (int i = 0; i < kCommits; ++i) {
        left += 2;
        world.storage->transact(store_id(kStores), Access::write, insert, expect_ok);
        world.storage->transact(store_id(kStores), Access::read, check_integrity, expect_ok);
    }
    world.run_until_zero(left);

    EXPECT_GT(world.storage->health().of(store_id(1)).unfolded_bytes, 16 * kPageSize);
    gate.open();
    left = 1;
    world.storage->fold(expect_ok);
    world.run_until_zero(left);
    EXPECT_EQ(world.storage->health().of(store_id(1)).unfolded_bytes, 0U);
    world.storage.reset();
}

}  // namespace
}  // namespace firedrill::store
