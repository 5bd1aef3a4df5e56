// LoopStorage's folds: when one is due, where its long part runs, what becomes of the writers meanwhile.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "store/storage_limits.h"
#include "store/storage_loop.h"

namespace firedrill::store {

void LoopStorage::fold(Done done) {
    struct Round {
        std::size_t left = 1;
        Status first;
        Done done;
    };
    const auto round = std::make_shared<Round>();
    round->done = std::move(done);
    const auto finish_one = [this, round](Status status) {
        if (!status && round->first) {
            round->first = std::move(status);
        }
        if (--round->left == 0) {
            answer(std::move(round->done), std::move(round->first));
        }
    };
    for (const auto& [id, store] : stores_) {
        if (store->last.unfolded_bytes == 0 && !store->last.wants_fold && !store->is_busy &&
            store->queue.empty()) {
            continue;
        }
        ++round->left;
        fold_store(id, finish_one);
    }
    finish_one({});
}

void LoopStorage::fold_store(StoreId id, Done done) {
    const auto found = stores_.find(id);
    if (found == stores_.end()) {
        answer(std::move(done), {});
        return;
    }
    auto item = std::make_shared<Item>();
    item->kind = Kind::fold;
    item->done = std::move(done);
    enqueue(*found->second, std::move(item));
}

/// The long part of a fold, beside the store's own lane: commits and reads do not wait for it.
void LoopStorage::run_fold(Store& store, ItemPtr item) {
    store.is_folding = true;
    frozen_.emplace_back(&store, std::move(item));
    start_folds();
}

/// As many as there are lanes for folds: none waits behind a slow one while another lane is free.
void LoopStorage::start_folds() {
    for (std::size_t lane = 0; lane < kFoldLanes.size() && !frozen_.empty(); ++lane) {
        if (is_fold_lane_busy_[lane]) {
            continue;
        }
        is_fold_lane_busy_[lane] = true;
        const auto next = std::move(frozen_.front());
        frozen_.pop_front();
        seams_.workers.run(
            kFoldLanes[lane], [fold = next.second->fold] { fold->run(); },
            [this, alive = std::weak_ptr(alive_), store = next.first, item = next.second, lane] {
                if (!alive.expired()) {
                    is_fold_lane_busy_[lane] = false;
                    take_over_fold(*store, *item);
                    start_folds();
                }
            });
    }
}

void LoopStorage::take_over_fold(Store& store, Item& item) {
    if (fatal_) {
        answer(std::move(item.done), {});
        return;
    }
    store.folded = std::make_shared<Item>();
    store.folded->kind = Kind::end_fold;
    store.folded->done = std::move(item.done);
    store.folded->fold = std::move(item.fold);
    advance(store);
}

void LoopStorage::finish_fold(Store& store, const Status& status) {
    store.is_folding = false;
    store.is_fold_queued = false;
    note_fold(store, status);
    store.fold_at_bytes = store.last.unfolded_bytes + options_.fold_after_bytes;
    store.unfolded_since = store.last.unfolded_bytes == 0 ? std::nullopt : std::optional(store.fold_began);
    rest_above_ = 0;  // what is folded can rest
    if (std::exchange(store.waits_for_fold, false)) {
        store.is_waiting = false;
    }
}

/// The first failure and the end of it are said; the time between is in health().
void LoopStorage::note_fold(Store& store, const Status& status) {
    if (status && store.fold_failure) {
        tell(fmt::format("store {} is folded again, after it could not be since {}.", to_hex(store.id),
                         format_utc(store.fold_fails_since)));
    } else if (!status && !store.fold_failure) {
        store.fold_fails_since = seams_.clock.wall();
        tell(
            fmt::format("store {} cannot be folded: {}. Its newest commits stand in the log alone; it is "
                        "tried again until it succeeds.",
                        to_hex(store.id), status.error().text));
    }
    store.fold_failure = status ? std::nullopt : std::optional(status.error());
    store.fold_again = seams_.clock.now() + kTickPeriod;
}

void LoopStorage::consider_fold(Store& store) {
    const bool is_again = store.fold_failure && seams_.clock.now() >= store.fold_again;
    const bool is_idle = !store.last.is_unlocked && store.queue.empty() && !store.fold_failure;
    const bool is_old =
        store.unfolded_since && log_bytes_ - *store.unfolded_since >= options_.unfolded_log_limit;
    const bool is_due = store.last.unfolded_bytes >= store.fold_at_bytes || is_old ||
                        ((is_idle || is_again) && store.last.unfolded_bytes > 0) ||
                        (store.last.wants_fold && (!store.fold_failure || is_again));
    if (!is_due || store.is_fold_queued || store.is_folding || !store.last.damage.empty() || fatal_) {
        return;
    }
    store.is_fold_queued = true;
    auto item = std::make_shared<Item>();
    item->kind = Kind::fold;
    store.queue.push_front(std::move(item));
}

/// A data disk that cannot be folded to must not make memory grow for ever.
std::optional<Error> LoopStorage::backlog(const Store& store) const {
    if (!store.fold_failure || store.last.unfolded_bytes < options_.fold_after_bytes * kBacklogFolds) {
        return std::nullopt;
    }
    return Error{store.fold_failure->fault,
                 fmt::format("store {} cannot be folded: {}", to_hex(store.id), store.fold_failure->text)};
}

/// A fold that takes long must not make memory grow for ever either: the store's own writers wait for it.
bool LoopStorage::is_too_far_ahead(const Store& store) const {
    return store.is_folding && store.last.unfolded_bytes >= options_.fold_after_bytes * kBacklogFolds;
}

}  // namespace firedrill::store
