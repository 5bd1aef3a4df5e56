// Databases beyond 1 GiB, where SQLite leaves out the page that holds byte 1 GiB. A small one made around
// that page runs always, a real one on real disks with FIREDRILL_LONG.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "posix/workers.h"
#include "store/leaves_file.h"
#include "store/restore.h"
#include "store/scrub.h"
#include "store/vfs.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(1);

SealedPage filled(Byte fill) {
    SealedPage page{};
    std::fill_n(page.begin(), kPlainSize, fill);
    return page;
}

struct LockPage : testing::Test {
    sim::Universe universe{7};
    std::unique_ptr<sim::SimDisk> disk = universe.make_disk("data");
    sim::Machine machine{universe, "node", "10.0.0.1", {disk.get()}};
    sim::SimEntropy entropy{universe.random.stream("nonces")};
    std::unique_ptr<PageCipher> cipher = make_page_cipher(kStore, test_ring(kStore));
    std::unique_ptr<PageStore> pages = PageStore::make_empty(*disk, kStore, 1);

    /// Pages 1 and the neighbours of the lock page, everything else holes.
    Commit commit() {
        const std::array<SealedPage, 4> plain{filled(1), filled(2), filled(3), filled(4)};
        const std::array<PlainPage, 4> changed{PlainPage{1, plain[0]}, PlainPage{kLockPage - 1, plain[1]},
                                               PlainPage{kLockPage + 1, plain[2]},
                                               PlainPage{kLockPage + 2, plain[3]}};
        return pages->prepare(changed, kLockPage + 2, *cipher, entropy);
    }
    void expect_page(PageStore& from, PageNumber page, Byte fill) {
        SealedPage plain;
        const Status opened = from.open_page(page, *cipher, plain);
        ASSERT_TRUE(opened) << opened.error().text;
        EXPECT_EQ(plain, fill == 0 ? SealedPage{} : filled(fill)) << page;
    }
};

TEST_F(LockPage, StaysAHoleThroughFoldStartReplayAndGrowth) {
    const Commit made = commit();
    EXPECT_EQ(pages->tree().leaf(kLockPage), Leaf{});
    ASSERT_TRUE(pages->fold(1));
    const StorePosition position = pages->position();

    auto opened = PageStore::open(*disk, kStore);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ((*opened)->position(), position);
    expect_page(**opened, kLockPage - 1, 2);
    expect_page(**opened, kLockPage, 0);
    expect_page(**opened, kLockPage + 1, 3);
    EXPECT_TRUE((*opened)->verify({})->empty());

    auto replayed = PageStore::make_empty(*disk, store_id(1), 9);
    ASSERT_TRUE(replayed->apply(made));
    EXPECT_EQ(replayed->position(), position);

    Commit wrong = made;
    wrong.pages.insert(wrong.pages.begin() + 2, {kLockPage, wrong.pages[0].page, wrong.pages[0].leaf});
    const Status refused = PageStore::make_empty(*disk, kStore, 9)->apply(wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::damaged);
}

TEST_F(LockPage, IsAHoleForWhoComputesTheLeavesAgainWhateverStandsThere) {
    (void)commit();
    ASSERT_TRUE(pages->fold(1));
    const StorePosition position = pages->position();
    pages.reset();
    // The leaves are gone, and something wrote where nobody may write.
    ASSERT_TRUE(disk->corrupt(leaves_file_name(kStore), 200, Bytes(64, 0xAA)).has_value());
    auto file = disk->open(page_file_name(kStore, 1), Open::existing);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(std::uint64_t{kLockPage - 1} * kPageSize, filled(0x77)));
    file->reset();

    auto opened = PageStore::open(*disk, kStore);

    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ((*opened)->position(), position);
    expect_page(**opened, kLockPage, 0);
    expect_page(**opened, kLockPage + 2, 4);
}

