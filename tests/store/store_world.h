// StoreWorld: one simulated machine with a data disk and log disks, and the Storage on it, for tests of
// store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/seams/machine.h"
#include "store/storage.h"

namespace firedrill::store {

inline StoreId store_id(std::uint32_t number) {
    StoreId id;
    store_u32(id.bytes.data(), number);
    return id;
}

inline TimelineId test_timeline() {
    TimelineId id;
    id.bytes.fill(0x71);
    return id;
}

/// The page keys of a store in tests: a function of store and epoch.
inline KeyRing test_ring(StoreId store, TimelineId timeline = test_timeline(), Byte flavour = 0x5a) {
    crypto::Secret key(32);
    for (std::size_t i = 0; i < 32; ++i) {
        key.mutable_view()[i] = static_cast<Byte>(store.bytes[i % 4] * 7 + i * 13 + flavour);
    }
    KeyRing ring;
    ring.push_back({1, timeline, std::move(key)});
    return ring;
}

inline constexpr Migration kNotes[] = {
    {1, "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"}};

class StoreWorld {
  public:
    explicit StoreWorld(std::uint64_t seed = 1, std::size_t log_disks = 1)
        : universe(seed), data(universe.make_disk("data")), signing_seed(32) {
        signing_seed.mutable_view()[0] = 9;
        for (std::size_t i = 0; i < log_disks; ++i) {
            logs.push_back(universe.make_disk(fmt::format("log{}", i)));
        }
        boot();
    }
    ~StoreWorld() {
        storage.reset();
        machine.reset();
    }

    /// A new incarnation of the machine; no Storage yet.
    void boot() {
        storage.reset();
        machine.reset();
        fatal.reset();
        std::vector<sim::SimDisk*> disks{data.get()};
        for (const auto& log : logs) {
            disks.push_back(log.get());
        }
        machine =
            std::make_unique<sim::Machine>(universe, fmt::format("node.{}", ++boots), "10.0.0.1", disks);
    }
    [[nodiscard]] StorageOptions options() {
        StorageOptions made;
        made.node.bytes.fill(0x11);
        made.first_timeline = test_timeline();
        made.signing_seed = &signing_seed;
        made.fold_after_bytes = fold_after_bytes;
        made.memory_limit_bytes = memory_limit_bytes;
        made.accept_loss_after = accept_loss_after;
        made.unfolded_log_limit = unfolded_log_limit;
        made.scrub_period = scrub_period;
        made.rebuild_bytes = rebuild_bytes;
        made.restore_part_pages = restore_part_pages;
        made.restore_pages_limit = restore_pages_limit;
        made.page_source = page_source;
        made.covered = covered;
        made.on_note = on_note;
        made.on_fatal = [this](const Error& error) { fatal = error; };
        made.parts = parts;
        return made;
    }
    [[nodiscard]] Seams seams() {
        Seams made = machine->seams();
        return {made.clock,
                made.network,
                entropy_instead != nullptr ? *entropy_instead : made.entropy,
                made.workers,
                data_instead != nullptr ? *data_instead : made.data,
                logs_instead.empty() ? made.logs : logs_instead};
    }
    Status create() {
        storage = TRY(Storage::create(seams(), options(), as_bytes("slots")));
        return {};
    }
    Status open() {
        storage = TRY(Storage::open(seams(), options()));
        return {};
    }
    /// Power loss, then recovery.
    Status restart() {
        machine->cut_power();
        boot();
        return open();
    }

    /// Runs the loop until then, or fails the test: a node that is on always has something to do, so that who
    /// waits for what never comes would wait for ever.
    bool run_until(const std::function<bool()>& is_done) {
        const Instant end = universe.loop.now() + std::chrono::days(8);
        universe.loop.run_until([&] { return is_done() || universe.loop.now() >= end; });
        if (!is_done() && universe.loop.now() >= end) {
            ADD_FAILURE() << "what is waited for did not come in 8 days";
        }
        return is_done();
    }
    /// Runs the loop until the call answered. unavailable: it never will (power is gone or nothing is left to
    /// do).
    template <class Call>
    Status wait(Call&& call) {
        auto answer = std::make_shared<std::optional<Status>>();
        call([answer](Status status) { *answer = std::move(status); });
        run_until([&] { return answer->has_value() || !machine->is_on(); });
        return *answer ? std::move(**answer) : Status(Error{Fault::unavailable, "no answer"});
    }
    Status unlock(StoreId store, std::span<const Migration> migrations = kNotes) {
        return unlock_with(store, test_ring(store), migrations);
    }
    Status unlock_with(StoreId store, KeyRing ring, std::span<const Migration> migrations = kNotes) {
        return wait([&](Storage::Done done) {
            storage->unlock(store, std::move(ring), migrations, std::move(done));
        });
    }
    Status lock(StoreId store) {
        return wait([&](Storage::Done done) { storage->lock(store, std::move(done)); });
    }
    Status fold() {
        return wait([&](Storage::Done done) { storage->fold(std::move(done)); });
    }
    Status write(StoreId store, Storage::Job job) {
        return wait([&](Storage::Done done) {
            storage->transact(store, Access::write, std::move(job), std::move(done));
        });
    }
    Status read(StoreId store, Storage::Job job) {
        return wait([&](Storage::Done done) {
            storage->transact(store, Access::read, std::move(job), std::move(done));
        });
    }
    Status execute(StoreId store, const std::string& sql) {
        return write(store, [sql](Database& database) { return database.execute(sql.c_str()); });
    }
    /// First column of the first row as text; the error's text after "error: " otherwise.
    std::string query(StoreId store, const std::string& sql) {
        auto out = std::make_shared<std::string>();
        const Status status = read(store, [sql, out](Database& database) -> Status {
            auto statement = TRY(database.prepare(sql.c_str()));
            *out = TRY(statement.step()) ? statement.text(0) : "(no row)";
            return {};
        });
        return status
                   ? *out
                   : "error: " + std::string(fault_name(status.error().fault)) + ": " + status.error().text;
    }
    [[nodiscard]] StoreHealth health(StoreId store) const {
        for (const StoreHealth& each : storage->health().stores) {
            if (each.store == store) {
                return each;
            }
        }
        return {};
    }

    sim::Universe universe;
    std::unique_ptr<sim::SimDisk> data;
    std::vector<std::unique_ptr<sim::SimDisk>> logs;
    crypto::Secret signing_seed;
    std::uint64_t fold_after_bytes = 16ULL << 20;
    std::uint64_t memory_limit_bytes = 256ULL << 20;
    Lsn accept_loss_after = 0;
    std::uint64_t unfolded_log_limit = 64ULL << 20;
    Duration scrub_period{0};
    std::uint64_t rebuild_bytes = 64ULL << 20;
    Disk* data_instead = nullptr;     // what the storage sees in the place of `data`
    std::vector<Disk*> logs_instead;  // and in the place of `logs`
    Entropy* entropy_instead = nullptr;
    std::size_t restore_part_pages = 4096;
    std::size_t restore_pages_limit = 65536;
    PageSource page_source;
    Covered covered;
    std::function<void(const std::string&)> on_note;
    StorageParts parts;
    int boots = 0;
    std::optional<Error> fatal;
    std::unique_ptr<sim::Machine> machine;
    std::unique_ptr<Storage> storage;
};

}  // namespace firedrill::store
