// RestorePath: from a store's present state to an earlier one, commit by commit, and which pages each of them
// touches. Within store only; pure.
//
// First the present's own commits are undone, the newest first, down to the newest state that both come from;
// then, when the state wanted was taken back once, its commits are done again. Every state on the way is one
// that the store once stood in. Memory: 4 bytes and a bit for each page.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "store/lineage.h"
#include "store/record.h"

namespace firedrill::store {

class RestorePath {
  public:
    /// A place on the way, 1 for the commit that is undone first; 0: on no commit of the way.
    using Place = std::uint32_t;
    static constexpr Place kEnd = UINT32_MAX;

    RestorePath() = default;
    /// `pages`: of the larger of both states. limit: more than two thousand million commits.
    static Result<RestorePath> between(Lineage present, Lineage wanted, CommitSequence first,
                                       PageNumber pages);

    [[nodiscard]] Place undone_at(CommitSequence commit) const noexcept;
    [[nodiscard]] Place redone_at(CommitSequence commit) const noexcept;
    [[nodiscard]] CommitSequence last_needed() const noexcept;  ///< none above it is on the way
    [[nodiscard]] bool is_undoing(Place place) const noexcept { return place <= turn_; }

    /// Commits of the log, ascending, all of them: which pages are touched where on the way.
    void see(const Commit& commit);
    /// The place at which `page` is touched first from here on.
    [[nodiscard]] Place place_of(PageNumber page) const noexcept {
        return page <= places_.size() ? places_[page - 1] : 0;
    }
    void set_place(PageNumber page, Place place) { places_[page - 1] = place; }
    [[nodiscard]] PageNumber page_end() const noexcept { return static_cast<PageNumber>(places_.size()); }
    /// Has the log the page as it stood at the state wanted?
    [[nodiscard]] bool is_known(PageNumber page) const noexcept {
        return page <= known_.size() && known_[page - 1];
    }
    /// Pages up to `last` that are touched on the way.
    [[nodiscard]] std::uint64_t touched(PageNumber last) const noexcept;

    /// The farthest place on the way before which at most `limit` pages are touched.
    [[nodiscard]] Place reach(std::size_t limit) const noexcept;
    /// The state before what happens at `place`.
    [[nodiscard]] CommitSequence state_at(Place place) const noexcept;

    [[nodiscard]] const Lineage& present() const noexcept { return present_; }
    [[nodiscard]] const Lineage& wanted() const noexcept { return wanted_; }

  private:
    Lineage present_;
    Lineage wanted_;
    CommitSequence first_ = 0;
    CommitSequence common_ = 0;
    Place turn_ = 0;  // the last place of the undoing
    PageNumber present_count_ = 0;
    PageNumber wanted_count_ = 0;
    std::vector<Place> places_;
    std::vector<bool> known_;
};

/// Every page that `commit` changes, makes or drops, when the store had `before` pages.
template <class Each>
void each_touched(const Commit& commit, PageNumber before, Each each) {
    for (const PageImage& image : commit.pages) {
        each(image.number);
    }
    for (PageNumber page = std::min(before, commit.page_count) + 1;
         page <= std::max(before, commit.page_count); ++page) {
        each(page);
    }
}

}  // namespace firedrill::store
