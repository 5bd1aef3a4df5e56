// SimLoop: the universe's one ready queue and one timer heap, in virtual time.
//
// One thread. Time moves only in step(), and only when nothing is ready. Ties are broken by sequence numbers,
// so one program and one seed give one history. Everything belongs to an owner (a node incarnation, the
// network, a person); drop() destroys an owner's handlers unrun, as a loss of power does. Handlers of one
// queue run in the order they became ready, in storms too; between queues a storm picks at random.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "seams/clock.h"
#include "sim/seams/random.h"

namespace firedrill::sim {

enum class Owner : std::uint32_t { world = 0 };  ///< whose handler it is; world's are never dropped
enum class Queue : std::uint64_t { world = 0 };  ///< what must stay in order

/// Why a run ended.
enum class RunEnd : std::uint8_t {
    reached,  ///< the instant or the predicate
    idle,     ///< nothing ready and no timer: nothing will ever happen again
};

class SimLoop {
  public:
    SimLoop() = default;
    ~SimLoop();
    SimLoop(const SimLoop&) = delete;
    SimLoop& operator=(const SimLoop&) = delete;

    [[nodiscard]] Instant now() const noexcept { return now_; }
    Owner new_owner();
    Queue new_queue();

    /// Ignored, the handler destroyed, when the owner was dropped.
    void post(Owner owner, Queue queue, Handler handler);
    void post(Handler handler) { post(Owner::world, Queue::world, std::move(handler)); }
    /// `rank` orders timers of the same instant before their sequence numbers do. TimerId::none for a dropped
    /// owner.
    TimerId call_at(Owner owner, Queue queue, Instant at, std::int64_t rank, Handler handler);
    TimerId call_at(Instant at, Handler handler) {
        return call_at(Owner::world, Queue::world, at, 0, std::move(handler));
    }
    TimerId call_after(Duration delay, Handler handler) { return call_at(now_ + delay, std::move(handler)); }
    void cancel(TimerId id);
    /// Destroys everything the owner has pending, and whatever it gives from now on. For good.
    void drop(Owner owner);
    [[nodiscard]] bool is_dropped(Owner owner) const;
    /// Moves an owner's pending timers, for a clock whose rate changed: `map` takes a timer's rank to its new
    /// instant.
    void retime(Owner owner, const std::function<Instant(std::int64_t rank)>& map);

    /// Runs one handler, moving time to the next timer if none is ready. False when idle.
    bool step();
    /// Runs all that happens up to and including `at`, and leaves now() there even when idle earlier.
    RunEnd run_until(Instant at);
    RunEnd run_for(Duration duration) { return run_until(now_ + duration); }
    /// Runs until `is_done` says so; it is asked before each step.
    RunEnd run_until(const std::function<bool()>& is_done);
    /// Runs until nothing is left to do.
    void run_to_idle();

    /// From now on a random ready queue goes first. nullopt ends the storm.
    void set_storm(std::optional<Random> random) { storm_ = random; }
    [[nodiscard]] std::uint64_t event_count() const noexcept { return event_count_; }
    /// Called before each handler with (instant, owner, how many ran before): the caller hashes it.
    using Trace = std::function<void(Instant, Owner, std::uint64_t)>;
    void set_trace(Trace trace) { trace_ = std::move(trace); }

  private:
    struct Timer {
        std::uint32_t generation = 1;
        bool is_set = false;
        Owner owner{};
        Queue queue{};
        Instant at;
        std::int64_t rank = 0;
        std::uint64_t sequence = 0;
        Handler handler;
    };
    struct HeapEntry {
        Instant at;
        std::int64_t rank;
        std::uint64_t sequence;
        TimerId id;
    };
    struct Later {
        bool operator()(const HeapEntry& a, const HeapEntry& b) const noexcept;
    };
    struct Ready {
        Owner owner;
        Queue queue;
        TimerId timer;  ///< none: `handler` holds it
        Handler handler;
    };
    Timer* find(TimerId id);
    Handler release(TimerId id);
    void push_heap_entry(const Timer& timer, TimerId id);
    [[nodiscard]] std::optional<Instant> next_timer();
    void pop_heap_entry();
    void take_due();
    [[nodiscard]] std::size_t choose();
    bool run_ready();

    Instant now_;
    std::uint64_t next_sequence_ = 1;
    std::uint64_t next_queue_ = 1;
    std::uint64_t event_count_ = 0;
    std::vector<bool> dropped_{false};
    std::deque<Ready> ready_;
    std::vector<HeapEntry> heap_;
    std::vector<Timer> timers_;
    std::vector<std::uint32_t> free_timers_;
    std::optional<Random> storm_;
    Trace trace_;
};

}  // namespace firedrill::sim
