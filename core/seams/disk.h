// Disk: one folder of flat names on one device. One of the five seams.
//
// Blocking: called only from jobs of Workers (or at start-up, before the loop serves). One File may be used
// by one thread at a time; different Files and Disk's own verbs may be used from different threads at once.
// Invariants, held by both worlds (tests/seams/disk_contract.h):
//  1. What was written is what is read back, before any sync, by every File of that name.
//  2. After power loss a byte range holds, for each 512-byte sector written since the last sync() of that
//     file that returned ok, the old bytes, those of any write since, or (torn) neither. Everything covered
//     by a sync is as written.
//  3. A created, renamed or removed name survives power loss for certain only after sync_names() returned ok.
//     rename() replaces the target atomically: after power loss the target is the old file or the new, never
//     none.
//  4. After a sync() or sync_names() that failed, nothing written since the last good one may be relied on,
//     and a later sync that succeeds proves nothing about it: the caller must stop or rewrite elsewhere.
//  5. sync() of a file that no name leads to any more (it was removed, or another took its place) is
//     disk_failed: after power loss nobody could find what it made durable.
//  6. The faults of any call: disk_failed, disk_full (nothing or a prefix was written), powered_off
//     (simulator).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace firedrill {

class File {
  public:
    virtual ~File() = default;  ///< closes; durability is unaffected
    /// Reads up to out.size() bytes at `offset`; fewer only at the end of the file (0 past it).
    virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) = 0;
    /// Writes all pieces one after another from `offset`, extending the file with zeroes as needed. Not
    /// durable.
    virtual Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) = 0;
    /// Sets the size; new bytes read as zero. Not durable.
    virtual Status truncate(std::uint64_t size_bytes) = 0;
    /// Reserves space so that writes below `size_bytes` cannot fail with disk_full; the size becomes at least
    /// that.
    virtual Status allocate(std::uint64_t size_bytes) = 0;
    virtual Result<std::uint64_t> size_bytes() = 0;
    /// Contents and size written so far are durable when this returns ok (fdatasync).
    virtual Status sync() = 0;
    /// write_at(), then sync(), perhaps cheaper: for bytes that nobody reads soon. What the two may answer;
    /// after a failure the same is true as after a failed sync().
    virtual Status write_durable(std::uint64_t offset, std::span<const ByteView> pieces);
    /// Begins a write_durable() and may return before it is over: the waits of several files lie side by
    /// side. Until end_write_durable() the file is asked nothing else, and `pieces` and what they show stay.
    virtual void begin_write_durable(std::uint64_t offset, std::span<const ByteView> pieces);
    /// Waits for the write that was begun, and yields what it came to.
    virtual Status end_write_durable();

    Status write_at(std::uint64_t offset, ByteView piece) { return write_at(offset, std::span(&piece, 1)); }

  private:
    Status begun_;  // what begin_write_durable() came to where it does not return before it is over
};

enum class Open : std::uint8_t {
    existing,  ///< not_found if there is none
    create,    ///< exists if there is one
    any,       ///< creates if there is none
};

/// Held while a process owns a data folder; released by destruction or by the death of the process.
class Claim {
  public:
    virtual ~Claim() = default;
};

class Disk {
  public:
    virtual ~Disk() = default;
    /// `name`: 1–100 bytes of [A-Za-z0-9._-], not starting with '.'. Files are created with mode 0600.
    virtual Result<std::unique_ptr<File>> open(std::string_view name, Open how) = 0;
    virtual Status rename(std::string_view from, std::string_view to) = 0;
    virtual Status remove(std::string_view name) = 0;
    /// All names, sorted bytewise. Sub-folders, and names that open() would refuse, are left out.
    virtual Result<std::vector<std::string>> list() = 0;
    /// Creations, renames and removals so far are durable when this returns ok (fsync of the folder).
    virtual Status sync_names() = 0;
    virtual Result<std::uint64_t> free_space_bytes() = 0;
    /// Becomes the only owner of the folder. in_use, naming the owner's words, if there is one.
    virtual Result<std::unique_ptr<Claim>> claim(std::string_view owner) = 0;
    /// For a disk that is out of use: looks again at its place, where another device or folder may be by now.
    /// Fails while there is none. Files that are open stay with what they were opened on.
    virtual Status attach() { return {}; }
    /// What people call it, for messages: a path, or "main/node1/disk0".
    virtual std::string label() const = 0;
};

/// Whether open() takes this name: 1–100 bytes of [A-Za-z0-9._-], not starting with '.'.
bool is_disk_name(std::string_view name) noexcept;
/// Reads a whole file of at most `limit` bytes; Fault::limit beyond.
Result<Bytes> read_file(Disk& disk, std::string_view name, std::uint64_t limit);
/// Replaces `name` atomically: writes `name`.new, syncs it, renames, syncs the names. Durable on ok; on
/// failure the old contents stand.
Status replace_file(Disk& disk, std::string_view name, ByteView contents);

}  // namespace firedrill
