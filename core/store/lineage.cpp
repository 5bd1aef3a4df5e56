#include "store/lineage.h"

#include <algorithm>

namespace firedrill::store {

Lineage::Lineage(CommitSequence state, CommitSequence first, std::span<const TakingBack> known) {
    CommitSequence at = state;
    CommitSequence last = state;
    for (auto back = known.rbegin(); back != known.rend(); ++back) {
        if (back->by > at || back->to < first || back->to >= back->by) {
            continue;
        }
        if (back->by < last) {
            ranges_.push_back({back->by + 1, last});
        }
        at = back->to;
        last = back->to;
    }
    if (first <= last) {
        ranges_.push_back({first, last});
    }
    std::reverse(ranges_.begin(), ranges_.end());
}

bool Lineage::contains(CommitSequence commit) const noexcept {
    const auto found =
        std::lower_bound(ranges_.begin(), ranges_.end(), commit,
                         [](const Range& range, CommitSequence at) { return range.last < at; });
    return found != ranges_.end() && found->first <= commit;
}

CommitSequence Lineage::before(CommitSequence commit) const noexcept {
    CommitSequence out = 0;
    for (const Range& range : ranges_) {
        if (range.first < commit) {
            out = std::min(range.last, commit - 1);
        }
    }
    return out;
}

CommitSequence Lineage::newest_common(const Lineage& other) const noexcept {
    CommitSequence out = 0;
    for (const Range& mine : ranges_) {
        for (const Range& theirs : other.ranges_) {
            const CommitSequence last = std::min(mine.last, theirs.last);
            if (last >= std::max(mine.first, theirs.first)) {
                out = std::max(out, last);
            }
        }
    }
    return out;
}

}  // namespace firedrill::store
