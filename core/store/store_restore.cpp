#include "store/store_restore.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace firedrill::store {
namespace {

/// Ends a reading early: not a failure, and never seen by anybody.
Error enough() {
    return Error{Fault::closed, "enough"};
}

/// What its record alone does not show: parts have pages of their own.
bool is_possible(const Commit& commit) {
    constexpr PageNumber kMaxPages = 1U << 24;
    return commit.page_count <= kMaxPages &&
           std::all_of(commit.pages.begin(), commit.pages.end(), [&](const PageImage& image) {
               return image.number != 0 && image.number <= commit.page_count;
           });
}

Leaf leaf_of(const PageImage& image) {
    return image.page ? Leaf{image.leaf, page_tag(*image.page)} : Leaf{};
}

}  // namespace

RestorePreparation::RestorePreparation(std::vector<Disk*> disks, StoreId store, const RestorePoint& point,
                                       const RestoreLimits& limits, bool is_plan_only)
    : disks_(std::move(disks)),
      store_(store),
      point_(point),
      limits_(limits),
      is_plan_only_(is_plan_only),
      name_(to_hex(store)) {
    plan_.store = store;
}

Result<bool> RestorePreparation::step(PageStore& pages) {
    pages_ = &pages;
    if (phase_ == Phase::begin) {
        present_ = pages.position().sequence;
        TRY(read(Phase::find,
                 [this](Lsn lsn, WallTime wall, const Commit& commit) { return find(lsn, wall, commit); }));
        return false;
    }
    if (phase_ == Phase::choose) {
        if (Status chosen = choose(); !chosen) {
            return failed(chosen.error());
        }
        return false;
    }
    auto stepped = reading_->step();
    if (!stepped && stepped.error().fault != Fault::closed) {
        return failed(std::move(stepped).error());
    }
    if (stepped && !*stepped) {
        return false;
    }
    read_bytes_ += reading_->done_bytes();
    auto ended = end_phase();
    return ended ? std::move(ended) : failed(std::move(ended).error());
}

RestoreProgress RestorePreparation::progress() const noexcept {
    RestoreProgress out;
    out.step =
        phase_ == Phase::find || phase_ == Phase::touch ? RestoreStep::reading : RestoreStep::collecting;
    out.round = plan_.commits + 1;
    if (phase_ == Phase::choose) {
        out.step = plan_.commits == 0 ? RestoreStep::reading : RestoreStep::collecting;
        out.done = read_bytes_;
        out.total = read_bytes_;
    }
    if (reading_ && phase_ != Phase::choose) {
        const std::uint64_t before = phase_ == Phase::touch ? read_bytes_ : 0;
        const std::uint64_t passes = phase_ == Phase::collect ? 1 : 2;
        out.done = before + reading_->done_bytes();
        out.total = std::max(out.done, passes * reading_->total_bytes());
    }
    return out;
}

StoreRestore RestorePreparation::take() {
    out_.plan = plan_;
    return std::move(out_);
}

Status RestorePreparation::read(Phase phase, Take take) {
    phase_ = phase;
    reading_ = TRY(LogReading::begin(disks_, 0, each_commit(std::move(take))));
    return {};
}

/// Every commit of the store up to the one at which it stood, in order.
RecordSink RestorePreparation::each_commit(Take take) const {
    return [this, take = std::move(take)](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit == nullptr || commit->store != store_) {
            return {};
        }
        if (!is_possible(*commit)) {
            return Error{
                Fault::damaged,
                fmt::format("store {}: commit {} of the log changes pages that cannot be; nothing was "
                            "changed",
                            name_, commit->sequence)};
        }
        TRY(take(record.lsn, record.wall, *commit));
        return commit->sequence < present_ ? Status() : Status(enough());
    };
}

