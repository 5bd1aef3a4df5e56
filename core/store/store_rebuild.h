// StoreRebuild: stores made anew from the log, beside what still stands of them on the data disk.
//
// Within store only: the start and the lane of a store that is served both go this way. Blocking. What is on
// the disk is not touched: a store that needs more memory than it may have is written to a file of its own
// (`building.<store>`), and only the first fold of a store that was built to its end exchanges the files. So
// files that were merely misread never give way to less than they hold, and power may go at any moment.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "seams/disk.h"
#include "store/page_store.h"

namespace firedrill::store {

class StoreRebuild {
  public:
    /// Pages of more than `memory_bytes`, of all stores together, are not kept in memory.
    StoreRebuild(Disk& data, const NodeId& node, std::vector<Disk*> logs, std::uint64_t memory_bytes)
        : data_(data), node_(node), logs_(std::move(logs)), memory_bytes_(memory_bytes) {}

    /// `stood`: the position that it must come to, beyond which the log is not followed; without it, wherever
    /// the log ends.
    void want(StoreId store, std::optional<StorePosition> stood = std::nullopt);
    /// Reads the log once for all of them. powered_off ends it; every other failure is of single stores.
    Status run();
    /// After run(), once: the store, to be folded when somebody gets to it. damaged: the log does not give it
    /// back; not_found: it has nothing of it. Others: it may on another try (a full data disk, no log disk to
    /// be read). Nothing was changed then.
    Result<std::unique_ptr<PageStore>> take(StoreId store);

    /// Removes what rebuilds that never ended have left. Tidiness only.
    static void clear(Disk& data);

  private:
    struct One {
        std::optional<StorePosition> stood;
        std::unique_ptr<PageStore> pages;
        Status outcome;
    };
    Status follow(const Commit& commit, Lsn lsn);
    Status spill(Lsn lsn);
    Status fail(One& one, Status why);
    static Status finish(One& one, const Status& scanned);

    Disk& data_;
    NodeId node_;
    std::vector<Disk*> logs_;
    std::uint64_t memory_bytes_;
    std::uint64_t unfolded_bytes_ = 0;  // of all stores
    std::map<StoreId, One> wanted_;
};

}  // namespace firedrill::store
