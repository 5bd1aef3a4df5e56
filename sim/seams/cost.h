// Costs: what work takes in virtual time. Devices and processors of the simulated world are told apart only
// by these.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "seams/workers.h"

namespace firedrill::sim {

/// Adds up what the running job has cost so far. One per universe: only one job runs at a time.
class CostMeter {
  public:
    void add(Duration cost) { running_ += cost; }
    /// What was added since the last take().
    Duration take() {
        const Duration taken = running_;
        running_ = Duration::zero();
        return taken;
    }

  private:
    Duration running_ = Duration::zero();
};

/// Processor time of one unit of work on the reference machine (2 virtual cores, g++ 12 -O2, Botan 3.13).
/// Source: medians of `./dev bench`; Argon2id at production cost (64 MiB, 3 passes).
struct WorkCosts {
    Duration password_hash = 207ms;
    Duration seal_page = 2300ns;
    Duration hash_page = 2200ns;
    Duration tls_handshake = 440us;
    Duration request = 50us;

    [[nodiscard]] Duration of(Work work) const;
};

/// What a disk's operations take. Writes go to memory; the sync that makes them durable pays for their bytes.
struct DeviceModel {
    Duration access;  ///< one read or sync
    Duration call;    ///< anything that stays in memory
    std::uint64_t bytes_per_second;
};
inline constexpr DeviceModel kSataSsd{100us, 1us, 500'000'000};
inline constexpr DeviceModel kNvme{20us, 1us, 2'500'000'000};
inline constexpr DeviceModel kHardDisk{8ms, 1us, 160'000'000};

}  // namespace firedrill::sim
