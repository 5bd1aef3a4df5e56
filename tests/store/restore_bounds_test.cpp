// Taking one store back within bounds: of memory, of how far the log goes back, and with progress told.
#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);

struct RestoreBounds : testing::Test {
    StoreWorld world{1};
    bool is_covered = false;
    std::vector<RestoreProgress> told;

    void SetUp() override {
        world.covered = [this](const SegmentName&) { return is_covered; };
        world.restore_part_pages = 20;
    }
    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    void create() {
        expect_ok(world.create());
        expect_ok(world.unlock(kFirst));
    }
    Lsn durable() const { return world.storage->health().durable; }
    /// Rows `first` … of 900 bytes, four a page.
    void fill(int first, int rows, char letter) {
        expect_ok(world.write(kFirst, [=](Database& database) -> Status {
            for (int id = first; id < first + rows; ++id) {
                auto row = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
                const std::string body(900, letter);
                row.bind(1, id).bind(2, std::string_view(body));
                TRY(row.run());
            }
            return {};
        }));
    }
    Result<StoreRestorePlan> restore(Lsn until, RestoreMode mode = RestoreMode::go) {
        told.clear();
        auto got = std::make_shared<std::optional<Result<StoreRestorePlan>>>();
        world.storage->restore_store(
            kFirst, {until, {}}, mode, [this](const RestoreProgress& at) { told.push_back(at); },
            [got](Result<StoreRestorePlan> plan) { *got = std::move(plan); });
        world.run_until([&] { return got->has_value() || !world.machine->is_on(); });
        return *got ? std::move(**got) : Result<StoreRestorePlan>(Error{Fault::unavailable, "no answer"});
    }
    std::string letters() {
        return world.query(kFirst,
                           "SELECT group_concat(letter) FROM (SELECT DISTINCT substr(body, 1, 1) AS letter "
                           "FROM note ORDER BY letter)");
    }
    /// Closes the open segment and starts the next.
    void next_segment() { world.universe.loop.run_for(61min); }
    void drop_covered_segments() {
        expect_ok(world.fold());
        is_covered = true;
        world.universe.loop.run_for(2min);
        is_covered = false;
    }
    std::size_t segment_count() const {
        std::size_t count = 0;
        for (const std::string& name : world.logs[0]->peek_names()) {
            count += parse_segment_name(name) ? 1 : 0;
        }
        return count;
    }
};

TEST_F(RestoreBounds, MorePagesThanMayBeHeldAreTakenBackInStepsAndForthAgain) {
    world.restore_pages_limit = 100;
    create();
    fill(1, 1200, 'a');  // 300 pages
    const Lsn wanted = durable();
    for (int slice = 0; slice < 6; ++slice) {
        fill(1 + slice * 200, 200, 'b');
    }
    const Lsn newest = durable();
    expect_ok(world.lock(kFirst));
    const auto plan = restore(wanted, RestoreMode::plan);
    ASSERT_TRUE(plan) << plan.error().text;
    EXPECT_GE(plan->changed_pages, 300U);
    EXPECT_EQ(durable(), newest);

    const auto back = restore(wanted);

    ASSERT_TRUE(back) << back.error().text;
    EXPECT_GE(back->commits, 3U);
    EXPECT_LE(back->changed_pages, 100U * back->commits);
    EXPECT_EQ(back->lost_commits, 6U);
    EXPECT_EQ(told.back().round, back->commits);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "a");
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "1200");
    expect_ok(world.read(kFirst, check_integrity));

    expect_ok(world.lock(kFirst));
    const auto forth = restore(newest);
    ASSERT_TRUE(forth) << forth.error().text;
    EXPECT_GE(forth->commits, 3U);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "b");
    expect_ok(world.restart());
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "b");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(RestoreBounds, StepsGoOverPagesThatCameAndWent) {
    world.restore_pages_limit = 100;
    create();
    fill(1, 600, 'a');
    const Lsn wanted = durable();
    for (int slice = 0; slice < 3; ++slice) {
        fill(1000 + slice * 200, 200, 'b');
    }
    for (int slice = 0; slice < 3; ++slice) {
        expect_ok(world.execute(kFirst, fmt::format("DELETE FROM note WHERE id >= {}", 1400 - slice * 200)));
        expect_ok(world.execute(kFirst, "PRAGMA incremental_vacuum(40)"));
    }
    for (int slice = 0; slice < 3; ++slice) {
        fill(1 + slice * 200, 200, 'c');
    }
    expect_ok(world.lock(kFirst));
    const auto done = restore(wanted);
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_GE(done->commits, 2U);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "a");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(RestoreBounds, WhenOneCommitAloneIsTooLargeTheWholeNodeIsTheWayOut) {
    world.restore_pages_limit = 100;
    create();
    fill(1, 1200, 'a');
    const Lsn wanted = durable();
    fill(1, 1200, 'b');
    expect_ok(world.lock(kFirst));

    const auto refused = restore(wanted);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::limit);
    EXPECT_NE(refused.error().text.find("restore the node"), std::string::npos) << refused.error().text;
}

