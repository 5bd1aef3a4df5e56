// LoopStorage: one store taken back to an earlier commit, while the others go on. The store's queue stands
// still from the reading of the log until the commit that takes it back has its LSN; that commit counts, the
// parts before it do not. When there is more to take back than one commit may have, the next one follows once
// this one is folded, before anything else in the queue.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "store/storage_limits.h"
#include "store/storage_loop.h"

namespace firedrill::store {

void LoopStorage::restore_store(StoreId id, RestorePoint point, RestoreMode mode, OnRestoreProgress progress,
                                std::function<void(Result<StoreRestorePlan>)> then) {
    const auto found = stores_.find(id);
    const auto plan = std::make_shared<StoreRestorePlan>();
    Done done = [plan, then = std::move(then)](const Status& status) {
        then(status ? Result<StoreRestorePlan>(*plan) : Result<StoreRestorePlan>(status.error()));
    };
    if (found == stores_.end()) {
        answer(std::move(done), Error{Fault::not_found, fmt::format("there is no store {}", to_hex(id))});
        return;
    }
    ++found->second->restores;
    done = [alive = std::weak_ptr(alive_), &store = *found->second,
            then = std::move(done)](const Status& status) {
        if (!alive.expired()) {
            --store.restores;
        }
        then(status);
    };
    auto item = std::make_shared<Item>();
    item->kind = Kind::restore;
    item->point = point;
    item->is_plan_only = mode == RestoreMode::plan;
    item->disks = disks_in_service();
    item->progress = std::move(progress);
    item->plan = plan;
    item->done = std::move(done);
    enqueue(*found->second, std::move(item));
}

/// Segments that are about to go stay until then.
bool LoopStorage::is_log_read() const {
    return std::any_of(stores_.begin(), stores_.end(),
                       [](const auto& entry) { return entry.second->restores > 0; });
}

/// The step that was made is folded before the next one, so that the pages of one only are in memory.
void LoopStorage::queue_next_step(Store& store, const ItemPtr& item) {
    item->is_on_the_way = false;
    item->is_further_step = true;
    store.queue.push_front(item);
    if (!std::exchange(store.is_fold_queued, true)) {
        auto fold = std::make_shared<Item>();
        fold->kind = Kind::fold;
        store.queue.push_front(std::move(fold));
    }
    pump_log();
    advance(store);
    wake_waiting();
}

/// After a step of the preparation. False: it ends here, with what the lane reported.
bool LoopStorage::go_on_restoring(Store& store, const ItemPtr& item) {
    if (item->is_on_the_way) {
        queue_next_step(store, item);
        return true;
    }
    if (store.last.restoring && !fatal_) {
        if (item->progress) {
            item->progress(*store.last.restoring);
        }
        start(store, item);  // its queue stands still meanwhile
        return true;
    }
    if (!store.last.restore) {
        return false;
    }
    item->restore = std::move(store.last.restore);
    *item->plan = item->restore->plan;
    if (item->is_plan_only) {
        return false;
    }
    store.is_taken_back = true;
    record_parts(store, item, 0);
    return true;
}

/// Its pages were collected: the parts become durable one after another, so that memory and the other stores'
/// commits never wait for more than one.
void LoopStorage::record_parts(Store& store, const ItemPtr& item, std::size_t next) {
    if (fatal_) {
        answer(std::move(item->done), {});
        return;
    }
    StoreRestore& restore = *item->restore;
    if (next < restore.parts.size()) {
        const Lsn lsn = queue_record(std::move(restore.parts[next]));
        hold(lsn, [this, &store, item, next] { record_parts(store, item, next + 1); });
        if (item->progress) {
            item->progress({RestoreStep::recording, next * options_.restore_part_pages, restore.pages,
                            restore.plan.commits});
        }
        pump_log();
        return;
    }
    const auto report = std::make_shared<LaneReport>();
    seams_.workers.run(
        store.lane, [lane = store.lane_side, item, report] { *report = lane->take_back(*item->restore); },
        [this, alive = std::weak_ptr(alive_), &store, item, report] {
            if (!alive.expired()) {
                store.is_taken_back = false;
                item->is_on_the_way = !item->restore->is_last && report->status.is_ok();
                if (item->is_on_the_way) {
                    tell(
                        fmt::format("store {} was taken back to its state of LSN {}, on the way to that of "
                                    "LSN {}; the next step follows.",
                                    to_hex(store.id), item->restore->reached, item->plan->kept_lsn));
                }
                item->restore.reset();
                finish(store, item, std::move(*report));
            }
        });
}

}  // namespace firedrill::store
