// What the contenders of the suite "store" work on; each is made when it is first asked for.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sealed_world.h"
#include "sqlite_peer.h"
#include "suites.h"

namespace firedrill::bench {

inline constexpr std::size_t kClients = 16;

template <class T>
class Lazy {
  public:
    explicit Lazy(std::function<std::unique_ptr<T>()> make) : make_(std::move(make)) {}
    T& operator*() {
        if (!made_) {
            made_ = make_();
        }
        return *made_;
    }
    T* operator->() { return &**this; }

  private:
    std::function<std::unique_ptr<T>()> make_;
    std::unique_ptr<T> made_;
};

using ManyPeers = std::vector<std::unique_ptr<SqlitePeer>>;

struct StoreStage {
    StoreStage(const std::filesystem::path& scratch, Size size);

    bool is_tiny;
    std::int64_t rows;  // of what is read and scanned: 40 MB, twenty times the page cache
    SlowDevice one_queue{SlowDevice::Queue::one};
    SlowDevice many_queues{SlowDevice::Queue::many};
    Lazy<SealedWorld> one_sealed;
    Lazy<SealedWorld> one_slow_sealed;
    Lazy<SealedWorld> many_sealed;
    Lazy<SealedWorld> many_slow_sealed;      // one sync after another
    Lazy<SealedWorld> many_parallel_sealed;  // slow syncs all at once
    Lazy<SealedWorld> read_sealed;
    Lazy<SealedWorld> folding_sealed;  // folds every few megabytes
    Lazy<SealedWorld> replay_sealed;   // never folds
    Lazy<SealedWorld> large_sealed;    // one practice of 1 GiB
    Lazy<SqlitePeer> one_plain;
    Lazy<SqlitePeer> one_slow_plain;
    Lazy<SqlitePeer> shared_plain;
    Lazy<SqlitePeer> read_plain;
    Lazy<SqlitePeer> stall_plain;
    Lazy<SqlitePeer> one_sqlcipher;
    Lazy<SqlitePeer> read_sqlcipher;
    Lazy<ManyPeers> many_plain;
    Lazy<ManyPeers> many_slow_plain;
    Lazy<ManyPeers> many_parallel_plain;
};

}  // namespace firedrill::bench