TEST_F(RestoreBounds, AStateOlderThanTheLogIsUnavailableAndSaysWhereTheLogBegins) {
    create();
    fill(1, 40, 'a');
    const Lsn old = durable();
    next_segment();
    fill(1, 40, 'b');
    next_segment();
    drop_covered_segments();
    ASSERT_EQ(segment_count(), 1U);
    fill(1, 40, 'c');
    const Lsn later = durable();
    fill(1, 40, 'd');
    expect_ok(world.lock(kFirst));

    const auto refused = restore(old);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::unavailable) << refused.error().text;
    EXPECT_NE(refused.error().text.find("no longer goes back that far"), std::string::npos);
    EXPECT_NE(refused.error().text.find(fmt::format("LSN {}", later)), std::string::npos)
        << refused.error().text;
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "d");
    EXPECT_FALSE(world.health(kFirst).is_damaged);
}

TEST_F(RestoreBounds, ALogThatBeginsLaterServesWhatItAndThePresentHold) {
    create();
    fill(1, 400, 'a');
    next_segment();
    drop_covered_segments();
    fill(1, 40, 'b');  // all pages that change later stand in the log from here on
    fill(1000, 40, 'b');
    const Lsn wanted = durable();
    fill(1, 40, 'c');
    fill(2000, 100, 'd');
    expect_ok(world.lock(kFirst));

    const auto done = restore(wanted);

    ASSERT_TRUE(done) << done.error().text;
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "a,b");
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note WHERE body LIKE 'b%'"), "80");
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "440");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(RestoreBounds, APageWhoseOldVersionWentWithTheOldSegmentsIsSaidAndNothingIsChanged) {
    create();
    fill(1, 400, 'a');
    next_segment();
    drop_covered_segments();
    fill(1, 40, 'b');
    const Lsn wanted = durable();
    fill(200, 40, 'c');  // their 'a' is nowhere any more
    const Lsn before = durable();
    expect_ok(world.lock(kFirst));

    const auto refused = restore(wanted);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::unavailable) << refused.error().text;
    EXPECT_NE(refused.error().text.find("no longer goes back far enough"), std::string::npos)
        << refused.error().text;
    EXPECT_EQ(durable(), before);
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(letters(), "a,b,c");
}

TEST_F(RestoreBounds, ProgressIsToldSegmentBySegmentAndPartByPartWhileOthersGoOn) {
    create();
    expect_ok(world.unlock(kSecond));
    for (int hour = 0; hour < 5; ++hour) {
        fill(1, 200, 'a');
        next_segment();
    }
    const Lsn wanted = durable();
    fill(1, 200, 'b');
    next_segment();
    fill(300, 8, 'b');
    expect_ok(world.lock(kFirst));

    const auto done = restore(wanted);

    ASSERT_TRUE(done) << done.error().text;
    std::size_t reading = 0;
    std::size_t collecting = 0;
    std::size_t recording = 0;
    for (std::size_t i = 0; i < told.size(); ++i) {
        reading += told[i].step == RestoreStep::reading ? 1 : 0;
        collecting += told[i].step == RestoreStep::collecting ? 1 : 0;
        recording += told[i].step == RestoreStep::recording ? 1 : 0;
        EXPECT_LE(told[i].done, told[i].total);
        if (i > 0) {
            EXPECT_GE(told[i].step, told[i - 1].step);
            EXPECT_TRUE(told[i].step != told[i - 1].step || told[i].done >= told[i - 1].done);
        }
    }
    EXPECT_GE(reading, 5U);
    EXPECT_GE(collecting, 4U);
    EXPECT_EQ(recording, done->changed_pages / 20);
    expect_ok(world.execute(kSecond, "INSERT INTO note (id, body) VALUES (1, 'x')"));
}

}  // namespace
}  // namespace firedrill::store
