// Storage: every durable byte of a node passes here. The loop's face of the stores and the log.
//
// Used on the loop only; jobs given to it run on lanes. Invariants:
//  1. `done` of transact() runs only after everything the job read or wrote is durable on all log members:
//  nobody is
//     told what is not on disk. Commits of many stores share one sync.
//  2. A transaction that failed, was refused or lost its machine leaves no trace; a job never sees a half
//  one.
//  3. Keys exist only in unlocked stores. lock() drops the connection, its caches and the keys.
//  4. After a fatal storage failure (rule 5 of log.h) every call answers disk_failed, or in_use when another
//  start took a log disk over, and `on_fatal` was called once.
//  5. Limits: 8192 changed pages a transaction, 4096 queued jobs a store, then Fault::limit.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "seams/seams.h"
#include "store/copy_check.h"
#include "store/cover.h"
#include "store/database.h"
#include "store/log.h"
#include "store/page.h"
#include "store/segment_deletion.h"

namespace firedrill::store {

/// Numbered 1, 2, 3 …, forward only; applied in one transaction at unlock().
struct Migration {
    int version;
    const char* sql;
};

enum class Access : std::uint8_t { read, write };

/// Pages that are still sealed under a key which somebody who left may know.
enum class ResealState : std::uint8_t {
    unknown,     ///< nobody opened the store since the start
    none,        ///< there are none
    looking,     ///< they are being counted
    sealing,     ///< they are sealed under the newest key, a few at a time while somebody is signed in
    unreadable,  ///< those that are left cannot be read
};
std::string_view reseal_state_name(ResealState state) noexcept;
struct ResealProgress {
    ResealState state = ResealState::unknown;
    PageNumber looked = 0;
    PageNumber left = 0;  ///< while looking: found so far
};

struct StoreHealth {
    StoreId store;
    bool is_damaged = false;
    std::string damage;                ///< one sentence, empty when sound
    std::uint64_t damaged_pages = 0;   ///< found by reads and not repaired
    std::uint64_t repaired_pages = 0;  ///< damaged pages brought back from the log so far
    std::uint32_t rebuilt = 0;         ///< times that its files were made anew from the log since the start
    CommitSequence sequence = 0;
    PageNumber pages = 0;
    std::uint64_t unfolded_bytes = 0;
    std::string fold_failure;        ///< one sentence; empty: the last fold succeeded
    WallTime fold_fails_since;       ///< when it is not empty
    std::uint64_t memory_bytes = 0;  ///< 0 while nobody uses it
    ResealProgress reseal;
};
/// What reading everything once a period has found so far, pages and log together.
struct ScrubHealth {
    std::uint64_t pages = 0;      ///< read and compared
    std::uint64_t log_bytes = 0;  ///< of closed segments, on each disk
    std::uint64_t found = 0;      ///< pages and records that were not what was written
    std::uint64_t repaired = 0;
    std::uint64_t not_repairable = 0;
    std::uint32_t page_rounds = 0;  ///< times that every page was read
    std::uint32_t log_rounds = 0;   ///< times that every closed segment was read
};
/// What the data disk no longer had as it was written, and what was made right again from the log, since the
/// start and by the start itself. A sound disk gives no cause for it: whoever runs the node should hear of
/// it.
struct RepairHealth {
    std::uint32_t stores_rebuilt = 0;  ///< times that the files of a store were made anew
    std::uint64_t pages_repaired = 0;
    std::uint32_t files_replaced = 0;  ///< small files of the data folder that the log disks gave back
    WallTime last;                     ///< of the newest of these
    [[nodiscard]] bool is_any() const noexcept {
        return stores_rebuilt > 0 || pages_repaired > 0 || files_replaced > 0;
    }
};
struct Health {
    bool is_fatal = false;
    bool is_degraded = false;  ///< it serves, with fewer log disks than it was given
    bool is_unfolded =
        false;             ///< a store cannot be folded: it serves, its newest commits stand in the log alone
    bool is_full = false;  ///< a log disk has no space: nothing new is taken until it has
    std::string fatal;
    Lsn durable = 0;
    TimelineId timeline;
    Lsn log_begin = 0;           ///< older segments were removed
    std::optional<Cover> cover;  ///< what the log agrees with; none: no segment goes
    std::vector<StoreHealth> stores;
    std::vector<LogScan::Member> log_members;
    ScrubHealth scrub;
    RepairHealth repairs;
    std::vector<std::string> notes;  ///< what recovery found at boot, and what needs somebody's attention now
    /// Of one store; as of one that nobody opened when there is none.
    [[nodiscard]] StoreHealth of(StoreId store) const;
};

/// An earlier state of a store: after the newest of its commits that the log holds up to `until` and before
/// the first one labelled later than `at`.
struct RestorePoint {
    Lsn until = 0;  ///< 0: no bound
    std::optional<WallTime> at;
};
enum class RestoreMode : std::uint8_t { plan, go };
struct StoreRestorePlan {
    StoreId store;
    Lsn kept_lsn = 0;  ///< the commit that the store is taken back to
    CommitSequence kept_sequence = 0;
    WallTime kept_wall;
    std::uint64_t lost_commits = 0;  ///< those after it
    Lsn lost_first = 0;
    Lsn lost_last = 0;
    WallTime lost_newest;
    /// The labels run backwards: the clock was ahead when the first of the lost ones was written, and this
    /// later one is labelled as early as asked for. 0: they do not, or no time was asked for.
    Lsn backwards_at = 0;
    WallTime backwards_wall;
    WallTime lost_first_wall;
    PageNumber pages = 0;  ///< of the store then
    std::uint64_t changed_pages = 0;
    std::uint32_t commits = 0;  ///< that were made: more than one when it went there in steps
};
/// How far it is: bytes of the log read, pages recorded.
enum class RestoreStep : std::uint8_t { reading, collecting, recording };
struct RestoreProgress {
    RestoreStep step = RestoreStep::reading;
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    std::uint32_t round = 1;  ///< of the steps that it takes
};
using OnRestoreProgress = std::function<void(const RestoreProgress&)>;

/// Where a page, as it stood after the commit named, may be had when neither log nor mirror has it: a
/// snapshot or a peer. Called on the store's lane, may block; null when it has none. What it yields is
/// compared before it is used.
using PageSource = std::function<SealedPagePtr(StoreId, PageNumber, CommitSequence)>;

/// Replaceable pieces (see node/parts.h).
struct StorageParts {
    std::function<std::unique_ptr<PageCipher>(StoreId, KeyRing)> page_cipher = make_page_cipher;
    /// Wraps the writer; the default returns it unchanged.
    std::function<std::unique_ptr<LogWriter>(std::unique_ptr<LogWriter>)> log_writer;
};

struct StorageOptions {
    NodeId node;
    TimelineId first_timeline;  ///< create() only: drawn by the caller; open() takes it from the log
    const crypto::Secret* signing_seed = nullptr;  ///< outlives the Storage
    /// Those before it, or null; outlive the Storage as well.
    const std::vector<crypto::Secret>* former_seeds = nullptr;
    Lsn accept_loss_after = 0;
    std::uint64_t fold_after_bytes = 16ull << 20;  ///< a store is folded when more than this is unfolded
    /// A store is folded when a commit of it is this far back in the log. A start reads at most 1.25 times
    /// this, and the segments at both ends of it, whatever the log's size.
    std::uint64_t unfolded_log_limit = 64ull << 20;
    Duration scrub_period =
        std::chrono::hours(24 * 7);  ///< every page and closed segment is read once in it; 0: never
    /// Above this the stores that were used longest ago give their memory back; they open again on demand.
    /// What is not folded yet, and the stores at work, are kept whatever it says.
    std::uint64_t memory_limit_bytes = 256ull << 20;
    /// Pages of one record of a commit that takes a store back: 16 MiB.
    std::size_t restore_part_pages = 4096;
    /// Pages of a commit that takes a store back: 256 MiB. They are in memory at once, until they are folded.
    /// When more differ it goes there in steps.
    std::size_t restore_pages_limit = 65536;
    PageSource page_source;
    /// Memory that building stores anew from the log may use before it writes: twice what a node leaves
    /// unfolded.
    std::uint64_t rebuild_bytes = 128ull << 20;
    /// Small files of the data folder that the caller had to take from the log disks: counted in `repairs`.
    std::uint32_t files_replaced = 0;
    /// Asked at a tick, on the loop, about a closed segment beyond the cover (Storage::cover): may it go once
    /// every commit in it is folded? For whoever keeps copies a segment at a time.
    Covered covered;
    std::function<void(const Error&)> on_fatal;  ///< on the loop; the node must stop
    std::function<void(const std::string&)>
        on_note;  ///< on the loop; a sentence that somebody should read at once
    StorageParts parts;
};

/// Folds that run at once. A store whose page file hangs keeps one of them and its own lane: that many such
/// stores harm neither the commits nor the folds of others, given a thread for each of those lanes and some
/// for the rest. With more of them folds stand still: other stores go on committing until 8 times
/// `fold_after_bytes` of one are in memory, and what a start would have to read grows.
inline constexpr std::size_t kFoldsAtOnce = 4;

class Storage {
  public:
    using Job = std::function<Status(Database&)>;
    using Done = std::function<void(Status)>;

