// Timelines: which histories a set of log disks holds, and which of them a restore is to follow.
//
// Every restore opens a timeline that branches off at an LSN. When a node goes on behind that LSN and the
// restored one goes on too, and the segments of both come together in one folder, there are two histories of
// which each has confirmed what the other has not. Nobody but a person can say which one to keep.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "seams/disk.h"
#include "store/log_format.h"

namespace firedrill::store {

struct LogCatalogue;

struct TimelineFacts {
    TimelineId id;
    TimelineId parent;        ///< zeroes: the node's first
    Lsn branch = 0;           ///< last LSN of the parent that counts in it; 0 for the first
    Lsn newest = 0;           ///< highest LSN that any of the disks shows of it; `branch` or more
    WallTime at;              ///< label of the newest record that could be read; 0 when none could
    std::uint64_t bytes = 0;  ///< of its segment files; of the largest copy where disks differ
    std::uint32_t segments = 0;
    bool goes_on = false;  ///< it has records that no timeline which branched off it took over
};

/// Every timeline of which a header can be read, by the LSN at which it branched off, then by id. Reads each
/// one's last segment when there are several timelines, else names and headers alone. powered_off.
Result<std::vector<TimelineFacts>> list_timelines(const LogCatalogue& catalogue);
/// The same of log disks; none of them is changed. As read_catalogue(), but histories that do not continue
/// one another are no fault here.
Result<std::vector<TimelineFacts>> timelines_on(std::span<Disk* const> disks);

/// Sets goes_on. Pure.
void mark_those_that_go_on(std::span<TimelineFacts> timelines);

/// The highest LSN through which all timelines that go on have the same records. Pure; `timelines` must be
/// marked.
Lsn common_through(std::span<const TimelineFacts> timelines);

/// The timeline that a restore follows: `wanted` where it is there; else the only one that goes on; or any of
/// them when `until` (0: everything) lies where all of them are the same. Pure. not_found: `wanted` is not
/// there, the text names those that are, or there is none at all. refused: several go on and none is wanted;
/// the text has the facts of each and the way out. `where`: the disks' labels, for the text.
Result<TimelineId> choose_timeline(std::span<const TimelineFacts> timelines, Lsn until,
                                   const std::optional<TimelineId>& wanted, const std::string& where);

/// "ID (from timeline PARENT after LSN n, through LSN m of TIME, k segments, b bytes)".
std::string describe(const TimelineFacts& timeline);

}  // namespace firedrill::store
