#include "store/storage.h"

#include <gtest/gtest.h>

#include "store/data_folder.h"
#include "store/page_store.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);

std::string insert(int id, std::string_view body) {
    return fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", id, body);
}

struct StorageTest : testing::Test {
    StoreWorld world;
    void SetUp() override {
        const Status made = world.create();
        ASSERT_TRUE(made.is_ok()) << made.error().text;
    }
    void open_store(StoreId store) {
        const Status done = world.unlock(store);
        ASSERT_TRUE(done.is_ok()) << done.error().text;
    }
    void expect_ok(const Status& status) { EXPECT_TRUE(status.is_ok()) << status.error().text; }
    void expect_fault(const Status& status, Fault fault) {
        ASSERT_FALSE(status.is_ok());
        EXPECT_EQ(fault_name(status.error().fault), fault_name(fault)) << status.error().text;
    }
};

TEST_F(StorageTest, KeepsWhatItAcknowledgedThroughPowerLoss) {
    open_store(kFirst);
    open_store(kSecond);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.execute(kSecond, insert(1, "other")));

    const Status recovered = world.restart();

    expect_ok(recovered);
    EXPECT_TRUE(world.storage->has_store(kFirst));
    EXPECT_FALSE(world.storage->is_unlocked(kFirst));
    open_store(kFirst);
    open_store(kSecond);
    EXPECT_EQ(world.query(kFirst, "SELECT body FROM note"), "one");
    EXPECT_EQ(world.query(kSecond, "SELECT body FROM note"), "other");
}

TEST_F(StorageTest, KeepsWhatWasFoldedThroughPowerLoss) {
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.fold());
    EXPECT_EQ(world.health(kFirst).unfolded_bytes, 0U);
    expect_ok(world.execute(kFirst, insert(2, "two")));

    expect_ok(world.restart());

    open_store(kFirst);
    EXPECT_EQ(world.query(kFirst, "SELECT group_concat(body) FROM note"), "one,two");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(StorageTest, ATransactionThatChangesNothingMakesNoRecord) {
    open_store(kFirst);
    const Lsn before = world.storage->health().durable;

    expect_ok(world.execute(kFirst, "DELETE FROM note WHERE id = 77"));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "0");

    EXPECT_EQ(world.storage->health().durable, before);
}

TEST_F(StorageTest, AFailedJobLeavesNoTrace) {
    open_store(kFirst);

    const Status failed = world.write(kFirst, [](Database& database) -> Status {
        TRY(database.execute("INSERT INTO note VALUES (1, 'gone')"));
        return Error{Fault::bad_input, "changed my mind"};
    });

    expect_fault(failed, Fault::bad_input);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "0");
}

TEST_F(StorageTest, ErrorsOfSqlAreValues) {
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));

    expect_fault(world.execute(kFirst, insert(1, "twice")), Fault::exists);
    expect_fault(world.execute(kFirst, "INSERT INTO note VALUES (2, NULL)"), Fault::bad_input);
    expect_fault(world.execute(kFirst, "SELECT nonsense FROM nowhere"), Fault::internal);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "1");
}

TEST_F(StorageTest, TheTransactionIsTheWrappersAlone) {
    open_store(kFirst);

    for (const char* sql : {"COMMIT", "ROLLBACK", "BEGIN", "ATTACH ':memory:' AS other", "VACUUM INTO 'x'",
                            "PRAGMA journal_mode=delete", "PRAGMA user_version=9", "SELECT random()",
                            "SELECT current_timestamp", "PRAGMA secure_delete=off"}) {
        const Status refused = world.execute(kFirst, sql);
        EXPECT_FALSE(refused.is_ok()) << sql;
    }
    EXPECT_EQ(world.query(kFirst, "SELECT quote(datetime('now'))"), "NULL");
    EXPECT_EQ(world.query(kFirst, "PRAGMA user_version"), "1");
}

TEST_F(StorageTest, StopsWhenSqliteEndsTheTransactionByItself) {
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));

    const Status flipped = world.write(kFirst, [](Database& database) -> Status {
        TRY(database.execute("INSERT INTO note VALUES (2, 'two')"));
        EXPECT_FALSE(database.execute("INSERT OR ROLLBACK INTO note VALUES (1, 'again')").is_ok());
        EXPECT_FALSE(database.execute("INSERT INTO note VALUES (3, 'outside of any transaction')").is_ok());
        return {};
    });

    EXPECT_FALSE(flipped.is_ok());
    EXPECT_EQ(world.query(kFirst, "SELECT group_concat(id) FROM note"), "1");
}

