#include "store/storage_loop.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "store/data_folder.h"
#include "store/storage_limits.h"

namespace firedrill::store {

LoopStorage::LoopStorage(Seams seams, StorageOptions options, StorageStart start)
    : seams_(std::move(seams)),
      options_(std::move(options)),
      claim_(std::move(start.claim)),
      locks_(std::move(start.locks)),
      writer_(std::move(start.writer)),
      timeline_(start.timeline),
      node_slots_(std::move(start.node_slots)),
      notes_(std::move(start.notes)),
      members_(std::move(start.members)),
      next_lsn_(start.durable + 1),
      durable_(start.durable),
      log_begin_(start.log_begin),
      cover_(std::move(start.cover)),
      cover_doubt_(std::move(start.cover_doubt)) {
    for (auto& [id, recovered] : start.stores) {
        Store& store = store_of(id);
        store.last = store.lane_side->adopt(std::move(recovered.pages), std::move(recovered.damage),
                                            recovered.is_rebuilt);
        if (store.last.rebuilt > 0 || store.last.repaired_pages > 0 || options_.files_replaced > 0) {
            repaired_at_ = seams_.clock.wall();
        }
        count_memory(0, store.last.memory_bytes);
        if (store.last.unfolded_bytes > 0) {
            store.unfolded_since = 0;  // what the start had to replay is folded soon
        }
    }
    log_bytes_ = options_.unfolded_log_limit;
    arm_tick();
}

LoopStorage::~LoopStorage() {
    seams_.clock.cancel(tick_);
    seams_.clock.cancel(retry_);
    seams_.clock.cancel(window_);
    seams_.clock.cancel(reseal_timer_);
}

LoopStorage::Store& LoopStorage::store_of(StoreId id) {
    std::unique_ptr<Store>& slot = stores_[id];
    if (!slot) {
        slot = std::make_unique<Store>();
        slot->id = id;
        // Never given again while this Storage lives: two stores never share a lane.
        slot->lane = id == StoreId{}
                         ? Lane::directory
                         : static_cast<Lane>(static_cast<std::uint32_t>(Lane::first_practice) + next_lane_++);
        slot->lane_side = std::make_shared<StoreLane>(seams_, options_.node, id, options_);
        slot->fold_at_bytes = options_.fold_after_bytes;
    }
    return *slot;
}

// ---- what callers ask
// ----------------------------------------------------------------------------------------

bool LoopStorage::has_store(StoreId store) const {
    const auto found = stores_.find(store);
    return found != stores_.end() &&
           (found->second->last.position.sequence > 0 || !found->second->last.damage.empty());
}

bool LoopStorage::is_unlocked(StoreId store) const {
    const auto found = stores_.find(store);
    return found != stores_.end() && found->second->is_unlocked;
}

void LoopStorage::unlock(StoreId id, KeyRing ring, std::span<const Migration> migrations, Done done) {
    if (ring.empty() || ring.back().timeline != timeline_) {
        answer(std::move(done),
               Error{Fault::bad_usage, fmt::format("store {}: its newest key is not of timeline {}; add a "
                                                   "key epoch first",
                                                   to_hex(id), to_hex(timeline_))});
        return;
    }
    auto item = std::make_shared<Item>();
    item->kind = Kind::unlock;
    item->ring = std::move(ring);
    item->migrations.assign(migrations.begin(), migrations.end());
    item->done = std::move(done);
    enqueue(store_of(id), std::move(item));
}

void LoopStorage::lock(StoreId id, Done done) {
    Store& store = store_of(id);
    store.is_unlocked = false;
    auto item = std::make_shared<Item>();
    item->kind = Kind::lock;
    item->done = std::move(done);
    enqueue(store, std::move(item));
}

void LoopStorage::transact(StoreId id, Access access, Job job, Done done) {
    const auto found = stores_.find(id);
    if (found == stores_.end() || !found->second->is_unlocked) {
        answer(std::move(done), Error{Fault::refused, fmt::format("store {} is locked", to_hex(id))});
        return;
    }
    auto item = std::make_shared<Item>();
    item->kind = access == Access::read ? Kind::read : Kind::write;
    item->job = std::move(job);
    item->done = std::move(done);
    enqueue(*found->second, std::move(item));
}

void LoopStorage::vacuum(StoreId id, Done done) {
    const auto found = stores_.find(id);
    if (found == stores_.end() || !found->second->is_unlocked) {
        answer(std::move(done), Error{Fault::refused, fmt::format("store {} is locked", to_hex(id))});
        return;
    }
    auto item = std::make_shared<Item>();
    item->kind = Kind::vacuum;
    item->done = std::move(done);
    enqueue(*found->second, std::move(item));
}

void LoopStorage::set_node_slots(Bytes document, Done done) {
    if (document.empty() || document.size() > kNodeSlotsLimit) {
        answer(std::move(done), Error{Fault::bad_usage, fmt::format("a node slots document has 1 to {} bytes",
                                                                    kNodeSlotsLimit)});
        return;
    }
    if (fatal_) {
        answer(std::move(done), {});
        return;
    }
    const auto shared = std::make_shared<Bytes>(document);
    const Lsn lsn = queue_record(NodeSlots{std::move(document)});
    hold(lsn, [this, shared, done = std::move(done)]() mutable {
        if (fatal_) {
            answer(std::move(done), {});
            return;
        }
        node_slots_ = *shared;
        // The log is what counts; the file lets a passphrase be tried before the log is read.
        const auto written = std::make_shared<Status>();
        seams_.workers.run(
            Lane::slots,
            [data = &seams_.data, shared, written] { *written = write_node_slots(*data, *shared); },
            [this, alive = std::weak_ptr(alive_), written, done = std::move(done)]() mutable {
                if (!alive.expired()) {
                    answer(std::move(done), *written);
                }
            });
    });
    pump_log();
}

// ---- a store's queue
// -----------------------------------------------------------------------------------------

void LoopStorage::enqueue(Store& store, ItemPtr item) {
    if (fatal_) {
        answer(std::move(item->done), {});
        return;
    }
    if (store.queue.size() >= kMaxQueuedJobs) {
        answer(std::move(item->done),
               Error{Fault::limit, fmt::format("store {} has {} jobs waiting; try again later",
                                               to_hex(store.id), kMaxQueuedJobs)});
        return;
    }
    store.queue.push_back(std::move(item));
    advance(store);
}

void LoopStorage::advance(Store& store) {
    if (store.folded && !store.is_busy && !fatal_) {
        start(store, std::exchange(store.folded, nullptr));
    }
    while (!store.is_busy && !store.is_waiting && !store.is_taken_back && !store.queue.empty() && !fatal_) {
        if (!may_start(store, *store.queue.front())) {
            return;
        }
        ItemPtr item = std::move(store.queue.front());
        store.queue.pop_front();
        if (is_writing(*item)) {
            if (auto refused = backlog(store)) {
                hold(store.newest,
                     [this, item, error = std::move(*refused)] { answer(std::move(item->done), error); });
                continue;
            }
        }
        start(store, std::move(item));
    }
}

bool LoopStorage::may_start(Store& store, const Item& item) {
    switch (item.kind) {
        case Kind::read:
        case Kind::lock:
        case Kind::unlock:  // a full disk must not keep people from reading; what a migration writes is small
        case Kind::scrub:
        case Kind::end_fold:
        case Kind::rest: return true;
        case Kind::write:
        case Kind::reseal:
        case Kind::vacuum:
            if (is_too_far_ahead(store)) {
                store.is_waiting = true;  // until its fold is over
                store.waits_for_fold = true;
                return false;
            }
            if (promised_bytes() + kPromisedBytes <= space_bytes_) {
                return true;
            }
            store.is_waiting = true;
            wants_space_ = true;
            if (retry_ != TimerId::none) {
                // What was accepted already waits for space; nothing is added to it.
                seams_.clock.defer([this, alive = std::weak_ptr(alive_)] {
                    if (!alive.expired()) {
                        refuse_waiting(
                            Error{Fault::disk_full, "a log disk is full; free space on it and try again"});
                    }
                });
            }
            pump_log();
            return false;
        case Kind::restore:
        case Kind::fold:
            if (store.is_folding) {
                store.is_waiting = true;
                store.waits_for_fold = true;
                return false;
            }
            if (store.newest <= durable_) {
                return true;
            }
            store.is_waiting = true;  // only what is durable may be folded, or is found in the log
            hold(store.newest, [this, &store] {
                store.is_waiting = false;
                advance(store);
            });
            return false;
    }
    return true;
}

void LoopStorage::start(Store& store, ItemPtr item) {
    store.is_busy = true;
    store.is_rested = item->kind == Kind::rest;
    if (item->kind == Kind::read || item->kind == Kind::write || item->kind == Kind::unlock) {
        store.was_used = true;
        store.used_at = ++uses_;
    }
    if (item->kind == Kind::fold) {
        store.fold_began = log_bytes_;
    }
    writers_ += is_writing(*item) ? 1 : 0;
    const auto report = std::make_shared<LaneReport>();
    auto job = [lane = store.lane_side, item, report, make_cipher = options_.parts.page_cipher,
                through = durable_,
                limits = RestoreLimits{options_.restore_part_pages, options_.restore_pages_limit},
                unfolded = item->is_further_step ? store.fold_failure : std::nullopt] {
        switch (item->kind) {
            case Kind::unlock:
                *report = lane->unlock(make_cipher, std::move(item->ring), item->migrations);
                return;
            case Kind::lock: *report = lane->lock(); return;
            case Kind::read:
            case Kind::write:
                *report = lane->transact(item->kind == Kind::read ? Access::read : Access::write, item->job);
                item->job = nullptr;  // what it captured goes here, not on the loop later
                return;
            case Kind::fold: *report = lane->begin_fold(through); return;
            case Kind::end_fold: *report = lane->end_fold(*item->fold); return;
            case Kind::rest: *report = lane->rest(); return;
            case Kind::reseal: *report = lane->reseal(); return;
            case Kind::vacuum: *report = lane->vacuum(); return;
            case Kind::restore:
                *report =
                    unfolded ? lane->give_up_restoring(*unfolded)
                             : lane->prepare_to_restore(item->disks, item->point, limits, item->is_plan_only);
                return;
            case Kind::scrub: *report = lane->scrub(item->first_page, item->page_count); return;
        }
    };
    seams_.workers.run(store.lane, std::move(job),
                       [this, alive = std::weak_ptr(alive_), &store, item, report] {
                           if (!alive.expired()) {
                               finish(store, item, std::move(*report));
                           }
                       });
}

void LoopStorage::finish(Store& store, const ItemPtr& item, LaneReport report) {
    store.is_busy = false;
    writers_ -= is_writing(*item) ? 1 : 0;
    if (report.commit && !fatal_) {
        store.newest = queue_record(std::move(*report.commit));
        store.unfolded_since = store.unfolded_since.value_or(log_bytes_);
    }
    report.commit.reset();
    Status status = std::move(report.status);
    report.status = {};
    count_memory(store.last.memory_bytes, report.memory_bytes);
    note_repairs(store, report, item->kind == Kind::scrub);
    store.last = std::move(report);
    if (item->kind == Kind::unlock) {
        const bool is_lock_queued = std::any_of(store.queue.begin(), store.queue.end(),
                                                [](const ItemPtr& each) { return each->kind == Kind::lock; });
        store.is_unlocked = store.last.is_unlocked && !is_lock_queued;
        if (is_reseal_due(store)) {
            arm_reseal(kResealPause);
        }
    }
    if (!store.last.note.empty()) {
        note_scrub(std::exchange(store.last.note, {}));
    }
    if (store.last.fold) {
        item->fold = std::move(store.last.fold);
        run_fold(store, item);
    } else if (item->kind == Kind::fold || item->kind == Kind::end_fold) {
        finish_fold(store, status);
    }
    if (item->kind == Kind::scrub) {
        finish_scrub(store, *item);
    }
    if (item->kind == Kind::restore && go_on_restoring(store, item)) {
        return;
    }
    if (item->done && !(item->kind == Kind::fold && store.is_folding)) {
        hold(store.newest,
             [this, item, status = std::move(status)] { answer(std::move(item->done), status); });
    }
    consider_fold(store);
    pump_log();
    advance(store);
    wake_waiting();
    rest_for_memory();
}

void LoopStorage::wake_waiting() {
    for (const auto& [id, store] : stores_) {
        if (store->is_waiting && !store->queue.empty() && store->queue.front()->kind != Kind::fold &&
            store->queue.front()->kind != Kind::restore) {
            store->is_waiting = false;
            advance(*store);
        }
    }
}

void LoopStorage::answer(Done done, Status status) {
    if (!done) {
        return;
    }
    if (fatal_) {
        status = *fatal_;
    }
    // Never inside the call, nor inside our own loops over stores and queues.
    seams_.clock.defer([alive = std::weak_ptr(alive_), done = std::move(done), status = std::move(status)] {
        if (!alive.expired()) {
            done(status);
        }
    });
}

}  // namespace firedrill::store
