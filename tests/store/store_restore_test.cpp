// One store is taken back to an earlier commit while the log and the other stores go on.
#include "store/store_restore.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "store/log_format.h"
#include "store/restore.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);

std::string insert(int id, std::string_view body) {
    return fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", id, body);
}

Result<StoreRestorePlan> restore(StoreWorld& world, StoreId store, RestorePoint point,
                                 RestoreMode mode = RestoreMode::go) {
    auto got = std::make_shared<std::optional<Result<StoreRestorePlan>>>();
    world.storage->restore_store(store, point, mode,
                                 [got](Result<StoreRestorePlan> plan) { *got = std::move(plan); });
    world.run_until([&] { return got->has_value() || !world.machine->is_on(); });
    return *got ? std::move(**got) : Result<StoreRestorePlan>(Error{Fault::unavailable, "no answer"});
}

/// About `pages` pages: rows of 900 bytes, four a page.
Status fill(StoreWorld& world, StoreId store, int first, int pages, char letter) {
    return world.write(store, [=](Database& database) -> Status {
        for (int id = first; id < first + 4 * pages; ++id) {
            auto row = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
            const std::string body(900, letter);
            row.bind(1, id).bind(2, std::string_view(body));
            TRY(row.run());
        }
        return {};
    });
}

StorePosition folded_position(StoreWorld& world, StoreId store) {
    EXPECT_TRUE(world.fold());
    auto pages = PageStore::open(*world.data, store);
    EXPECT_TRUE(pages);
    return pages ? (*pages)->position() : StorePosition{};
}

struct StoreRestoreTest : testing::Test {
    StoreWorld world;
    void SetUp() override { expect_ok(world.create()); }
    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    Lsn durable() const { return world.storage->health().durable; }
    /// Rows 1 and 2, then a state in which they are gone. Yields the LSN before that.
    Lsn lose_rows() {
        EXPECT_TRUE(world.unlock(kFirst));
        EXPECT_TRUE(world.execute(kFirst, insert(1, "one")));
        EXPECT_TRUE(world.execute(kFirst, insert(2, "two")));
        past = folded_position(world, kFirst);
        const Lsn kept = durable();
        EXPECT_TRUE(world.unlock(kSecond));
        EXPECT_TRUE(world.execute(kSecond, insert(1, "other")));
        EXPECT_TRUE(world.execute(kFirst, "DELETE FROM note"));
        EXPECT_TRUE(world.execute(kFirst, insert(3, "three")));
        return kept;
    }
    std::string rows(StoreId store) {
        return world.query(store, "SELECT group_concat(id || body) FROM (SELECT * FROM note ORDER BY id)");
    }
    StorePosition past;
};

TEST_F(StoreRestoreTest, TakesOneStoreBackToItsRootAndLeavesTheOthers) {
    const Lsn kept = lose_rows();
    const CommitSequence before = world.health(kFirst).sequence;
    expect_ok(world.lock(kFirst));

    const auto done = restore(world, kFirst, {kept, {}});

    ASSERT_TRUE(done) << done.error().text;
    EXPECT_EQ(done->kept_lsn, kept);
    EXPECT_EQ(done->lost_commits, 2U);
    EXPECT_EQ(world.health(kFirst).sequence, before + 1);
    const StorePosition now = folded_position(world, kFirst);
    EXPECT_EQ(now.root, past.root);
    EXPECT_EQ(now.page_count, past.page_count);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(kFirst), "1one,2two");
    EXPECT_EQ(rows(kSecond), "1other");
    expect_ok(world.read(kFirst, check_integrity));
    expect_ok(world.execute(kFirst, insert(4, "four")));
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    expect_ok(world.unlock(kSecond));
    EXPECT_EQ(rows(kFirst), "1one,2two,4four");
    EXPECT_EQ(rows(kSecond), "1other");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(StoreRestoreTest, ThePlanSaysWhatWouldBeUndoneAndChangesNothing) {
    const Lsn kept = lose_rows();
    expect_ok(world.lock(kFirst));
    const Lsn before = durable();

    const auto plan = restore(world, kFirst, {kept, {}}, RestoreMode::plan);

    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->store, kFirst);
    EXPECT_EQ(plan->kept_lsn, kept);
    EXPECT_EQ(plan->kept_sequence, past.sequence);
    EXPECT_EQ(plan->lost_commits, 2U);
    EXPECT_EQ(plan->lost_first, kept + 3);  // the other store's two came between
    EXPECT_EQ(plan->lost_last, before);
    EXPECT_EQ(plan->pages, past.page_count);
    EXPECT_GE(plan->changed_pages, 1U);
    EXPECT_EQ(durable(), before);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(kFirst), "3three");
}