    /// An empty data disk and empty log disks become a node's storage (exists otherwise). Blocking, durable
    /// on return.
    static Result<std::unique_ptr<Storage>> create(Seams seams, StorageOptions options, ByteView node_slots);
    /// Recovery, which is the only way to start: replays the log over the page files. Blocking. not_found
    /// when the data disk was never created; newer_format; damaged; in_use.
    static Result<std::unique_ptr<Storage>> open(Seams seams, StorageOptions options);
    virtual ~Storage() = default;  ///< no I/O

    /// Newest node slots document, as the log holds it.
    virtual const Bytes& node_slots() const = 0;
    /// Replaces it; durable when done says ok.
    virtual void set_node_slots(Bytes document, Done done) = 0;
    virtual TimelineId timeline() const = 0;
    virtual bool has_store(StoreId store) const = 0;  ///< it has at least one commit
    virtual bool is_unlocked(StoreId store) const = 0;

    /// Opens (creating it if it has no commit) and migrates a store. The ring's last epoch must be of
    /// timeline() (bad_usage otherwise). wrong_secret, newer_format (untouched), damaged.
    virtual void unlock(StoreId store, KeyRing ring, std::span<const Migration> migrations, Done done) = 0;
    /// Waits for the jobs already queued, then closes and forgets. Jobs given later answer refused.
    virtual void lock(StoreId store, Done done) = 0;
    /// Runs `job` on the store's lane in one transaction (read: query_only). An error from the job, or from
    /// SQLite in it, rolls back and reaches `done`. refused when locked.
    virtual void transact(StoreId store, Access access, Job job, Done done) = 0;

