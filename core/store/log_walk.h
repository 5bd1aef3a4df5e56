// LogWalk: reads the log record by record from all its copies at once, and decides where and how it ends.
//
// Internal to the log. Changes nothing: what should be rewritten, cut or closed is listed for recovery.
// Blocking.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/log.h"
#include "store/log_catalogue.h"

namespace firedrill::store {

struct WalkedLog;

struct WalkOptions {
    Lsn from = 0;    ///< records below are verified, not delivered
    Lsn until = 0;   ///< nothing above is looked at; 0 = everything
    Lsn proven = 0;  ///< evidence from elsewhere that records through this LSN were durable
    Lsn accept_loss_after = 0;
    bool is_own_log =
        false;  ///< all that there is, not a copy of closed segments: a close mark, which is written
                ///< after the next segment was begun, then proves that there was a next one
    bool may_skip =
        false;  ///< closed segments wholly below `from`, or folded, are checked by close mark and header only
    const std::map<StoreId, CommitSequence>* folded = nullptr;  ///< see LogOptions
    WalkedLog* until_damage =
        nullptr;  ///< when the walk ends with damage: what was found before it, and where
};

/// Bytes that one copy lacks or has wrong, and who has them right.
struct Repair {
    std::size_t bad_source = 0;
    std::size_t good_source = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// A segment on the way to the end of the log.
struct WalkedSegment {
    SegmentHeader header;
    std::uint64_t end = 0;   ///< end of its last record, or of its close mark if it has one
    bool is_closed = false;  ///< a good close mark stands at the end
    bool is_whole = true;    ///< read to its end: not left at a branch
    Lsn last = 0;            ///< last LSN in it; header.first − 1 if none
    Digest chain;            ///< after the last record
    SegmentIndex index;
    std::size_t base_source = 0;  ///< the copy that had its beginning right; `repairs` say where it is wrong
    std::vector<Repair> repairs;  ///< ascending offsets per bad source
};

/// Where no good copy of a record was found although it was durable once.
struct WalkDamage {
    std::string segment;
    std::uint64_t offset = 0;
    Lsn first = 0;
    Lsn last = 0;  ///< 0: no sound record follows
};

struct WalkedLog {
    LogScan scan;
    std::optional<WalkDamage> damage;
    std::vector<WalkedSegment> segments;  ///< oldest first
    std::vector<SegmentName> abandoned;   ///< torn creations, and segments beyond an accepted loss
    std::uint64_t bytes_read = 0;
};

/// not_found: no segment. damaged: see log.h rule 3. disk_failed: no copy of something can be read. Errors of
/// `sink` are returned as they are.
Result<WalkedLog> walk_log(const LogCatalogue& catalogue, const WalkOptions& options, const RecordSink& sink,
                           const Progress& progress);

}  // namespace firedrill::store
