// Does a log disk that is out of service hold records that the disks in service do not have? A disk that is
// filled up loses them, so that it is not filled then.
//
// A disk that left is behind, and what it has is what the others have. It has another timeline when a node
// that was
// restored went on with it. Records of the same timeline that only it has are not looked for: whether they
// are
// what a disk had when it left, or what rotted on the others, is for the start that compares them. Internal
// to
// the log. Changes nothing. Blocking.
#pragma once

#include <optional>

#include "seams/disk.h"
#include "store/log_members.h"

namespace firedrill::store {

struct OtherHistory {
    TimelineId timeline;  ///< of what only the disk has
    TimelineId ours;      ///< the newest of the disk in service
    Lsn first = 0;        ///< the lowest LSN of it
    Lsn last = 0;
    WallTime newest;  ///< a label
};

/// Sound records on `other` of a timeline of which `ours`, a disk in service, has no segment; nullopt:
/// none. What
/// `other` cannot read counts as not there, and so do segments before the first of `ours`: they were
/// removed on
/// purpose. powered_off; faults of `ours`.
Result<std::optional<OtherHistory>> find_other_history(Disk& ours, Disk& other);

/// refused: names the disk, both timelines and the way out.
Error refuse_other_history(const OtherHistory& found, Disk& ours, Disk& other);

}  // namespace firedrill::store