TEST_F(LockPage, IsLeftOutOfACommitThatSqliteWrites) {
    StoreFile file(*pages, *cipher, entropy);
    SealedPage first{};
    first[16] = 16;  // page size 4096, big-endian
    first[20] = kReservedSize;
    const PageNumber count = kLockPage + 1;
    for (int i = 0; i < 4; ++i) {
        first[static_cast<std::size_t>(28 + i)] = static_cast<Byte>(count >> (24 - 8 * i));
    }
    ASSERT_TRUE(file.write(0, first));
    ASSERT_TRUE(file.write(std::uint64_t{kLockPage - 1} * kPageSize, filled(5)));
    ASSERT_TRUE(file.write(std::uint64_t{kLockPage} * kPageSize, filled(6)));
    ASSERT_TRUE(file.sync());
    const auto commit = file.take_commit();
    ASSERT_TRUE(commit);
    ASSERT_EQ(commit->pages.size(), 2U);
    EXPECT_EQ(commit->pages[1].number, kLockPage + 1);
    EXPECT_EQ(commit->page_count, count);
    SealedPage plain;
    std::size_t got = 0;
    ASSERT_TRUE(file.read(std::uint64_t{kLockPage - 1} * kPageSize, plain, got));
    EXPECT_EQ(plain, SealedPage{});
}

/// A node on real disks in a scratch folder.
struct RealNode {
    std::string path;
    std::unique_ptr<Disk> data;
    std::unique_ptr<Disk> log;
    posix::PosixEntropy entropy;
    crypto::Secret signing_seed{32};
    std::unique_ptr<posix::PosixLoop> loop;
    std::unique_ptr<posix::PosixWorkers> workers;
    std::unique_ptr<Storage> storage;

    RealNode() {
        std::string pattern = (std::filesystem::temp_directory_path() / "firedrill.XXXXXX").string();
        path = mkdtemp(pattern.data());
        data = folder("data");
        log = folder("log");
    }
    ~RealNode() {
        storage.reset();
        workers.reset();
        std::filesystem::remove_all(path);
    }
    std::unique_ptr<Disk> folder(const char* name) const {
        return posix::open_folder(path + "/" + name, posix::Create::yes).value();
    }
    void start(bool is_new) {
        storage.reset();
        workers.reset();
        loop = std::make_unique<posix::PosixLoop>();
        workers = std::make_unique<posix::PosixWorkers>(*loop);
        StorageOptions options;
        options.node.bytes.fill(0x11);
        options.first_timeline = test_timeline();
        options.signing_seed = &signing_seed;
        const Seams seams{*loop, *loop, entropy, *workers, *data, {log.get()}};
        auto made =
            is_new ? Storage::create(seams, options, as_bytes("slots")) : Storage::open(seams, options);
        ASSERT_TRUE(made) << made.error().text;
        storage = std::move(*made);
    }
    template <class Call>
    Status wait(Call call) {
        std::optional<Status> answer;
        call([&answer](Status status) { answer = std::move(status); });
        loop->run_until([&] { return answer.has_value(); });
        return answer ? *answer : Status(Error{Fault::unavailable, "no answer"});
    }
    Status unlock() {
        static constexpr Migration kBig[] = {
            {1, "CREATE TABLE big (id INTEGER PRIMARY KEY, body BLOB) STRICT"}};
        return wait(
            [&](Storage::Done done) { storage->unlock(kStore, test_ring(kStore), kBig, std::move(done)); });
    }
    Status lock() {
        return wait([&](Storage::Done done) { storage->lock(kStore, std::move(done)); });
    }
    Status fold() {
        return wait([&](Storage::Done done) { storage->fold(std::move(done)); });
    }
    Status run(Access access, Storage::Job job) {
        return wait(
            [&](Storage::Done done) { storage->transact(kStore, access, std::move(job), std::move(done)); });
    }
    std::int64_t query(const char* sql) {
        std::int64_t out = -1;
        const Status status = run(Access::read, [&out, sql](Database& database) -> Status {
            auto statement = TRY(database.prepare(sql));
            TRY(statement.step());
            out = statement.integer(0);
            return {};
        });
        EXPECT_TRUE(status) << status.error().text;
        return out;
    }
};

