// ModelRun: a random history over several stores with one mishap, against a plain model.
//
// What was acknowledged is there after recovery, what was not is there as a whole or not at all, in the order
// of its store; integrity_check is content; no plaintext reaches a disk; no nonce is used twice; the node
// goes on.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model_steps.h"
#include "store/compaction.h"
#include "store/log_format.h"

namespace firedrill::store {

/// Counts nonces over all incarnations of a world.
class CountingCipher final : public PageCipher {
  public:
    CountingCipher(std::unique_ptr<PageCipher> real, std::set<crypto::Nonce>& seen, bool& is_unique)
        : real_(std::move(real)), seen_(seen), is_unique_(is_unique) {}
    void seal(PageNumber page, CommitSequence sequence, const crypto::Nonce& nonce, ByteView plain,
              SealedPage& out) override {
        is_unique_ = seen_.insert(nonce).second && is_unique_;
        real_->seal(page, sequence, nonce, plain, out);
    }
    Status open(PageNumber page, const SealedPage& sealed, MutableBytes out) override {
        return real_->open(page, sealed, out);
    }

  private:
    std::unique_ptr<PageCipher> real_;
    std::set<crypto::Nonce>& seen_;
    bool& is_unique_;
};

/// A planted bug: after its first appends it only says that it wrote.
class ForgetfulLog final : public LogWriter {
  public:
    explicit ForgetfulLog(std::unique_ptr<LogWriter> real) : real_(std::move(real)) {}
    Status append(std::span<const Record> batch, WallTime wall) override {
        return ++appends_ <= 6 ? real_->append(batch, wall) : Status();
    }
    Status reserve(std::uint64_t bytes) override { return real_->reserve(bytes); }
    Status tick(WallTime wall) override { return real_->tick(wall); }
    std::vector<LogScan::Member> members() const override { return real_->members(); }
    Status remove_before(Lsn begin) override { return real_->remove_before(begin); }
    std::shared_ptr<LogResilver> begin_resilver(WallTime wall) override {
        return real_->begin_resilver(wall);
    }
    Result<Rejoin> rejoin(LogResilver& filled, WallTime wall) override { return real_->rejoin(filled, wall); }

  private:
    std::unique_ptr<LogWriter> real_;
    int appends_ = 0;
};

/// What goes wrong, and where.
struct Mishap {
    enum class Kind : std::uint8_t {
        none,
        power_cut,
        failed_not_done,  ///< one call fails and nothing was done
        failed_done,      ///< one call is reported as failed although it was done
        failed_sync,      ///< after the k-th write of the disk its next sync fails
        dies,             ///< from the k-th operation on every call fails
        full,             ///< after the k-th write of the disk there is no space, for a while
    };
    /// What befalls the machine between the loss of power and the next start.
    enum class After : std::uint8_t {
        nothing,
        log_disk_lost,  ///< a blank disk stands in the place of one log disk
        rot_in_log,     ///< bytes of a file on one log disk are overwritten
        rot_in_pages,   ///< bytes of a page file or a leaves file are overwritten
        disk_returns,   ///< the disk that died is back, as it was when it died
    };
    Kind kind = Kind::none;
    std::size_t disk = 0;         // 0: data, 1…: logs
    std::uint64_t operation = 0;  // the k-th of that disk, from 1
    After after = After::nothing;
    std::size_t victim = 0;         // which log disk, for `after`
    Kind in_recovery = Kind::none;  // a power cut or a failed call during recovery
    std::uint64_t again = 0;        // at this operation of it; 0: none
};

class ModelRun {
  public:
    ModelRun(std::uint64_t seed, std::size_t logs) : world_(seed, logs) {
        world_.fold_after_bytes = 24 * kPageSize;
        world_.covered = [this](const SegmentName&) { return are_segments_covered_; };
        world_.parts.page_cipher = [this](StoreId store, KeyRing ring) {
            return std::make_unique<CountingCipher>(make_page_cipher(store, std::move(ring)), nonces_,
                                                    are_nonces_unique_);
        };
        for (sim::SimDisk* disk : disks()) {
            disk->set_tap([this, disk](std::string_view file, std::uint64_t, ByteView bytes) {
                count_write(*disk, as_text(bytes));
                if (file.starts_with("pages.")) {
                    folds_[world_.universe.loop.now()].insert(std::string(file));
                }
            });
        }
    }

