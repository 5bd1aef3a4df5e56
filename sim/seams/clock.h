// SimClock: one node incarnation's clock over the universe's loop.
//
// Its monotonic time runs at a rate of its own (a ratio of integers), its wall clock is off by what it was
// told and may be stepped. kill() is the loss of power: whatever is pending is destroyed unrun, and the clock
// is inert for good.
#pragma once

#include "seams/clock.h"
#include "sim/seams/loop.h"

namespace firedrill::sim {

/// 2026-03-01T00:00:00Z, when every universe begins.
inline constexpr WallTime kUniverseStart{1'772'323'200'000'000'000};

/// `numerator` node seconds pass in `denominator` true seconds; both 1 to 2^30.
struct Drift {
    std::uint32_t numerator = 1;
    std::uint32_t denominator = 1;
};

class SimClock final : public Clock {
  public:
    /// `offset`: what the node's monotonic clock shows now (the time since its boot).
    explicit SimClock(SimLoop& loop, Duration offset = 0s, Drift drift = {});
    ~SimClock() override { kill(); }
    SimClock(const SimClock&) = delete;
    SimClock& operator=(const SimClock&) = delete;

    Instant now() const override;
    WallTime wall() const override;
    void defer(Handler handler) override;
    TimerId call_at(Instant at, Handler handler) override;
    void cancel(TimerId id) override { loop_.cancel(id); }

    void step_wall(Duration by) { wall_error_ += by; }
    /// From now on; pending timers move with it.
    void set_drift(Drift drift);
    void kill() { loop_.drop(owner_); }
    [[nodiscard]] bool is_killed() const { return loop_.is_dropped(owner_); }
    [[nodiscard]] Owner owner() const noexcept { return owner_; }
    [[nodiscard]] SimLoop& loop() const noexcept { return loop_; }

  private:
    [[nodiscard]] Instant loop_instant(Instant node) const;

    SimLoop& loop_;
    Owner owner_;
    Queue deferred_;
    Queue timers_;
    Instant loop_base_;
    Instant node_base_;
    Drift drift_;
    Duration wall_error_ = 0s;
    WallTime wall_base_;
};

}  // namespace firedrill::sim
