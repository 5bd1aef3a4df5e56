#include "sim/pattern_search.h"

#include <deque>

#include "base/check.h"

namespace firedrill::sim {

PatternSearch::State PatternSearch::grow() {
    step_.resize(step_.size() + 256, 0);
    ends_.emplace_back();
    has_end_.push_back(0);
    return static_cast<State>(ends_.size() - 1);
}

PatternSearch::PatternSearch(const std::vector<Bytes>& patterns) {
    grow();
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        CHECK(!patterns[i].empty());
        State at = 0;
        for (Byte byte : patterns[i]) {
            State next = step_[at * 256 + byte];
            if (next == 0) {
                next = grow();
                step_[at * 256 + byte] = next;
            }
            at = next;
        }
        ends_[at].own.push_back(static_cast<std::uint32_t>(i));
        has_end_[at] = 1;
    }
    link();
}

/// Breadth first: every missing step becomes that of the longest proper suffix which is in the trie.
void PatternSearch::link() {
    std::vector<State> suffix(ends_.size(), 0);
    std::deque<State> queue;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        if (step_[byte] != 0) {
            queue.push_back(step_[byte]);
        }
    }
    while (!queue.empty()) {
        const State at = queue.front();
        queue.pop_front();
        ends_[at].next = suffix[at];
        if (has_end_[suffix[at]] != 0) {
            has_end_[at] = 1;
        }
        for (std::size_t byte = 0; byte < 256; ++byte) {
            State& next = step_[at * 256 + byte];
            const State fallback = step_[suffix[at] * 256 + byte];
            if (next == 0) {
                next = fallback;
            } else {
                suffix[next] = fallback;
                queue.push_back(next);
            }
        }
    }
}

PatternSearch::State PatternSearch::scan(State state, ByteView chunk, const Hit& hit) const {
    for (std::size_t i = 0; i < chunk.size(); ++i) {
        state = step_[state * 256 + chunk[i]];
        if (has_end_[state] == 0) [[likely]] {
            continue;
        }
        for (State at = state; at != 0; at = ends_[at].next) {
            for (std::uint32_t pattern : ends_[at].own) {
                hit(pattern, i + 1);
            }
        }
    }
    return state;
}

}  // namespace firedrill::sim
