// SegmentReader: the one reader of segments. What a sound segment is, is decided here and nowhere else: the
// walk, scrub, the check of a copy, the filling of a disk that came back and the removal of old segments all
// ask it.
//
// Internal to the log; reads one file on one disk forward through a window. Believes nothing that it did not
// recompute, needs no key, changes nothing. Blocking; one thread at a time.
//
// A segment is sound in four parts, each on its own:
//  1. start: the header parses and names this very file; the slots document has its digest; the padding
//  behind
//     it is zero.
//  2. records: from the start on each is whole in itself (chain hash, shape, leaves of its pages, zero
//     padding), has the next LSN, and names the chain hash so far.
//  3. close mark: behind the last record; it names that LSN, that chain hash and the index of exactly these
//     records, is signed by the header's signer, and is padded with zeroes.
//  4. end: the file ends with the close mark. Bytes behind it, zeroes too, are a fault: closing cuts off what
//     was allocated.
// `closed`: all four hold. `open`: parts 1 and 2 hold, and behind the last record there is nothing but zeroes
// or the end of the file: a segment that is written still, or one whose close mark never came. Everything
// else is `unsound`; which part is wrong is the SegmentFlaw. Whether the signer's key is one of the node's,
// and whether the header goes on where the segment before ended, the caller knows.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "seams/disk.h"
#include "store/log_format.h"

namespace firedrill::store {

/// Part 1 of a segment.
struct SegmentStart {
    SegmentHeader header;
    ByteView bytes;  ///< header, slots, padding: records_offset() of them. Valid until the reader's next call
    [[nodiscard]] ByteView slots() const { return bytes.subspan(kSegmentHeaderSize, header.slots_size); }
};

/// Between two records.
struct SegmentPlace {
    std::uint64_t offset = 0;
    Lsn next = 0;
    Digest chain;  ///< what the next record must name: the chain hash so far
};
SegmentPlace first_place(const SegmentHeader& header);
SegmentPlace place_after(const SegmentPlace& place, const RecordHead& head);

/// What a close mark must say: where the records end and what they were.
struct SegmentEnd {
    std::uint64_t offset = 0;
    Lsn last = 0;                         ///< header.first − 1 when there is no record
    Digest chain;                         ///< of the last record; header.previous when there is none
    const SegmentIndex* index = nullptr;  ///< of all records
};

class SegmentReader {
  public:
    static Result<SegmentReader> open(Disk& disk, const SegmentName& name, std::size_t source);

    /// Up to `size` bytes at `offset`, fewer at the end of the file. Valid until the next call.
    Result<ByteView> view(std::uint64_t offset, std::uint64_t size);

    /// A header that parses and names this file; nullopt when it does not. newer_format; faults of the disk.
    Result<std::optional<SegmentHeader>> header();
    /// Part 1; nullopt when it is not sound. newer_format; faults of the disk.
    Result<std::optional<SegmentStart>> start();
    /// Part 2: the record that goes on at `place`; nullopt when none does. Faults of the disk only.
    Result<std::optional<RecordView>> next_record(const SegmentPlace& place);
    /// Parts 3 and 4: the close mark at `end`; nullopt when there is no sound one. Faults of the disk only.
    Result<std::optional<CloseMark>> close_mark(const SegmentHeader& header, const SegmentEnd& end);

    /// A record at `offset` that is sound in itself, wherever it belongs; nullopt when there is none. Faults
    /// of the disk only.
    Result<std::optional<RecordView>> record_at(std::uint64_t offset);
    /// The close mark at the end of the file, found by the last bytes. It vouches for itself, and for the
    /// records only as its signer saw them.
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
    SegmentReader() = default;
    Result<std::optional<CloseMark>> close_mark_at(std::uint64_t offset, const SegmentHeader& header);

    std::unique_ptr<File> file_;
    SegmentName name_;
    std::size_t source_ = 0;
    std::uint64_t size_ = 0;
    Bytes window_;
    std::uint64_t window_at_ = 0;
    std::uint64_t bytes_read_ = 0;
};

enum class SegmentState : std::uint8_t { closed, open, unsound };
/// The first part that is wrong.
enum class SegmentFlaw : std::uint8_t {
    none,
    header,      ///< part 1: no header of this file
    slots,       ///< part 1: another slots document, or padding that is not zero
    record,      ///< part 2: neither the next record nor a sound end
    close_mark,  ///< parts 3, 4: all records before it are sound; itself, or what is behind it, is not
};

/// A whole segment, as one file has it.
struct SegmentReading {
    SegmentState state = SegmentState::unsound;
    SegmentFlaw flaw = SegmentFlaw::header;
    SegmentHeader header;  ///< with any flaw but `header`
    Lsn last = 0;          ///< of the sound records; header.first − 1 if none
    Digest chain;          ///< of record `last`; header.previous if none
    SegmentIndex index;    ///< of the sound records
    std::uint64_t end =
        0;            ///< of the sound records, or of the sound close mark: where to go on, or what is wrong
    WallTime closed;  ///< closed: what the mark says, a label
    [[nodiscard]] bool is_through(Lsn lsn) const {
        return flaw != SegmentFlaw::header && flaw != SegmentFlaw::slots && last >= lsn;
    }
};
using SegmentProgress = std::function<void(std::uint64_t bytes)>;  ///< `bytes` more were read

/// Reads it from its first byte to its last. `until`: records above it are not looked at, nor what follows
/// them (0: all): for a segment that the history left at a branch; then `state` is open. Not found,
/// unreadable, or of a newer format: the disk's fault, newer_format.
Result<SegmentReading> read_segment(Disk& disk, const SegmentName& name, Lsn until = 0,
                                    const SegmentProgress& progress = {});
/// Is it closed and sound on this disk? A file that cannot be read is not. powered_off.
Result<bool> is_sound_segment(Disk& disk, const SegmentName& name);
/// Are its start and its records through `last` sound? What follows them is not looked at: a close mark can
/// be made anew from the records. powered_off.
Result<bool> is_sound_through(Disk& disk, const SegmentName& name, Lsn last);

}  // namespace firedrill::store
