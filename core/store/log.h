// The transaction log of a node: segments of records on 1–4 log disks, identical on all of them.
//
// File names: "log.<timeline: 8 hex>.<first lsn: 16 hex>" (open or closed). Rules:
//  1. Everything here blocks; LogWriter is used only by jobs of Lane::log, recovery before the loop serves.
//  2. append() is all or nothing for its batch: ok means every record of it is synced on every member disk.
//  3. A torn tail (damage that no valid record covers, here or on a mirror: it is above every `durable` field
//  seen) is
//     cut, and the cut synced, before anything is appended. The log writes `durable` itself, one value a
//     batch, since the sectors of a batch reach a disk in any order. Damage that a record covers is read from
//     the mirror and rewritten; with no good copy: Fault::damaged naming store, LSN range and way out;
//     nothing is written.
//  4. A segment is closed after an hour of wall time or kSegmentLimit bytes: footer with index by store, hash
//  chain,
//     Ed25519 signature of the node. The next begins with NodeSlots.
//  5. A failed write or sync on one of several disks: that member is dropped only after the new membership is
//  durable
//     in `membership` on the data disk; with no member left (or a failed sync of the last): disk_failed,
//     fatal.
//  6. A start writes its own mark on every log disk of its node before it reads one (log_owner.h). A writer
//     that finds another's there stops, in_use, before it answers: what it wrote last may or may not count.
// Format: docs/formats/transaction_log.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "seams/seams.h"
#include "store/log_owner.h"
#include "store/record.h"

namespace firedrill::store {

inline constexpr std::uint64_t kSegmentLimit = 64ull << 20;
inline constexpr Duration kSegmentPeriod = std::chrono::hours(1);

/// Who writes this log. Fixed at the node's creation, except the timeline.
struct LogIdentity {
    NodeId node;
    TimelineId timeline;
};

/// What a scan of log disks found, for messages, `store inspect` and the membership check.
struct LogScan {
    LogIdentity identity;
    Lsn first = 0;                       ///< lowest LSN present (1 unless pruned); 0 for an empty log
    Lsn last = 0;                        ///< newest valid record on the current timeline
    Bytes node_slots;                    ///< newest NodeSlots document
    std::uint64_t torn_bytes = 0;        ///< bytes of torn tail found (and, by recovery, cut)
    std::uint64_t repaired_records = 0;  ///< read from a mirror because one copy was bad
    struct Member {
        std::string label;
        bool is_present = false;
        bool is_stale = false;  ///< lacks records that another member has
        std::string failure;    ///< of a writer's member: why it is out of service; empty when it serves
        Lsn last = 0;
        std::uint64_t bytes = 0;
        std::uint32_t segments = 0;
    };
    std::vector<Member> members;
    std::vector<std::string> notes;  ///< one sentence each: what was found, cut, repaired
};

/// Called once a record, in LSN order, superseded ones left out. An error stops the scan and is returned.
using RecordSink = std::function<Status(Record&&)>;
/// Called now and then with bytes done and bytes in all.
using Progress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// Reads a log without changing anything. `from`: records below it are verified but not delivered. Tear and
/// damage as rule 3, but nothing is cut or repaired on disk. not_found when no disk holds a segment.
Result<LogScan> scan_log(std::span<Disk* const> disks, Lsn from, const RecordSink& sink,
                         const Progress& progress);

/// The same of a node's own log: which disks are believed, and where the log begins, stands on the data disk.
/// It may be written, and its oldest segments removed, meanwhile: records may then be delivered twice.
Result<LogScan> scan_node_log(Disk& data, const NodeId& node, std::span<Disk* const> disks,
                              const RecordSink& sink);

class LogResilver;

/// How an attempt to take a filled disk back into service ended.
enum class Rejoin : std::uint8_t {
    more,
    joined
};  ///< more: segments were closed meanwhile; copy them, ask again

class LogWriter {
  public:
    virtual ~LogWriter() = default;
    /// Encodes, writes and syncs a batch (1–4096 records, LSNs following on) to every member. `wall` decides
    /// rotation. disk_full: nothing of the batch is in the log, the caller may try again. disk_failed: fatal,
    /// stop the node; the batch may or may not be there. Durable on return.
    virtual Status append(std::span<const Record> batch, WallTime wall) = 0;
    /// Makes sure that `bytes` more can be appended without disk_full; disk_full if not.
    virtual Status reserve(std::uint64_t bytes) = 0;
    /// Closes the segment if an hour of wall time passed, even when nothing was written. Durable on return.
    virtual Status tick(WallTime wall) = 0;
    virtual std::vector<LogScan::Member> members() const = 0;  ///< health for people
    /// Removes the segments that begin below `begin`, the first LSN of a later one, from every disk in
    /// service: where the log begins is durable before the first of them goes. An error: some may be there
    /// still, the log is as good as before. Durable on return.
    virtual Status remove_before(Lsn begin);
    /// A disk out of service that answers again, to be filled in steps; null when there is none.
    virtual std::shared_ptr<LogResilver> begin_resilver(WallTime wall);
    /// Copies the little that is open, makes the membership durable, and has the disk take part from the next
    /// append on. An error leaves it out of service; a membership that cannot be written is fatal.
    virtual Result<Rejoin> rejoin(LogResilver& filled, WallTime wall);
};

struct LogOptions {
    LogIdentity identity;
    std::span<Disk* const> disks;
    Disk* membership = nullptr;                    ///< data disk: holds "log.members"
    const crypto::Secret* signing_seed = nullptr;  ///< Ed25519; must outlive the writer
    /// Seeds that signed before it, or null: a segment begun under one of them is closed by it.
    const std::vector<crypto::Secret>* former_seeds = nullptr;
    /// This start's mark, and the locks on `disks`. Without a mark nobody is looked out for.
    std::optional<OwnerMark> owner;
    std::shared_ptr<LogLocks> locks;  // owners: whoever took them, and the writer
    Lsn accept_loss_after = 0;  ///< an operator's word that records above it may be lost; 0 = no such word
    Lsn folded_through = 0;  ///< newest LSN that a page file holds: a log that ends below it has lost records
    /// Newest commit of each store that its page file holds: a closed segment with nothing newer is not read
    /// by recovery, its close mark vouches for it.
    std::map<StoreId, CommitSequence> folded;
};

/// Creates an empty log (disks hold no segment; exists otherwise) whose first record is NodeSlots with LSN 1.
/// Durable.
Result<std::unique_ptr<LogWriter>> create_log(const LogOptions& options, ByteView node_slots, WallTime wall);

struct RecoveredLog {
    std::unique_ptr<LogWriter> writer;
    LogScan scan;
};
/// Recovers (rule 3, cutting and repairing), delivers records from `from` on, and opens the log for
/// appending.
Result<RecoveredLog> recover_log(const LogOptions& options, Lsn from, const RecordSink& sink, WallTime wall);

}  // namespace firedrill::store
