// Compaction: free pages are given back, whatever the size of the database, within the bound of a
// transaction.
#include "store/compaction.h"

#include <gtest/gtest.h>

#include "store/vfs.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

const StoreId kStore = store_id(1);

struct CompactionTest : testing::Test {
    StoreWorld world;
    std::vector<std::pair<PageNumber, PageNumber>> progress;

    void SetUp() override {
        expect_ok(world.create());
        expect_ok(world.unlock(kStore));
    }
    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    /// Rows of 900 bytes, four a page.
    void fill(int first, int rows) {
        expect_ok(world.write(kStore, [=](Database& database) -> Status {
            for (int id = first; id < first + rows; ++id) {
                auto row = TRY(database.prepare("INSERT INTO note (id, body) VALUES (?1, ?2)"));
                const std::string body = std::to_string(id) + std::string(900, 'v');
                row.bind(1, id).bind(2, std::string_view(body));
                TRY(row.run());
            }
            return {};
        }));
    }
    /// More pages than one transaction may change; of every 32,000 rows in a row 24,000 are deleted again.
    void fill_large() {
        for (int first = 1; first <= 48000; first += 16000) {
            fill(first, 16000);
        }
        expect_ok(world.execute(kStore, "DELETE FROM note WHERE id BETWEEN 5001 AND 17000"));
        expect_ok(world.execute(kStore, "DELETE FROM note WHERE id BETWEEN 17001 AND 29000"));
        ASSERT_GT(pages(), kMaxChangedPages);
    }
    [[nodiscard]] PageNumber pages() const { return world.health(kStore).pages; }
    void begin(std::optional<Result<CompactionReport>>& out) {
        compact(
            *world.storage, kStore,
            [this](PageNumber done, PageNumber total) { progress.emplace_back(done, total); },
            [&out](Result<CompactionReport> report) { out = std::move(report); });
    }
    Result<CompactionReport> run() {
        std::optional<Result<CompactionReport>> out;
        begin(out);
        world.run_until([&] { return out.has_value() || !world.machine->is_on(); });
        return out ? *out : Result<CompactionReport>(Error{Fault::unavailable, "no answer"});
    }
    [[nodiscard]] std::uint64_t file_pages() const {
        const auto file = world.data->peek(page_file_name(kStore, 1));
        return file ? file->size() / kPageSize : 0;
    }
};

TEST_F(CompactionTest, ASmallDatabaseIsRewrittenInOneCommitAndItsFileShrinks) {
    fill(1, 4000);
    expect_ok(world.fold());
    expect_ok(world.execute(kStore, "DELETE FROM note WHERE id % 20 <> 0"));
    const PageNumber before = pages();
    ASSERT_EQ(file_pages(), before);

    const auto report = run();

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->pages_before, before);
    EXPECT_LT(report->pages_after, before / 8);
    EXPECT_EQ(report->free_after, 0U);
    EXPECT_EQ(report->commits, 1U);
    EXPECT_TRUE(report->is_folded);
    EXPECT_EQ(pages(), report->pages_after);
    EXPECT_EQ(file_pages(), report->pages_after);
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), "200");
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(CompactionTest, ALargeDatabaseGivesItsFreePagesBackInBoundedCommitsWhileItIsUsed) {
    fill_large();
    expect_ok(world.fold());
    const PageNumber before = pages();
    std::optional<Result<CompactionReport>> report;
    begin(report);
    int commits_meanwhile = 0;
    PageNumber most = 0;
    while (!report) {
        const std::uint64_t unfolded = world.health(kStore).unfolded_bytes;
        expect_ok(world.execute(kStore, fmt::format("INSERT INTO note (id, body) VALUES ({}, 'x')",
                                                    100000 + ++commits_meanwhile)));
        const std::uint64_t now = world.health(kStore).unfolded_bytes;
        most = std::max(most, static_cast<PageNumber>((now - std::min(now, unfolded)) / kPageSize));
    }

    ASSERT_TRUE(*report) << report->error().text;
    EXPECT_EQ((*report)->pages_before, before);
    EXPECT_GT((*report)->free_before, 5000U);
    EXPECT_LE((*report)->pages_after, before - (*report)->free_before + 10);
    EXPECT_EQ((*report)->free_after, 0U);
    EXPECT_GT((*report)->commits, 4U);
    EXPECT_LE(most, kMaxChangedPages / 2);
    EXPECT_GT(commits_meanwhile, 4);  // others came in between
    ASSERT_GT(progress.size(), 4U);
    EXPECT_EQ(progress.back().second, (*report)->free_before);
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_EQ(file_pages(), (*report)->pages_after);
    const std::string rows = std::to_string(48000 - 24000 + commits_meanwhile);
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), rows);
    expect_ok(world.read(kStore, check_integrity));
    expect_ok(world.restart());
    expect_ok(world.unlock(kStore));
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), rows);
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(CompactionTest, ALockedStoreIsRefusedAndOneLockedMeanwhileSaysHowFarItCame) {
    fill_large();
    const PageNumber before = pages();
    std::optional<Result<CompactionReport>> report;
    begin(report);
    world.run_until([&] { return progress.size() == 2; });
    expect_ok(world.lock(kStore));
    world.run_until([&] { return report.has_value(); });

    ASSERT_FALSE(*report);
    EXPECT_EQ(report->error().fault, Fault::refused);
    EXPECT_NE(report->error().text.find("were given back before"), std::string::npos) << report->error().text;
    EXPECT_LT(pages(), before);

    const auto again = run();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().fault, Fault::refused);

    expect_ok(world.unlock(kStore));
    EXPECT_TRUE(run());
    EXPECT_EQ(world.query(kStore, "PRAGMA freelist_count"), "0");
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(CompactionTest, AFullLogDiskStopsItAndLeavesTheStoreInUse) {
    fill_large();
    const PageNumber before = pages();
    world.logs[0]->set_capacity(world.logs[0]->used_bytes() + (4ULL << 20));

    const auto report = run();

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::disk_full) << report.error().text;
    world.logs[0]->set_capacity(1ULL << 40);
    world.universe.loop.run_for(std::chrono::minutes(1));
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), "24000");
    const auto again = run();
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_LT(again->pages_after, before);
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(CompactionTest, AFoldThatFailsAfterItIsSaid) {
    fill(1, 400);
    expect_ok(world.fold());
    expect_ok(world.execute(kStore, "DELETE FROM note WHERE id > 20"));
    world.data->set_capacity(world.data->used_bytes());

    const auto report = run();

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_LT(report->pages_after, report->pages_before);
    EXPECT_FALSE(report->is_folded);
    world.data->set_capacity(1ULL << 40);
    EXPECT_TRUE(run()->is_folded);
}

