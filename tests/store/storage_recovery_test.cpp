// What a start reads, and what it refuses: the page files are evidence of what the log must hold.
#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);

std::string insert(int id, std::string_view body) {
    return fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", id, body);
}

std::string last_segment(const sim::SimDisk& disk) {
    std::string last;
    for (const std::string& name : disk.peek_names()) {
        last = parse_segment_name(name) ? name : last;
    }
    return last;
}

/// Makes the last record of the log unreadable.
void spoil_last_record(sim::SimDisk& disk) {
    const std::string name = last_segment(disk);
    const Bytes bytes = *disk.peek(name);
    std::uint64_t last = 0;
    for (std::uint64_t at = 0; at + kRecordHeadSize <= bytes.size(); at += kSector) {
        last = parse_record_head(ByteView(bytes).subspan(at)) ? at : last;
    }
    ASSERT_TRUE(disk.corrupt(name, last + 700, Bytes(100, 0xAA)).has_value());
}

struct StorageRecovery : testing::Test {
    StoreWorld world;
    void SetUp() override { expect_ok(world.create()); }
    void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    void power_cycle() {
        world.machine->cut_power();
        world.boot();
    }
    /// Three rows, everything folded; then the log loses its last record.
    void fold_and_spoil() {
        expect_ok(world.unlock(kFirst));
        for (int i = 1; i <= 3; ++i) {
            expect_ok(world.execute(kFirst, insert(i, "kept")));
        }
        expect_ok(world.fold());
        ended_at = world.storage->health().durable;
        power_cycle();
        spoil_last_record(*world.logs[0]);
    }
    Lsn ended_at = 0;
};

TEST_F(StorageRecovery, RefusesALogThatEndsBelowWhatThePageFilesHold) {
    fold_and_spoil();
    const auto before = world.logs[0]->peek(last_segment(*world.logs[0]));

    const Status opened = world.open();

    ASSERT_FALSE(opened.is_ok());
    EXPECT_EQ(opened.error().fault, Fault::damaged) << opened.error().text;
    EXPECT_NE(opened.error().text.find(fmt::format("--accept-loss-after {}", ended_at - 1)),
              std::string::npos)
        << opened.error().text;
    EXPECT_NE(
        opened.error().text.find(fmt::format("the page files hold the records through LSN {}", ended_at)),
        std::string::npos)
        << opened.error().text;
    EXPECT_EQ(world.logs[0]->peek(last_segment(*world.logs[0])), before);
}

TEST_F(StorageRecovery, ALogCutCleanlyBelowWhatThePageFilesHoldIsRefusedToo) {
    fold_and_spoil();
    const std::string name = last_segment(*world.logs[0]);
    const Bytes bytes = *world.logs[0]->peek(name);
    std::uint64_t last = 0;
    for (std::uint64_t at = 0; at + kRecordHeadSize <= bytes.size(); at += kSector) {
        last = parse_record_head(ByteView(bytes).subspan(at)) ? at : last;
    }
    ASSERT_TRUE(world.logs[0]->corrupt(name, last, Bytes(bytes.size() - last, 0)).has_value());

    const Status opened = world.open();

    ASSERT_FALSE(opened.is_ok());
    EXPECT_EQ(opened.error().fault, Fault::damaged) << opened.error().text;
}

TEST_F(StorageRecovery, AFileThatItsDiskCannotReadHarmsNoOtherStoreAndIsBuiltAnew) {
    for (const StoreId& store : {kFirst, kSecond}) {
        expect_ok(world.unlock(store));
        expect_ok(world.execute(store, insert(1, "kept")));
    }
    expect_ok(world.fold());
    power_cycle();
    ASSERT_TRUE(world.data->break_sector(leaves_file_name(kFirst), 0).has_value());
    std::vector<Disk*> logs{world.logs[0].get()};
    const auto seen = inspect(*world.data, logs, true, {});
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(seen->soundness, Soundness::repairable);

    expect_ok(world.open());

    for (const StoreId& store : {kFirst, kSecond}) {
        expect_ok(world.unlock(store));
        EXPECT_EQ(world.query(store, "SELECT count(*) FROM note"), "1");
    }
    expect_ok(world.fold());
    power_cycle();
    const auto after = inspect(*world.data, logs, true, {});
    ASSERT_TRUE(after) << after.error().text;
    EXPECT_EQ(after->soundness, Soundness::sound);
}

