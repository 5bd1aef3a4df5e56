// Two nodes on one log: whole nodes over shared disks, with the locks on the log folders and without them.
#include "store/log_owner.h"

#include <gtest/gtest.h>

#include "store/scrub.h"
#include "store_fixture.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

/// A log disk that no lock reaches, as over a network share; everything else is the other's.
class Unlocked final : public Disk {
  public:
    explicit Unlocked(Disk& disk) : disk_(disk) {}
    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        return disk_.open(name, how);
    }
    Status rename(std::string_view from, std::string_view to) override { return disk_.rename(from, to); }
    Status remove(std::string_view name) override { return disk_.remove(name); }
    Result<std::vector<std::string>> list() override { return disk_.list(); }
    Status sync_names() override { return disk_.sync_names(); }
    Result<std::uint64_t> free_space_bytes() override { return disk_.free_space_bytes(); }
    Result<std::unique_ptr<Claim>> claim(std::string_view) override { return std::make_unique<Claim>(); }
    std::string label() const override { return disk_.label(); }

  private:
    Disk& disk_;
};

enum class Locks : std::uint8_t { held, missing };

struct TwoNodes : StoreFixture {
    std::unique_ptr<sim::SimDisk> copy;   // of the first one's data folder
    std::unique_ptr<sim::SimDisk> third;  // an empty log folder
    std::vector<std::unique_ptr<Unlocked>> unlocked;
    std::unique_ptr<Storage> second;
    std::optional<Error> second_fatal;

    ~TwoNodes() override { second.reset(); }
    StoreWorld& world() { return *made; }
    void begin(Locks locks = Locks::held) {
        made.emplace(1, 2);
        listen();
        third = made->universe.make_disk("third");
        if (locks == Locks::missing) {
            for (const auto& log : made->logs) {
                unlocked.push_back(std::make_unique<Unlocked>(*log));
                made->logs_instead.push_back(unlocked.back().get());
            }
        }
        expect_ok(made->create());
        expect_ok(made->unlock(kFirst));
        expect_ok(made->execute(kFirst, insert(1, "of both")));
        take_copy();
    }
    void take_copy() {
        copy = made->universe.make_disk("copy");
        (void)copy->put_back(made->data->image());
    }
    Disk& log(std::size_t i) { return unlocked.empty() ? static_cast<Disk&>(*made->logs[i]) : *unlocked[i]; }
    /// Another folder of the same node, on these log disks.
    Status start_second(std::vector<Disk*> on) {
        Seams seams = made->seams();
        StorageOptions options = made->options();
        options.on_fatal = [this](const Error& error) { second_fatal = error; };
        second = TRY(
            Storage::open({seams.clock, seams.network, seams.entropy, seams.workers, *copy, std::move(on)},
                          std::move(options)));
        return made->wait(
            [&](Storage::Done done) { second->unlock(kFirst, test_ring(kFirst), kNotes, std::move(done)); });
    }
    Status execute_second(const std::string& sql) {
        return made->wait([&](Storage::Done done) {
            second->transact(
                kFirst, Access::write, [sql](Database& database) { return database.execute(sql.c_str()); },
                std::move(done));
        });
    }
    std::string rows_of_second() {
        auto rows = std::make_shared<std::string>();
        const Status read = made->wait([&](Storage::Done done) {
            second->transact(
                kFirst, Access::read,
                [rows](Database& database) -> Status {
                    auto statement = TRY(database.prepare("SELECT group_concat(id) FROM note"));
                    *rows = TRY(statement.step()) ? statement.text(0) : "";
                    return check_integrity(database);
                },
                std::move(done));
        });
        return read ? *rows : read.error().text;
    }
    std::string rows() { return made->query(kFirst, "SELECT group_concat(id) FROM note"); }
    /// Whoever runs stops; the first one starts on these log disks.
    Status restart_first_on(std::vector<Disk*> on) {
        second.reset();
        made->machine->kill_process();
        made->boot();
        made->logs_instead = std::move(on);
        TRY(made->open());
        return made->unlock(kFirst);
    }
    static void expect_refused(const Status& status, Fault fault, std::vector<std::string> words) {
        ASSERT_FALSE(status.is_ok());
        EXPECT_EQ(fault_name(status.error().fault), fault_name(fault)) << status.error().text;
        for (const std::string& word : words) {
            EXPECT_NE(status.error().text.find(word), std::string::npos) << status.error().text;
        }
    }
    std::map<std::string, Bytes> files_on(sim::SimDisk& disk) {
        std::map<std::string, Bytes> out;
        for (const std::string& name : disk.peek_names()) {
            out.emplace(name, *disk.peek(name));
        }
        return out;
    }
};