TEST_F(StorageTest, AReadingTransactionCannotWrite) {
    open_store(kFirst);

    const Status refused = world.read(
        kFirst, [](Database& database) { return database.execute("INSERT INTO note VALUES (1, 'x')"); });

    expect_fault(refused, Fault::refused);
}

TEST_F(StorageTest, BoundsATransaction) {
    open_store(kFirst);

    const Status huge = world.write(kFirst, [](Database& database) -> Status {
        return database.execute(
            "INSERT INTO note (body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
            "< 20000) "
            "SELECT hex(zeroblob(2000)) FROM n");
    });

    expect_fault(huge, Fault::limit);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "0");
    expect_ok(world.execute(kFirst, insert(1, "small")));
}

TEST_F(StorageTest, RefusesJobsWhileLockedAndForgetsTheKeys) {
    expect_fault(world.execute(kFirst, insert(1, "one")), Fault::refused);
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.lock(kFirst));

    EXPECT_FALSE(world.storage->is_unlocked(kFirst));
    expect_fault(world.execute(kFirst, insert(2, "two")), Fault::refused);
    open_store(kFirst);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "1");
}

TEST_F(StorageTest, RefusesTheWrongKeysAndAnOldTimeline) {
    open_store(kFirst);
    expect_ok(world.lock(kFirst));
    TimelineId other;
    other.bytes.fill(3);

    expect_fault(world.unlock_with(kFirst, test_ring(kFirst, test_timeline(), 1)), Fault::wrong_secret);
    expect_fault(world.unlock_with(kFirst, test_ring(kFirst, other)), Fault::bad_usage);
    expect_fault(world.unlock_with(kFirst, {}), Fault::bad_usage);
    open_store(kFirst);
}

TEST_F(StorageTest, RefusesANewerSchemaUntouched) {
    constexpr Migration kTwo[] = {
        {1, "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"},
        {2, "ALTER TABLE note ADD COLUMN kind TEXT"}};
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.lock(kFirst));
    expect_ok(world.unlock(kFirst, kTwo));
    EXPECT_EQ(world.query(kFirst, "SELECT quote(kind) FROM note"), "NULL");
    expect_ok(world.lock(kFirst));
    expect_ok(world.fold());
    const Lsn before = world.storage->health().durable;
    const auto bytes = [&] {
        std::map<std::string, Bytes> all;
        for (sim::SimDisk* disk : {world.data.get(), world.logs[0].get()}) {
            for (const std::string& name : disk->peek_names()) {
                all[disk->label() + "/" + name] = *disk->peek(name);
            }
        }
        return all;
    };
    const auto bytes_before = bytes();

    expect_fault(world.unlock(kFirst, kNotes), Fault::newer_format);
    expect_ok(world.fold());

    EXPECT_EQ(world.storage->health().durable, before);
    EXPECT_EQ(bytes(), bytes_before);
}

TEST_F(StorageTest, AMigrationThatFailsLeavesTheOldSchema) {
    constexpr Migration kBad[] = {
        {1, "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"},
        {2, "ALTER TABLE note ADD COLUMN kind TEXT; SELECT nonsense"}};
    open_store(kFirst);
    expect_ok(world.lock(kFirst));

    EXPECT_FALSE(world.unlock(kFirst, kBad).is_ok());

    EXPECT_FALSE(world.storage->is_unlocked(kFirst));
    open_store(kFirst);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM pragma_table_info('note')"), "2");
}

TEST_F(StorageTest, NodeSlotsSurviveAndTheLogWinsOverTheFile) {
    expect_ok(world.wait([&](Storage::Done done) {
        const std::string_view text = "newer slots";
        world.storage->set_node_slots(Bytes(text.begin(), text.end()), std::move(done));
    }));
    EXPECT_EQ(as_text(world.storage->node_slots()), "newer slots");
    world.machine->cut_power();
    world.boot();
    Seams seams = world.machine->seams();
    auto file = read_node_slots(seams.data);
    ASSERT_TRUE(file.is_ok());
    EXPECT_EQ(as_text(*file), "newer slots");
    ASSERT_TRUE(write_node_slots(seams.data, as_bytes("old copy")).is_ok());

    expect_ok(world.open());

    EXPECT_EQ(as_text(world.storage->node_slots()), "newer slots");
    file = read_node_slots(seams.data);
    ASSERT_TRUE(file.is_ok());
    EXPECT_EQ(as_text(*file), "newer slots");
}

