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

#include "store_world.h"

namespace firedrill::store {

inline constexpr std::string_view kCanary = "CANARYoftheday";
inline constexpr std::uint32_t kModelStores = 3;

enum class Verb : std::uint8_t {
    insert,
    update,
    remove,
    bulk,
    make_index,
    drop_index,
    roll_back,
    savepoint,
    failing_statement,
    vacuum,
    relock,
    fold,
    restart,
};
inline constexpr std::uint32_t kVerbs = 13;

struct Step {
    Verb verb{};
    std::uint32_t store = 1;
    std::uint32_t key = 0;
    std::uint32_t size = 0;
    bool is_waited_for = true;  // the next step starts only when this one answered
};
using History = std::vector<Step>;
using Rows = std::map<std::int64_t, std::string>;

inline std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << "{Verb(" << int(step.verb) << "), " << step.store << ", " << step.key << ", " << step.size
               << ", " << step.is_waited_for << "}";
}

inline std::string body_of(const Step& step, std::uint32_t nth = 0) {
    return fmt::format("{}-{}-{}-{}", kCanary, step.key, nth, std::string(step.size % 700, 'x'));
}

inline void apply_to_model(const Step& step, Rows& rows) {
    switch (step.verb) {
        case Verb::insert:
        case Verb::savepoint:
        case Verb::failing_statement: rows[step.key] = body_of(step); break;
        case Verb::update:
            for (auto& [id, body] : rows) {
                if (id % 3 == step.key % 3) {
                    body = body_of(step);
                }
            }
            break;
        case Verb::remove:
            std::erase_if(rows, [&](const auto& row) { return row.first % 4 == step.key % 4; });
            break;
        case Verb::bulk:
            for (std::uint32_t nth = 0; nth < 20 + step.size % 60; ++nth) {
                rows[1000 + step.key * 100 + nth] = body_of(step, nth);
            }
            break;
        case Verb::make_index:
        case Verb::drop_index:
        case Verb::roll_back:
        case Verb::vacuum:
        case Verb::relock:
        case Verb::fold:
        case Verb::restart: break;
    }
}

inline Status put(Database& database, std::int64_t id, const std::string& body) {
    auto statement = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
    return statement.bind(1, id).bind(2, std::string_view(body)).run();
}

inline Status run_step(const Step& step, Database& database) {
    switch (step.verb) {
        case Verb::insert: return put(database, step.key, body_of(step));
        case Verb::update: {
            auto statement = TRY(database.prepare("UPDATE note SET body = ?1 WHERE id % 3 = ?2"));
            return statement.bind(1, std::string_view(body_of(step)))
                .bind(2, std::int64_t{step.key % 3})
                .run();
        }
        case Verb::remove: {
            auto statement = TRY(database.prepare("DELETE FROM note WHERE id % 4 = ?1"));
            return statement.bind(1, std::int64_t{step.key % 4}).run();
        }
        case Verb::bulk:
            for (std::uint32_t nth = 0; nth < 20 + step.size % 60; ++nth) {
                TRY(put(database, 1000 + step.key * 100 + nth, body_of(step, nth)));
            }
            return {};
        case Verb::make_index: return database.execute("CREATE INDEX IF NOT EXISTS by_body ON note (body)");
        case Verb::drop_index: return database.execute("DROP INDEX IF EXISTS by_body");
        case Verb::roll_back:
            TRY(put(database, step.key, body_of(step)));
            TRY(database.execute("DELETE FROM note WHERE id % 2 = 0"));
            return Error{Fault::bad_input, "rolled back"};
        case Verb::savepoint:
            TRY(put(database, step.key, body_of(step)));
            TRY(database.execute("SAVEPOINT inner_work"));
            TRY(database.execute("DELETE FROM note"));
            TRY(database.execute("ROLLBACK TO inner_work"));
            return database.execute("RELEASE inner_work");
        case Verb::failing_statement: {
            TRY(put(database, step.key, body_of(step)));
            auto statement = TRY(database.prepare("INSERT INTO note (id, body) VALUES (?1, 'twice')"));
            const Status twice = statement.bind(1, std::int64_t{step.key}).run();
            return !twice && twice.error().fault == Fault::exists
                       ? Status()
                       : (twice ? Status(Error{Fault::internal, "a duplicate went in"}) : twice);
        }
        case Verb::vacuum: return database.execute("PRAGMA incremental_vacuum");
        case Verb::relock:
        case Verb::fold:
        case Verb::restart: break;
    }
    return {};
}

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
        world_.parts.page_cipher = [this](StoreId store, KeyRing ring) {
            return std::make_unique<CountingCipher>(make_page_cipher(store, std::move(ring)), nonces_,
                                                    are_nonces_unique_);
        };
        for (sim::SimDisk* disk : disks()) {
            disk->set_tap([this, disk](std::string_view, std::uint64_t, ByteView bytes) {
                count_write(*disk, as_text(bytes));
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

  private:
    struct StoreModel {
        std::vector<Rows> states{Rows{}};  // states[n]: after n transactions that the store accepted
        std::size_t acknowledged = 0;      // states below this are history
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
                disk.fail_operation(operation, sim::CallOutcome::not_done, sim::Times::once);
                break;
            case Mishap::Kind::failed_done:
                disk.fail_operation(operation, sim::CallOutcome::done, sim::Times::once);
                break;
            case Mishap::Kind::dies:
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
        world_.universe.loop.run_until(is_settled);
    }

    void start(const Step& step) {
        const StoreId id = store_id(step.store);
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

inline History make_history(std::uint64_t seed, std::size_t steps) {
    sim::Random random(seed);
    History history(steps);
    for (Step& step : history) {
        step.verb = static_cast<Verb>(random.below(kVerbs - 1));
        if (step.verb == Verb::restart || random.chance(1, 3)) {
            step.verb = Verb::insert;
        }
        step.store = 1 + static_cast<std::uint32_t>(random.below(kModelStores));
        step.key = static_cast<std::uint32_t>(random.below(40));
        step.size = static_cast<std::uint32_t>(random.below(2000));
        step.is_waited_for = random.chance(1, 2);
    }
    return history;
}

inline bool is_long() {
    return std::getenv("FIREDRILL_LONG") != nullptr;
}

}  // namespace firedrill::store