TEST_F(TwoNodes, ACopyOfTheDataFolderIsRefusedOnBothLogFolders) {
    begin();

    expect_refused(start_second({&log(0), &log(1)}), Fault::in_use, {"log0", "firedrill node"});

    expect_ok(world().execute(kFirst, insert(2, "of the first")));
    expect_ok(restart_first_on({}));
    EXPECT_EQ(rows(), "1,2");
}

TEST_F(TwoNodes, ACopyOfTheDataFolderIsRefusedOnOneLogFolderOfTheTwo) {
    begin();

    expect_refused(start_second({&log(1)}), Fault::in_use, {"log1"});
    expect_refused(start_second({third.get(), &log(1)}), Fault::in_use, {"log1"});

    EXPECT_TRUE(third->claim("the lock went with the refusal").is_ok());
    expect_ok(world().execute(kFirst, insert(2, "of the first")));
    expect_ok(restart_first_on({}));
    EXPECT_EQ(rows(), "1,2");
}

TEST_F(TwoNodes, AScrubOfACopyIsRefusedBesideTheRunningNode) {
    begin();
    std::vector<Disk*> disks{&log(0), &log(1)};

    const auto scrubbed = scrub_folder(*copy, disks, {});

    ASSERT_FALSE(scrubbed);
    expect_refused(scrubbed.error(), Fault::in_use, {"log0", "firedrill node"});
}

TEST_F(TwoNodes, ARestoreIntoLogFoldersInUseIsRefused) {
    begin();
    const auto target = world().universe.make_disk("target");
    std::vector<Disk*> from{&log(0)};
    std::vector<Disk*> to{&log(1)};

    const auto restored = restore_from_log(from, *target, to, {0, {}, test_timeline(), WallTime{1}, {}});

    ASSERT_FALSE(restored);
    expect_refused(restored.error(), Fault::in_use, {"log1"});
}

TEST_F(TwoNodes, OneAfterTheOtherLosesNothing) {
    begin();
    expect_ok(world().execute(kFirst, insert(2, "of the first")));
    world().storage.reset();

    expect_ok(start_second({&log(0), &log(1)}));
    expect_ok(execute_second(insert(3, "of the second")));
    EXPECT_EQ(rows_of_second(), "1,2,3");
    expect_ok(restart_first_on({}));

    EXPECT_EQ(rows(), "1,2,3");
    expect_ok(world().execute(kFirst, insert(4, "of the first again")));
}

TEST_F(TwoNodes, WhereNoLockReachesTheOlderOneStopsBeforeItConfirms) {
    begin(Locks::missing);
    expect_ok(world().execute(kFirst, insert(2, "of the first")));
    expect_ok(start_second({&log(0), &log(1)}));

    const Status late = world().execute(kFirst, insert(3, "too late"));

    expect_refused(late, Fault::in_use, {"log0", "another start of this node"});
    ASSERT_TRUE(world().fatal.has_value());
    EXPECT_EQ(world().fatal->fault, Fault::in_use);
    expect_ok(execute_second(insert(4, "of the second")));
    EXPECT_EQ(rows_of_second(), "1,2,4");
    EXPECT_FALSE(second_fatal.has_value());
}

TEST_F(TwoNodes, WhereNoLockReachesOneSharedDiskIsEnough) {
    begin(Locks::missing);
    expect_ok(world().execute(kFirst, insert(2, "of the first")));
    expect_ok(start_second({third.get(), &log(1)}));

    expect_refused(world().execute(kFirst, insert(3, "too late")), Fault::in_use, {"log1"});

    expect_ok(execute_second(insert(4, "of the second")));
    EXPECT_EQ(rows_of_second(), "1,2,4");
}

TEST_F(TwoNodes, AnIdleNodeNoticesWithinAMinute) {
    begin(Locks::missing);
    expect_ok(start_second({&log(0), &log(1)}));

    world().universe.loop.run_for(61s);

    ASSERT_TRUE(world().fatal.has_value());
    EXPECT_EQ(world().fatal->fault, Fault::in_use);
    EXPECT_FALSE(second_fatal.has_value());
}

