#include "store/store_restore.h"

#include <algorithm>

#include <fmt/format.h>

namespace firedrill::store {
namespace {

constexpr std::uint8_t kKnown = 1;         // the log has it as it stood at the state wanted
constexpr std::uint8_t kChangedSince = 2;  // and a change of it after that

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

RestorePreparation::RestorePreparation(std::vector<Disk*> disks, const PageStore& pages,
                                       const RestorePoint& point, const RestoreLimits& limits,
                                       bool is_plan_only)
    : disks_(std::move(disks)),
      pages_(pages),
      point_(point),
      limits_(limits),
      is_plan_only_(is_plan_only),
      name_(to_hex(pages.store())) {
    out_.plan.store = pages.store();
}

Result<bool> RestorePreparation::step() {
    if (!reading_) {
        TRY(begin(Phase::find));
        return false;
    }
    auto stepped = reading_->step();
    if (!stepped && stepped.error().fault != Fault::closed) {
        return std::move(stepped).error();
    }
    return stepped && !*stepped ? Result<bool>(false) : end_phase();
}

RestoreProgress RestorePreparation::progress() const noexcept {
    RestoreProgress out;
    out.step = phase_ == Phase::find ? RestoreStep::reading : RestoreStep::collecting;
    if (reading_) {
        out.done = reading_->done_bytes();
        out.total = std::max(reading_->done_bytes(), reading_->total_bytes());
    }
    return out;
}

Status RestorePreparation::begin(Phase phase) {
    phase_ = phase;
    Take take;
    Lsn until = 0;
    switch (phase) {
        case Phase::find:
            take = [this](Lsn lsn, WallTime wall, const Commit& commit) { return find(lsn, wall, commit); };
            break;
        case Phase::collect:
            until = out_.plan.kept_lsn;
            take = [this](Lsn lsn, WallTime, const Commit& commit) { return collect(lsn, commit); };
            break;
        case Phase::look_between:
            between_.assign(past_.leaves().begin(), past_.leaves().end());
            differing_ = changes_.size();
            take = [this](Lsn lsn, WallTime, const Commit& commit) { return look_between(lsn, commit); };
            break;
    }
    reading_ = TRY(LogReading::begin(disks_, until, each_commit(std::move(take))));
    return {};
}

RecordSink RestorePreparation::each_commit(Take take) const {
    return [this, take = std::move(take)](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit == nullptr || commit->store != pages_.store()) {
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
        return commit->sequence < pages_.position().sequence ? Status() : Status(enough());
    };
}

Result<bool> RestorePreparation::end_phase() {
    switch (phase_) {
        case Phase::find:
            TRY(check());
            TRY(rebuild_past());
            compare();
            if (changes_.size() > limits_.pages) {
                TRY(begin(Phase::look_between));
                return false;
            }
            if (is_plan_only_) {
                return true;
            }
            TRY(begin(Phase::collect));
            return false;
        case Phase::collect:
            if (missing_ > 0) {
                return Error{Fault::damaged,
                             fmt::format("store {}: {} pages of commit {} are not in the log any more; "
                                         "nothing was changed",
                                         name_, missing_, out_.plan.kept_sequence)};
            }
            divide();
            return true;
        case Phase::look_between: return too_many();
    }
    return true;
}

// ---- the state wanted
// ----------------------------------------------------------------------------------------

Status RestorePreparation::find(Lsn lsn, WallTime wall, const Commit& commit) {
    if (first_ == 0) {
        first_ = commit.sequence;
        first_lsn_ = lsn;
        first_wall_ = wall;
        // Of pages that were there before, nothing is known; a store that begins here had none.
        const PageNumber before = commit.sequence == 1 ? 0 : commit.page_count;
        leaves_.resize(before);
        facts_.resize(before);
        count_ = before;
    } else if (commit.sequence != seen_ + 1) {
        return Error{Fault::unavailable,
                     fmt::format("store {}: the log on the node's disks has commit {} and not the {} before "
                                 "it, which are needed; put the missing segments back beside it, or restore "
                                 "the node from them",
                                 name_, commit.sequence, commit.sequence - seen_ - 1)};
    }
    seen_ = commit.sequence;
    seen_hash_ = commit_hash(commit);
    is_past_point_ =
        is_past_point_ || (point_.until != 0 && lsn > point_.until) || (point_.at && wall > *point_.at);
    if (is_past_point_) {
        lose(lsn, wall, commit);
    } else {
        keep(lsn, wall, commit);
    }
    return {};
}

/// Pages beyond the count are gone, and come back as holes.
void RestorePreparation::set_count(PageNumber count, bool is_kept) {
    if (count > leaves_.size()) {
        leaves_.resize(count);
        facts_.resize(count);
    }
    for (PageNumber page = std::min(count, count_) + 1; page <= std::max(count, count_); ++page) {
        if (is_kept) {
            leaves_[page - 1] = Leaf{};
        }
        facts_[page - 1] |= is_kept ? kKnown : kChangedSince;
    }
    count_ = count;
}

void RestorePreparation::keep(Lsn lsn, WallTime wall, const Commit& commit) {
    set_count(commit.page_count, true);
    for (const PageImage& image : commit.pages) {
        leaves_[image.number - 1] = leaf_of(image);
        facts_[image.number - 1] |= kKnown;
    }
    kept_root_ = commit.root;
    out_.plan.kept_lsn = lsn;
    out_.plan.kept_sequence = commit.sequence;
    out_.plan.kept_wall = wall;
    out_.plan.pages = commit.page_count;
}

void RestorePreparation::lose(Lsn lsn, WallTime wall, const Commit& commit) {
    set_count(commit.page_count, false);
    for (const PageImage& image : commit.pages) {
        facts_[image.number - 1] |= kChangedSince;
    }
    StoreRestorePlan& plan = out_.plan;
    plan.lost_first = plan.lost_commits == 0 ? lsn : plan.lost_first;
    plan.lost_last = lsn;
    plan.lost_newest = wall;
    ++plan.lost_commits;
}

Status RestorePreparation::check() const {
    const StorePosition& now = pages_.position();
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
    if (out_.plan.kept_sequence == 0) {
        return first_ == 1
                   ? Error{Fault::not_found, fmt::format("store {} has no commit as old as that", name_)}
                   : Error{Fault::unavailable,
                           fmt::format("store {}: the log on the node's disks no longer goes back that far; "
                                       "its oldest commit there is {}, LSN {}, of {}. Put older segments "
                                       "back beside it, or choose that LSN or a later state",
                                       name_, first_, first_lsn_, format_utc(first_wall_))};
    }
    if (out_.plan.lost_commits == 0) {
        return Error{Fault::refused,
                     fmt::format("store {} has no commit after that: it stands there already", name_)};
    }
    return {};
}

/// What the log does not tell of a page is told by the present, if nothing changed it since.
Status RestorePreparation::rebuild_past() {
    leaves_.resize(out_.plan.pages);
    std::size_t lacking = 0;
    for (PageNumber page = 1; page <= out_.plan.pages; ++page) {
        if ((facts_[page - 1] & kKnown) != 0) {
            continue;
        }
        lacking += (facts_[page - 1] & kChangedSince) != 0 ? 1 : 0;
        leaves_[page - 1] = present(page);
    }
    facts_ = {};
    if (lacking > 0) {
        return Error{
            Fault::unavailable,
            fmt::format("store {}: the log on the node's disks no longer goes back far enough: {} "
                        "pages of that state were last written before its oldest commit there, {} "
                        "(LSN {}, of {}). Put older segments back beside it, or choose a later state",
                        name_, lacking, first_, first_lsn_, format_utc(first_wall_))};
    }
    past_.assign(std::move(leaves_));
    if (past_.root() != kept_root_) {
        return Error{
            Fault::damaged,
            fmt::format("store {}: the log does not give the root that was recorded with commit {}; nothing "
                        "was changed",
                        name_, out_.plan.kept_sequence)};
    }
    return {};
}

Leaf RestorePreparation::present(PageNumber page) const {
    const PageTree& now = pages_.tree();
    return page <= now.page_count() ? now.leaf(page) : Leaf{};
}

/// What must become of which page. Pages beyond the past's last one go by the page count.
void RestorePreparation::compare() {
    for (PageNumber page = 1; page <= past_.page_count(); ++page) {
        const Leaf& wanted = past_.leaf(page);
        if (wanted != present(page)) {
            changes_[page] = {page, nullptr, wanted.digest};
            missing_ += wanted.digest == Digest{} ? 0 : 1;
        }
    }
    out_.plan.changed_pages = changes_.size();
}

// ---- its pages
// -----------------------------------------------------------------------------------------------

Status RestorePreparation::collect(Lsn lsn, const Commit& commit) {
    if (lsn > out_.plan.kept_lsn || missing_ == 0) {
        return enough();
    }
    for (const PageImage& image : commit.pages) {
        const auto found = changes_.find(image.number);
        if (found != changes_.end() && image.page && !found->second.page &&
            found->second.leaf == image.leaf) {
            found->second.page = image.page;
            --missing_;
        }
    }
    return {};
}

void RestorePreparation::divide() {
    const StorePosition& now = pages_.position();
    Commit& commit = out_.commit;
    commit.store = pages_.store();
    commit.sequence = now.sequence + 1;
    commit.previous = now.last_hash;
    commit.page_count = past_.page_count();
    commit.root = kept_root_;
    commit.pages.reserve(changes_.size());
    for (auto& [page, image] : changes_) {
        commit.pages.push_back(std::move(image));
    }
    Commit::Return& back = commit.taken_back.emplace(Commit::Return());
    back.to = out_.plan.kept_sequence;
    while (commit.pages.size() - back.in_parts > limits_.part_pages) {
        const auto first = commit.pages.begin() + static_cast<std::ptrdiff_t>(back.in_parts);
        out_.parts.push_back({commit.store,
                              commit.sequence,
                              ++back.parts,
                              {first, first + static_cast<std::ptrdiff_t>(limits_.part_pages)}});
        back.in_parts += limits_.part_pages;
    }
}

// ---- too many of them
// ----------------------------------------------------------------------------------------

void RestorePreparation::set_between(PageNumber page, const Leaf& leaf) {
    const Leaf now = present(page);
    differing_ -= between_[page - 1] != now ? 1 : 0;
    between_[page - 1] = leaf;
    differing_ += leaf != now ? 1 : 0;
}

/// Follows the commits after the state wanted until few enough pages differ from now.
Status RestorePreparation::look_between(Lsn lsn, const Commit& commit) {
    if (lsn <= out_.plan.kept_lsn || commit.sequence == pages_.position().sequence) {
        return {};
    }
    for (PageNumber page = commit.page_count + 1; page <= between_.size(); ++page) {
        differing_ -= between_[page - 1] != present(page) ? 1 : 0;
    }
    const auto before = static_cast<PageNumber>(between_.size());
    between_.resize(commit.page_count);
    for (PageNumber page = before + 1; page <= commit.page_count; ++page) {
        differing_ += present(page) != Leaf{} ? 1 : 0;
    }
    for (const PageImage& image : commit.pages) {
        set_between(image.number, leaf_of(image));
    }
    if (differing_ <= limits_.pages) {
        between_lsn_ = lsn;
        return enough();
    }
    return {};
}

Error RestorePreparation::too_many() const {
    const std::string way_out =
        between_lsn_ == 0 ? "restore the node from its log instead (firedrill restore --from, --until)"
                          : fmt::format("go back in steps: first to LSN {}, then repeat this", between_lsn_);
    return {
        Fault::limit,
        fmt::format("store {}: {} pages differ and {} ({} MiB) may be held in memory at once; {}. Nothing "
                    "was changed",
                    name_, changes_.size(), limits_.pages, limits_.pages * kPageSize >> 20, way_out)};
}

}  // namespace firedrill::store
