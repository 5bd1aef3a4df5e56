// Internals of the LogWriter that recovery and restore share. Blocking.
#pragma once

#include <memory>
#include <vector>

#include "store/log.h"
#include "store/log_format.h"
#include "store/log_members.h"

namespace firedrill::store {

inline constexpr std::uint64_t kAllocationStep = 1 << 20;
inline constexpr std::size_t kBatchLimit = 4096;
/// A filled disk takes part again by copying at most this much of the open segment while commits wait.
inline constexpr std::uint64_t kJoinBytes = 1 << 20;

/// One configured log disk, in service or not.
struct LogMember {
    Disk* disk = nullptr;
    LogDiskId id;
    std::unique_ptr<File> file;      ///< of the open segment
    std::uint64_t allocated = 0;     ///< bytes of that file that cannot fail with disk_full
    std::uint64_t closed_bytes = 0;  ///< of the segments before it
    std::uint32_t segments = 0;
    bool is_in_service = true;
    std::string failure;         ///< why it is not
    std::unique_ptr<File> mark;  ///< `log.owner`, as it was last opened by its name; null: look by name
};

/// Everything a writer must know to go on where a log ends.
struct WriterState {
    LogIdentity identity;
    TimelineId parent;
    Lsn branch = 0;
    Disk* data = nullptr;
    const crypto::Secret* signing_seed = nullptr;
    const std::vector<crypto::Secret>* former_seeds = nullptr;
    std::vector<LogMember> members;
    Membership membership;
    std::optional<OwnerMark> owner;
    std::shared_ptr<LogLocks> locks;
    Bytes node_slots;
    SegmentHeader header;   ///< of the open segment
    std::uint64_t end = 0;  ///< where its next record goes; 0: there is no open segment yet
    Lsn last = 0;
    Digest chain;       ///< of record `last`, or the header's digest when the segment has none
    Digest last_chain;  ///< of record `last`
    SegmentIndex index;
};

/// Goes on with the segment of `state`, or opens the next one when there is none. Durable on return.
Result<std::unique_ptr<LogWriter>> open_writer(WriterState state, WallTime wall);

/// Before anything is acknowledged under the membership that the data disk has, every disk in service has it
/// too. One that does not take it is out of service: the membership is to become smaller. powered_off.
Status copy_to_members(WriterState& state);

/// bad_usage unless 1–4 disks, a data disk and a signing seed are given.
Status check_log_options(const LogOptions& options);

}  // namespace firedrill::store
