// Which log disks are in service: "log.members" on the data disk, and "log.disk" on each log disk.
//
// Internal to the log. Everything here is durable on return. Format: docs/formats/transaction_log.md.
#pragma once

#include <array>
#include <optional>
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

/// nullopt: there is none. damaged: there is one that cannot be believed. refused: another node's.
Result<std::optional<Membership>> read_membership(Disk& data, const NodeId& node);
Status write_membership(Disk& data, const NodeId& node, const Membership& membership);

/// nullopt: there is none, or it cannot be believed. refused: another node's. powered_off, disk_failed.
Result<std::optional<LogDiskId>> read_log_disk_id(Disk& disk, const NodeId& node);
Status write_log_disk_id(Disk& disk, const NodeId& node, const LogDiskId& id);
/// A new id, different from every other: derived from what never happens twice.
LogDiskId make_log_disk_id(const NodeId& node, std::uint64_t generation, Lsn last, WallTime wall,
                           std::size_t place);

}  // namespace firedrill::store
