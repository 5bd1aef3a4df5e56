// Which closed segments of the log may go: a pure rule, and how its facts are read. Storage asks it at each
// tick, and its LogWriter removes the files.
//
// A segment may go only when every commit in it is in a page file, and a verified copy of the segment is
// elsewhere. Only the oldest may go, so that what is left has no hole. A store that cannot be served has no
// page file that counts, so that its segments stay until their records are elsewhere and somebody says so by
// leaving it out of `folded`.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "seams/disk.h"
#include "store/log_format.h"

namespace firedrill::store {

/// Is there a verified copy of this segment on another disk or in a vault?
using Covered = std::function<bool(const SegmentName&)>;

struct SegmentFacts {
    SegmentName name;
    bool is_closed = false;  ///< nothing more is ever written to it
    SegmentIndex index;      ///< what it holds of each store
};

/// `segments`: oldest first. `folded`: the newest commit of each store that its page file holds. The newest
/// segment always stays.
std::vector<SegmentName> deletable_segments(std::span<const SegmentFacts> segments,
                                            const std::map<StoreId, CommitSequence>& folded,
                                            const Covered& covered);

/// The `count` oldest segments of a log that begins with LSN `begin`, and the one after them, about which
/// nothing is said. What cannot be read soundly on any of `disks` is taken to be open. Fewer when there are
/// no more. Blocking. powered_off; disk_failed when no disk lists its names.
Result<std::vector<SegmentFacts>> oldest_segments(std::span<Disk* const> disks, Lsn begin, std::size_t count);

}  // namespace firedrill::store
