// Compaction: the space of a store's free pages is given back, while the store is in use.
//
// Loop only, over Storage. A database that one transaction may rewrite (kMaxChangedPages, 32 MiB) is
// rewritten by VACUUM, which also fills half-empty pages. A larger one gives its free pages back a few
// hundred a transaction; the store's other jobs run in between. Each transaction is a commit like any other:
// one that fails changes nothing, those before it stand.
#pragma once

#include <functional>

#include "store/storage.h"

namespace firedrill::store {

struct CompactionReport {
    PageNumber pages_before = 0;
    PageNumber free_before = 0;  ///< of those, pages that held nothing
    PageNumber pages_after = 0;
    PageNumber free_after = 0;  ///< more than 0 only when others freed pages meanwhile
    std::uint32_t commits = 0;
    bool is_folded = false;  ///< the page file has shrunk; else it does when it can be folded
};
/// Free pages given back so far, of those there were.
using CompactionProgress = std::function<void(PageNumber done, PageNumber total)>;

/// `then` runs on the loop when it is over, durable and folded. refused: the store is locked, or was locked
/// meanwhile; the text says how many pages were given back before. disk_full and whatever else a transaction
/// answers, likewise. `storage` outlives it; after a Storage's end nothing is called.
void compact(Storage& storage, StoreId store, CompactionProgress progress,
             std::function<void(Result<CompactionReport>)> then);

}  // namespace firedrill::store
