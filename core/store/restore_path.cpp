#include "store/restore_path.h"

#include <algorithm>

namespace firedrill::store {

Result<RestorePath> RestorePath::between(Lineage present, Lineage wanted, CommitSequence first,
                                         PageNumber pages) {
    constexpr CommitSequence kMost = CommitSequence{1} << 31;
    RestorePath out;
    out.first_ = first;
    out.common_ = present.newest_common(wanted);
    if (present.newest() - out.common_ >= kMost || wanted.newest() - out.common_ >= kMost - 1) {
        return Error{Fault::limit,
                     "more commits lie between than can be gone back over; restore the node from its log "
                     "instead (firedrill restore --from, --until)"};
    }
    out.turn_ = static_cast<Place>(present.newest() - out.common_);
    out.present_ = std::move(present);
    out.wanted_ = std::move(wanted);
    out.places_.reserve(pages);
    out.known_.reserve(pages);
    return out;
}

RestorePath::Place RestorePath::undone_at(CommitSequence commit) const noexcept {
    return commit > common_ && present_.contains(commit) ? static_cast<Place>(present_.newest() - commit + 1)
                                                         : 0;
}

RestorePath::Place RestorePath::redone_at(CommitSequence commit) const noexcept {
    return commit > common_ && wanted_.contains(commit) ? turn_ + static_cast<Place>(commit - common_) : 0;
}

CommitSequence RestorePath::last_needed() const noexcept {
    return std::max(present_.newest(), wanted_.newest());
}

void RestorePath::see(const Commit& commit) {
    const bool is_first = commit.sequence == first_;
    // Of pages that were there before the log begins, nothing is known; a store that begins here had none.
    const PageNumber before_all = first_ == 1 ? 0 : commit.page_count;
    const PageNumber end = std::max(commit.page_count, page_end());
    if (end > places_.size()) {
        if (end > places_.capacity()) {
            places_.reserve(end + end / 64);
        }
        places_.resize(end);
        known_.resize(end);
    }
    if (present_.contains(commit.sequence)) {
        const PageNumber before = is_first ? before_all : present_count_;
        if (const Place place = undone_at(commit.sequence); place != 0) {
            each_touched(commit, before, [&](PageNumber page) { places_[page - 1] = place; });
        }
        present_count_ = commit.page_count;
    }
    if (wanted_.contains(commit.sequence)) {
        const PageNumber before = is_first ? before_all : wanted_count_;
        const Place place = redone_at(commit.sequence);
        each_touched(commit, before, [&](PageNumber page) {
            known_[page - 1] = true;
            places_[page - 1] = places_[page - 1] == 0 ? place : places_[page - 1];
        });
        wanted_count_ = commit.page_count;
    }
}

std::uint64_t RestorePath::touched(PageNumber last) const noexcept {
    const auto end = places_.begin() + std::min(last, page_end());
    return static_cast<std::uint64_t>(end - places_.begin()) -
           static_cast<std::uint64_t>(std::count(places_.begin(), end, Place{0}));
}

RestorePath::Place RestorePath::reach(std::size_t limit) const noexcept {
    const auto before = [this](Place place) {
        return static_cast<std::size_t>(std::count_if(
            places_.begin(), places_.end(), [place](Place each) { return each != 0 && each < place; }));
    };
    // The largest place with at most `limit` pages before it.
    Place low = 1;
    Place high = kEnd;
    while (low < high) {
        const Place middle = low + (high - low) / 2 + 1;
        if (before(middle) <= limit) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

CommitSequence RestorePath::state_at(Place place) const noexcept {
    if (place <= turn_) {
        return present_.newest() + 1 - place;
    }
    const CommitSequence next = common_ + (place - turn_);
    return std::max(common_, wanted_.before(next));
}

}  // namespace firedrill::store