Result<bool> RestorePreparation::end_phase() {
    switch (phase_) {
        case Phase::find:
            TRY(check());
            TRY(begin_path());
            TRY(read(Phase::touch, [this](Lsn, WallTime, const Commit& commit) { return see(commit); }));
            return false;
        case Phase::touch:
            TRY(check_known());
            plan_.changed_pages = is_plan_only_ ? path_.touched(plan_.pages) : 0;
            phase_ = Phase::choose;
            return is_plan_only_;
        case Phase::collect:
            TRY(finish_step());
            phase_ = Phase::choose;
            return true;
        case Phase::begin:
        case Phase::choose: break;
    }
    CHECK(false);
    return true;
}

Error RestorePreparation::failed(Error error, bool is_done) const {
    const std::uint32_t steps = is_done ? plan_.commits : steps_done_;
    if (steps > 0) {
        error.text += fmt::format(
            "; {} step(s) were made before and stand, the store is at its state of LSN {}: "
            "ask for the same again to go on",
            steps, is_done ? goal_lsn_ : stands_at_);
    }
    return error;
}

// ---- the state wanted
// ----------------------------------------------------------------------------------------

Status RestorePreparation::find(Lsn lsn, WallTime wall, const Commit& commit) {
    if (first_ == 0) {
        first_ = commit.sequence;
        first_lsn_ = lsn;
        first_wall_ = wall;
    } else if (commit.sequence != seen_ + 1) {
        return Error{Fault::unavailable,
                     fmt::format("store {}: the log on the node's disks has commit {} and not the {} before "
                                 "it, which are needed; put the missing segments back beside it, or restore "
                                 "the node from them",
                                 name_, commit.sequence, commit.sequence - seen_ - 1)};
    }
    seen_ = commit.sequence;
    seen_hash_ = commit_hash(commit);
    if (commit.taken_back) {
        takings_.push_back({commit.sequence, commit.taken_back->to});
    }
    is_past_point_ =
        is_past_point_ || (point_.until != 0 && lsn > point_.until) || (point_.at && wall > *point_.at);
    if (!is_past_point_) {
        plan_.kept_lsn = lsn;
        plan_.kept_sequence = commit.sequence;
        plan_.kept_wall = wall;
        plan_.pages = commit.page_count;
        return {};
    }
    if (plan_.lost_commits == 0) {
        plan_.lost_first = lsn;
        plan_.lost_first_wall = wall;
    }
    if (point_.at && wall <= *point_.at && (point_.until == 0 || lsn <= point_.until)) {
        plan_.backwards_at = lsn;
        plan_.backwards_wall = wall;
    }
    plan_.lost_last = lsn;
    plan_.lost_newest = wall;
    ++plan_.lost_commits;
    return {};
}

Status RestorePreparation::check() const {
    const StorePosition& now = pages_->position();
    if (first_ == 0 && now.sequence > 0) {
        return Error{Fault::unavailable,
                     fmt::format("store {}: the log on the node's disks no longer has any of its commits, of "
                                 "which the newest is {}. Put older segments back beside it",
                                 name_, now.sequence)};
    }
    if (seen_ != now.sequence || seen_hash_ != now.last_hash) {
        return Error{
            Fault::damaged,
            fmt::format("store {}: the log ends with commit {} and the pages stand at commit {}; nothing was "
                        "changed",
                        name_, seen_, now.sequence)};
    }
    if (plan_.kept_sequence == 0) {
        return first_ == 1
                   ? Error{Fault::not_found, fmt::format("store {} has no commit as old as that", name_)}
                   : Error{Fault::unavailable,
                           fmt::format("store {}: the log on the node's disks no longer goes back that far; "
                                       "its oldest commit there is {}, LSN {}, of {}. Put older segments "
                                       "back beside it, or choose that LSN or a later state",
                                       name_, first_, first_lsn_, format_utc(first_wall_))};
    }
    if (plan_.lost_commits == 0) {
        return Error{Fault::refused,
                     fmt::format("store {} has no commit after that: it stands there already", name_)};
    }
    return {};
}

// ---- the way there
// -------------------------------------------------------------------------------------------