    void plant_a_forgetful_log() {
        world_.parts.log_writer = [](std::unique_ptr<LogWriter> real) -> std::unique_ptr<LogWriter> {
            return std::make_unique<ForgetfulLog>(std::move(real));
        };
    }

    /// Empty when all is as it must be; else what is not.
    std::string run(const History& history, const Mishap& mishap) {
        mishap_ = mishap;
        arm(mishap.kind, *disks().at(mishap.disk), mishap.operation);
        play(history);
        disarm();
        for (sim::SimDisk* disk : disks()) {
            operations.push_back(disk->operation_count());
            writes.push_back(write_counts_[disk]);
        }
        if (problem_.empty()) {
            judge(mishap);
        }
        if (leaked_) {
            problem_ += "; plaintext was written to a disk";
        }
        if (!are_nonces_unique_) {
            problem_ += "; a nonce was used twice";
        }
        return problem_;
    }

    std::vector<std::uint64_t> operations;  // per disk, at the end of the history
    std::vector<std::uint64_t> writes;      // likewise

    /// Some care as it was given: what it came to, and the operations and writes of each disk meanwhile.
    struct Cared {
        Care care{};
        bool is_complete = false;  // it did what it is for
        bool was_struck = false;   // the mishap fell into it
        std::vector<std::uint64_t> operations_before, operations_after, writes_before, writes_after;
    };
    std::vector<Cared> cared;

  private:
    struct StoreModel {
        std::vector<Rows> states{Rows{}};  // states[n]: after n transactions that the store accepted
        std::size_t acknowledged = 0;      // states below this are history
        std::map<Lsn, std::size_t> marks;  // a state by the LSN that was durable while it was the newest
    };

    std::vector<sim::SimDisk*> disks() {
        std::vector<sim::SimDisk*> all{world_.data.get()};
        for (const auto& log : world_.logs) {
            all.push_back(log.get());
        }
        return all;
    }

    void arm(Mishap::Kind kind, sim::SimDisk& disk, std::uint64_t operation) {
        switch (kind) {
            case Mishap::Kind::none: break;
            case Mishap::Kind::power_cut: disk.cut_power_after(operation); break;
            case Mishap::Kind::failed_not_done:
                armed_fault_ = disk.fail_operation(operation, sim::CallOutcome::not_done, sim::Times::once);
                break;
            case Mishap::Kind::failed_done:
                armed_fault_ = disk.fail_operation(operation, sim::CallOutcome::done, sim::Times::once);
                break;
            case Mishap::Kind::dies:
                armed_fault_ =
                    disk.fail_operation(operation, sim::CallOutcome::not_done, sim::Times::for_ever);
                break;
            case Mishap::Kind::failed_sync:
            case Mishap::Kind::full:
                strikes_ = kind;
                struck_ = &disk;
                writes_left_ = operation;
                break;
        }
    }
    void disarm() {
        struck_ = nullptr;
        for (sim::SimDisk* disk : disks()) {
            disk->disarm();
            disk->set_capacity(1ULL << 40);
        }
    }
    /// Sees every write.
    void count_write(sim::SimDisk& disk, std::string_view text) {
        ++write_counts_[&disk];
        leaked_ = leaked_ || text.find(kCanary.substr(0, 6)) != std::string_view::npos;
        if (&disk != struck_ || --writes_left_ > 0) {
            return;
        }
        struck_ = nullptr;
        if (strikes_ == Mishap::Kind::full) {
            disk.set_capacity(disk.used_bytes());
        } else {
            disk.fail_next_sync("");
        }
    }

    [[nodiscard]] bool is_over() const { return !world_.machine->is_on() || world_.fatal.has_value(); }

    /// Until the history is over, the power is gone, or the node said that it must stop.
    void play(const History& history) {
        if (!world_.create()) {
            is_created_ = false;
            return;
        }
        is_created_ = true;
        for (std::uint32_t store = 1; store <= kModelStores && !is_over(); ++store) {
            (void)world_.unlock(store_id(store)).is_ok();
        }
        for (const Step& step : history) {
            if (is_over() || !problem_.empty()) {
                return;
            }
            start(step);
        }
        settle();
    }

