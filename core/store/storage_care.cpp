// LoopStorage's care: what is done for its own sake, a little at each tick. Old commits are folded, a log
// disk that came back is filled, every page and closed segment is read once a period.
#include <algorithm>

#include <fmt/format.h>

#include "store/log_resilver.h"
#include "store/log_scrub.h"
#include "store/storage_limits.h"
#include "store/storage_loop.h"

namespace firedrill::store {

namespace {

/// One step of filling a log disk: between two of them the disk that serves is free for a moment.
constexpr std::uint64_t kResilverStep = 8ull << 20;
/// After a disk failed again while it was filled, or was not there to be filled.
constexpr Duration kResilverPause = std::chrono::minutes(5);
/// Least that a tick scrubs: a small node (20 MiB) is read once in some hours, at no load that anybody
/// notices.
constexpr std::uint64_t kLeastPages = 8;
constexpr std::uint64_t kLeastLogBytes = 64ull << 10;
/// Stores that one tick visits: a visit opens the store's files.
constexpr std::uint32_t kStoresATick = 16;
constexpr std::size_t kScrubNotes = 20;

std::uint64_t share(std::uint64_t total, Duration period, std::uint64_t least) {
    const auto ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(1, period / kTickPeriod));
    return std::max(least, total / ticks + 1);
}

}  // namespace

void LoopStorage::care() {
    fold_old();
    rest_unused();
    const bool is_missing = std::any_of(members_.begin(), members_.end(),
                                        [](const LogScan::Member& member) { return !member.is_present; });
    if (is_missing && !resilver_ && !is_resilver_due_ && !is_retention_busy_ &&
        seams_.clock.now() >= next_resilver_) {
        is_resilver_due_ = true;
    }
    drop_old_segments();
    if (options_.scrub_period > Duration(0)) {
        scrub_pages();
        scrub_log();
    }
}

/// Stores with a commit far back in the log, and what the start left unfolded.
void LoopStorage::fold_old() {
    next_look_bytes_ = log_bytes_ + options_.unfolded_log_limit / 4;
    for (const auto& [id, store] : stores_) {
        consider_fold(*store);
        advance(*store);
    }
}

/// A sentence for the people who run the node.
void LoopStorage::tell(std::string text) {
    if (!options_.on_note) {
        return;
    }
    seams_.clock.defer([alive = std::weak_ptr(alive_), say = options_.on_note, text = std::move(text)] {
        if (!alive.expired()) {
            say(text);
        }
    });
}

// ---- log disks that go and come back
// ------------------------------------------------------------------------

void LoopStorage::notice_members(std::vector<LogScan::Member> now) {
    for (std::size_t i = 0; i < std::min(now.size(), members_.size()); ++i) {
        if (members_[i].is_present && !now[i].is_present) {
            tell(fmt::format(
                "log disk {} failed and is out of service: {}. The node goes on with fewer copies of the "
                "log; repair or replace it, it is filled up by itself.",
                now[i].label, now[i].failure));
            next_resilver_ = seams_.clock.now() + kTickPeriod;
        } else if (!members_[i].is_present && now[i].is_present) {
            tell(fmt::format("log disk {} was filled up and is in service again.", now[i].label));
        }
    }
    members_ = std::move(now);
}

void LoopStorage::step_resilver() {
    struct Step {
        Status status;
        bool is_filled = false;
    };
    const auto step = std::make_shared<Step>();
    seams_.workers.run(
        Lane::upkeep,
        [step, resilver = resilver_] {
            auto filled = resilver->step(kResilverStep);
            step->is_filled = filled && *filled;
            step->status = filled ? Status{} : Status(filled.error());
        },
        [this, alive = std::weak_ptr(alive_), step] {
            if (!alive.expired() && !fatal_) {
                finish_resilver_step(step->status, step->is_filled);
            }
        });
}

void LoopStorage::finish_resilver_step(const Status& stepped, bool is_filled) {
    if (!stepped) {
        tell(fmt::format("filling up a log disk failed: {}. It is tried again.", stepped.error().text));
        not_filled_[resilver_->member()] = stepped.error().text;
        resilver_.reset();
        next_resilver_ = seams_.clock.now() + kResilverPause;
    } else if (is_filled) {
        not_filled_.erase(resilver_->member());
        is_rejoin_due_ = true;
        pump_log();
    } else {
        step_resilver();
    }
}

/// What the log lane did for a disk that came back.
void LoopStorage::finish_log_care(bool has_begun, std::shared_ptr<LogResilver> begun,
                                  const std::optional<Result<Rejoin>>& rejoined) {
    if (has_begun && !begun) {
        next_resilver_ = seams_.clock.now() + kTickPeriod;
    } else if (has_begun) {
        resilver_ = std::move(begun);
        step_resilver();
    }
    if (!rejoined || !resilver_) {
        return;
    }
    if (*rejoined && **rejoined == Rejoin::more) {
        step_resilver();
        return;
    }
    resilver_.reset();
    if (!*rejoined) {
        next_resilver_ = seams_.clock.now() + kResilverPause;
        tell(fmt::format("a filled log disk could not be taken back: {}", rejoined->error().text));
    }
}

// ---- scrub
// ----------------------------------------------------------------------------------------------------

