#include "store/store_restore.h"

#include <map>

#include <fmt/format.h>

namespace firedrill::store {
namespace {

/// Ends a scan early: not a failure, and never seen by anybody.
Error enough() {
    return Error{Fault::closed, "enough"};
}

class Preparation {
  public:
    Preparation(std::span<Disk* const> disks, const PageStore& pages, const RestorePoint& point,
                std::size_t part_pages)
        : disks_(disks),
          pages_(pages),
          point_(point),
          part_pages_(part_pages),
          name_(to_hex(pages.store())) {}

    Result<StoreRestore> run(bool is_plan_only);

  private:
    using Take = std::function<Status(Lsn, WallTime, const Commit&)>;
    /// Every commit of the store up to its present one, in order.
    Status each_commit(const Take& take);
    Status find_past();
    void keep(Lsn lsn, WallTime wall, const Commit& commit);
    Status check();
    void compare();
    Status collect();
    void divide();

    std::span<Disk* const> disks_;
    const PageStore& pages_;
    const RestorePoint& point_;
    std::size_t part_pages_;
    std::string name_;
    StoreRestore out_;
    bool is_past_point_ = false;
    CommitSequence seen_ = 0;  // newest commit met in the log
    Digest seen_hash_;
    Digest kept_root_;
    PageTree past_;
    std::map<PageNumber, PageImage> changes_;  // a page null: not collected yet, or a hole
};

Status Preparation::each_commit(const Take& take) {
    const auto sink = [&](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit == nullptr || commit->store != pages_.store()) {
            return {};
        }
        TRY(take(record.lsn, record.wall, *commit));
        return commit->sequence < pages_.position().sequence ? Status() : Status(enough());
    };
    auto scanned = scan_log(disks_, 0, sink, {});
    return scanned || scanned.error().fault == Fault::closed ? Status() : Status(std::move(scanned).error());
}

void Preparation::keep(Lsn lsn, WallTime wall, const Commit& commit) {
    past_.resize(commit.page_count);
    for (const PageImage& image : commit.pages) {
        past_.set(image.number, image.page ? Leaf{image.leaf, page_tag(*image.page)} : Leaf{});
    }
    kept_root_ = commit.root;
    out_.plan.kept_lsn = lsn;
    out_.plan.kept_sequence = commit.sequence;
    out_.plan.kept_wall = wall;
    out_.plan.pages = commit.page_count;
}

Status Preparation::find_past() {
    return each_commit([this](Lsn lsn, WallTime wall, const Commit& commit) -> Status {
        if (commit.sequence != seen_ + 1) {
            return Error{
                Fault::unavailable,
                fmt::format(
                    "store {}: the log on the node's disks has commit {} and not the {} before it, which "
                    "are needed; put the older segments back beside it, or restore the node from them",
                    name_, commit.sequence, commit.sequence - seen_ - 1)};
        }
        seen_ = commit.sequence;
        seen_hash_ = commit_hash(commit);
        is_past_point_ =
            is_past_point_ || (point_.until != 0 && lsn > point_.until) || (point_.at && wall > *point_.at);
        if (!is_past_point_) {
            keep(lsn, wall, commit);
            return {};
        }
        StoreRestorePlan& plan = out_.plan;
        plan.lost_first = plan.lost_commits == 0 ? lsn : plan.lost_first;
        plan.lost_last = lsn;
        plan.lost_newest = wall;
        ++plan.lost_commits;
        return {};
    });
}

Status Preparation::check() {
    const StorePosition& now = pages_.position();
    if (seen_ != now.sequence || seen_hash_ != now.last_hash) {
        return Error{
            Fault::damaged,
            fmt::format("store {}: the log ends with commit {} and the pages stand at commit {}; nothing was "
                        "changed",
                        name_, seen_, now.sequence)};
    }
    if (out_.plan.kept_sequence == 0) {
        return Error{Fault::not_found, fmt::format("store {} has no commit as old as that", name_)};
    }
    if (out_.plan.lost_commits == 0) {
        return Error{Fault::refused,
                     fmt::format("store {} has no commit after that: it stands there already", name_)};
    }
    if (past_.root() != kept_root_) {
        return Error{
            Fault::damaged,
            fmt::format("store {}: the log does not give the root that was recorded with commit {}; nothing "
                        "was changed",
                        name_, out_.plan.kept_sequence)};
    }
    return {};
}

/// What must become of which page. Pages beyond the past's last one go by the page count.
void Preparation::compare() {
    const PageTree& now = pages_.tree();
    for (PageNumber page = 1; page <= past_.page_count(); ++page) {
        const Leaf present = page <= now.page_count() ? now.leaf(page) : Leaf{};
        if (past_.leaf(page) != present) {
            changes_[page] = {page, nullptr, past_.leaf(page).digest};
        }
    }
    out_.plan.changed_pages = changes_.size();
}

Status Preparation::collect() {
    std::size_t missing = 0;
    for (const auto& [page, image] : changes_) {
        missing += image.leaf == Digest{} ? 0 : 1;
    }
    TRY(each_commit([&](Lsn lsn, WallTime, const Commit& commit) -> Status {
        if (lsn > out_.plan.kept_lsn || missing == 0) {
            return enough();
        }
        for (const PageImage& image : commit.pages) {
            const auto found = changes_.find(image.number);
            if (found != changes_.end() && image.page && !found->second.page &&
                found->second.leaf == image.leaf) {
                found->second.page = image.page;
                --missing;
            }
        }
        return {};
    }));
    return missing == 0
               ? Status()
               : Status(Error{Fault::damaged,
                              fmt::format("store {}: {} pages of commit {} are not in the log any more; "
                                          "nothing was changed",
                                          name_, missing, out_.plan.kept_sequence)});
}

void Preparation::divide() {
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
    while (commit.pages.size() - back.in_parts > part_pages_) {
        const auto first = commit.pages.begin() + static_cast<std::ptrdiff_t>(back.in_parts);
        out_.parts.push_back({commit.store,
                              commit.sequence,
                              ++back.parts,
                              {first, first + static_cast<std::ptrdiff_t>(part_pages_)}});
        back.in_parts += part_pages_;
    }
}

Result<StoreRestore> Preparation::run(bool is_plan_only) {
    out_.plan.store = pages_.store();
    TRY(find_past());
    TRY(check());
    compare();
    if (!is_plan_only) {
        TRY(collect());
        divide();
    }
    return std::move(out_);
}

}  // namespace

Result<StoreRestore> prepare_restore(std::span<Disk* const> disks, const PageStore& pages,
                                     const RestorePoint& point, std::size_t part_pages, bool is_plan_only) {
    return Preparation(disks, pages, point, part_pages).run(is_plan_only);
}

}  // namespace firedrill::store