    void settle() {
        const auto is_settled = [this] { return pending_ == 0 || is_over(); };
        // What waits for a full disk waits until somebody makes room.
        for (int second = 0; second < 10 && !is_settled(); ++second) {
            world_.universe.loop.run_for(std::chrono::seconds(1));
        }
        if (!is_settled()) {
            for (sim::SimDisk* disk : disks()) {
                disk->set_capacity(1ULL << 40);
            }
        }
        world_.run_until(is_settled);
    }

    void start(const Step& step) {
        const StoreId id = store_id(step.store);
        if (step.care) {
            give(*step.care, step);
            return;
        }
        switch (step.verb) {
            case Verb::fold: (void)world_.fold().is_ok(); return;
            case Verb::relock:
                settle();
                if (!is_over()) {
                    (void)world_.lock(id).is_ok();
                }
                if (!is_over()) {
                    (void)world_.unlock(id).is_ok();
                }
                return;
            case Verb::restart:
                settle();
                if (is_over() || !world_.restart()) {
                    return;
                }
                for (std::uint32_t store = 1; store <= kModelStores && !is_over(); ++store) {
                    (void)world_.unlock(store_id(store)).is_ok();
                }
                return;
            default: break;
        }
        transact(step, id);
        if (step.is_waited_for) {
            settle();
        }
    }

    /// Whether what was armed struck by now.
    [[nodiscard]] bool has_struck(const Mishap& mishap) {
        switch (mishap.kind) {
            case Mishap::Kind::none: return false;
            case Mishap::Kind::power_cut: return !world_.machine->is_on();
            case Mishap::Kind::failed_sync:
            case Mishap::Kind::full: return struck_ == nullptr;
            case Mishap::Kind::failed_not_done:
            case Mishap::Kind::failed_done:
            case Mishap::Kind::dies: break;
        }
        const auto& faults = disks().at(mishap.disk)->faults();
        return std::any_of(faults.begin(), faults.end(), [this](const sim::FaultRecord& each) {
            return each.id == armed_fault_ && each.has_struck;
        });
    }
    void count(std::vector<std::uint64_t>& all_operations, std::vector<std::uint64_t>& all_writes) {
        for (sim::SimDisk* disk : disks()) {
            all_operations.push_back(disk->operation_count());
            all_writes.push_back(write_counts_[disk]);
        }
    }

    void give(Care care, const Step& step) {
        settle();
        if (is_over()) {
            return;
        }
        if (!world_.storage->health().is_full) {
            for (auto& [store, model] : models_) {
                model.marks[world_.storage->health().durable] = model.states.size() - 1;
            }
        }
        Cared each;
        each.care = care;
        count(each.operations_before, each.writes_before);
        const bool was_struck = has_struck(mishap_);
        switch (care) {
            case Care::compact: each.is_complete = compact_one(step); break;
            case Care::take_back: each.is_complete = take_back(step); break;
            case Care::refill_disk: each.is_complete = refill_disk(step); break;
            case Care::drop_old: each.is_complete = drop_old(step); break;
            case Care::fold_all: each.is_complete = fold_all(step); break;
        }
        each.was_struck = !was_struck && has_struck(mishap_);
        count(each.operations_after, each.writes_after);
        cared.push_back(std::move(each));
    }

    /// A row of each store, waited for.
    void put_everywhere(const Step& step) {
        for (std::uint32_t store = 1; store <= kModelStores && !is_over(); ++store) {
            transact({Verb::insert, store, step.key, step.size, true}, store_id(store));
        }
        settle();
    }

    bool compact_one(const Step& step) {
        transact({Verb::bulk, step.store, 1, 900, true}, store_id(step.store));
        transact({Verb::remove, step.store, step.key, 0, true}, store_id(step.store));
        settle();
        if (is_over() || !world_.storage->is_unlocked(store_id(step.store))) {
            return false;
        }
        const auto report = std::make_shared<std::optional<Result<CompactionReport>>>();
        compact(*world_.storage, store_id(step.store), {},
                [report](Result<CompactionReport> made) { *report = std::move(made); });
        world_.run_until([&] { return report->has_value() || is_over(); });
        return *report && **report && (**report)->pages_after < (**report)->pages_before;
    }

