// PatternSearch: finds any of a set of byte patterns in streams of bytes, one table step a byte (Aho and
// Corasick).
//
// Pure; build once with all patterns, then scan any number of streams. A stream's State carries over from
// chunk to chunk, so that a pattern which straddles two chunks is found.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"

namespace firedrill::sim {

class PatternSearch {
  public:
    using State = std::uint32_t;
    /// Called with the pattern's index and the offset, in this chunk, just behind its last byte.
    using Hit = std::function<void(std::size_t pattern, std::size_t end)>;

    /// Empty patterns are not allowed (CHECK). Memory: 1 KiB a byte of pattern at most.
    explicit PatternSearch(const std::vector<Bytes>& patterns);
    /// Returns the state with which the next chunk of the same stream continues. Start with 0.
    State scan(State state, ByteView chunk, const Hit& hit) const;

  private:
    struct Ends {  ///< patterns that end in a state: its own, then those of its suffixes
        std::vector<std::uint32_t> own;
        State next = 0;
    };
    State grow();
    void link();
    std::vector<State> step_;  // 256 a state
    std::vector<Ends> ends_;
    std::vector<std::uint8_t> has_end_;
};

}  // namespace firedrill::sim
