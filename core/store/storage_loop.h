// LoopStorage: Storage's implementation on the loop: queues, LSNs, group commit, durability, folding.
//
// Within store only. storage_open.cpp builds it. How a transaction travels:
//   queue of its store → lane (job, seal) → LSN → log queue → log lane (one job at a time takes the whole
//   queue) → durable → `done`. A store's next job starts when the one before left the lane, before it is
//   durable; `done`s wait.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seams/seams.h"
#include "store/storage.h"
#include "store/storage_lane.h"

namespace firedrill::store {

class LogScrub;

/// Folds of different stores run beside each other on these: a store whose files are slow keeps one of them.
inline constexpr std::array kFoldLanes{Lane::fold, Lane::fold_2, Lane::fold_3, Lane::fold_4};
static_assert(kFoldLanes.size() == kFoldsAtOnce);

/// What recovery knows of a store.
struct RecoveredStore {
    std::unique_ptr<PageStore> pages;
    std::string damage;       ///< not empty: it cannot be served
    bool is_rebuilt = false;  ///< its files were not those that were written
    bool is_unknown = false;  ///< the log has none of its commits
};

/// What LoopStorage starts from.
struct StorageStart {
    std::unique_ptr<Claim> claim;
    std::shared_ptr<LogLocks> locks;  // owners: the storage and its writer
    std::unique_ptr<LogWriter> writer;
    TimelineId timeline;
    Lsn durable = 0;
    Bytes node_slots;
    std::map<StoreId, RecoveredStore> stores;
    std::vector<LogScan::Member> members;
    std::vector<std::string> notes;
    Lsn log_begin = 1;
    std::optional<Cover> cover;  ///< the log agrees with it
    std::string cover_doubt;     ///< a sentence: there is one, and why it does not count
};

class LoopStorage final : public Storage {
  public:
    LoopStorage(Seams seams, StorageOptions options, StorageStart start);
    ~LoopStorage() override;
    LoopStorage(const LoopStorage&) = delete;
    LoopStorage& operator=(const LoopStorage&) = delete;

    const Bytes& node_slots() const override { return node_slots_; }
    void set_node_slots(Bytes document, Done done) override;
    TimelineId timeline() const override { return timeline_; }
    bool has_store(StoreId store) const override;
    bool is_unlocked(StoreId store) const override;
    void unlock(StoreId store, KeyRing ring, std::span<const Migration> migrations, Done done) override;
    void lock(StoreId store, Done done) override;
    void transact(StoreId store, Access access, Job job, Done done) override;
    void vacuum(StoreId store, Done done) override;
    void cover(Cover cover, Done done) override;
    std::vector<SignerKey> log_signers() const override;
    Health health() const override;
    void fold(Done done) override;
    void fold_store(StoreId store, Done done) override;
    void restore_store(StoreId store, RestorePoint point, RestoreMode mode, OnRestoreProgress progress,
                       std::function<void(Result<StoreRestorePlan>)> then) override;