    bool take_back(const Step& step) {
        const StoreId id = store_id(step.store);
        StoreModel& model = models_[step.store];
        put_everywhere(step);
        if (is_over() || model.marks.empty() || !world_.lock(id) || is_over()) {
            return false;
        }
        const auto mark =
            std::next(model.marks.begin(), static_cast<std::ptrdiff_t>(step.key % model.marks.size()));
        model.states.push_back(model.states.at(mark->second));
        const auto plan = std::make_shared<std::optional<Result<StoreRestorePlan>>>();
        world_.storage->restore_store(id, {mark->first, {}}, RestoreMode::go,
                                      [plan](Result<StoreRestorePlan> made) { *plan = std::move(made); });
        world_.run_until([&] { return plan->has_value() || is_over(); });
        const bool is_done = *plan && **plan;
        if (is_done) {
            model.acknowledged = model.states.size() - 1;
        } else if (*plan && !is_over()) {
            model.states.pop_back();  // it said that nothing happened
        }
        if (!is_over()) {
            (void)world_.unlock(id).is_ok();
        }
        return is_done;
    }

    /// Waits as long as a filling may take, also one that is begun again.
    bool refill_disk(const Step& step) {
        if (world_.logs.size() < 2 || world_.storage->health().is_degraded) {
            return false;
        }
        (void)world_.logs[step.key % world_.logs.size()]->fail_next_sync("");
        put_everywhere(step);
        const bool was_degraded = !is_over() && world_.storage->health().is_degraded;
        for (int minute = 0; minute < 12 && !is_over() && world_.storage->health().is_degraded; ++minute) {
            pass(std::chrono::minutes(1));
        }
        return was_degraded && !is_over() && !world_.storage->health().is_degraded;
    }

    [[nodiscard]] std::size_t segment_count() const {
        const std::vector<std::string> names = world_.logs[0]->peek_names();
        return static_cast<std::size_t>(std::count_if(names.begin(), names.end(), [](const auto& name) {
            return parse_segment_name(name).has_value();
        }));
    }

    bool drop_old(const Step& step) {
        pass(std::chrono::minutes(61));
        put_everywhere(step);
        const std::size_t before = segment_count();
        (void)(!is_over() && world_.fold().is_ok());
        are_segments_covered_ = true;
        for (int minute = 0; minute < 3 && !is_over(); ++minute) {
            pass(std::chrono::minutes(1));
        }
        are_segments_covered_ = false;
        return !is_over() && segment_count() < before;
    }

    bool fold_all(const Step& step) {
        put_everywhere(step);
        folds_.clear();
        const bool is_folded = !is_over() && world_.fold().is_ok();
        return is_folded && std::any_of(folds_.begin(), folds_.end(), [](const auto& moment) {
                   return moment.second.size() >= kFoldsAtOnce;
               });
    }

    void pass(Duration time) {
        if (!is_over()) {
            world_.universe.loop.run_for(time);
        }
    }

    void transact(const Step& step, StoreId id) {
        if (!world_.storage || !world_.storage->is_unlocked(id)) {
            return;
        }
        ++pending_;
        // The model's next state is fixed when the job ran: the lane runs the jobs of a store in order.
        const auto state = std::make_shared<std::size_t>(0);
        world_.storage->transact(
            id, Access::write,
            [this, step, state](Database& database) -> Status {
                Status done = run_step(step, database);
                StoreModel& model = models_[step.store];
                if (done) {
                    Rows rows = model.states.back();
                    apply_to_model(step, rows);
                    model.states.push_back(std::move(rows));
                    *state = model.states.size() - 1;
                }
                return done;
            },
            [this, step, state](Status status) {
                --pending_;
                StoreModel& model = models_[step.store];
                if (status) {
                    model.acknowledged = std::max(model.acknowledged, *state);
                } else if (!world_.fatal && *state != 0) {
                    // It said that nothing happened: later jobs must not have built on it.
                    if (*state + 1 == model.states.size()) {
                        model.states.pop_back();
                    } else {
                        problem_ =
                            "a transaction failed after later ones were built on it: " + status.error().text;
                    }
                }
            });
    }

