// Our contender: Storage over the real disk, with as many open stores as there are clients.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "posix/workers.h"
#include "store/storage.h"

namespace firedrill::bench {

/// One log disk, as the peer has one. Every failure throws std::runtime_error.
class SealedWorld {
  public:
    SealedWorld(const std::filesystem::path& folder, std::size_t stores);
    ~SealedWorld();

    /// Every store's client inserts rows one at a time, each waiting for its commit, until `count` rows are
    /// durable.
    void commit_rows(const std::string& body, std::int64_t count);
    /// `count` rows into the first store, many a transaction.
    void fill(std::int64_t count, const std::string& body);
    /// Reads rows `ids` of the first store in one transaction.
    void read_rows(const std::vector<std::int64_t>& ids);
    void scan();
    void fold();  ///< log to page files, as the server does in the background

  private:
    void start_client(std::size_t store);
    void run_job(store::Access access, store::Storage::Job job);
    void wait(const bool& is_done);

    std::unique_ptr<Disk> data_;
    std::unique_ptr<Disk> log_;
    posix::PosixEntropy entropy_;
    posix::PosixLoop loop_;
    posix::PosixWorkers workers_;
    crypto::Secret signing_seed_;
    std::vector<StoreId> stores_;
    std::unique_ptr<store::Storage> storage_;
    std::string body_;
    std::string failure_;
    std::int64_t to_start_ = 0;
    std::int64_t running_ = 0;
};

}  // namespace firedrill::bench
