// Lineage: which commits of a store made one of its states. Within store only.
//
// A commit that took the store back to an earlier one stands for that state: what came between is not in the
// lineage, nor is it itself. Two states have in common what both lineages begin with, and differ by nothing
// but what the other commits of both touched.
#pragma once

#include <span>
#include <vector>

#include "store/page.h"

namespace firedrill::store {

/// A commit that took the store back.
struct TakingBack {
    CommitSequence by = 0;
    CommitSequence to = 0;  ///< < by
};

class Lineage {
  public:
    Lineage() = default;
    /// Of the state after commit `state`, as far as the log goes: from commit `first` on. `known`: ascending.
    /// A commit that goes back beyond `first` counts as any other: it changed its pages.
    Lineage(CommitSequence state, CommitSequence first, std::span<const TakingBack> known);

    [[nodiscard]] bool contains(CommitSequence commit) const noexcept;
    [[nodiscard]] CommitSequence newest() const noexcept { return ranges_.empty() ? 0 : ranges_.back().last; }
    /// The newest one below `commit`; 0: there is none.
    [[nodiscard]] CommitSequence before(CommitSequence commit) const noexcept;
    /// The newest that both have; 0: none.
    [[nodiscard]] CommitSequence newest_common(const Lineage& other) const noexcept;

  private:
    struct Range {
        CommitSequence first = 0;
        CommitSequence last = 0;
    };
    std::vector<Range> ranges_;  // ascending, none empty
};

}  // namespace firedrill::store