  private:
    enum class Kind : std::uint8_t {
        unlock,
        lock,
        read,
        write,
        fold,
        end_fold,
        scrub,
        rest,
        reseal,
        restore,
        vacuum
    };
    struct Item {
        Kind kind{};
        Job job;
        Done done;
        KeyRing ring;
        std::vector<Migration> migrations;
        std::shared_ptr<Fold> fold;  // end_fold: what ran; owners: this and the job that runs it
        PageNumber first_page = 0;   // scrub: which pages
        PageNumber page_count = 0;
        RestorePoint point;  // restore, and all below
        bool is_plan_only = false;
        std::vector<Disk*> disks;
        OnRestoreProgress progress;
        std::shared_ptr<StoreRestorePlan> plan;  // owners: this and `done`
        std::shared_ptr<StoreRestore> restore;   // owners: this and the job that made it
        bool is_on_the_way = false;              // a commit was made that is not the last one
        bool is_further_step = false;            // such commits were made
    };
    using ItemPtr =
        std::shared_ptr<Item>;  // owners: the store's queue, then the lane's job and its completion
    struct Store {
        StoreId id;
        Lane lane{};
        std::shared_ptr<StoreLane> lane_side;  // owners: this and the job on the lane
        std::deque<ItemPtr> queue;
        bool is_busy = false;     // a job is on the lane
        bool is_waiting = false;  // for log space or for durability before a fold
        bool is_unlocked = false;
        bool is_fold_queued = false;
        bool is_taken_back = false;         // its queue stands still
        std::uint32_t restores = 0;         // asked for and not answered: they read the log
        bool is_folding = false;            // from the freezing to the taking over
        bool waits_for_fold = false;        // its queue begins with another fold
        bool was_used = false;              // since the last look for stores to rest
        bool is_rested = false;             // gave back what it can, and nothing came since
        std::uint64_t used_at = 0;          // by uses_: smaller is longer ago
        ItemPtr folded;                     // to be taken over before anything else in the queue
        std::optional<Error> fold_failure;  // of the last fold
        WallTime fold_fails_since;          // the first of those in a row
        Instant fold_again;                 // when it is tried again
        Lsn newest = 0;                     // LSN of its newest commit
        LaneReport last;
        std::uint64_t fold_at_bytes = 0;
        std::optional<std::uint64_t> unfolded_since;  // log_bytes_ at its oldest unfolded commit
        std::uint64_t fold_began = 0;                 // log_bytes_ when its fold began
    };
    struct LogJob;
    /// It may make a commit, so that log space is promised to it before it starts.
    static bool is_writing(const Item& item) {
        return item.kind == Kind::write || item.kind == Kind::reseal || item.kind == Kind::vacuum;
    }

    Store& store_of(StoreId id);
    void enqueue(Store& store, ItemPtr item);
    void advance(Store& store);
    bool may_start(Store& store, const Item& item);
    void start(Store& store, ItemPtr item);
    void finish(Store& store, const ItemPtr& item, LaneReport report);
    void run_fold(Store& store, ItemPtr item);
    void start_folds();
    void take_over_fold(Store& store, Item& item);
    [[nodiscard]] bool is_too_far_ahead(const Store& store) const;
    void finish_fold(Store& store, const Status& status);
    void note_fold(Store& store, const Status& status);

    // storage_rest.cpp: memory of stores that nobody uses.
    void count_memory(std::uint64_t before, std::uint64_t now);
    void rest_unused();
    void rest_for_memory();
    void rest(Store& store);
    void consider_fold(Store& store);
    [[nodiscard]] std::optional<Error> backlog(const Store& store) const;

    // storage_restore.cpp
    [[nodiscard]] bool is_log_read() const;
    void queue_next_step(Store& store, const ItemPtr& item);
    bool go_on_restoring(Store& store, const ItemPtr& item);
    void record_parts(Store& store, const ItemPtr& item, std::size_t next);

    Lsn queue_record(RecordBody body);
    void pump_log();
    [[nodiscard]] bool has_log_work() const;
    bool should_wait_for_more();
    void finish_log(LogJob& job);
    void finish_append(LogJob& job);
    void finish_reserve(const LogJob& job);
    void refuse_waiting(const Error& error);
    [[nodiscard]] std::uint64_t promised_bytes() const;
    void release();
    void hold(Lsn until, Handler handler);
    void answer(Done done, Status status);
    void fail(const Error& error);
    void arm_tick();
    void arm_retry();
    void wake_waiting();

    // storage_care.cpp: what is done for its own sake, a little at each tick.
    void care();
    void fold_old();
    void tell(std::string text);
    void notice_members(std::vector<LogScan::Member> now);
    void step_resilver();
    void finish_resilver_step(const Status& stepped, bool is_filled);
    void finish_log_care(bool has_begun, std::shared_ptr<LogResilver> begun,
                         const std::optional<Result<Rejoin>>& rejoined);
    void scrub_pages();
    void finish_scrub(const Store& store, const Item& item);
    void note_scrub(std::string text);
    void note_repairs(const Store& store, const LaneReport& now, bool is_told);
    void add_repairs(Health& health) const;
    void scrub_log();

    // storage_reseal.cpp: pages of replaced keys are sealed anew while their store is open.
    void arm_reseal(Duration pause);
    void reseal_next();
    void finish_reseal(Instant began, const Status& status);
    [[nodiscard]] static bool is_reseal_due(const Store& store);

