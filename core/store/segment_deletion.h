// Which closed segments of the log may go. A pure rule; whoever asks removes the files.
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

#include "store/log_format.h"

namespace firedrill::store {

/// Is there a verified copy of this segment on another disk or in a vault? The default of Storage: never.
using Covered = std::function<bool(const SegmentName&)>;

struct SegmentFacts {
    SegmentName name;
    bool is_closed = false;
    SegmentIndex index;  ///< of its close mark
};

/// `segments`: oldest first. `folded`: the newest commit of each store that its page file holds. The newest
/// segment always stays.
std::vector<SegmentName> deletable_segments(std::span<const SegmentFacts> segments,
                                            const std::map<StoreId, CommitSequence>& folded,
                                            const Covered& covered);

}  // namespace firedrill::store
