// Clock: what a node may know of time, and the loop's ready queue. One of the five seams.
//
// One loop a node; every call here is made on that loop, and every handler runs on it, one at a time.
// Invariants, held by the real and the simulated clock alike (tests/seams/clock_contract.h):
//  1. now() and wall() are constant while one handler runs; now() never goes back.
//  2. Handlers given to defer() run in the order given, never inside the call that gave them.
//  3. A timer runs at or after its instant; timers of earlier instants run first; ties in the order they were
//     set.
//  4. A cancelled timer never runs. Cancelling one that ran or never was does nothing.
//  5. After the loop is stopped or the node loses power nothing runs; handlers are destroyed unrun.
#pragma once

#include <cstdint>
#include <functional>

#include "base/time.h"

namespace firedrill {

using Handler = std::function<void()>;

enum class TimerId : std::uint64_t { none = 0 };

class Clock {
  public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
    virtual WallTime wall() const = 0;
    /// Runs `handler` soon, on the loop.
    virtual void defer(Handler handler) = 0;
    /// Runs `handler` once at `at` or soon after it. Never TimerId::none.
    virtual TimerId call_at(Instant at, Handler handler) = 0;
    virtual void cancel(TimerId id) = 0;
};

}  // namespace firedrill
