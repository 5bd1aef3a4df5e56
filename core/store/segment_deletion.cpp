#include "store/segment_deletion.h"

#include <algorithm>

namespace firedrill::store {

std::vector<SegmentName> deletable_segments(std::span<const SegmentFacts> segments,
                                            const std::map<StoreId, CommitSequence>& folded,
                                            const Covered& covered) {
    const auto is_folded = [&folded](const auto& entry) {
        const auto found = folded.find(entry.first);
        return found != folded.end() && found->second >= entry.second.last_sequence;
    };
    std::vector<SegmentName> out;
    for (const SegmentFacts& each : segments) {
        const bool is_newest = &each == &segments.back();
        if (is_newest || !each.is_closed || !std::all_of(each.index.begin(), each.index.end(), is_folded) ||
            !covered || !covered(each.name)) {
            break;
        }
        out.push_back(each.name);
    }
    return out;
}

}  // namespace firedrill::store
