// Limits of Storage, with their reasons. Within store only.
#pragma once

#include "base/time.h"
#include "store/vfs.h"

namespace firedrill::store {

/// Jobs waiting for one store: what a slow disk may pile up in memory.
inline constexpr std::size_t kMaxQueuedJobs = 4096;
/// Bytes of a record in the log, never less than it really takes.
constexpr std::uint64_t record_bytes(std::uint64_t pages) {
    return 512 + pages * (kPageSize + 64);
}
/// Log space promised to a writing job before BEGIN. Room for the largest commit there can be would make a
/// node reserve gigabytes; a larger commit that meets a full disk waits for space instead of being refused.
inline constexpr std::uint64_t kPromisedBytes = record_bytes(256);
/// Asked for beyond what is needed now, so that one reservation serves many commits.
inline constexpr std::uint64_t kSpaceAhead = 4ull << 20;
/// Records of one append: LogWriter's limit.
inline constexpr std::size_t kMaxBatch = 4096;
/// While folding fails or takes long, writing goes on until this many times fold_after_bytes wait in memory.
inline constexpr std::uint64_t kBacklogFolds = 8;
/// How often the log is asked whether an hour has passed.
inline constexpr Duration kTickPeriod = std::chrono::minutes(1);
/// Least time between two steps of sealing pages of replaced keys anew, and how many times as long as the
/// step took: at most a twentieth of the disk's time goes to it, whatever the disk.
inline constexpr Duration kResealPause = std::chrono::milliseconds(250);
inline constexpr int kResealPauseSteps = 19;
/// After a step that failed.
inline constexpr Duration kResealRetry = std::chrono::minutes(1);
/// How long after a refused append it is tried again.
inline constexpr Duration kRetryPeriod = std::chrono::seconds(1);

}  // namespace firedrill::store
