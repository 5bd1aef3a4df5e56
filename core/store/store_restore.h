// StoreRestore: how one store is taken back to where it stood after an earlier commit, while the log goes on.
//
// Within store only, on the store's lane. No key is needed: the sealed pages of that time still stand in the
// log, and those that differ from the present ones are recorded once more, unchanged, as the store's next
// commit, which states the root that was recorded then. Nothing is erased: what came after stays in the log,
// before this commit. A commit too large for one record is preceded by parts, which have no effect without
// it. When more pages differ than may be in memory, the store goes there in steps, each a commit of its own
// to a state in between that it once stood in: after a crash it stands in one of these, and the same restore
// asked for again goes on from there. Format: docs/formats/transaction_log.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "store/log.h"
#include "store/log_reading.h"
#include "store/page_store.h"
#include "store/restore_path.h"
#include "store/storage.h"

namespace firedrill::store {

struct StoreRestore {
    StoreRestorePlan plan;
    std::vector<CommitPart> parts;
    Commit commit;          ///< to be applied, and recorded, once the parts are durable
    std::size_t pages = 0;  ///< of the commit, in its parts and in itself
    Lsn reached = 0;        ///< the commit that this one goes back to
    bool is_last = true;    ///< false: a step on the way; ask again once it is durable and folded
};

struct RestoreLimits {
    std::size_t part_pages = 0;  ///< of one record
    std::size_t pages = 0;  ///< that may differ: all of them are in memory at once, until they are folded
};

/// What it takes, found by reading the log, a segment a call; changes nothing. Memory: 5 bytes for each page
/// of the store, and at most `limits.pages` pages. The log is read three times, and once more for each
/// further step.
///
/// The log need not begin with the store's first commit: a page that did not change since the state wanted is
/// as it is now. Faults of step(), which end it. not_found: the store has no commit as old as that. refused:
/// nothing came after. unavailable: the log does not go back that far, or a segment in the middle is gone.
/// limit: a single commit on the way changed more pages than may be held. damaged: the log does not give the
/// recorded root or is not of the pages' history.
class RestorePreparation {
  public:
    /// The store must be locked, idle and durable until it is over; `disks` those in service. With
    /// `is_plan_only` no pages are collected.
    RestorePreparation(std::vector<Disk*> disks, StoreId store, const RestorePoint& point,
                       const RestoreLimits& limits, bool is_plan_only);
    RestorePreparation(const RestorePreparation&) = delete;
    RestorePreparation& operator=(const RestorePreparation&) = delete;

    /// True: take() has the plan, or the next commit; after one that is not the last, and which `pages` have
    /// applied, go on.
    Result<bool> step(PageStore& pages);
    [[nodiscard]] RestoreProgress progress() const noexcept;
    StoreRestore take();
    /// `error`, and where the store stands when it is a later step that fails; `is_done`: one after the
    /// newest commit that was taken.
    [[nodiscard]] Error failed(Error error, bool is_done = false) const;

  private:
    enum class Phase : std::uint8_t { begin, find, touch, choose, collect };
    using Take = std::function<Status(Lsn, WallTime, const Commit&)>;
    /// A page that the step changes.
    struct Change {
        bool is_known = false;
        PageImage image;  // null: a hole
        RestorePath::Place undone_next = 0;
        RestorePath::Place redone_next = 0;
    };
    Status read(Phase phase, Take take);
    RecordSink each_commit(Take take) const;
    Result<bool> end_phase();
    Status find(Lsn lsn, WallTime wall, const Commit& commit);
    Status check() const;
    Status begin_path();
    Status see(const Commit& commit);
    Status check_known() const;
    Status choose();
    Status collect(Lsn lsn, const Commit& commit);
    void take_image(const Commit& commit);
    void look_ahead(const Commit& commit);
    Status finish_step();
    void divide();
    [[nodiscard]] Leaf present(PageNumber page) const;

    std::vector<Disk*> disks_;
    StoreId store_;
    RestorePoint point_;
    RestoreLimits limits_;
    bool is_plan_only_;
    std::string name_;
    StoreRestorePlan plan_;
    StoreRestore out_;
    Phase phase_ = Phase::begin;
    PageStore* pages_ = nullptr;           // during step()
    std::unique_ptr<LogReading> reading_;  // null: nothing is being read
    std::uint64_t read_bytes_ = 0;         // in the phases before, of the same progress

    CommitSequence present_ = 0;  // where the store stood when it began
    bool is_past_point_ = false;
    CommitSequence first_ = 0;  // oldest commit met in the log
    Lsn first_lsn_ = 0;
    WallTime first_wall_;
    CommitSequence seen_ = 0;  // newest one
    Digest seen_hash_;
    std::vector<TakingBack> takings_;
    RestorePath path_;

    RestorePath::Place until_ = 0;  // the step goes up to here
    Lineage goal_;                  // of the state that the step reaches
    CommitSequence goal_state_ = 0;
    CommitSequence goal_seen_ = 0;  // of its lineage
    Lsn goal_lsn_ = 0;
    std::uint32_t steps_done_ = 0;
    Lsn stands_at_ = 0;           // after these
    CommitSequence current_ = 0;  // likewise
    Digest goal_root_;
    PageNumber goal_count_ = 0;
    PageNumber present_count_ = 0;  // along the two lineages of the path, for look_ahead()
    PageNumber wanted_count_ = 0;
    std::map<PageNumber, Change> changes_;
};

}  // namespace firedrill::store
