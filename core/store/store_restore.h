// StoreRestore: how one store is taken back to where it stood after an earlier commit, while the log goes on.
//
// Within store only, on the store's lane. No key is needed: the sealed pages of that time still stand in the
// log, and those that differ from the present ones are recorded once more, unchanged, as the store's next
// commit, which states the root that was recorded then. Nothing is erased: what came after stays in the log,
// before this commit. A commit too large for one record is preceded by parts, which have no effect without
// it. Format: docs/formats/transaction_log.md.
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
#include "store/storage.h"

namespace firedrill::store {

struct StoreRestore {
    StoreRestorePlan plan;
    std::vector<CommitPart> parts;
    Commit commit;  ///< to be applied, and recorded, once the parts are durable
};

struct RestoreLimits {
    std::size_t part_pages = 0;  ///< of one record
    std::size_t pages = 0;  ///< that may differ: all of them are in memory at once, until they are folded
};

/// What it takes, found by reading the log twice, a segment a step; changes nothing. Memory: 57 bytes for
/// each page of the store then, and at most `limits.pages` pages.
///
/// The log need not begin with the store's first commit: a page that did not change since the state wanted is
/// as it is now. Faults of step(), which end it. not_found: the store has no commit as old as that. refused:
/// nothing came after. unavailable: the log does not go back that far, or a segment in the middle is gone.
/// limit: more pages differ than may be held; the text names an LSN between that can be gone back to first.
/// damaged: the log does not give the recorded root or is not of `pages`' history.
class RestorePreparation {
  public:
    /// `pages` must be locked, idle and durable until it is over; `disks` those in service. With
    /// `is_plan_only` the pages are not collected.
    RestorePreparation(std::vector<Disk*> disks, const PageStore& pages, const RestorePoint& point,
                       const RestoreLimits& limits, bool is_plan_only);
    RestorePreparation(const RestorePreparation&) = delete;
    RestorePreparation& operator=(const RestorePreparation&) = delete;

    /// True: it is over, take() has it.
    Result<bool> step();
    [[nodiscard]] RestoreProgress progress() const noexcept;
    StoreRestore take() noexcept { return std::move(out_); }

  private:
    enum class Phase : std::uint8_t { find, collect, look_between };
    using Take = std::function<Status(Lsn, WallTime, const Commit&)>;
    Status begin(Phase phase);
    /// Every commit of the store up to its present one, in order.
    RecordSink each_commit(Take take) const;
    Result<bool> end_phase();
    Status find(Lsn lsn, WallTime wall, const Commit& commit);
    Status collect(Lsn lsn, const Commit& commit);
    Status look_between(Lsn lsn, const Commit& commit);
    void set_count(PageNumber count, bool is_kept);
    void keep(Lsn lsn, WallTime wall, const Commit& commit);
    void lose(Lsn lsn, WallTime wall, const Commit& commit);
    Status check() const;
    Status rebuild_past();
    void compare();
    void set_between(PageNumber page, const Leaf& leaf);
    [[nodiscard]] Leaf present(PageNumber page) const;
    [[nodiscard]] Error too_many() const;
    void divide();

    std::vector<Disk*> disks_;
    const PageStore& pages_;
    RestorePoint point_;
    RestoreLimits limits_;
    bool is_plan_only_;
    std::string name_;
    StoreRestore out_;
    Phase phase_ = Phase::find;
    std::unique_ptr<LogReading> reading_;  // null: before the first step

    bool is_past_point_ = false;
    CommitSequence first_ = 0;  // oldest commit met in the log
    Lsn first_lsn_ = 0;
    WallTime first_wall_;
    CommitSequence seen_ = 0;  // newest one
    Digest seen_hash_;
    Digest kept_root_;
    PageNumber count_ = 0;             // pages of the store after the newest one met
    std::vector<Leaf> leaves_;         // as they stood at the state wanted, where `facts_` knows
    std::vector<std::uint8_t> facts_;  // of each page: kKnown, kChangedSince
    PageTree past_;
    std::map<PageNumber, PageImage> changes_;  // a page null: not collected yet, or a hole
    std::size_t missing_ = 0;                  // of them, to be collected
    std::vector<Leaf> between_;                // look_between: the state after the newest commit met
    std::size_t differing_ = 0;                // pages of it that are not as they are now
    Lsn between_lsn_ = 0;                      // the oldest state from which few enough differ
};

}  // namespace firedrill::store
