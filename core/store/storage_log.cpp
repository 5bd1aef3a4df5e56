// The log's side of LoopStorage: LSNs, group commit, space, durability, and what is fatal.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "store/log_resilver.h"
#include "store/storage_limits.h"
#include "store/storage_loop.h"

namespace firedrill::store {

/// One visit to the log lane.
struct LoopStorage::LogJob {
    std::vector<Record> records;
    std::uint64_t bytes = 0;
    WallTime wall;
    bool is_tick = false;
    std::uint64_t wanted_bytes = 0;  ///< 0: no reservation asked
    std::uint64_t least_bytes = 0;
    Status appended;
    Status ticked;
    Status reserved;
    std::uint64_t reserved_bytes = 0;
    std::vector<LogScan::Member> members;
    Lsn remove_before = 0;  ///< 0: nothing is to be removed
    Status removed;
    bool begins_resilver = false;
    std::shared_ptr<LogResilver> begun;  // owners: this, then the storage and its jobs
    std::shared_ptr<LogResilver> filled;
    std::optional<Result<Rejoin>> rejoined;

    void run(LogWriter& writer) {
        if (!records.empty()) {
            appended = writer.append(records, wall);
        }
        if (appended && is_tick) {
            ticked = writer.tick(wall);
        }
        if (appended && ticked && wanted_bytes > 0) {
            reserved_bytes = wanted_bytes;
            reserved = writer.reserve(wanted_bytes);
            if (!reserved && reserved.error().fault == Fault::disk_full) {
                reserved_bytes = least_bytes;
                reserved = writer.reserve(least_bytes);
            }
        }
        if (appended && ticked && filled) {
            rejoined = writer.rejoin(*filled, wall);
        }
        if (appended && ticked && begins_resilver) {
            begun = writer.begin_resilver(wall);
        }
        if (appended && ticked && remove_before > 0) {
            removed = writer.remove_before(remove_before);
        }
        members = writer.members();
    }
};

std::uint64_t LoopStorage::promised_bytes() const {
    return log_queue_bytes_ + writers_ * kPromisedBytes;
}

namespace {

std::uint64_t room_for(const RecordBody& body) {
    const bool has_pages = std::holds_alternative<Commit>(body) || std::holds_alternative<CommitPart>(body);
    return record_bytes(has_pages ? own_pages(body).size() : 16);
}

}  // namespace

Lsn LoopStorage::queue_record(RecordBody body) {
    Record record;
    record.lsn = next_lsn_++;
    record.durable = durable_;
    record.wall = seams_.clock.wall();
    log_queue_bytes_ += room_for(body);
    record.body = std::move(body);
    log_queue_.push_back(std::move(record));
    return log_queue_.back().lsn;
}

/// When many stores commit at once, the first of them must not take a sync for itself while the others are
/// about to be ready: the append waits for as many as the last one had, at most half as long as that took.
bool LoopStorage::should_wait_for_more() {
    const bool is_group = writers_ > 0 && !log_queue_.empty() && log_queue_.size() < last_batch_;
    if (!is_group || seams_.clock.now() >= window_ends_) {
        return false;
    }
    if (window_ == TimerId::none) {
        window_ = seams_.clock.call_at(window_ends_, [this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) {
                window_ = TimerId::none;
                pump_log();
            }
        });
    }
    return true;
}

bool LoopStorage::has_log_work() const {
    const bool is_removal_due = remove_before_ > 0 && !is_log_scrub_busy_ && !is_log_read();
    return !log_queue_.empty() || is_tick_due_ || wants_space_ || is_resilver_due_ || is_rejoin_due_ ||
           is_removal_due;
}

void LoopStorage::pump_log() {
    if (is_log_busy_ || fatal_ || retry_ != TimerId::none) {
        return;
    }
    if (!has_log_work()) {
        return;
    }
    if (should_wait_for_more()) {
        return;
    }
    seams_.clock.cancel(std::exchange(window_, TimerId::none));
    append_began_ = seams_.clock.now();
    const auto job = std::make_shared<LogJob>();
    const std::size_t count = std::min(log_queue_.size(), kMaxBatch);
    const auto last = log_queue_.begin() + static_cast<std::ptrdiff_t>(count);
    job->records.assign(std::make_move_iterator(log_queue_.begin()), std::make_move_iterator(last));
    log_queue_.erase(log_queue_.begin(), last);
    for (const Record& record : job->records) {
        job->bytes += room_for(record.body);
    }
    job->wall = seams_.clock.wall();
    job->is_tick = std::exchange(is_tick_due_, false);
    job->begins_resilver = std::exchange(is_resilver_due_, false);
    job->filled = std::exchange(is_rejoin_due_, false) ? resilver_ : nullptr;
    job->remove_before = is_log_scrub_busy_ || is_log_read() ? 0 : std::exchange(remove_before_, 0);
    if (std::exchange(wants_space_, false)) {
        job->least_bytes = promised_bytes() - job->bytes + kPromisedBytes;
        job->wanted_bytes = job->least_bytes + kSpaceAhead;
    }
    is_log_busy_ = true;
    seams_.workers.run(
        Lane::log, [writer = writer_, job] { job->run(*writer); },
        [this, alive = std::weak_ptr(alive_), job] {
            if (!alive.expired()) {
                finish_log(*job);
            }
        });
}

