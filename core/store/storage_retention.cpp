// LoopStorage's retention: closed segments that are folded and covered elsewhere go, oldest first, on all log
// disks.
#include <algorithm>
#include <utility>

#include "store/log_scrub.h"
#include "store/storage_loop.h"

namespace firedrill::store {

namespace {

/// Segments that one visit to the log lane removes: commits wait that long.
constexpr std::size_t kSegmentsAtOnce = 4;

}  // namespace

/// Reads what the oldest segments hold. While segments go nobody else copies whole ones: what goes must not
/// be brought back by scrub, or be missed by the filling of a disk.
void LoopStorage::drop_old_segments() {
    if (!options_.covered || is_retention_busy_ || resilver_ || is_resilver_due_ || fatal_) {
        return;
    }
    const bool is_log_read = std::any_of(stores_.begin(), stores_.end(), [](const auto& entry) {
        return entry.second->last.restoring.has_value();
    });
    if (is_log_read) {
        return;  // a store is about to be taken back, and reads it from the beginning
    }
    std::vector<Disk*> disks;
    for (std::size_t i = 0; i < std::min(members_.size(), seams_.logs.size()); ++i) {
        if (members_[i].is_present) {
            disks.push_back(seams_.logs[i]);
        }
    }
    is_retention_busy_ = true;
    const auto read = std::make_shared<Result<std::vector<SegmentFacts>>>(std::vector<SegmentFacts>{});
    seams_.workers.run(
        Lane::upkeep,
        [read, disks = std::move(disks), begin = log_begin_] {
            *read = oldest_segments(disks, begin, kSegmentsAtOnce);
        },
        [this, alive = std::weak_ptr(alive_), read] {
            if (alive.expired()) {
                return;
            }
            is_retention_busy_ = false;
            if (*read && !fatal_) {
                choose_old_segments(std::move(**read));
            }
        });
}

void LoopStorage::choose_old_segments(std::vector<SegmentFacts> oldest) {
    std::map<StoreId, CommitSequence> folded;
    for (const auto& [id, store] : stores_) {
        if (store->last.damage.empty()) {
            folded[id] = store->last.folded;
        }
    }
    const std::vector<SegmentName> old = deletable_segments(oldest, folded, options_.covered);
    if (old.empty()) {
        return;
    }
    is_retention_busy_ = true;
    is_removing_ = true;
    remove_before_ = oldest[old.size()].name.first;
    pump_log();
}

void LoopStorage::finish_removal(Lsn begin, const Status& removed) {
    is_retention_busy_ = false;
    is_removing_ = false;
    if (log_scrub_) {
        log_scrub_->forget_before(begin);
    }
    if (!removed) {
        const bool is_full = removed.error().fault == Fault::disk_full;
        if (!fatal_ && !(is_full && std::exchange(is_removal_late_, true))) {
            tell("old segments of the log could not be removed: " + removed.error().text +
                 ". It is tried again.");
        }
        return;
    }
    is_removal_late_ = false;
    log_begin_ = begin;
    drop_old_segments();
}

}  // namespace firedrill::store
