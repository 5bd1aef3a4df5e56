#include "posix/dead_stack.h"

#include <string.h>

namespace firedrill::posix {

namespace {
constexpr unsigned kDeadBytes = 96 * 1024;  // far below the smallest stack, 8 MiB
}

__attribute__((noinline)) void wipe_dead_stack() noexcept {
    char dead[kDeadBytes];
    ::explicit_bzero(dead, sizeof dead);
}

}  // namespace firedrill::posix