void LoopStorage::scrub_pages() {
    std::uint64_t total = 0;
    for (const auto& [id, store] : stores_) {
        total += store->last.position.page_count;
    }
    if (total == 0 || scrub_jobs_ > 0) {
        return;  // a slow disk is not pressed: this tick's share is read later
    }
    std::uint64_t left = share(total, options_.scrub_period, kLeastPages);
    for (std::uint32_t visits = 0; visits < kStoresATick && left > 0; ++visits) {
        auto at = stores_.lower_bound(scrub_store_);
        if (at == stores_.end()) {
            scrub_store_ = StoreId{};
            scrub_page_ = 1;
            scrub_.page_rounds += 1;
            return;
        }
        Store& store = *at->second;
        const PageNumber pages = store.last.position.page_count;
        if (at->first != scrub_store_) {
            scrub_store_ = at->first;
            scrub_page_ = 1;
        }
        if (scrub_page_ <= pages) {
            auto item = std::make_shared<Item>();
            item->kind = Kind::scrub;
            item->first_page = scrub_page_;
            item->page_count = static_cast<PageNumber>(
                std::min<std::uint64_t>(left, std::uint64_t{pages} - scrub_page_ + 1));
            left -= item->page_count;
            scrub_page_ += item->page_count;
            ++scrub_jobs_;
            enqueue(store, std::move(item));
        }
        if (scrub_page_ > pages) {
            const auto next = std::next(at);
            // Beyond the last one there is no store: the next visit begins a new round.
            scrub_store_ = next == stores_.end() ? StoreId{} : next->first;
            scrub_page_ = 1;
            if (next == stores_.end()) {
                scrub_.page_rounds += 1;
                return;
            }
        }
    }
}

void LoopStorage::finish_scrub(const Store& store, const Item& item) {
    --scrub_jobs_;
    scrub_.pages += item.page_count;
    scrub_.found += store.last.scrub_found;
    scrub_.not_repairable += store.last.scrub_not_repairable;
    scrub_.repaired += store.last.scrub_found - store.last.scrub_not_repairable;
    if (store.last.scrub_found > 0) {
        note_scrub(fmt::format("scrub found {} damaged pages in store {}: {} repaired, {} not repairable",
                               store.last.scrub_found, to_hex(store.id),
                               store.last.scrub_found - store.last.scrub_not_repairable,
                               store.last.scrub_not_repairable));
    }
}

/// A repair is no reason for alarm to those who wait for an answer, and every reason to those who run the
/// node. `is_told`: a sentence about these pages follows anyway.
void LoopStorage::note_repairs(const Store& store, const LaneReport& now, bool is_told) {
    const std::uint64_t before = store.last.repaired_pages;
    const std::uint64_t pages = now.repaired_pages - std::min(now.repaired_pages, before);
    if (pages == 0 && now.rebuilt == store.last.rebuilt) {
        return;
    }
    repaired_at_ = seams_.clock.wall();
    if (pages > 0 && !is_told) {
        tell(
            fmt::format("store {}: {} pages on {} were not what was written and were brought back; the disk "
                        "is suspect, replace it soon",
                        to_hex(store.id), pages, seams_.data.label()));
    }
}

void LoopStorage::add_repairs(Health& health) const {
    RepairHealth& out = health.repairs;
    for (const store::StoreHealth& store : health.stores) {
        out.stores_rebuilt += store.rebuilt;
        out.pages_repaired += store.repaired_pages;
    }
    out.files_replaced = options_.files_replaced;
    out.last = repaired_at_.value_or(WallTime{});
    if (out.is_any()) {
        health.notes.push_back(fmt::format(
            "the data disk {} did not give back what was written: since the start {} stores were built anew "
            "from the log, {} pages and {} other files brought back, last at {}; nothing is lost, the disk "
            "is suspect: replace it soon",
            seams_.data.label(), out.stores_rebuilt, out.pages_repaired, out.files_replaced,
            format_utc(out.last)));
    }
}

void LoopStorage::note_scrub(std::string text) {
    if (scrub_notes_.size() < kScrubNotes) {
        scrub_notes_.push_back(text);
    }
    tell(std::move(text));
}

void LoopStorage::scrub_log() {
    if (is_log_scrub_busy_ || is_removing_) {
        return;
    }
    if (!log_scrub_) {
        std::vector<Disk*> disks;
        for (std::size_t i = 0; i < std::min(members_.size(), seams_.logs.size()); ++i) {
            if (members_[i].is_present) {
                disks.push_back(seams_.logs[i]);
            }
        }
        log_scrub_ = std::make_shared<LogScrub>(std::move(disks), durable_, false);
        log_scrub_->forget_before(log_begin_);
    }
    std::uint64_t total = 0;
    for (const LogScan::Member& member : members_) {
        total += member.bytes;
    }
    struct Step {
        LogScrubReport report;
        Status status;
        bool is_over = false;
    };
    const auto step = std::make_shared<Step>();
    is_log_scrub_busy_ = true;
    seams_.workers.run(
        Lane::upkeep,
        [step, scrub = log_scrub_, budget = share(total, options_.scrub_period, kLeastLogBytes)] {
            scrub->report = {};
            auto over = scrub->step(budget);
            step->is_over = over && *over;
            step->status = over ? Status{} : Status(over.error());
            step->report = scrub->report;
        },
        [this, alive = std::weak_ptr(alive_), step] {
            if (alive.expired()) {
                return;
            }
            is_log_scrub_busy_ = false;
            scrub_.log_bytes += step->report.bytes;
            scrub_.found += step->report.found;
            scrub_.repaired += step->report.repaired;
            scrub_.not_repairable += step->report.not_repairable;
            for (const std::string& text : step->report.notes) {
                note_scrub(text);
            }
            scrub_.log_rounds += step->is_over ? 1 : 0;
            if (step->is_over || !step->status) {
                log_scrub_.reset();
            }
            pump_log();  // a removal may have waited for it
        });
}

}  // namespace firedrill::store