TEST(LargeStore, BeyondAGibibyteIsWrittenFoldedStartedScrubbedAndRestoredToTheSameRoot) {
    if (std::getenv("FIREDRILL_LONG") == nullptr) {
        GTEST_SKIP() << "writes some 5 GB; runs with FIREDRILL_LONG";
    }
    constexpr int kRows = 72;
    constexpr std::int64_t kRowBytes = 15 << 20;
    RealNode node;
    node.start(true);
    ASSERT_TRUE(node.unlock());
    for (int id = 1; id <= kRows; ++id) {
        const Status done = node.run(Access::write, [id](Database& database) -> Status {
            auto insert = TRY(database.prepare("INSERT INTO big VALUES (?1, zeroblob(?2))"));
            insert.bind(1, id).bind(2, kRowBytes);
            return insert.run();
        });
        ASSERT_TRUE(done) << id << ": " << done.error().text;
    }
    ASSERT_GT(node.storage->health().of(kStore).pages, kLockPage + 1000);
    const Lsn whole = node.storage->health().durable;
    for (const char* sql :
         {"DELETE FROM big WHERE id = 3", "UPDATE big SET body = zeroblob(100) WHERE id = 71",
          "UPDATE big SET body = zeroblob(100) WHERE id = 72"}) {
        const Status done =
            node.run(Access::write, [sql](Database& database) { return database.execute(sql); });
        ASSERT_TRUE(done) << sql << ": " << done.error().text;
    }
    EXPECT_EQ(node.query("SELECT sum(length(body)) FROM big"), (kRows - 3) * kRowBytes + 200);
    ASSERT_TRUE(node.lock());
    // Back beyond the lock page again, without a key.
    ASSERT_TRUE(node.wait([&](Storage::Done done) {
        node.storage->restore_store(
            kStore, {whole, {}}, RestoreMode::go,
            [done](const Result<StoreRestorePlan>& plan) { done(plan ? Status() : Status(plan.error())); });
    }));
    ASSERT_TRUE(node.fold());
    node.start(false);
    EXPECT_TRUE(node.storage->health().notes.empty());
    ASSERT_TRUE(node.unlock());
    EXPECT_EQ(node.query("SELECT sum(length(body)) FROM big"), kRows * kRowBytes);
    ASSERT_TRUE(node.run(Access::read, check_integrity));
    node.storage.reset();

    StorePosition position;
    {
        auto pages = PageStore::open(*node.data, kStore);
        ASSERT_TRUE(pages) << pages.error().text;
        position = (*pages)->position();
        EXPECT_EQ((*pages)->tree().leaf(kLockPage), Leaf{});
        EXPECT_NE((*pages)->tree().leaf(kLockPage - 1), Leaf{});
        EXPECT_NE((*pages)->tree().leaf(kLockPage + 1), Leaf{});
    }
    Disk* log = node.log.get();
    const auto scrubbed = scrub_folder(*node.data, std::span(&log, 1), {});
    ASSERT_TRUE(scrubbed) << scrubbed.error().text;
    EXPECT_EQ(scrubbed->found, 0U);
    EXPECT_GE(scrubbed->pages, position.page_count);

    const auto data = node.folder("again");
    const auto again = node.folder("again_log");
    Disk* to = again.get();
    RestoreOptions how;
    how.new_timeline.bytes.fill(0x72);
    const auto report = restore_from_log(std::span(&log, 1), *data, std::span(&to, 1), how);
    ASSERT_TRUE(report) << report.error().text;
    auto restored = PageStore::open(*data, kStore);
    ASSERT_TRUE(restored) << restored.error().text;
    EXPECT_EQ((*restored)->position(), position);
}

}  // namespace
}  // namespace firedrill::store
