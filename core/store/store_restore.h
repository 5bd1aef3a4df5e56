// StoreRestore: how one store is taken back to where it stood after an earlier commit, while the log goes on.
//
// Within store only, on the store's lane. No key is needed: the sealed pages of that time still stand in the
// log, and those that differ from the present ones are recorded once more, unchanged, as the store's next
// commit, which states the root that was recorded then. Nothing is erased: what came after stays in the log,
// before this commit. A commit too large for one record is preceded by parts, which have no effect without
// it. Format: docs/formats/transaction_log.md.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "store/log.h"
#include "store/page_store.h"
#include "store/storage.h"

namespace firedrill::store {

struct StoreRestore {
    StoreRestorePlan plan;
    std::vector<CommitPart> parts;
    Commit commit;  ///< to be applied, and recorded, once the parts are durable
};

/// Reads the log twice; changes nothing. `pages` must be locked, idle and durable; `disks` those in service.
/// A record takes at most `part_pages`. With `is_plan_only` the pages are not collected. Memory: the pages
/// that differ. not_found: the store has no commit as old as that. refused: nothing came after. unavailable:
/// the oldest segments are gone. damaged: the log does not give the recorded root or is not
/// of `pages`' history.
Result<StoreRestore> prepare_restore(std::span<Disk* const> disks, const PageStore& pages,
                                     const RestorePoint& point, std::size_t part_pages, bool is_plan_only);

}  // namespace firedrill::store
