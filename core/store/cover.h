// The cover: the word of somebody who verified a copy of the log through an LSN, and what the node checks
// before it believes it. "log.covered" on the data disk keeps the newest one.
//
// Storage's jobs and its start use it. Blocking. A cover is believed only while the node's own log agrees: it
// has the same record there, by its chain hash, and a segment ends with it. So a cover of another node, of
// another timeline, or an older one put back never lets a segment go that was not verified. Format:
// docs/formats/log_cover.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "seams/disk.h"
#include "store/page.h"

namespace firedrill::store {

struct LogCatalogue;

inline constexpr std::string_view kCoverFile = "log.covered";
inline constexpr std::size_t kCoverPlaceLimit = 1024;

/// A verified copy of every record from LSN 1 through `through` is at `where`.
struct Cover {
    TimelineId timeline;  ///< of the record `through`
    Lsn through = 0;
    Digest chain;       ///< chain hash of that record
    WallTime at;        ///< when the node was told, a label
    std::string where;  ///< what people call the place; not read by the program
    bool operator==(const Cover&) const = default;
};

/// nullopt: there is none. damaged, newer_format; refused: another node's.
Result<std::optional<Cover>> read_cover(Disk& data, const NodeId& node);
/// Replaces it. Durable on return. bad_usage: `where` is empty, too long or has control characters.
Status write_cover(Disk& data, const NodeId& node, const Cover& cover);

/// ok when a segment of `log` ends with the record that the cover names. refused, with what differs.
Status check_cover(const LogCatalogue& log, const Cover& cover);
/// The same of a node's own log disks. disk_failed, damaged: the log cannot be looked at. powered_off.
Status check_cover(Disk& data, const NodeId& node, std::span<Disk* const> logs, const Cover& cover);

}  // namespace firedrill::store