    /// Gives the space of free pages back by rewriting the whole database in one transaction (SQLite's
    /// VACUUM). limit: it has more pages than a transaction may change; PRAGMA incremental_vacuum in several
    /// transactions does it then. refused when locked. compaction.h chooses.
    virtual void vacuum(StoreId store, Done done) = 0;

    /// Somebody verified a copy of the log through an LSN (copy_check.h). When this log agrees, that is
    /// durable on ok, everything is folded, and the closed segments through there go within minutes; each is
    /// read once more first, and one that is sound on no log disk stays. The newest word counts, also when it
    /// covers less. refused: the log differs. bad_usage. damaged, disk_failed, disk_full: nothing was
    /// changed.
    virtual void cover(Cover cover, Done done) = 0;
    /// With these keys the log's segments may be signed.
    virtual std::vector<SignerKey> log_signers() const = 0;

    virtual Health health() const = 0;
    /// Folds everything durable and syncs: shorter next start. Also called by the node at a clean stop.
    virtual void fold(Done done) = 0;
    /// The same of one store: its page file has what it should, and no more. ok for one that has no commit.
    virtual void fold_store(StoreId store, Done done) = 0;

    /// Takes one store back to an earlier state, without a key, as one more commit: durable on ok, or nothing
    /// happened. When more pages differ than one commit may have, it takes several: each goes to a state in
    /// between that the store once stood in, the last one to the state wanted. After a failure or a crash
    /// between two of them the store stands in such a state, and the same call goes on from there. What came
    /// after stays in the log, and can be come back to in the same way. Nobody else comes between the steps.
    /// refused: it is unlocked, or stands there already. unavailable: the log does not go back that far.
    /// limit: one commit on the way has more pages than may be held. not_found, disk_full, damaged. Where
    /// steps were done before a failure the text says so; else nothing was changed. `progress` is called on
    /// the loop, at most once a segment and a part.
    virtual void restore_store(StoreId store, RestorePoint point, RestoreMode mode,
                               OnRestoreProgress progress,
                               std::function<void(Result<StoreRestorePlan>)> then) = 0;
    void restore_store(StoreId store, RestorePoint point, RestoreMode mode,
                       std::function<void(Result<StoreRestorePlan>)> then) {
        restore_store(store, point, mode, {}, std::move(then));
    }
};

/// SQLite's PRAGMA integrity_check inside a job: ok, or damaged with the first finding (no values).
Status check_integrity(Database& database);

}  // namespace firedrill::store
