// LoopStorage's pace of sealing pages of replaced keys anew: one step at a time on the whole node, and pauses
// much longer than the steps, so that nobody waits for it.
#include <algorithm>

#include "store/storage_limits.h"
#include "store/storage_loop.h"

namespace firedrill::store {

bool LoopStorage::is_reseal_due(const Store& store) {
    const ResealState state = store.last.reseal.state;
    return store.is_unlocked && (state == ResealState::looking || state == ResealState::sealing);
}

void LoopStorage::arm_reseal(Duration pause) {
    if (reseal_timer_ != TimerId::none || is_reseal_under_way_ || fatal_) {
        return;
    }
    reseal_timer_ = seams_.clock.call_at(seams_.clock.now() + pause, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) {
            reseal_timer_ = TimerId::none;
            reseal_next();
        }
    });
}

/// The stores take turns. When none is due the timer rests until one is opened.
void LoopStorage::reseal_next() {
    if (fatal_) {
        return;
    }
    auto at = stores_.upper_bound(reseal_store_);
    for (std::size_t i = 0; i < stores_.size(); ++i, ++at) {
        at = at == stores_.end() ? stores_.begin() : at;
        if (is_reseal_due(*at->second)) {
            break;
        }
    }
    if (at == stores_.end() || !is_reseal_due(*at->second)) {
        return;
    }
    if (is_log_full_) {
        arm_reseal(kResealRetry);
        return;
    }
    reseal_store_ = at->first;
    is_reseal_under_way_ = true;
    auto item = std::make_shared<Item>();
    item->kind = Kind::reseal;
    item->done = [this, began = seams_.clock.now()](const Status& status) { finish_reseal(began, status); };
    enqueue(*at->second, std::move(item));
}

/// What the step wrote is durable.
void LoopStorage::finish_reseal(Instant began, const Status& status) {
    is_reseal_under_way_ = false;
    const Duration took = seams_.clock.now() - began;
    arm_reseal(status ? std::max(kResealPause, kResealPauseSteps * took) : kResealRetry);
}

}  // namespace firedrill::store
