// Memory for secrets: locked into RAM where the system allows it, left out of core dumps, zeroised on
// release.
//
// Used by Secret only. Callable from any thread. When RLIMIT_MEMLOCK is exhausted the memory is not locked
// but otherwise treated the same; locked_memory() in secret.h tells how much is which.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace firedrill::crypto {

/// `size_bytes` (at least 1) zero bytes. Throws std::bad_alloc when the machine is out of memory.
Byte* arena_take(std::size_t size_bytes);
/// Zeroises and takes back what arena_take(size_bytes) gave.
void arena_give_back(Byte* data, std::size_t size_bytes) noexcept;

}  // namespace firedrill::crypto
