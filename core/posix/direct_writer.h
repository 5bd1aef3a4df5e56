// DirectWriter: writes past the page cache, for bytes that are synced at once and seldom read again. Private
// to posix.
//
// A log's record and its sync cost a quarter less processor time this way: nothing is copied into the cache,
// and the sync has no dirty pages to look for. Reads through the cache see what was written (open(2),
// O_DIRECT: Linux drops cached pages of the range before and after). Where a file system, a device with
// larger blocks or a missing /proc does not allow it, the caller writes as usual: the bytes and their
// durability are the same.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "posix/handle.h"

namespace firedrill::posix {

/// Offsets and sizes of direct writes are multiples of it: a logical block of most devices.
inline constexpr std::size_t kDirectUnit = 512;

class DirectWriter {
  public:
    /// Writes all pieces one after another from `offset` into the file open as `fd`. Not durable. False: not
    /// possible here or for this range; a prefix may have been written, and writing all of it as usual is
    /// right. Failures: those of File::write_at, worded with `label`. Holds 256 KiB from its first use on.
    Result<bool> write(int fd, std::uint64_t offset, std::span<const ByteView> pieces,
                       const std::string& label);

  private:
    Result<bool> write_run(std::uint64_t offset, ByteView bytes, const std::string& label);

    struct Free {
        void operator()(Byte* bytes) const;
    };
    std::unique_ptr<Byte, Free> buffer_;  // aligned as devices want it
    Handle file_;
    bool is_refused_ = false;
};

}  // namespace firedrill::posix
