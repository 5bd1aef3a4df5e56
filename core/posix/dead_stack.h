// What functions that returned have left on a thread's stack, and its removal.
//
// Callable from any thread. The loop does it before it waits, workers when they have been idle for a moment.
#pragma once

namespace firedrill::posix {

/// Overwrites the 96 KiB below the caller's frame: all that is dead there.
void wipe_dead_stack() noexcept;

}  // namespace firedrill::posix
