// SegmentCopy: one file of a segment on one disk, read forward through a window.
//
// Internal to the log. Blocking.
#pragma once

#include <memory>

#include "seams/disk.h"
#include "store/log_format.h"

namespace firedrill::store {

class SegmentCopy {
  public:
    static Result<SegmentCopy> open(Disk& disk, const SegmentName& name, std::size_t source);

    /// Up to `size` bytes at `offset`, fewer at the end of the file. Valid until the next call.
    Result<ByteView> view(std::uint64_t offset, std::uint64_t size);

    /// A record at `offset` that is sound in itself; nullopt when there is none. Faults of the disk only.
    Result<std::optional<RecordView>> record_at(std::uint64_t offset);
    /// The close mark at `offset`, if the file ends with it.
    Result<std::optional<CloseMark>> close_mark_at(std::uint64_t offset, const SegmentHeader& header);
    /// The close mark at the end of the file, found by the last bytes.
    Result<std::optional<CloseMark>> last_close_mark(const SegmentHeader& header);

    /// What lies beyond `offset`: where the last byte that is not zero ends, and what the sound records there
    /// prove.
    struct Beyond {
        std::uint64_t end = 0;  ///< == offset when there are only zeroes
        Lsn proven = 0;         ///< highest LSN shown to have been durable
        Lsn next_sound = 0;     ///< LSN of the first sound record; 0 if none
        Lsn last_sound = 0;     ///< highest LSN of a sound record; 0 if none
    };
    Result<Beyond> look_beyond(std::uint64_t offset, const SegmentHeader& header);

    [[nodiscard]] std::size_t source() const noexcept { return source_; }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_; }
    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

  private:
    SegmentCopy() = default;
    std::unique_ptr<File> file_;
    std::size_t source_ = 0;
    std::uint64_t size_ = 0;
    Bytes window_;
    std::uint64_t window_at_ = 0;
    std::uint64_t bytes_read_ = 0;
};

}  // namespace firedrill::store