void LoopStorage::finish_log(LogJob& job) {
    is_log_busy_ = false;
    notice_members(std::move(job.members));
    finish_append(job);
    if (!fatal_ && !job.ticked) {
        // A segment that could not be closed for lack of space is closed by a later tick; anything else is
        // fatal.
        job.ticked.error().fault == Fault::disk_full ? void(is_log_full_ = true) : fail(job.ticked.error());
    }
    if (!fatal_) {
        finish_log_care(
            job.begins_resilver, std::move(job.begun),
            job.filled && !job.rejoined ? std::optional(Result<Rejoin>(Rejoin::more)) : job.rejoined);
    }
    if (job.remove_before > 0) {
        finish_removal(job.remove_before, job.appended && job.ticked
                                              ? job.removed
                                              : Status(Error{Fault::disk_full, "the log disk has no space"}));
    }
    if (!fatal_ && job.wanted_bytes > 0 && job.appended && job.ticked) {
        finish_reserve(job);
    } else if (!fatal_ && job.wanted_bytes > 0) {
        refuse_waiting(job.appended ? job.ticked.error() : job.appended.error());
    }
    pump_log();
}

void LoopStorage::finish_append(LogJob& job) {
    if (job.appended) {
        if (!job.records.empty()) {
            durable_ = job.records.back().lsn;
            last_batch_ = job.records.size();
            window_ends_ = seams_.clock.now() + (seams_.clock.now() - append_began_) / 2;
            log_queue_bytes_ -= job.bytes;
            space_bytes_ -= std::min(space_bytes_, job.bytes);
            is_log_full_ = false;
            log_bytes_ += job.bytes;
            release();
            if (log_bytes_ >= next_look_bytes_) {
                fold_old();
            }
        }
        return;
    }
    if (job.appended.error().fault != Fault::disk_full) {
        fail(job.appended.error());
        return;
    }
    // Somebody else took the space that was promised. Nothing of the batch is in the log and nobody was told
    // of it.
    is_log_full_ = true;
    log_queue_.insert(log_queue_.begin(), std::make_move_iterator(job.records.begin()),
                      std::make_move_iterator(job.records.end()));
    space_bytes_ = 0;
    arm_retry();
}

void LoopStorage::finish_reserve(const LogJob& job) {
    if (job.reserved) {
        space_bytes_ = job.reserved_bytes;
        is_log_full_ = false;
        wake_waiting();
        return;
    }
    if (job.reserved.error().fault != Fault::disk_full) {
        fail(job.reserved.error());
        return;
    }
    is_log_full_ = true;
    refuse_waiting(job.reserved.error());
}

/// Jobs that wait for space are answered; the next one that comes asks again.
void LoopStorage::refuse_waiting(const Error& error) {
    std::vector<Store*> waiting;
    for (const auto& [id, store] : stores_) {
        const bool is_writer = !store->queue.empty() && is_writing(*store->queue.front());
        if (store->is_waiting && !store->waits_for_fold && is_writer) {
            waiting.push_back(store.get());
        }
    }
    wants_space_ = false;  // whoever asked again meanwhile is answered here
    for (Store* store : waiting) {
        ItemPtr item = std::move(store->queue.front());
        store->queue.pop_front();
        store->is_waiting = false;
        hold(store->newest, [this, item, error] { answer(std::move(item->done), error); });
    }
    for (Store* store : waiting) {
        advance(*store);
    }
}

void LoopStorage::hold(Lsn until, Handler handler) {
    if (until <= durable_ || fatal_) {
        handler();
    } else {
        held_.emplace(until, std::move(handler));
    }
}

void LoopStorage::release() {
    const auto end = held_.upper_bound(durable_);
    std::vector<Handler> ready;
    for (auto at = held_.begin(); at != end; ++at) {
        ready.push_back(std::move(at->second));
    }
    held_.erase(held_.begin(), end);
    for (const Handler& handler : ready) {
        handler();
    }
}

void LoopStorage::fail(const Error& error) {
    if (fatal_) {
        return;
    }
    fatal_ = error.fault == Fault::in_use
                 ? error
                 : Error{Fault::disk_failed, "the transaction log failed, the node must stop: " + error.text};
    if (options_.on_fatal) {
        seams_.clock.defer([alive = std::weak_ptr(alive_), tell = options_.on_fatal, failure = *fatal_] {
            if (!alive.expired()) {
                tell(failure);
            }
        });
    }
    std::multimap<Lsn, Handler> held = std::exchange(held_, {});
    for (auto& entry : held) {
        entry.second();
    }
    for (const auto& frozen : std::exchange(frozen_, {})) {
        answer(std::move(frozen.second->done), {});
    }
    for (const auto& [id, store] : stores_) {
        std::deque<ItemPtr> queue = std::exchange(store->queue, {});
        for (const ItemPtr& item : queue) {
            answer(std::move(item->done), {});
        }
    }
}

void LoopStorage::arm_tick() {
    tick_ = seams_.clock.call_at(seams_.clock.now() + kTickPeriod, [this, alive = std::weak_ptr(alive_)] {
        if (alive.expired() || fatal_) {
            return;
        }
        is_tick_due_ = true;
        arm_tick();
        care();
        pump_log();
    });
}

void LoopStorage::arm_retry() {
    retry_ = seams_.clock.call_at(seams_.clock.now() + kRetryPeriod, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) {
            retry_ = TimerId::none;
            pump_log();
        }
    });
}

}  // namespace firedrill::store
