// Suite "store": durable sealed commits, page reads, sealing, recovery and memory, against plain SQLite,
// SQLCipher and raw AES-256-GCM.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "probe.h"
#include "raw_gcm.h"
#include "store_stage.h"

namespace firedrill::bench {
namespace {

constexpr std::int64_t kReadsAJob = 1000;
constexpr std::int64_t kInARow = 100;  // commits of one client, each begun when the one before is durable
constexpr std::int64_t kRounds = 12;   // of so many commits: as long as a disk has moods
constexpr std::int64_t kBatch = 256;   // commits an iteration of the contenders with many clients
constexpr std::size_t kLargeBody = 64'000;     // of the rows whose commits are timed beside folds
using StagePtr = std::shared_ptr<StoreStage>;  // owners: the contenders

std::vector<std::int64_t> draw_ids(std::int64_t rows) {
    static std::mt19937_64 random(1);
    std::uniform_int_distribution<std::int64_t> any(1, rows);
    std::vector<std::int64_t> ids(static_cast<std::size_t>(kReadsAJob));
    for (std::int64_t& id : ids) {
        id = any(random);
    }
    return ids;
}

/// Sixteen clients, each with a thread and a database of its own.
void commit_in_threads(ManyPeers& peers, std::int64_t count) {
    std::vector<std::thread> threads;
    for (const auto& peer : peers) {
        threads.emplace_back([&peer, count] {
            for (std::int64_t i = 0; i < count / static_cast<std::int64_t>(kClients); ++i) {
                peer->commit_row();
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

double seconds_of(const std::function<void()>& work) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

/// Milliseconds that the slowest of `count` commits took.
double worst_commit_ms(SqlitePeer& peer, std::int64_t count) {
    const std::string body(kLargeBody, 'x');
    double worst = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        worst = std::max(worst, 1000 * seconds_of([&] { peer.commit_row(body); }));
    }
    return worst;
}

/// A contender whose iteration does `items` items by calling `work`.
Contender contender(std::string name, std::int64_t items, std::int64_t iterations,
                    std::function<void()> work) {
    return {std::move(name),
            [items, work = std::move(work)](benchmark::State& state) {
                work();  // makes what it needs, and warms it
                for (auto _ : state) {
                    work();
                }
                state.SetItemsProcessed(state.iterations() * items);
            },
            iterations};
}

/// A contender that measures by itself.
Contender measured(std::string name, std::function<double()> measure) {
    return {std::move(name),
            [measure = std::move(measure)](benchmark::State& state) {
                double value = 0;
                for (auto _ : state) {
                    value = measure();
                }
                state.counters[kValue] = value;
                state.SetItemsProcessed(state.iterations());
            },
            1};
}

Contender row_by_row(std::string name, Lazy<SqlitePeer>& peer, const StagePtr& owner, std::int64_t rounds) {
    return contender(std::move(name), kInARow, rounds, [owner, &peer] {
        for (std::int64_t i = 0; i < kInARow; ++i) {
            peer->commit_row();
        }
    });
}

void add_commits(Suite& suite, const StagePtr& stage) {
    const auto in_a_row = [](std::string name, Lazy<SealedWorld>& world, const StagePtr& owner,
                             std::int64_t rounds) {
        return contender(std::move(name), kInARow, rounds, [owner, &world] { world->commit_rows(kInARow); });
    };
    const auto many_sealed = [](std::string name, Lazy<SealedWorld>& world, const StagePtr& owner) {
        return contender(std::move(name), kBatch, 2, [owner, &world] { world->commit_rows(kBatch); });
    };
    const auto many_plain = [](std::string name, Lazy<ManyPeers>& peers, const StagePtr& owner) {
        return contender(std::move(name), kBatch, 2, [owner, &peers] { commit_in_threads(*peers, kBatch); });
    };
    for (Contender& each : std::vector<Contender>{
             in_a_row("one/sealed", stage->one_sealed, stage, kRounds),
             contender("one/woken", 1, 200, [stage] { stage->one_sealed->commit_rows(1); }),
             row_by_row("one/sqlite", stage->one_plain, stage, kRounds),
             in_a_row("one_slow/sealed", stage->one_slow_sealed, stage, 2),
             row_by_row("one_slow/sqlite", stage->one_slow_plain, stage, 2),
             many_sealed("many/sealed", stage->many_sealed, stage),
             many_sealed("slow/sealed", stage->many_slow_sealed, stage),
             many_sealed("parallel/sealed", stage->many_parallel_sealed, stage),
             contender("many/sqlite_shared", kBatch, 2,
                       [stage] {
                           for (std::int64_t i = 0; i < kBatch; ++i) {
                               stage->shared_plain->commit_row();
                           }
                       }),
             many_plain("many/sqlite_each", stage->many_plain, stage),
             many_plain("slow/sqlite_each", stage->many_slow_plain, stage),
             many_plain("parallel/sqlite_each", stage->many_parallel_plain, stage),
             measured("stall/sealed",
                      [stage] {
                          return stage->folding_sealed->commit_and_time(stage->is_tiny ? 3 : 300, kLargeBody);
                      }),
             measured("stall/sqlite",
                      [stage] { return worst_commit_ms(*stage->stall_plain, stage->is_tiny ? 3 : 300); }),
         }) {
        suite.contenders.push_back(std::move(each));
    }
    for (RowPlan& row : std::vector<RowPlan>{
             {"store.commit.one_at_a_time", Figure::rate, "one/sealed", "one/sqlite", ">= 0.95"},
             {"store.commit.one_at_a_time.1ms_sync", Figure::rate, "one_slow/sealed", "one_slow/sqlite",
              ">= 0.95"},
             {"store.commit.one_at_a_time.cpu", Figure::cpu_cost, "one/sealed", "one/sqlite", "<= 1.25"},
             {"store.commit.one_at_a_time.thread_woken", Figure::rate, "one/woken", "one/sqlite", ""},
             {"store.commit.16_clients.one_database", Figure::rate, "many/sealed", "many/sqlite_shared",
              ">= 2.5"},
             {"store.commit.16_clients.16_databases", Figure::rate, "many/sealed", "many/sqlite_each",
              ">= 0.7"},
             {"store.commit.16_clients.16_databases.1ms_sync", Figure::rate, "slow/sealed",
              "slow/sqlite_each", ">= 3"},
             {"store.commit.16_clients.16_databases.1ms_parallel", Figure::rate, "parallel/sealed",
              "parallel/sqlite_each", ""},
             {"store.commit.worst_stall_beside_a_fold", Figure::value, "stall/sealed", "stall/sqlite", "",
              "ms"},
         }) {
        suite.rows.push_back(std::move(row));
    }
}

void add_reads(Suite& suite, const StagePtr& stage) {
    const auto plain_reads = [stage](Lazy<SqlitePeer>& peer) {
        return [stage, &peer] {
            for (std::int64_t id : draw_ids(stage->rows)) {
                peer->read_row(id);
            }
        };
    };
    auto gcm = std::make_shared<PageSealing>();  // owners: the contenders
    for (Contender& each : std::vector<Contender>{
             contender("read/sealed", kReadsAJob, 5,
                       [stage] { stage->read_sealed->read_rows(draw_ids(stage->rows)); }),
             contender("read/sqlite", kReadsAJob, 5, plain_reads(stage->read_plain)),
             contender("scan/sealed", stage->rows, 3, [stage] { stage->read_sealed->scan(); }),
             contender("scan/sqlite", stage->rows, 3, [stage] { stage->read_plain->scan(); }),
             contender("seal/record1", 1, 0, [gcm] { gcm->seal_record(1, PageSealing::Draw::free); }),
             contender("seal/drawn1", 1, 0, [gcm] { gcm->seal_record(1, PageSealing::Draw::system); }),
             contender("seal/raw1", 1, 0, [gcm] { gcm->seal_raw(1); }),
             contender("seal/record10", 10, 0, [gcm] { gcm->seal_record(10, PageSealing::Draw::free); }),
             contender("seal/raw10", 10, 0, [gcm] { gcm->seal_raw(10); }),
         }) {
        suite.contenders.push_back(std::move(each));
    }
    for (RowPlan& row : std::vector<RowPlan>{
             {"store.read.cold_point", Figure::rate, "read/sealed", "read/sqlite", ">= 0.45"},
             {"store.read.cold_scan", Figure::rate, "scan/sealed", "scan/sqlite", ">= 0.5"},
             {"store.seal.record_of_1_page", Figure::rate, "seal/record1", "seal/raw1", ">= 0.77"},
             {"store.seal.record_of_1_page.nonce_drawn", Figure::rate, "seal/drawn1", "seal/raw1", ""},
             {"store.seal.record_of_10_pages", Figure::rate, "seal/record10", "seal/raw10", ">= 0.77"},
         }) {
        suite.rows.push_back(std::move(row));
    }
}

void add_sqlcipher(Suite& suite, const StagePtr& stage) {
    std::string why;
    if (load_sqlcipher(why) == nullptr) {
        fmt::print(stderr, "no rows against SQLCipher: {}\n", why);
        return;
    }
    suite.contenders.push_back(row_by_row("one/sqlcipher", stage->one_sqlcipher, stage, kRounds));
    suite.contenders.push_back(
        contender("scan/sqlcipher", stage->rows, 1, [stage] { stage->read_sqlcipher->scan(); }));
    suite.rows.push_back({"store.commit.one_at_a_time.cpu.sqlcipher", Figure::cpu_cost, "one/sealed",
                          "one/sqlcipher", "<= 0.9"});
    suite.rows.push_back(
        {"store.read.cold_scan.sqlcipher", Figure::rate, "scan/sealed", "scan/sqlcipher", ">= 1.2"});
}

void add_starts(Suite& suite, const StagePtr& stage) {
    suite.contenders.push_back(measured("replay", [stage] {
        SealedWorld& world = *stage->replay_sealed;
        const double megabytes = static_cast<double>(world.log_bytes()) / 1e6;
        world.stop();
        return megabytes / seconds_of([&world] { world.start(); });
    }));
    suite.contenders.push_back(measured("start", [stage] {
        SealedWorld& world = *stage->large_sealed;
        world.stop();
        return seconds_of([&world] {
            world.start();
            world.unlock_all();
            world.read_rows({1});
        });
    }));
    suite.rows.push_back({"store.start.replay", Figure::value, "replay", "", ">= 500", "MB/s"});
    suite.rows.push_back({"store.start.practice_of_1_gib", Figure::value, "start", "", "<= 2", "s"});
}

void add_memory(Suite& suite, bool is_tiny) {
    for (const auto& [name, probe, goal, unit] :
         {std::tuple{"store.memory.idle_practice.locked", Probe::idle_locked, "<= 64", "KiB"},
          std::tuple{"store.memory.idle_practice.unlocked", Probe::idle_unlocked, "<= 64", "KiB"},
          std::tuple{"store.memory.peak.16_practices", Probe::peak, "", "MiB"}}) {
        suite.contenders.push_back(
            measured(name, [probe = probe, is_tiny] { return run_probe(probe, is_tiny); }));
        suite.contenders.back().repetitions = 1;
        suite.rows.push_back({name, Figure::value, name, "", goal, unit});
    }
}

}  // namespace

Suite make_store_suite(const std::filesystem::path& scratch, Size size) {
    const auto stage = std::make_shared<StoreStage>(scratch, size);
    Suite suite{"store", {}, {}};
    add_commits(suite, stage);
    add_sqlcipher(suite, stage);
    add_reads(suite, stage);
    add_starts(suite, stage);
    add_memory(suite, size == Size::tiny);
    return suite;
}

}  // namespace firedrill::bench
