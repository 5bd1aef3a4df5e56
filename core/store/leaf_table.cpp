#include "store/leaf_table.h"

#include <algorithm>

#include "base/check.h"

namespace firedrill::store {

namespace {

/// A node of the map of changed leaves.
constexpr std::uint64_t kBeforeBytes = 112;

}  // namespace

void LeafTable::make_room(State& state, PageNumber count) {
    const std::size_t wanted = (std::size_t{count} + kRun - 1) / kRun;
    if (state.runs.size() < wanted) {
        state.runs.resize(wanted);
    }
    for (std::size_t i = state.size / kRun; i < wanted; ++i) {
        std::vector<Leaf>& run = state.runs[i];
        const std::size_t length = std::min<std::size_t>(kRun, count - i * kRun);
        if (run.size() < length) {
            const std::size_t before = run.capacity();
            if (before < length) {
                run.reserve(std::min<std::size_t>(kRun, length + length / 4 + 16));
            }
            run.resize(length);
            state.run_bytes += (run.capacity() - before) * sizeof(Leaf);
        }
    }
}

/// Runs beyond the size, which a shrinking left because something was frozen.
void LeafTable::give_back(State& state) {
    const std::size_t wanted = (std::size_t{state.size} + kRun - 1) / kRun;
    while (state.runs.size() > wanted) {
        state.run_bytes -= state.runs.back().capacity() * sizeof(Leaf);
        state.runs.pop_back();
    }
}

void LeafTable::change(State& state, PageNumber count) {
    make_room(state, count);
    const bool is_frozen = state.is_frozen.load(std::memory_order_acquire);
    for (PageNumber index = state.size; index < count; ++index) {
        Leaf& leaf = state.runs[index / kRun][index % kRun];
        if (is_frozen && index < state.frozen_size) {
            state.before.try_emplace(index, leaf);
        }
        leaf = Leaf{};
    }
    state.size = count;
    if (!is_frozen) {
        give_back(state);
    }
}

void LeafTable::resize(PageNumber count) {
    State& state = *state_;
    if (!state.is_frozen.load(std::memory_order_acquire)) {
        change(state, count);
        return;
    }
    const std::lock_guard lock(state.mutex);
    change(state, count);
}

void LeafTable::set(PageNumber index, const Leaf& leaf) {
    State& state = *state_;
    Leaf& now = state.runs[index / kRun][index % kRun];
    if (!state.is_frozen.load(std::memory_order_acquire)) {
        now = leaf;
        return;
    }
    const std::lock_guard lock(state.mutex);
    if (state.is_frozen.load(std::memory_order_acquire) && index < state.frozen_size) {
        state.before.try_emplace(index, now);
    }
    now = leaf;
}

std::span<Leaf> LeafTable::fill(PageNumber index) {
    CHECK(index < state_->size);
    CHECK(!state_->is_frozen.load(std::memory_order_acquire));
    const std::size_t at = index % kRun;
    const std::size_t end = std::min<std::size_t>(kRun, state_->size - (index - at));
    return std::span(state_->runs[index / kRun]).subspan(at, end - at);
}

std::shared_ptr<FrozenLeaves> LeafTable::freeze() {
    CHECK(!state_->is_frozen.load(std::memory_order_acquire));
    give_back(*state_);
    return std::shared_ptr<FrozenLeaves>(new FrozenLeaves(state_));
}

std::uint64_t LeafTable::memory_bytes() const {
    State& state = *state_;
    std::uint64_t bytes = sizeof(State) + state.run_bytes + state.runs.capacity() * sizeof(state.runs[0]);
    if (state.is_frozen.load(std::memory_order_acquire)) {
        const std::lock_guard lock(state.mutex);
        bytes += state.before.size() * kBeforeBytes;
    }
    return bytes;
}

FrozenLeaves::FrozenLeaves(std::shared_ptr<LeafTable::State> state)
    : state_(std::move(state)), size_(state_->size) {
    state_->frozen_size = size_;
    state_->is_frozen.store(true, std::memory_order_release);
}

FrozenLeaves::~FrozenLeaves() {
    std::map<PageNumber, Leaf> before;  // goes after the lock
    const std::lock_guard lock(state_->mutex);
    before.swap(state_->before);
    state_->is_frozen.store(false, std::memory_order_release);
}

std::size_t FrozenLeaves::copy(PageNumber index, std::span<Leaf> out) const {
    CHECK(index <= size_);
    const std::size_t count = std::min<std::size_t>(out.size(), size_ - index);
    const std::lock_guard lock(state_->mutex);
    for (std::size_t done = 0; done < count;) {
        const std::size_t from = index + done;
        const std::size_t at = from % LeafTable::kRun;
        const std::size_t length = std::min<std::size_t>(count - done, LeafTable::kRun - at);
        const std::vector<Leaf>& run = state_->runs[from / LeafTable::kRun];
        std::copy_n(run.begin() + static_cast<std::ptrdiff_t>(at), length,
                    out.begin() + static_cast<std::ptrdiff_t>(done));
        done += length;
    }
    const auto end = state_->before.lower_bound(index + static_cast<PageNumber>(count));
    for (auto each = state_->before.lower_bound(index); each != end; ++each) {
        out[each->first - index] = each->second;
    }
    return count;
}

}  // namespace firedrill::store