TEST_F(StoreRestoreTest, ATimeMeansTheStateBeforeTheFirstLaterCommit) {
    expect_ok(world.unlock(kFirst));
    expect_ok(world.execute(kFirst, insert(1, "one")));
    world.universe.loop.run_for(10min);
    const WallTime noon = world.machine->seams().clock.wall();
    world.universe.loop.run_for(10min);
    expect_ok(world.execute(kFirst, insert(2, "two")));
    expect_ok(world.lock(kFirst));

    const auto done = restore(world, kFirst, {0, noon});

    ASSERT_TRUE(done) << done.error().text;
    EXPECT_LE(done->kept_wall, noon);
    EXPECT_GT(done->lost_newest, noon);
    EXPECT_EQ(done->backwards_at, 0U);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(kFirst), "1one");
}

TEST_F(StoreRestoreTest, ATimeBehindAClockThatRanAheadIsAnsweredWithAWarning) {
    expect_ok(world.unlock(kFirst));
    expect_ok(world.execute(kFirst, insert(1, "one")));
    const Lsn before = durable();
    world.machine->clock().step_wall(24h);
    expect_ok(world.execute(kFirst, insert(2, "ahead")));
    const Lsn ahead = durable();
    world.machine->clock().step_wall(-24h);
    world.universe.loop.run_for(10min);
    expect_ok(world.execute(kFirst, insert(3, "three")));
    const Lsn newest_before_noon = durable();
    world.universe.loop.run_for(10min);
    const WallTime noon = world.machine->seams().clock.wall();
    world.universe.loop.run_for(10min);
    expect_ok(world.execute(kFirst, insert(4, "four")));
    expect_ok(world.lock(kFirst));

    const auto plan = restore(world, kFirst, {0, noon}, RestoreMode::plan);

    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_EQ(plan->kept_lsn, before);
    EXPECT_EQ(plan->lost_first, ahead);
    EXPECT_GT(plan->lost_first_wall, noon);
    EXPECT_EQ(plan->backwards_at, newest_before_noon);
    EXPECT_LE(plan->backwards_wall, noon);
    EXPECT_EQ(restore(world, kFirst, {before, {}}, RestoreMode::plan)->backwards_at, 0U);  // by LSN: no clock
}

TEST_F(StoreRestoreTest, ItCanBeUndoneInTheSameWay) {
    const Lsn kept = lose_rows();
    expect_ok(world.lock(kFirst));
    const Lsn newest = world.storage->health().durable;
    ASSERT_TRUE(restore(world, kFirst, {kept, {}}));
    const auto again = restore(world, kFirst, {newest, {}});
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->lost_commits, 1U);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(kFirst), "3three");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(StoreRestoreTest, IsRefusedWithReasonAndThenNothingIsChanged) {
    const Lsn kept = lose_rows();
    const Lsn before = durable();
    EXPECT_EQ(restore(world, kFirst, {kept, {}}).error().fault, Fault::refused);  // open
    expect_ok(world.lock(kFirst));
    EXPECT_EQ(restore(world, kFirst, {1, {}}).error().fault, Fault::not_found);     // before its first commit
    EXPECT_EQ(restore(world, kFirst, {before, {}}).error().fault, Fault::refused);  // stands there already
    EXPECT_EQ(restore(world, store_id(9), {kept, {}}).error().fault, Fault::not_found);
    EXPECT_EQ(durable(), before);
    EXPECT_FALSE(world.health(kFirst).is_damaged);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(kFirst), "3three");
}

TEST_F(StoreRestoreTest, WhoSignsInMeanwhileFindsTheEarlierState) {
    const Lsn kept = lose_rows();
    expect_ok(world.lock(kFirst));
    auto done = std::make_shared<int>(0);
    world.storage->restore_store(kFirst, {kept, {}}, RestoreMode::go,
                                 [done](const Result<StoreRestorePlan>& plan) { *done = plan ? 1 : -1; });
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(kFirst), "1one,2two");
    EXPECT_EQ(*done, 1);
}