TEST_F(StorageTest, OneOwnerAFolderAndNoSecondCreation) {
    auto second = Storage::open(world.machine->seams(), world.options());
    ASSERT_FALSE(second.is_ok());
    EXPECT_EQ(second.error().fault, Fault::in_use);
    world.storage.reset();

    auto again = Storage::create(world.machine->seams(), world.options(), as_bytes("slots"));

    ASSERT_FALSE(again.is_ok());
    EXPECT_EQ(again.error().fault, Fault::exists);
}

TEST(Storage, MakesNothingOverANodeThatLostItsMarker) {
    StoreWorld world;
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.unlock(store_id(1)));
    world.machine->cut_power();
    world.boot();
    ASSERT_TRUE(world.data->remove("firedrill.node"));
    ASSERT_TRUE(world.data->sync_names());
    world.logs[0]->replace();  // it is even offered an empty log disk
    const Bytes members = *world.data->peek("log.members");

    const Status made = world.create();

    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().fault, Fault::exists);
    EXPECT_NE(made.error().text.find("restore"), std::string::npos) << made.error().text;
    EXPECT_EQ(*world.data->peek("log.members"), members);
    EXPECT_TRUE(world.logs[0]->peek_names().empty());
}

TEST(Storage, OpensNothingWhereNothingIs) {
    StoreWorld world;
    const Status opened = world.open();
    ASSERT_FALSE(opened.is_ok());
    EXPECT_EQ(opened.error().fault, Fault::not_found);
}

TEST_F(StorageTest, AFailedLogSyncIsFatalAndSaidOnce) {
    open_store(kFirst);
    world.logs[0]->die();

    expect_fault(world.execute(kFirst, insert(1, "lost")), Fault::disk_failed);

    ASSERT_TRUE(world.fatal.has_value());
    EXPECT_TRUE(world.storage->health().is_fatal);
    expect_fault(world.execute(kFirst, insert(2, "lost")), Fault::disk_failed);
    expect_fault(world.lock(kFirst), Fault::disk_failed);
}

TEST_F(StorageTest, AFullLogDiskIsAnAnswerAndRecoversByItself) {
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.restart());
    world.logs[0]->set_capacity(world.logs[0]->used_bytes() + 4096);
    open_store(kFirst);

    EXPECT_FALSE(world.storage->health().is_full);
    expect_fault(world.execute(kFirst, insert(2, "two")), Fault::disk_full);
    EXPECT_TRUE(world.storage->health().is_full);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "1");
    world.logs[0]->set_capacity(1ULL << 40);

    expect_ok(world.execute(kFirst, insert(2, "two")));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "2");
    EXPECT_FALSE(world.fatal.has_value());
}

TEST_F(StorageTest, GroupsCommitsOfManyStoresIntoOneSync) {
    constexpr int kStores = 16;
    for (int i = 1; i <= kStores; ++i) {
        open_store(store_id(static_cast<std::uint32_t>(i)));
    }
    expect_ok(world.execute(kFirst, insert(1000, "log space is reserved now")));
    int left = kStores;
    const std::uint64_t before = world.logs[0]->operation_count();
    for (int i = 1; i <= kStores; ++i) {
        world.storage->transact(
            store_id(static_cast<std::uint32_t>(i)), Access::write,
            [](Database& database) { return database.execute("INSERT INTO note (body) VALUES ('x')"); },
            [&left](Status status) {
                EXPECT_TRUE(status.is_ok());
                --left;
            });
    }
    world.run_until([&] { return left == 0; });

    EXPECT_LT(world.logs[0]->operation_count() - before, 16U);
}

std::string page_file_of(StoreId store) {
    return page_file_name(store, 1);
}

TEST_F(StorageTest, RepairsDamagedPagesFromTheLogWhileReading) {
    open_store(kFirst);
    for (int i = 0; i < 40; ++i) {
        expect_ok(world.execute(kFirst, insert(i, std::string(1000, 'b'))));
    }
    expect_ok(world.fold());
    expect_ok(world.lock(kFirst));
    const PageNumber pages = world.health(kFirst).pages;
    ASSERT_GT(pages, 8U);
    ASSERT_TRUE(world.data->corrupt(page_file_of(kFirst), 0, Bytes(100, 0xee)).has_value());
    ASSERT_TRUE(
        world.data->corrupt(page_file_of(kFirst), 5 * kPageSize, Bytes(2 * kPageSize, 0xee)).has_value());
    ASSERT_TRUE(world.data->break_sector(page_file_of(kFirst), 8 * kPageSize).has_value());

    open_store(kFirst);
    expect_ok(world.read(kFirst, check_integrity));

    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "40");
    EXPECT_EQ(world.health(kFirst).repaired_pages, 4U);
    EXPECT_EQ(world.health(kFirst).damaged_pages, 0U);
    expect_ok(world.fold());
    expect_ok(world.restart());
    open_store(kFirst);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "40");
    EXPECT_EQ(world.health(kFirst).repaired_pages, 0U);
}