    // storage_retention.cpp: closed segments that may go.
    void finish_cover(Cover cover, Done done, const Status& checked);
    [[nodiscard]] std::vector<Disk*> disks_in_service() const;
    [[nodiscard]] bool may_drop_segments() const;
    void drop_old_segments();
    void choose_old_segments(const std::vector<SegmentFacts>& oldest);
    void read_before_removal(std::vector<SegmentFacts> old);
    void remove_old_segments(const std::vector<SegmentFacts>& old, const Result<std::size_t>& sound);
    void finish_removal(Lsn begin, const Status& removed);

    Seams seams_;
    StorageOptions options_;
    std::unique_ptr<Claim> claim_;
    std::shared_ptr<LogLocks> locks_;
    std::shared_ptr<LogWriter> writer_;  // owners: this and the job on the log lane
    TimelineId timeline_;
    Bytes node_slots_;
    std::map<StoreId, std::unique_ptr<Store>> stores_;
    std::uint32_t next_lane_ = 0;
    std::vector<std::string> notes_;
    std::vector<LogScan::Member> members_;

    std::deque<std::pair<Store*, ItemPtr>> frozen_;  // folds for which no lane is free yet
    std::array<bool, kFoldLanes.size()> is_fold_lane_busy_{};
    std::uint64_t memory_bytes_ = 0;  // of all stores
    std::uint64_t rest_above_ = 0;    // of memory_bytes_: when to look for stores to rest
    std::uint64_t uses_ = 0;

    Lsn next_lsn_ = 1;
    Lsn durable_ = 0;
    std::vector<Record> log_queue_;
    std::uint64_t log_queue_bytes_ = 0;  // of the queue and of the job on the log lane
    std::multimap<Lsn, Handler> held_;   // what waits for durability
    bool is_log_busy_ = false;
    std::size_t last_batch_ = 0;  // records of the last append
    Instant append_began_;
    Instant window_ends_;  // until then the next append waits for jobs that are on their lanes
    TimerId window_ = TimerId::none;
    bool is_log_full_ = false;  // the last append or reservation was refused
    bool is_tick_due_ = false;
    bool wants_space_ = false;
    std::uint64_t space_bytes_ = 0;  // reserved in the log and not used yet
    std::uint64_t log_bytes_ = 0;    // appended since the start, and what is taken to be unfolded from before
    std::uint64_t next_look_bytes_ = 0;              // of log_bytes_: when to look for stores to fold
    std::shared_ptr<LogResilver> resilver_;          // owners: this and the job that fills or rejoins
    bool is_resilver_due_ = false;                   // the log lane is to begin one
    bool is_rejoin_due_ = false;                     // the disk is filled
    std::map<std::size_t, std::string> not_filled_;  // by number of the log disk: why not, at the last try
    Instant next_resilver_;
    ScrubHealth scrub_;
    std::optional<WallTime> repaired_at_;  // the last time that the data disk had to be corrected
    StoreId scrub_store_{};                // the next page to scrub
    PageNumber scrub_page_ = 1;
    std::uint32_t scrub_jobs_ = 0;         // on lanes or queued
    std::shared_ptr<LogScrub> log_scrub_;  // owners: this and the job on Lane::upkeep
    bool is_log_scrub_busy_ = false;
    std::vector<std::string> scrub_notes_;
    StoreId reseal_store_{};            // the last one that had a step
    bool is_reseal_under_way_ = false;  // a step is queued or on its lane
    TimerId reseal_timer_ = TimerId::none;
    bool is_retention_busy_ = false;  // from the reading of facts to the end of the removal
    bool is_removing_ = false;        // no step of scrub begins until it is over
    bool is_removal_late_ = false;    // for lack of space, and somebody was told
    Lsn remove_before_ = 0;           // the log lane is to remove the segments below; 0: none
    Lsn log_begin_ = 0;               // segments below are gone
    std::optional<Cover> cover_;
    std::string cover_doubt_;    // why the recorded one does not count
    std::string rotten_old_;     // a covered segment that is sound on no log disk, in a sentence
    Instant next_retention_;     // when it is read again
    std::uint32_t writers_ = 0;  // writing jobs on lanes, each promised kPromisedBytes
    TimerId tick_ = TimerId::none;
    TimerId retry_ = TimerId::none;
    std::optional<Error> fatal_;
    std::shared_ptr<bool> alive_ =
        std::make_shared<bool>(true);  // owner: this; completions hold weak pointers
};

}  // namespace firedrill::store