TEST_F(StoreRestoreTest, AStoreThatGrewOrShrankComesBack) {
    expect_ok(world.unlock(kFirst));
    expect_ok(fill(world, kFirst, 1, 50, 'a'));
    const Lsn small = durable();
    const StorePosition small_position = folded_position(world, kFirst);
    expect_ok(fill(world, kFirst, 1000, 200, 'b'));
    const Lsn large = durable();
    const StorePosition large_position = folded_position(world, kFirst);
    expect_ok(world.lock(kFirst));
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(restore(world, kFirst, {small, {}}));
        EXPECT_EQ(folded_position(world, kFirst).root, small_position.root);
        expect_ok(world.restart());
        ASSERT_TRUE(restore(world, kFirst, {large, {}}));
        EXPECT_EQ(folded_position(world, kFirst).root, large_position.root);
    }
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "1000");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(StoreRestoreTest, TheLogAloneGivesTheSameAgain) {
    const Lsn kept = lose_rows();
    expect_ok(world.lock(kFirst));
    ASSERT_TRUE(restore(world, kFirst, {kept, {}}));
    const StorePosition now = folded_position(world, kFirst);
    world.machine->cut_power();
    world.boot();
    Disk* log = world.logs[0].get();
    const auto found = inspect(*world.data, std::span(&log, 1), true, {});
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_TRUE(found->is_sound());
    const auto target = world.universe.make_disk("target");
    const auto target_log = world.universe.make_disk("target_log");
    Disk* to = target_log.get();
    RestoreOptions how;
    how.new_timeline.bytes.fill(0x72);
    const auto report = restore_from_log(std::span(&log, 1), *target, std::span(&to, 1), how);
    ASSERT_TRUE(report) << report.error().text;
    auto pages = PageStore::open(*target, kFirst);
    ASSERT_TRUE(pages);
    EXPECT_EQ((*pages)->position(), now);
}

/// A store whose earlier state differs in more pages than one record holds.
struct LargeStore {
    explicit LargeStore(std::uint64_t seed = 1) : world(seed) {
        world.restore_part_pages = 100;
        EXPECT_TRUE(world.create());
        EXPECT_TRUE(world.unlock(kFirst));
        EXPECT_TRUE(fill(world, kFirst, 1, 350, 'a'));
        kept = world.storage->health().durable;
        EXPECT_TRUE(fill(world, kFirst, 1, 350, 'b'));
        EXPECT_TRUE(world.lock(kFirst));
        EXPECT_TRUE(world.fold());
    }
    StoreWorld world;
    Lsn kept = 0;
};