TEST_F(StorageTest, BuildsAStoreAnewWhenItsFilesAreDamaged) {
    open_store(kFirst);
    open_store(kSecond);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.execute(kSecond, insert(1, "other")));
    expect_ok(world.fold());
    expect_ok(world.execute(kFirst, insert(2, "two")));
    world.data->corrupt(leaves_file_name(kFirst), 20, Bytes(10, 0xee));
    world.machine->cut_power();
    world.boot();
    ASSERT_TRUE(world.data->remove(page_file_of(kSecond)).is_ok());

    expect_ok(world.open());

    open_store(kFirst);
    open_store(kSecond);
    EXPECT_EQ(world.query(kFirst, "SELECT group_concat(body) FROM note"), "one,two");
    EXPECT_EQ(world.query(kSecond, "SELECT group_concat(body) FROM note"), "other");
    EXPECT_GE(world.storage->health().notes.size(), 2U);
    expect_ok(world.fold());
    expect_ok(world.restart());
    open_store(kSecond);
    EXPECT_EQ(world.query(kSecond, "SELECT group_concat(body) FROM note"), "other");
    EXPECT_TRUE(world.storage->health().notes.empty());
}

TEST_F(StorageTest, AFailedFoldLosesNothingAndIsTriedAgain) {
    open_store(kFirst);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    expect_ok(world.fold());
    expect_ok(world.execute(kFirst, insert(2, "two")));
    world.data->fail_next_sync(page_file_of(kFirst));
    expect_fault(world.fold(), Fault::disk_failed);
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "2");

    expect_ok(world.fold());

    EXPECT_EQ(world.health(kFirst).unfolded_bytes, 0U);
    expect_ok(world.restart());
    open_store(kFirst);
    EXPECT_EQ(world.query(kFirst, "SELECT group_concat(body) FROM note"), "one,two");
}

TEST_F(StorageTest, ABigCommitThatMeetsAFullDiskWaitsForSpace) {
    open_store(kFirst);
    open_store(kSecond);
    expect_ok(world.execute(kFirst, insert(1, "one")));
    world.logs[0]->set_capacity(world.logs[0]->used_bytes());
    std::optional<Status> big;
    world.storage->transact(
        kFirst, Access::write,
        [](Database& database) {
            return database.execute(
                "INSERT INTO note (body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "WHERE i < 7000) "
                "SELECT hex(zeroblob(1800)) FROM n");
        },
        [&big](Status status) { big = std::move(status); });
    world.universe.loop.run_for(std::chrono::seconds(5));
    ASSERT_FALSE(big.has_value());
    expect_fault(world.execute(kSecond, insert(1, "refused")), Fault::disk_full);

    world.logs[0]->set_capacity(1ULL << 40);
    world.run_until([&] { return big.has_value(); });

    expect_ok(*big);
    expect_ok(world.execute(kSecond, insert(1, "taken")));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "7001");
}

TEST_F(StorageTest, IncrementalVacuumGivesPagesBack) {
    open_store(kFirst);
    expect_ok(world.execute(
        kFirst,
        "INSERT INTO note (body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 500) SELECT hex(zeroblob(1000)) FROM n"));
    expect_ok(world.fold());
    const PageNumber before = world.health(kFirst).pages;
    expect_ok(world.execute(kFirst, "DELETE FROM note WHERE id > 10"));

    expect_ok(world.execute(kFirst, "PRAGMA incremental_vacuum"));

    EXPECT_LT(world.health(kFirst).pages, before / 4);
    expect_ok(world.fold());
    expect_ok(world.restart());
    open_store(kFirst);
    expect_ok(world.read(kFirst, check_integrity));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "10");
}

TEST_F(StorageTest, BoundsTheJobsThatWait) {
    open_store(kFirst);
    int refused = 0;
    for (int i = 0; i < 5000; ++i) {
        world.storage->transact(
            kFirst, Access::read, [](Database&) -> Status { return {}; },
            [&refused](Status status) {
                refused += !status && status.error().fault == Fault::limit ? 1 : 0;
            });
    }
    world.universe.loop.run_for(std::chrono::seconds(5));

    EXPECT_GT(refused, 800);
    EXPECT_LT(refused, 1000);
}

}  // namespace
}  // namespace firedrill::store