TEST_F(CompactionTest, ADatabaseThatGrewTooLargeMeanwhileIsCompactedInSteps) {
    for (int first = 1; first <= 24001; first += 12000) {
        fill(first, first == 24001 ? 7000 : 12000);
    }
    expect_ok(world.execute(kStore, "DELETE FROM note WHERE id <= 400"));
    ASSERT_LE(pages(), kMaxChangedPages);
    std::optional<Result<CompactionReport>> report;

    begin(report);
    world.storage->transact(
        kStore, Access::write,
        [](Database& database) -> Status {
            return database.execute(
                "WITH RECURSIVE n(i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM n WHERE i < 104000) "
                "INSERT INTO note SELECT i, printf('%.900c', 'x') FROM n; "
                "DELETE FROM note WHERE id > 103000");
        },
        [](const Status& grown) { EXPECT_TRUE(grown) << grown.error().text; });
    world.run_until([&] { return report.has_value(); });

    ASSERT_TRUE(*report) << report->error().text;
    EXPECT_LE((*report)->pages_before, kMaxChangedPages);
    EXPECT_GT((*report)->pages_after, kMaxChangedPages);
    EXPECT_EQ((*report)->free_after, 0U);
    expect_ok(world.read(kStore, check_integrity));
}

// Somebody frees as many pages as are given back: it ends, and does not run for as long as they do.
TEST_F(CompactionTest, ItEndsWhileOthersFreePagesAsFast) {
    for (int first = 1; first <= 24001; first += 12000) {
        fill(first, 12000);
    }
    expect_ok(world.execute(kStore, "DELETE FROM note WHERE id <= 4800"));
    int rounds = 0;
    std::optional<Result<CompactionReport>> report;
    compact(
        *world.storage, kStore,
        [&](PageNumber, PageNumber) {
            if (++rounds > 8) {
                return;
            }
            world.storage->transact(
                kStore, Access::write,
                [](Database& database) -> Status {
                    TRY(
                        database.execute("WITH RECURSIVE n(i) AS (SELECT 100000 UNION ALL SELECT i + 1 FROM "
                                         "n WHERE i < 106000) "
                                         "INSERT INTO note SELECT i, printf('%.900c', 'x') FROM n"));
                    return database.execute("DELETE FROM note WHERE id >= 100000");
                },
                [](const Status& grown) { EXPECT_TRUE(grown) << grown.error().text; });
        },
        [&report](Result<CompactionReport> made) { report = std::move(made); });

    world.run_until([&] { return report.has_value(); });

    ASSERT_TRUE(*report) << report->error().text;
    EXPECT_LE(rounds, 4);
    EXPECT_GT((*report)->free_after, 0U);
}

TEST_F(CompactionTest, ADatabaseWithoutFreePagesStaysAsItIs) {
    for (int first = 1; first <= 48000; first += 16000) {
        fill(first, 16000);
    }
    const PageNumber before = pages();
    const CommitSequence sequence = world.health(kStore).sequence;

    const auto report = run();

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->pages_after, before);
    EXPECT_EQ(report->commits, 0U);
    EXPECT_EQ(world.health(kStore).sequence, sequence);
}

}  // namespace
}  // namespace firedrill::store
