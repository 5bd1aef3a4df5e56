// Secret: key material and passwords in memory that is locked, kept out of core dumps, and zeroised on
// release.
//
// Move-only; no operator<<, no operator==; compare with equal_secret(). Callable from any thread (one object,
// one thread at a time).
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"

namespace firedrill::crypto {

class Secret {
  public:
    Secret() noexcept = default;
    /// `size_bytes` zero bytes.
    explicit Secret(std::size_t size_bytes);
    explicit Secret(ByteView copy_of);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();  ///< zeroises

    [[nodiscard]] Secret copy() const { return Secret(view()); }
    [[nodiscard]] ByteView view() const noexcept { return {data_, size_}; }
    [[nodiscard]] MutableBytes mutable_view() noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return size_; }
    [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }

  private:
    Byte* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Constant time in the contents; false at once for different sizes.
bool equal_secret(ByteView a, ByteView b) noexcept;
/// Overwrites so that the compiler cannot drop it.
void zeroise(MutableBytes bytes) noexcept;
void zeroise(std::string& text) noexcept;

/// Memory set aside for secrets: locked into RAM, and not (RLIMIT_MEMLOCK was reached, or large opened
/// files).
struct LockedMemory {
    std::size_t locked_bytes = 0;
    std::size_t unlocked_bytes = 0;
};
LockedMemory locked_memory() noexcept;

}  // namespace firedrill::crypto
