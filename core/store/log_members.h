// Which log disks are in service: "log.members" on the data disk and, as a copy, on each of them, and
// "log.disk" on each log disk.
//
// Internal to the log. Everything here is durable on return. Format: docs/formats/transaction_log.md.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "seams/disk.h"
#include "store/page.h"

namespace firedrill::store {

inline constexpr std::string_view kMembershipFile = "log.members";
inline constexpr std::string_view kLogDiskFile = "log.disk";
inline constexpr std::size_t kLogDisksLimit = 4;

using LogDiskId = Id<struct LogDiskTag>;

struct Membership {
    struct Disk {
        LogDiskId id;
        std::string label;  ///< what people called it when it was written down; not compared
    };
    std::uint64_t generation = 0;
    Lsn durable = 0;  ///< a record that was durable then: a log that ends below it lost something
    Lsn suspect = 0;  ///< a sync of the last disk failed when this was next: what follows was perhaps never
                      ///< stored; 0 = no
    Lsn begin = 0;    ///< older segments were removed, or are about to be: they count nowhere; 0 = none were
    std::vector<Disk> disks;
    [[nodiscard]] bool has(const LogDiskId& id) const;
};

inline constexpr std::size_t kMembershipSlotSize = 4096;
/// The document twice: one of the two may be torn, rotten or unreadable.
inline constexpr std::size_t kMembershipFileSize = 2 * kMembershipSlotSize;

/// The newest that a disk has; of one that was never written, of an older format, or with a slot that is not
/// what was written, it is not whole: write_membership() makes it so.
struct StoredMembership {
    Membership membership;
    bool is_whole = false;
    bool is_harmed = false;  ///< and not merely of an older format
};
/// nullopt: there is none. damaged: there is one that cannot be believed. refused: another node's.
Result<std::optional<StoredMembership>> read_stored_membership(Disk& disk, const NodeId& node);
Result<std::optional<Membership>> read_membership(Disk& disk, const NodeId& node);
/// Overwrites the two slots in place, one after the other, the older one first: needs no space, and at any
/// moment one of them is as it was or as it shall be. Only a file that is missing, or of an older format, is
/// made anew.
Status write_membership(Disk& disk, const NodeId& node, const Membership& membership);
/// The same for the copy on a log disk. A disk that has no room for a new file loses the copy that it had:
/// none is as good as a new one, an old one is not.
Status copy_membership(Disk& log, const NodeId& node, const Membership& membership);

/// What is known of the log disks in service.
struct KnownMembership {
    std::optional<Membership> membership;
    bool is_from_copies = false;  ///< the data disk's own word is lost
    bool is_whole = false;        ///< of the data disk
    /// A sentence about what is not as it should be, empty mostly. Of one slot, which a power cut may have
    /// torn, it is no reason to think ill of the disk.
    std::string note;
};
/// The data disk's word, and where that cannot be had, the log disks': if all those that the newest copy
/// names are here and say the same. A disk that left was gone from the copies on the others before anything
/// was acknowledged without it, so that no stale one is believed in this way.
Result<KnownMembership> find_membership(Disk& data, std::span<Disk* const> logs, const NodeId& node);

/// nullopt: there is none, or it cannot be believed. refused: another node's. powered_off, disk_failed.
Result<std::optional<LogDiskId>> read_log_disk_id(Disk& disk, const NodeId& node);
Status write_log_disk_id(Disk& disk, const NodeId& node, const LogDiskId& id);
/// A new id, different from every other: derived from what never happens twice.
LogDiskId make_log_disk_id(const NodeId& node, std::uint64_t generation, Lsn last, WallTime wall,
                           std::size_t place);

}  // namespace firedrill::store