TEST(StoreRestoreLarge, IsOneCommitInSeveralRecords) {
    LargeStore large;
    StoreWorld& world = large.world;
    const Lsn before = world.storage->health().durable;

    const auto done = restore(world, kFirst, {large.kept, {}});

    ASSERT_TRUE(done) << done.error().text;
    EXPECT_GT(done->changed_pages, 300U);
    EXPECT_EQ(world.storage->health().durable, before + 4);  // three parts and the commit
    const StorePosition now = folded_position(world, kFirst);
    ASSERT_TRUE(world.restart());
    ASSERT_TRUE(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note WHERE body LIKE 'a%'"), "1400");
    ASSERT_TRUE(world.read(kFirst, check_integrity));
    world.machine->cut_power();
    world.boot();
    Disk* log = world.logs[0].get();
    std::uint64_t parts = 0;
    std::optional<Commit> newest;
    ASSERT_TRUE(scan_log(std::span(&log, 1), 0,
                         [&](Record&& record) -> Status {
                             parts += std::holds_alternative<CommitPart>(record.body) ? 1 : 0;
                             if (auto* commit = std::get_if<Commit>(&record.body)) {
                                 newest = std::move(*commit);
                             }
                             return {};
                         },
                         {}));
    EXPECT_EQ(parts, 3U);
    ASSERT_TRUE(newest && newest->taken_back);
    EXPECT_EQ(newest->pages.size(), done->changed_pages);
    EXPECT_EQ(newest->taken_back->in_parts, 300U);
    EXPECT_EQ(commit_hash(*newest), now.last_hash);
}

TEST(StoreRestoreLarge, AFullLogDiskIsRefusedBeforeAnythingIsWritten) {
    LargeStore large;
    StoreWorld& world = large.world;
    const Lsn before = world.storage->health().durable;
    world.logs[0]->set_capacity(world.logs[0]->used_bytes() + (1 << 20));
    const auto refused = restore(world, kFirst, {large.kept, {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::disk_full) << refused.error().text;
    EXPECT_EQ(world.storage->health().durable, before);
    world.logs[0]->set_capacity(1ULL << 40);
    EXPECT_TRUE(restore(world, kFirst, {large.kept, {}}));
}

/// Power goes at each operation of either disk: the store stands at one state or at the other, and can be
/// restored and written on.
TEST(StoreRestoreModel, APowerCutAtAnyOperationLeavesOneStateOrTheOther) {
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    for (int disk = 0; disk < 2; ++disk) {
        for (std::uint64_t k = 1;; ++k) {
            ASSERT_LT(k, 100U);
            LargeStore large(k);
            StoreWorld& world = large.world;
            sim::SimDisk& struck = disk == 0 ? *world.data : *world.logs[0];
            struck.cut_power_after(k);
            const bool was_told = restore(world, kFirst, {large.kept, {}}).is_ok();
            if (was_told) {
                world.universe.loop.run_for(3min);  // the fold
            }
            const bool is_over = world.machine->is_on();
            struck.cut_power_after(0);

            ASSERT_TRUE(world.restart()) << "disk " << disk << ", operation " << k;
            ASSERT_TRUE(world.unlock(kFirst)) << "disk " << disk << ", operation " << k;
            const std::string state =
                world.query(kFirst, "SELECT group_concat(DISTINCT substr(body, 1, 1)) FROM note");
            ASSERT_TRUE(state == "a" || (state == "b" && !was_told)) << disk << " " << k << ": " << state;
            ++(state == "a" ? after : before);
            ASSERT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "1400");
            ASSERT_TRUE(world.read(kFirst, check_integrity));
            // What an interrupted restore left in the log harms nobody.
            ASSERT_TRUE(world.execute(kFirst, insert(100000, "later")));
            ASSERT_TRUE(world.lock(kFirst));
            ASSERT_TRUE(restore(world, kFirst, {large.kept, {}}));
            ASSERT_TRUE(world.restart());
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_EQ(world.query(kFirst, "SELECT count(*) FROM note WHERE body LIKE 'a%'"), "1400");
            if (is_over) {
                break;
            }
        }
    }
    EXPECT_GE(before, 2U);
    EXPECT_GE(after, 2U);
}

/// Random histories of two stores, cuts included: the store is where its newest restore or commit says.
RC_GTEST_PROP(StoreRestoreModel, AnyEarlierStateCanBeComeBackTo, ()) {
    StoreWorld world(*rc::gen::inRange<std::uint64_t>(1, 1000));
    RC_ASSERT(world.create().is_ok());
    std::map<Lsn, std::string> states;  // of the first store
    std::string now;
    const auto rows = [&] {
        return world.query(
            kFirst, "SELECT coalesce(group_concat(id || body), '') FROM (SELECT * FROM note ORDER BY id)");
    };
    RC_ASSERT(world.unlock(kFirst).is_ok());
    RC_ASSERT(world.unlock(kSecond).is_ok());
    states[world.storage->health().durable - 1] = "";
    for (int step = 0; step < 30; ++step) {
        switch (*rc::gen::inRange(0, 6)) {
            case 0:
            case 1:
                RC_ASSERT(world
                              .execute(kFirst,
                                       fmt::format("INSERT OR REPLACE INTO note VALUES ({}, '{}')",
                                                   *rc::gen::inRange(1, 6), std::string(1, 'a' + step % 26)))
                              .is_ok());
                break;
            case 2: RC_ASSERT(world.execute(kFirst, "DELETE FROM note WHERE id % 2 = 1").is_ok()); break;
            case 3: RC_ASSERT(world.execute(kSecond, insert(step, "x")).is_ok()); continue;
            case 4:
                RC_ASSERT(world.restart().is_ok());
                RC_ASSERT(world.unlock(kFirst).is_ok());
                RC_ASSERT(world.unlock(kSecond).is_ok());
                RC_ASSERT(rows() == now);
                continue;
            default: {
                const auto to = *rc::gen::elementOf(
                    std::vector<std::pair<Lsn, std::string>>(states.begin(), states.end()));
                RC_ASSERT(world.lock(kFirst).is_ok());
                const auto done = restore(world, kFirst, {to.first, {}});
                RC_ASSERT((done.is_ok() || done.error().fault == Fault::refused));
                RC_ASSERT(world.unlock(kFirst).is_ok());
                RC_ASSERT(rows() == to.second);
            }
        }
        now = rows();
        states[world.storage->health().durable] = now;
    }
    RC_ASSERT(world.read(kFirst, check_integrity).is_ok());
}

}  // namespace
}  // namespace firedrill::store