TEST_F(StorageRecovery, AnAcceptedLossTakesThePageFilesBackToWhereTheLogEnds) {
    fold_and_spoil();
    world.accept_loss_after = ended_at - 1;

    expect_ok(world.open());

    world.accept_loss_after = 0;
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT max(id) FROM note"), "2");
    expect_ok(world.execute(kFirst, insert(9, "later")));
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT group_concat(id) FROM note"), "1,2,9");
    expect_ok(world.fold());

    // The log alone gives the same again.
    power_cycle();
    const auto target = world.universe.make_disk("target");
    const auto target_log = world.universe.make_disk("target_log");
    Disk* source = world.logs[0].get();
    Disk* log = target_log.get();
    RestoreOptions how;
    how.new_timeline.bytes.fill(0x72);
    const auto report = restore_from_log(std::span(&source, 1), *target, std::span(&log, 1), how);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->restored_through, ended_at);
}

TEST_F(StorageRecovery, AStoreThatWasLostAsAWholeIsForgotten) {
    expect_ok(world.unlock(kFirst));
    expect_ok(world.execute(kFirst, insert(1, "kept")));
    const Lsn kept = world.storage->health().durable;
    expect_ok(world.unlock(kSecond));
    expect_ok(world.fold());
    ASSERT_EQ(world.storage->health().durable, kept + 1);
    power_cycle();
    spoil_last_record(*world.logs[0]);
    world.accept_loss_after = kept;

    expect_ok(world.open());

    EXPECT_FALSE(world.storage->has_store(kSecond));
    expect_ok(world.unlock(kSecond));
    expect_ok(world.execute(kSecond, insert(1, "begun again")));
    world.accept_loss_after = 0;
    expect_ok(world.restart());
    expect_ok(world.unlock(kSecond));
    EXPECT_EQ(world.query(kSecond, "SELECT body FROM note"), "begun again");
}

TEST(StorageRecoveryModel, APowerCutWhileAnAcceptedLossIsCarriedOutLosesNothingMore) {
    for (int disk = 0; disk < 2; ++disk) {
        for (std::uint64_t k = 1; k < 200; ++k) {
            StoreWorld world;
            ASSERT_TRUE(world.create());
            for (const StoreId& store : {kFirst, kSecond}) {
                ASSERT_TRUE(world.unlock(store));
                ASSERT_TRUE(world.execute(store, insert(1, "kept")));
            }
            ASSERT_TRUE(world.execute(kFirst, insert(2, "lost")));
            ASSERT_TRUE(world.fold());
            const Lsn last = world.storage->health().durable;
            world.machine->cut_power();
            world.boot();
            spoil_last_record(*world.logs[0]);
            world.accept_loss_after = last - 1;
            sim::SimDisk& struck = disk == 0 ? *world.data : *world.logs[0];
            struck.cut_power_after(k);
            const bool is_done = world.open().is_ok();
            struck.cut_power_after(0);
            world.machine->cut_power();
            world.boot();

            // Either it was carried out, or it must be accepted again; nothing in between.
            world.accept_loss_after = 0;
            Status opened = world.open();
            if (!opened) {
                ASSERT_FALSE(is_done) << opened.error().text;
                ASSERT_EQ(opened.error().fault, Fault::damaged) << opened.error().text;
                world.boot();
                world.accept_loss_after = last - 1;
                opened = world.open();
            }
            ASSERT_TRUE(opened) << "disk " << disk << ", operation " << k << ": " << opened.error().text;
            for (const StoreId& store : {kFirst, kSecond}) {
                ASSERT_TRUE(world.unlock(store));
                ASSERT_EQ(world.query(store, "SELECT group_concat(body) FROM note"), "kept") << k;
            }
            if (is_done) {
                break;
            }
        }
    }
}

}  // namespace
}  // namespace firedrill::store