TEST_F(TwoNodes, AMarkReplacedWhileABatchIsWrittenKeepsItFromBeingConfirmed) {
    begin(Locks::missing);
    bool is_armed = true;
    world().logs[1]->set_watch([&](sim::DiskOperation operation) {
        if (is_armed && operation == sim::DiskOperation::sync) {
            is_armed = false;
            OwnerMark other;
            other.incarnation.bytes.fill(0x44);
            EXPECT_TRUE(write_owner_mark(*world().logs[0], world().options().node, other).is_ok());
        }
    });

    const Status late = world().execute(kFirst, insert(2, "written, and not confirmed"));

    EXPECT_FALSE(is_armed);
    expect_refused(late, Fault::in_use, {"log0"});
}

TEST_F(TwoNodes, ARottenOrRemovedMarkIsWrittenAgainAndStopsNobody) {
    begin();
    ASSERT_TRUE(world().logs[0]->corrupt("log.owner", 30, Bytes(4, 0xee)).has_value());
    ASSERT_TRUE(world().logs[1]->remove("log.owner").is_ok());

    expect_ok(world().execute(kFirst, insert(2, "goes on")));
    world().universe.loop.run_for(61s);

    EXPECT_EQ(world().logs[0]->peek("log.owner"), world().logs[1]->peek("log.owner"));
    const auto mark = read_owner_mark(*world().logs[1], world().options().node);
    EXPECT_TRUE(mark && *mark);
    EXPECT_FALSE(world().fatal.has_value());
}

TEST_F(TwoNodes, AnotherNodesMarkStopsAStart) {
    begin();
    world().storage.reset();
    NodeId other;
    other.bytes.fill(0x99);
    expect_ok(write_owner_mark(*world().logs[1], other, {}));

    expect_refused(restart_first_on({}), Fault::refused, {"log1/log.owner", "another node"});
}

TEST_F(TwoNodes, TheOldNodeDoesNotFillADiskOfTheRestoredOne) {
    begin();
    world().storage.reset();
    const auto target = world().universe.make_disk("target");
    std::vector<Disk*> from{&log(0)};
    std::vector<Disk*> to{third.get()};
    TimelineId newer;
    newer.bytes.fill(0x72);
    const auto restored = restore_from_log(from, *target, to, {0, {}, newer, WallTime{1}, {}});
    ASSERT_TRUE(restored) << restored.error().text;

    expect_refused(restart_first_on({&log(0), third.get()}), Fault::refused,
                   {"third", "timeline " + to_hex(newer), to_hex(test_timeline())});

    EXPECT_EQ(segment_files(*third).size(), 2U);
}

/// Each went on with one disk, and a third folder believes both.
TEST_F(TwoNodes, TwoDisksInServiceThatDifferAreNotChosenBetween) {
    begin();
    world().storage.reset();
    const sim::DiskImage folder = copy->image();
    for (const std::size_t i : {0U, 1U}) {
        (void)copy->put_back(folder);
        expect_ok(start_second({&log(i)}));
        expect_ok(execute_second(insert(static_cast<int>(2 + i), "confirmed on one")));
        second.reset();
    }
    const auto before = files_on(*world().logs[0]);

    expect_refused(restart_first_on({}), Fault::refused, {"log0", "log1", "two nodes"});

    auto after = files_on(*world().logs[0]);
    after["log.owner"] = before.at("log.owner");
    EXPECT_EQ(after, before);
    expect_ok(restart_first_on({&log(1)}));
    EXPECT_EQ(rows(), "1,3");
}

/// A full disk may have no room for a first mark: it works without one until there is.
TEST_F(TwoNodes, AFullDiskServesWithoutAFirstMark) {
    begin();
    world().storage.reset();
    ASSERT_TRUE(world().logs[1]->remove("log.owner").is_ok());
    world().logs[1]->set_capacity(world().logs[1]->used_bytes());

    expect_ok(restart_first_on({}));

    EXPECT_TRUE(world().storage->health().log_members.at(1).is_present);
    EXPECT_FALSE(world().fatal.has_value());
}

}  // namespace
}  // namespace firedrill::store