Status RestorePreparation::begin_path() {
    auto path = RestorePath::between(Lineage(present_, first_, takings_),
                                     Lineage(plan_.kept_sequence, first_, takings_), first_,
                                     std::max(plan_.pages, pages_->tree().page_count()));
    if (!path) {
        return Error{path.error().fault,
                     fmt::format("store {}: {}. Nothing was changed", name_, path.error().text)};
    }
    path_ = std::move(*path);
    current_ = path_.present().newest();
    return {};
}

Status RestorePreparation::see(const Commit& commit) {
    path_.see(commit);
    return commit.sequence < path_.last_needed() ? Status() : Status(enough());
}

/// What the log does not tell of a page is told by the present, if nothing changed it since.
Status RestorePreparation::check_known() const {
    std::size_t lacking = 0;
    for (PageNumber page = 1; page <= std::min(plan_.pages, path_.page_end()); ++page) {
        lacking += path_.place_of(page) != 0 && !path_.is_known(page) ? 1 : 0;
    }
    if (lacking > 0 && first_ > 1) {
        return Error{
            Fault::unavailable,
            fmt::format("store {}: the log on the node's disks no longer goes back far enough: {} "
                        "pages of that state were last written before its oldest commit there, {} "
                        "(LSN {}, of {}). Put older segments back beside it, or choose a later state",
                        name_, lacking, first_, first_lsn_, format_utc(first_wall_))};
    }
    return {};
}

/// All the way when few enough pages differ, else as far as they allow.
Status RestorePreparation::choose() {
    if (plan_.commits > 0) {
        steps_done_ = plan_.commits;
        stands_at_ = goal_lsn_;
        current_ = goal_.newest();
    }
    const bool is_near = path_.touched(plan_.pages) <= limits_.pages;
    until_ = is_near ? RestorePath::kEnd : path_.reach(limits_.pages);
    goal_state_ = path_.state_at(until_);
    const bool is_last = goal_state_ == path_.wanted().newest();
    if (!is_last && goal_state_ == current_) {
        return Error{
            Fault::limit,
            fmt::format("store {}: one commit on the way changed more pages than the {} ({} MiB) that "
                        "may be held in memory at once; restore the node from its log instead "
                        "(firedrill restore --from, --until). Nothing was changed",
                        name_, limits_.pages, limits_.pages * kPageSize >> 20)};
    }
    goal_ = is_last ? path_.wanted() : Lineage(goal_state_, first_, takings_);
    goal_state_ = is_last ? plan_.kept_sequence : goal_state_;
    goal_seen_ = 0;
    goal_count_ = 0;
    present_count_ = 0;
    wanted_count_ = 0;
    const PageNumber end = is_last ? std::min(plan_.pages, path_.page_end()) : path_.page_end();
    for (PageNumber page = 1; page <= end; ++page) {
        const RestorePath::Place place = path_.place_of(page);
        if (place != 0 && place < until_) {
            changes_[page].image.number = page;
        }
    }
    out_ = StoreRestore();
    out_.is_last = is_last;
    return read(Phase::collect,
                [this](Lsn lsn, WallTime, const Commit& commit) { return collect(lsn, commit); });
}

// ---- its pages
// -----------------------------------------------------------------------------------------------

Status RestorePreparation::collect(Lsn lsn, const Commit& commit) {
    if (!out_.is_last) {
        look_ahead(commit);
    }
    if (goal_.contains(commit.sequence)) {
        take_image(commit);
        goal_lsn_ = lsn;
    }
    const CommitSequence last = out_.is_last ? goal_.newest() : path_.last_needed();
    return commit.sequence < last ? Status() : Status(enough());
}

