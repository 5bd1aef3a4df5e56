// Limits of Storage, with their reasons. Within store only.
#pragma once

#include "base/time.h"
#include "store/vfs.h"

namespace firedrill::store {

/// Jobs waiting for one store: what a slow disk may pile up in memory.
inline constexpr std::size_t kMaxQueuedJobs = 4096;
/// Bytes of a record in the log, never less than it really takes.
constexpr std::uint64_t record_bytes(std::uint64_t pages) { return 512 + pages * (kPageSize + 64); }
/// Log space promised to a writing job before BEGIN: the largest commit there can be.
inline constexpr std::uint64_t kCommitBytes = record_bytes(kMaxChangedPages);
/// Writing jobs for which space is asked at once.
inline constexpr std::uint64_t kSpaceAhead = 8;
/// Records of one append: LogWriter's limit.
inline constexpr std::size_t kMaxBatch = 4096;
/// When folding fails, writing goes on until this many times fold_after_bytes wait in memory.
inline constexpr std::uint64_t kBacklogFolds = 8;
/// How often the log is asked whether an hour has passed.
inline constexpr Duration kTickPeriod = std::chrono::minutes(1);
/// How long after a refused append it is tried again.
inline constexpr Duration kRetryPeriod = std::chrono::seconds(1);

}  // namespace firedrill::store
