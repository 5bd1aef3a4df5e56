#include "sim/seams/clock.h"

#include <algorithm>

#include "base/check.h"

namespace firedrill::sim {

namespace {

using Wide = __int128;

void check_drift(Drift drift) {
    CHECK(drift.numerator >= 1 && drift.numerator <= (1U << 30));
    CHECK(drift.denominator >= 1 && drift.denominator <= (1U << 30));
}

}  // namespace

SimClock::SimClock(SimLoop& loop, Duration offset, Drift drift)
    : loop_(loop),
      owner_(loop.new_owner()),
      deferred_(loop.new_queue()),
      timers_(loop.new_queue()),
      loop_base_(loop.now()),
      node_base_(Instant{} + offset),
      drift_(drift),
      wall_base_(kUniverseStart + (loop.now() - node_base_)) {
    check_drift(drift);
}

Instant SimClock::now() const {
    const Wide elapsed = (loop_.now() - loop_base_).count();
    return {node_base_.ns + static_cast<std::int64_t>(elapsed * drift_.numerator / drift_.denominator)};
}

WallTime SimClock::wall() const {
    return wall_base_ + (now() - Instant{}) + wall_error_;
}

Instant SimClock::loop_instant(Instant node) const {
    // The first loop instant at which now() is at least `node`: the division rounds up.
    const Wide wanted = (node - node_base_).count();
    if (wanted <= 0) {
        return loop_base_;
    }
    const Wide true_ns = (wanted * drift_.denominator + drift_.numerator - 1) / drift_.numerator;
    return {static_cast<std::int64_t>(std::min<Wide>(loop_base_.ns + true_ns, INT64_MAX))};
}

void SimClock::defer(Handler handler) {
    loop_.post(owner_, deferred_, std::move(handler));
}

TimerId SimClock::call_at(Instant at, Handler handler) {
    return loop_.call_at(owner_, timers_, loop_instant(at), at.ns, std::move(handler));
}

void SimClock::set_drift(Drift drift) {
    check_drift(drift);
    node_base_ = now();
    loop_base_ = loop_.now();
    drift_ = drift;
    loop_.retime(owner_, [this](std::int64_t rank) { return loop_instant({rank}); });
}

}  // namespace firedrill::sim
