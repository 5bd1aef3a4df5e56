#include "sim/seams/loop.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace firedrill::sim {

namespace {

TimerId make_id(std::size_t slot, std::uint32_t generation) {
    return static_cast<TimerId>((static_cast<std::uint64_t>(generation) << 32) | slot);
}
std::size_t slot_of(TimerId id) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id));
}
std::uint32_t generation_of(TimerId id) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32);
}

}  // namespace

bool SimLoop::Later::operator()(const HeapEntry& a, const HeapEntry& b) const noexcept {
    if (a.at != b.at) {
        return a.at > b.at;
    }
    return a.rank != b.rank ? a.rank > b.rank : a.sequence > b.sequence;
}

SimLoop::~SimLoop() {
    // What handlers own may reach back into the loop when it goes: it must find an orderly loop, and nothing
    // to add to.
    for (std::size_t i = 0; i < dropped_.size(); ++i) {
        dropped_[i] = true;
    }
    std::deque<Ready> ready;
    std::swap(ready, ready_);
    std::vector<Handler> handlers;
    for (Timer& timer : timers_) {
        handlers.push_back(std::exchange(timer.handler, nullptr));
        timer.is_set = false;
    }
}

Owner SimLoop::new_owner() {
    dropped_.push_back(false);
    return static_cast<Owner>(dropped_.size() - 1);
}

Queue SimLoop::new_queue() {
    return static_cast<Queue>(next_queue_++);
}

bool SimLoop::is_dropped(Owner owner) const {
    return dropped_.at(static_cast<std::size_t>(owner));
}

void SimLoop::post(Owner owner, Queue queue, Handler handler) {
    CHECK(handler != nullptr);
    if (!is_dropped(owner)) {
        ready_.push_back({owner, queue, TimerId::none, std::move(handler)});
    }
}

TimerId SimLoop::call_at(Owner owner, Queue queue, Instant at, std::int64_t rank, Handler handler) {
    CHECK(handler != nullptr);
    if (is_dropped(owner)) {
        return TimerId::none;
    }
    if (free_timers_.empty()) {
        timers_.emplace_back();
        free_timers_.push_back(static_cast<std::uint32_t>(timers_.size() - 1));
    }
    const std::uint32_t slot = free_timers_.back();
    free_timers_.pop_back();
    Timer& timer = timers_[slot];
    timer.is_set = true;
    timer.owner = owner;
    timer.queue = queue;
    timer.at = at;
    timer.rank = rank;
    timer.sequence = next_sequence_++;
    timer.handler = std::move(handler);
    const TimerId id = make_id(slot, timer.generation);
    push_heap_entry(timer, id);
    return id;
}

void SimLoop::push_heap_entry(const Timer& timer, TimerId id) {
    heap_.push_back({timer.at, timer.rank, timer.sequence, id});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
}

SimLoop::Timer* SimLoop::find(TimerId id) {
    const std::size_t slot = slot_of(id);
    if (id == TimerId::none || slot >= timers_.size()) {
        return nullptr;
    }
    Timer& timer = timers_[slot];
    return timer.is_set && timer.generation == generation_of(id) ? &timer : nullptr;
}

Handler SimLoop::release(TimerId id) {
    Timer* timer = find(id);
    if (timer == nullptr) {
        return nullptr;
    }
    timer->is_set = false;
    ++timer->generation;
    free_timers_.push_back(static_cast<std::uint32_t>(slot_of(id)));
    return std::exchange(timer->handler, nullptr);
}

void SimLoop::cancel(TimerId id) {
    // Held until the slot is orderly again: destroying a handler may call back.
    const Handler cancelled = release(id);
}

void SimLoop::drop(Owner owner) {
    CHECK(owner != Owner::world);
    dropped_.at(static_cast<std::size_t>(owner)) = true;
    std::vector<Handler> doomed;
    std::deque<Ready> kept;
    for (Ready& ready : ready_) {
        if (ready.owner == owner) {
            doomed.push_back(std::move(ready.handler));
        } else {
            kept.push_back(std::move(ready));
        }
    }
    ready_ = std::move(kept);
    for (std::size_t slot = 0; slot < timers_.size(); ++slot) {
        if (timers_[slot].is_set && timers_[slot].owner == owner) {
            doomed.push_back(release(make_id(slot, timers_[slot].generation)));
        }
    }
}

void SimLoop::retime(Owner owner, const std::function<Instant(std::int64_t)>& map) {
    for (std::size_t slot = 0; slot < timers_.size(); ++slot) {
        Timer& timer = timers_[slot];
        // A timer that is due already waits in the ready queue and stays there.
        if (!timer.is_set || timer.owner != owner || timer.at <= now_) {
            continue;
        }
        timer.at = map(timer.rank);
        push_heap_entry(timer, make_id(slot, timer.generation));
    }
}

void SimLoop::pop_heap_entry() {
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    heap_.pop_back();
}

std::optional<Instant> SimLoop::next_timer() {
    while (!heap_.empty()) {
        const Timer* timer = find(heap_.front().id);
        if (timer != nullptr && timer->at == heap_.front().at) {
            return timer->at;
        }
        pop_heap_entry();
    }
    return std::nullopt;
}

void SimLoop::take_due() {
    for (auto next = next_timer(); next && *next <= now_; next = next_timer()) {
        const TimerId id = heap_.front().id;
        const Timer& timer = *find(id);
        pop_heap_entry();
        ready_.push_back({timer.owner, timer.queue, id, nullptr});
    }
}

std::size_t SimLoop::choose() {
    if (!storm_ || ready_.size() == 1) {
        return 0;
    }
    const Queue queue = ready_[storm_->below(ready_.size())].queue;
    for (std::size_t i = 0;; ++i) {
        if (ready_[i].queue == queue) {
            return i;
        }
    }
}

bool SimLoop::run_ready() {
    while (!ready_.empty()) {
        const std::size_t index = choose();
        Ready ready = std::move(ready_[index]);
        ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(index));
        Handler handler = ready.timer == TimerId::none ? std::move(ready.handler) : release(ready.timer);
        if (handler == nullptr) {
            continue;  // a timer cancelled after it was due
        }
        if (trace_) {
            trace_(now_, ready.owner, event_count_);
        }
        ++event_count_;
        handler();
        return true;
    }
    return false;
}

bool SimLoop::step() {
    take_due();
    while (!run_ready()) {
        const auto next = next_timer();
        if (!next) {
            return false;
        }
        now_ = std::max(now_, *next);
        take_due();
    }
    return true;
}

RunEnd SimLoop::run_until(Instant at) {
    while (true) {
        take_due();
        if (run_ready()) {
            continue;
        }
        const auto next = next_timer();
        if (!next || *next > at) {
            now_ = std::max(now_, at);
            return next ? RunEnd::reached : RunEnd::idle;
        }
        now_ = std::max(now_, *next);
    }
}

RunEnd SimLoop::run_until(const std::function<bool()>& is_done) {
    while (!is_done()) {
        if (!step()) {
            return RunEnd::idle;
        }
    }
    return RunEnd::reached;
}

void SimLoop::run_to_idle() {
    while (step()) {
    }
}

}  // namespace firedrill::sim