    /// Nobody looks after the disks: what is wrong with them is there at the next start.
    void befall(const Mishap& mishap) {
        sim::SimDisk& victim = *world_.logs.at(mishap.victim % world_.logs.size());
        sim::SimDisk& died = *disks().at(mishap.disk);
        switch (mishap.after) {
            case Mishap::After::nothing: break;
            case Mishap::After::log_disk_lost: victim.replace(); break;
            case Mishap::After::disk_returns: {
                const sim::DiskImage image = died.image();
                died.replace();
                (void)died.put_back(image);
                break;
            }
            case Mishap::After::rot_in_log: rot(victim, "log.", mishap.operation); break;
            case Mishap::After::rot_in_pages: rot(*world_.data, "pages.", mishap.operation); break;
        }
    }
    static void rot(sim::SimDisk& disk, std::string_view prefix, std::uint64_t salt) {
        sim::Random random(salt * 31 + 7);
        for (const std::string& name : disk.peek_names()) {
            const bool is_leaves = prefix == "pages." && name.starts_with("leaves.");
            const std::uint64_t size = disk.peek(name)->size();
            if (size > 0 && (name.starts_with(prefix) || is_leaves)) {
                (void)disk.corrupt(name, random.below(size), Bytes(1 + random.below(2000), 0xee));
            }
        }
    }

    void judge(const Mishap& mishap) {
        world_.machine->cut_power();
        befall(mishap);
        world_.boot();
        if (mishap.again != 0) {
            arm(mishap.in_recovery, *disks().at(mishap.again % disks().size()), mishap.again);
            (void)world_.open().is_ok();
            disarm();
            if (mishap.in_recovery == Mishap::Kind::power_cut) {
                world_.machine->cut_power();
            } else {
                world_.machine->kill_process();
            }
            world_.boot();
        }
        Status opened = world_.open();
        if (!is_created_ && !opened && opened.error().fault == Fault::not_found) {
            world_.boot();
            opened = world_.create();
        }
        if (!opened) {
            problem_ = "recovery failed: " + opened.error().text;
            return;
        }
        for (std::uint32_t store = 1; store <= kModelStores && problem_.empty(); ++store) {
            judge_store(store);
        }
        if (problem_.empty() && mishap.operation % 4 == 0) {
            judge_future();
        }
    }

    /// The node goes on, and what it then promises stands as well.
    void judge_future() {
        const StoreId id = store_id(1);
        const auto put_one = [](Database& database) { return put(database, 7777, "later"); };
        Status status = world_.write(id, put_one);
        if (status) {
            status = world_.restart();
        }
        if (status) {
            status = world_.unlock(id);
        }
        if (!status) {
            problem_ = "it does not go on: " + status.error().text;
        } else if (world_.query(id, "SELECT body FROM note WHERE id = 7777") != "later") {
            problem_ = "what was written after recovery is not there";
        }
    }

    void judge_store(std::uint32_t number) {
        const StoreId id = store_id(number);
        Status unlocked = world_.unlock(id);
        if (!unlocked) {
            problem_ = "a store does not unlock: " + unlocked.error().text;
            return;
        }
        Rows rows;
        Status read = world_.read(id, [&rows](Database& database) -> Status {
            TRY(check_integrity(database));
            auto statement = TRY(database.prepare("SELECT id, body FROM note"));
            while (TRY(statement.step())) {
                rows[statement.integer(0)] = statement.text(1);
            }
            return {};
        });
        if (!read) {
            problem_ = "a store does not read: " + read.error().text;
            return;
        }
        const StoreModel& model = models_[number];
        for (std::size_t at = model.acknowledged; at < model.states.size(); ++at) {
            if (model.states[at] == rows) {
                return;
            }
        }
        problem_ =
            fmt::format("store {} has {} rows; none of the {} states after its acknowledged one is that",
                        number, rows.size(), model.states.size() - model.acknowledged);
    }

    StoreWorld world_;
    Mishap mishap_;
    std::uint32_t armed_fault_ = 0;
    bool are_segments_covered_ = false;
    std::map<Instant, std::set<std::string>> folds_;  // page files that were written, by moment
    Mishap::Kind strikes_ = Mishap::Kind::none;
    sim::SimDisk* struck_ = nullptr;
    std::uint64_t writes_left_ = 0;
    std::map<sim::SimDisk*, std::uint64_t> write_counts_;
    std::map<std::uint32_t, StoreModel> models_;
    std::set<crypto::Nonce> nonces_;
    bool are_nonces_unique_ = true;
    bool leaked_ = false;
    bool is_created_ = false;
    int pending_ = 0;
    std::string problem_;
};

inline bool is_long() {
    return std::getenv("FIREDRILL_LONG") != nullptr;
}

}  // namespace firedrill::store