/// The pages as they stand after this commit of the goal's lineage.
void RestorePreparation::take_image(const Commit& commit) {
    const bool is_first = commit.sequence == first_;
    const PageNumber before = is_first && first_ > 1 ? commit.page_count : goal_count_;
    for (PageNumber page = std::min(before, commit.page_count) + 1;
         page <= std::max(before, commit.page_count); ++page) {
        if (const auto found = changes_.find(page); found != changes_.end()) {
            found->second.is_known = true;
            found->second.image = {page, nullptr, {}};
        }
    }
    for (const PageImage& image : commit.pages) {
        if (const auto found = changes_.find(image.number); found != changes_.end()) {
            found->second.is_known = true;
            found->second.image = image;
        }
    }
    goal_count_ = commit.page_count;
    goal_root_ = commit.root;
    goal_seen_ = commit.sequence;
}

/// Where on the way that is left the pages of this step are touched next.
void RestorePreparation::look_ahead(const Commit& commit) {
    const PageNumber before_first = first_ == 1 ? 0 : commit.page_count;
    const bool is_first = commit.sequence == first_;
    const auto note = [&](PageNumber before, RestorePath::Place place, bool is_undoing) {
        if (place < until_) {
            return;
        }
        each_touched(commit, is_first ? before_first : before, [&](PageNumber page) {
            const auto found = changes_.find(page);
            if (found == changes_.end()) {
                return;
            }
            Change& change = found->second;
            if (is_undoing) {
                change.undone_next = place;
            } else if (change.redone_next == 0) {
                change.redone_next = place;
            }
        });
    };
    if (path_.present().contains(commit.sequence)) {
        note(present_count_, path_.undone_at(commit.sequence), true);
        present_count_ = commit.page_count;
    }
    if (path_.wanted().contains(commit.sequence)) {
        note(wanted_count_, path_.redone_at(commit.sequence), false);
        wanted_count_ = commit.page_count;
    }
}

Leaf RestorePreparation::present(PageNumber page) const {
    const PageTree& now = pages_->tree();
    return page <= now.page_count() ? now.leaf(page) : Leaf{};
}

Status RestorePreparation::finish_step() {
    std::size_t missing = goal_seen_ == goal_.newest() ? 0 : 1;
    for (const auto& [page, change] : changes_) {
        missing += page <= goal_count_ && !change.is_known ? 1 : 0;
    }
    if (missing > 0) {
        return Error{first_ > 1 ? Fault::unavailable : Fault::damaged,
                     fmt::format("store {}: {} pages of commit {} are not in the log any more; "
                                 "nothing was changed",
                                 name_, missing, goal_state_)};
    }
    const StorePosition& now = pages_->position();
    Commit& commit = out_.commit;
    commit.store = store_;
    commit.sequence = now.sequence + 1;
    commit.previous = now.last_hash;
    commit.page_count = goal_count_;
    commit.root = goal_root_;
    commit.taken_back.emplace(Commit::Return()).to = goal_state_;
    commit.pages.reserve(changes_.size());
    for (auto& [page, change] : changes_) {
        if (page <= goal_count_ && leaf_of(change.image) != present(page)) {
            commit.pages.push_back(std::move(change.image));
        }
        if (!out_.is_last) {
            path_.set_place(page, change.undone_next != 0 ? change.undone_next : change.redone_next);
        }
    }
    changes_.clear();
    if (!pages_->gives_root(commit)) {
        return Error{
            Fault::damaged,
            fmt::format("store {}: the log does not give the root that was recorded with commit {}; nothing "
                        "was changed",
                        name_, goal_state_)};
    }
    divide();
    ++plan_.commits;
    return {};
}

void RestorePreparation::divide() {
    Commit& commit = out_.commit;
    out_.pages = commit.pages.size();
    out_.reached = goal_lsn_;
    plan_.changed_pages += out_.pages;
    Commit::Return& back = *commit.taken_back;
    while (commit.pages.size() - back.in_parts > limits_.part_pages) {
        const auto first = commit.pages.begin() + static_cast<std::ptrdiff_t>(back.in_parts);
        out_.parts.push_back({commit.store,
                              commit.sequence,
                              ++back.parts,
                              {first, first + static_cast<std::ptrdiff_t>(limits_.part_pages)}});
        back.in_parts += limits_.part_pages;
    }
}

}  // namespace firedrill::store
