// Suite "store": durable sealed commits, page reads and page sealing, against plain SQLite and raw
// AES-256-GCM.
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "raw_gcm.h"
#include "sealed_world.h"
#include "sqlite_peer.h"
#include "suites.h"

namespace firedrill::bench {
namespace {

constexpr std::size_t kClients = 16;
constexpr std::size_t kRowBytes = 1000;  // a short form's answers
constexpr std::int64_t kReadsAJob = 1000;

/// Everything the contenders work on; made once, shared by their repetitions.
struct Stage {
    Stage(const std::filesystem::path& scratch, Size size)
        : rows(size == Size::tiny ? 500 : 40'000),  // 40 MB: twenty times the page cache
          row(kRowBytes, 'x'),
          one_sealed(scratch / "one_sealed", 1),
          many_sealed(scratch / "many_sealed", kClients),
          read_sealed(scratch / "read_sealed", 1),
          one_plain(scratch / "one_plain.db"),
          shared_plain(scratch / "shared_plain.db"),
          read_plain(scratch / "read_plain.db") {
        for (std::size_t i = 0; i < kClients; ++i) {
            many_plain.push_back(
                std::make_unique<SqlitePeer>(scratch / ("many_plain" + std::to_string(i) + ".db")));
        }
        read_sealed.fill(rows, row);
        read_sealed.fold();
        read_plain.fill(rows, row);
    }

    std::int64_t rows;
    std::string row;
    SealedWorld one_sealed;
    SealedWorld many_sealed;
    SealedWorld read_sealed;
    SqlitePeer one_plain;
    SqlitePeer shared_plain;
    SqlitePeer read_plain;
    std::vector<std::unique_ptr<SqlitePeer>> many_plain;
};

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
void commit_in_threads(Stage& stage, std::int64_t count) {
    std::vector<std::thread> threads;
    for (const auto& peer : stage.many_plain) {
        threads.emplace_back([&stage, &peer, count] {
            for (std::int64_t i = 0; i < count / static_cast<std::int64_t>(kClients); ++i) {
                peer->commit_row(stage.row);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

/// A contender whose iteration does `items` items by calling `work`.
Contender contender(std::string name, std::int64_t items, std::int64_t iterations,
                    std::function<void()> work) {
    return {std::move(name),
            [items, work = std::move(work)](benchmark::State& state) {
                for (auto _ : state) {
                    work();
                }
                state.SetItemsProcessed(state.iterations() * items);
            },
            iterations};
}

}  // namespace

Suite make_store_suite(const std::filesystem::path& scratch, Size size) {
    auto stage = std::make_shared<Stage>(scratch, size);  // owners: the contenders
    auto gcm = std::make_shared<PageSealing>();           // owners: the contenders
    constexpr std::int64_t kBatch = 256;  // commits an iteration of the many-client contenders
    Suite suite{"store", {}, {}};
    suite.contenders = {
        contender("one/sealed", 1, 200, [stage] { stage->one_sealed.commit_rows(stage->row, 1); }),
        contender("one/sqlite", 1, 200, [stage] { stage->one_plain.commit_row(stage->row); }),
        contender("many/sealed", kBatch, 2, [stage] { stage->many_sealed.commit_rows(stage->row, kBatch); }),
        contender("many/sqlite_shared", kBatch, 2,
                  [stage] {
                      for (std::int64_t i = 0; i < kBatch; ++i) {
                          stage->shared_plain.commit_row(stage->row);
                      }
                  }),
        contender("many/sqlite_each", kBatch, 2, [stage] { commit_in_threads(*stage, kBatch); }),
        contender("read/sealed", kReadsAJob, 5,
                  [stage] { stage->read_sealed.read_rows(draw_ids(stage->rows)); }),
        contender("read/sqlite", kReadsAJob, 5,
                  [stage] {
                      for (std::int64_t id : draw_ids(stage->rows)) {
                          stage->read_plain.read_row(id);
                      }
                  }),
        contender("scan/sealed", stage->rows, 3, [stage] { stage->read_sealed.scan(); }),
        contender("scan/sqlite", stage->rows, 3, [stage] { stage->read_plain.scan(); }),
        contender("seal/page", 1, 0, [gcm] { gcm->seal_page(); }),
        contender("seal/raw_gcm", 1, 0, [gcm] { gcm->seal_raw(); }),
    };
    suite.rows = {
        {"store.commit.one_at_a_time", Figure::rate, "one/sealed", "one/sqlite", ">= 0.95"},
        {"store.commit.one_at_a_time.cpu", Figure::cpu_cost, "one/sealed", "one/sqlite", "<= 1.25"},
        {"store.commit.16_clients.one_database", Figure::rate, "many/sealed", "many/sqlite_shared", ">= 2.5"},
        {"store.commit.16_clients.16_databases", Figure::rate, "many/sealed", "many/sqlite_each", ">= 0.7"},
        {"store.read.cold_point", Figure::rate, "read/sealed", "read/sqlite", ">= 0.45"},
        {"store.read.cold_scan", Figure::rate, "scan/sealed", "scan/sqlite", ">= 0.5"},
        {"store.seal.page", Figure::rate, "seal/page", "seal/raw_gcm", ">= 0.75"},
    };
    return suite;
}

}  // namespace firedrill::bench
