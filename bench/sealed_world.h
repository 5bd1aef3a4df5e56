// Our contender: Storage over the real disk, with as many open stores as there are clients.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bodies.h"
#include "crypto/secret.h"
#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "posix/workers.h"
#include "slow_sync.h"
#include "store/storage.h"

namespace firedrill::bench {

struct SealedOptions {
    std::size_t stores = 1;
    SlowDevice* device = nullptr;  ///< outlives the world; null: the disk as it is
    std::uint64_t fold_after_bytes = 16ull << 20;
    std::uint64_t unfolded_log_limit = 64ull << 20;
    std::uint64_t memory_limit_bytes = 256ull << 20;
};

/// One log disk, as the peer has one. Every failure throws std::runtime_error.
class SealedWorld {
  public:
    explicit SealedWorld(const std::filesystem::path& folder, SealedOptions options = {});
    ~SealedWorld();

    /// Every store's client inserts rows one at a time, each waiting for its commit, until `count` rows are
    /// durable.
    void commit_rows(std::int64_t count);
    /// The same, every body of this size; yields the longest that one client waited, in milliseconds.
    double commit_and_time(std::int64_t count, std::size_t body_bytes);
    /// `count` rows into the first store, `at_once` a transaction.
    void fill(std::int64_t count, std::int64_t at_once = 2000);
    void fill_with(std::int64_t count, std::int64_t at_once, std::size_t body_bytes);
    /// Reads rows `ids` of the first store in one transaction.
    void read_rows(const std::vector<std::int64_t>& ids);
    void scan();
    void fold();  ///< log to page files, as the server does in the background
    void lock_all();
    /// Ends as if killed: nothing is folded or said good-bye to.
    void stop() { storage_.reset(); }
    /// Opens again what stop() ended: recovery. No store is unlocked.
    void start();
    void unlock_all();
    [[nodiscard]] std::uint64_t page_bytes() const;  ///< of all stores
    [[nodiscard]] std::uint64_t log_bytes() const;   ///< without what is only reserved

  private:
    store::StorageOptions make_options();
    void start_client(std::size_t store);
    std::string_view next_body();
    void run_job(store::Access access, store::Storage::Job job);
    void wait(const bool& is_done);
    void wait_for_clients();
    void fill_rows(std::int64_t count, std::int64_t at_once);
    store::Storage::Done counting();

    SealedOptions sealed_options_;
    std::unique_ptr<Disk> data_;
    std::unique_ptr<Disk> log_;
    posix::PosixEntropy entropy_;
    posix::PosixLoop loop_;
    posix::PosixWorkers workers_;
    crypto::Secret signing_seed_;
    NodeId node_;
    std::vector<StoreId> stores_;
    std::unique_ptr<store::Storage> storage_;
    Bodies bodies_;
    std::string fixed_body_;
    std::string failure_;
    std::int64_t to_start_ = 0;
    std::int64_t running_ = 0;
    double worst_ms_ = 0;
};

}  // namespace firedrill::bench
