// LoopStorage's memory: stores that nobody uses give it back and open again on demand, so that a node may
// have thousands of them.
#include <algorithm>

#include "store/storage_loop.h"

namespace firedrill::store {

void LoopStorage::count_memory(std::uint64_t before, std::uint64_t now) {
    memory_bytes_ += now;
    memory_bytes_ -= std::min(memory_bytes_, before);
}

/// At each tick: a store that nobody used since the one before is folded, and rests at the next.
void LoopStorage::rest_unused() {
    for (const auto& [id, store] : stores_) {
        const bool was_used = std::exchange(store->was_used, false);
        if (was_used || store->is_busy || !store->queue.empty() || store->last.memory_bytes == 0) {
            continue;
        }
        if (store->last.unfolded_bytes > 0 && !store->fold_failure && !store->is_folding && !fatal_) {
            store->is_fold_queued = true;
            auto item = std::make_shared<Item>();
            item->kind = Kind::fold;
            enqueue(*store, std::move(item));
        } else if (!store->is_rested) {
            rest(*store);
        }
    }
}

/// Over the limit those that were used longest ago rest, until three quarters of it are left.
void LoopStorage::rest_for_memory() {
    if (memory_bytes_ <= std::max(options_.memory_limit_bytes, rest_above_)) {
        return;
    }
    std::vector<Store*> idle;
    for (const auto& [id, store] : stores_) {
        if (!store->is_busy && !store->is_rested && store->queue.empty() && store->last.memory_bytes > 0) {
            idle.push_back(store.get());
        }
    }
    std::sort(idle.begin(), idle.end(),
              [](const Store* left, const Store* right) { return left->used_at < right->used_at; });
    std::uint64_t left = memory_bytes_;
    for (Store* store : idle) {
        if (left <= options_.memory_limit_bytes / 4 * 3) {
            break;
        }
        left -= std::min(left, store->last.memory_bytes);
        rest(*store);
    }
    // When everybody is at work nobody can rest: look again once it has grown by a quarter of the limit.
    rest_above_ = left > options_.memory_limit_bytes ? memory_bytes_ + options_.memory_limit_bytes / 4 : 0;
}

void LoopStorage::rest(Store& store) {
    auto item = std::make_shared<Item>();
    item->kind = Kind::rest;
    enqueue(store, std::move(item));
}

}  // namespace firedrill::store
