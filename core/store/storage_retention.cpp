// LoopStorage's retention: closed segments that are folded and covered elsewhere go, oldest first, on all log
// disks. Before one goes it is read once more: what is rotten on every log disk stays, since what the copy
// has is then the only sound one.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "crypto/keypair.h"
#include "store/log_scrub.h"
#include "store/segment_reader.h"
#include "store/storage_loop.h"

namespace firedrill::store {

namespace {

/// Segments that one visit to the log lane removes: commits wait that long.
constexpr std::size_t kSegmentsAtOnce = 4;
/// A word about a copy that comes while segments are removed waits for that.
constexpr Duration kCoverPause = std::chrono::seconds(1);
/// A segment that was rotten everywhere is read again after this.
constexpr Duration kRottenPause = std::chrono::hours(1);

/// How many of `old`, which a closed one follows each, are sound on one of `disks`, from the first on.
Result<std::size_t> count_sound(std::span<Disk* const> disks, const std::vector<SegmentFacts>& old) {
    for (std::size_t i = 0; i + 1 < old.size(); ++i) {
        bool is_sound = false;
        for (std::size_t k = 0; k < disks.size() && !is_sound; ++k) {
            is_sound = TRY(is_sound_through(*disks[k], old[i].name, old[i + 1].name.first - 1));
        }
        if (!is_sound) {
            return i;
        }
    }
    return old.size() - 1;
}

}  // namespace

std::vector<Disk*> LoopStorage::disks_in_service() const {
    std::vector<Disk*> disks;
    for (std::size_t i = 0; i < std::min(members_.size(), seams_.logs.size()); ++i) {
        if (members_[i].is_present) {
            disks.push_back(seams_.logs[i]);
        }
    }
    return disks;
}

std::vector<SignerKey> LoopStorage::log_signers() const {
    std::vector<SignerKey> out{crypto::ed25519_public(*options_.signing_seed)};
    if (options_.former_seeds != nullptr) {
        for (const crypto::Secret& seed : *options_.former_seeds) {
            out.push_back(crypto::ed25519_public(seed));
        }
    }
    return out;
}

void LoopStorage::cover(Cover cover, Done done) {
    if (fatal_) {
        answer(std::move(done), {});
        return;
    }
    if (is_retention_busy_) {
        (void)seams_.clock.call_at(seams_.clock.now() + kCoverPause,
                                   [this, alive = std::weak_ptr(alive_), cover = std::move(cover),
                                    done = std::move(done)]() mutable {
                                       if (!alive.expired()) {
                                           this->cover(std::move(cover), std::move(done));
                                       }
                                   });
        return;
    }
    is_retention_busy_ = true;
    const auto checked = std::make_shared<Status>();
    seams_.workers.run(
        Lane::upkeep,
        [checked, &data = seams_.data, node = options_.node, logs = disks_in_service(), cover] {
            *checked = check_cover(data, node, logs, cover);
            if (*checked) {
                *checked = write_cover(data, node, cover);
            }
        },
        [this, alive = std::weak_ptr(alive_), checked, cover, done = std::move(done)]() mutable {
            if (!alive.expired()) {
                is_retention_busy_ = false;
                finish_cover(std::move(cover), std::move(done), *checked);
            }
        });
}

void LoopStorage::finish_cover(Cover cover, Done done, const Status& checked) {
    if (checked && !fatal_) {
        cover_ = std::move(cover);
        cover_doubt_.clear();
        rotten_old_.clear();
        next_retention_ = {};
        fold([this, alive = std::weak_ptr(alive_)](const Status&) {  // a failure is told by note_fold()
            if (!alive.expired()) {
                drop_old_segments();
            }
        });
    }
    answer(std::move(done), checked);
}

/// While segments go nobody else copies whole ones: what goes must not be brought back by scrub, or be missed
/// by the filling of a disk.
bool LoopStorage::may_drop_segments() const {
    const bool is_log_read = std::any_of(stores_.begin(), stores_.end(), [](const auto& entry) {
        return entry.second->last.restoring.has_value();
    });  // a store is about to be taken back, and reads it from the beginning
    const bool may_any_go = options_.covered || (cover_ && cover_->through >= log_begin_);
    return may_any_go && !is_log_read && !is_retention_busy_ && !resilver_ && !is_resilver_due_ && !fatal_ &&
           seams_.clock.now() >= next_retention_;
}

/// Reads what the oldest segments hold.
void LoopStorage::drop_old_segments() {
    if (!may_drop_segments()) {
        return;
    }
    is_retention_busy_ = true;
    const auto read = std::make_shared<Result<std::vector<SegmentFacts>>>(std::vector<SegmentFacts>{});
    seams_.workers.run(
        Lane::upkeep,
        [read, disks = disks_in_service(), begin = log_begin_] {
            *read = oldest_segments(disks, begin, kSegmentsAtOnce);
        },
        [this, alive = std::weak_ptr(alive_), read] {
            if (alive.expired()) {
                return;
            }
            is_retention_busy_ = false;
            if (*read && !fatal_) {
                choose_old_segments(**read);
            }
        });
}

void LoopStorage::choose_old_segments(const std::vector<SegmentFacts>& oldest) {
    std::map<StoreId, CommitSequence> folded;
    for (const auto& [id, store] : stores_) {
        if (store->last.damage.empty()) {
            folded[id] = store->last.folded;
        }
    }
    const std::vector<SegmentName> old = deletable_segments(oldest, folded, [this](const SegmentName& name) {
        return (cover_ && name.first <= cover_->through) || (options_.covered && options_.covered(name));
    });
    if (!old.empty()) {
        read_before_removal({oldest.begin(), oldest.begin() + static_cast<std::ptrdiff_t>(old.size()) + 1});
    }
}

/// `old`: those that may go, and the one that follows them.
void LoopStorage::read_before_removal(std::vector<SegmentFacts> old) {
    is_retention_busy_ = true;
    const auto chosen = std::make_shared<std::vector<SegmentFacts>>(std::move(old));
    const auto sound = std::make_shared<Result<std::size_t>>(std::size_t{0});
    seams_.workers.run(
        Lane::upkeep, [sound, chosen, disks = disks_in_service()] { *sound = count_sound(disks, *chosen); },
        [this, alive = std::weak_ptr(alive_), sound, chosen] {
            if (!alive.expired()) {
                is_retention_busy_ = false;
                remove_old_segments(*chosen, *sound);
            }
        });
}

void LoopStorage::remove_old_segments(const std::vector<SegmentFacts>& old,
                                      const Result<std::size_t>& sound) {
    if (!sound || fatal_) {
        return;
    }
    rotten_old_.clear();
    if (*sound + 1 < old.size()) {
        next_retention_ = seams_.clock.now() + kRottenPause;
        rotten_old_ = fmt::format(
            "Segment {} is covered by a copy, but is sound on no log disk; it stays, and all after it. Put "
            "it back from the copy{}.",
            to_text(old[*sound].name), cover_ ? " (" + cover_->where + ")" : "");
        tell(rotten_old_);
    }
    if (*sound == 0) {
        return;
    }
    is_retention_busy_ = true;
    is_removing_ = true;
    remove_before_ = old[*sound].name.first;
    pump_log();
}

void LoopStorage::finish_removal(Lsn begin, const Status& removed) {
    is_retention_busy_ = false;
    is_removing_ = false;
    if (log_scrub_) {
        log_scrub_->forget_before(begin);
    }
    if (!removed) {
        const bool is_full = removed.error().fault == Fault::disk_full;
        if (!fatal_ && !(is_full && std::exchange(is_removal_late_, true))) {
            tell("old segments of the log could not be removed: " + removed.error().text +
                 ". It is tried again.");
        }
        return;
    }
    is_removal_late_ = false;
    log_begin_ = begin;
    tell(fmt::format("covered segments of the log were removed: it begins with LSN {} now.", begin));
    drop_old_segments();
}

}  // namespace firedrill::store
