// CHECK: the assertion that stays on in every build (there is no NDEBUG build).
//
// For bugs of ours only: a CHECK that fails prints one line and aborts. Input from disk, network or people is
// never CHECKed; it is answered with a Result. Callable from any thread.
#pragma once

namespace firedrill {

/// Prints "file:line: CHECK failed: text" to standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* text) noexcept;

}  // namespace firedrill

#define CHECK(condition)                                               \
    do {                                                               \
        if (!(condition)) [[unlikely]] {                               \
            ::firedrill::check_failed(__FILE__, __LINE__, #condition); \
        }                                                              \
    } while (false)
