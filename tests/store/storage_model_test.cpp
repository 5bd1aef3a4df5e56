// Random histories over several stores, with a power cut or a failed call at every disk operation, against a
// plain model.
//
// What was acknowledged is there after recovery, what was not is there as a whole or not at all, in the order
// of its store; integrity_check is content; no plaintext reaches a disk; no nonce is used twice.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store_world.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kCanary = "CANARYoftheday";
constexpr std::uint32_t kStores = 3;

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
constexpr std::uint32_t kVerbs = 13;

struct Step {
    Verb verb{};
    std::uint32_t store = 1;
    std::uint32_t key = 0;
    std::uint32_t size = 0;
    bool is_waited_for = true;  // the next step starts only when this one answered
};
using History = std::vector<Step>;
using Rows = std::map<std::int64_t, std::string>;

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << "{Verb(" << int(step.verb) << "), " << step.store << ", " << step.key << ", " << step.size
               << ", " << step.is_waited_for << "}";
}

std::string body_of(const Step& step, std::uint32_t nth = 0) {
    return fmt::format("{}-{}-{}-{}", kCanary, step.key, nth, std::string(step.size % 700, 'x'));
}

void apply_to_model(const Step& step, Rows& rows) {
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

Status put(Database& database, std::int64_t id, const std::string& body) {
    auto statement = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
    return statement.bind(1, id).bind(2, std::string_view(body)).run();
}

Status run_step(const Step& step, Database& database) {
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
    enum class Kind : std::uint8_t { none, power_cut, failed_not_done, failed_done } kind = Kind::none;
    std::size_t disk = 0;         // 0: data, 1…: logs
    std::uint64_t operation = 0;  // the k-th of that disk, from 1
    std::uint64_t again = 0;      // a second power cut, at this operation of recovery; 0: none
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
            disk->set_tap([this](std::string_view, std::uint64_t, ByteView bytes) {
                const std::string_view text = as_text(bytes);
                leaked_ = leaked_ || text.find(kCanary.substr(0, 6)) != std::string_view::npos;
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
        arm(mishap);
        play(history);
        disarm();
        for (sim::SimDisk* disk : disks()) {
            operations.push_back(disk->operation_count());
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

    void arm(const Mishap& mishap) {
        sim::SimDisk& disk = *disks().at(mishap.disk);
        switch (mishap.kind) {
            case Mishap::Kind::none: break;
            case Mishap::Kind::power_cut: disk.cut_power_after(mishap.operation); break;
            case Mishap::Kind::failed_not_done:
                disk.fail_operation(mishap.operation, sim::CallOutcome::not_done, sim::Times::once);
                break;
            case Mishap::Kind::failed_done:
                disk.fail_operation(mishap.operation, sim::CallOutcome::done, sim::Times::once);
                break;
        }
    }
    void disarm() {
        for (sim::SimDisk* disk : disks()) {
            disk->cut_power_after(0);
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
        for (std::uint32_t store = 1; store <= kStores && !is_over(); ++store) {
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
        world_.universe.loop.run_until([this] { return pending_ == 0 || is_over(); });
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
                for (std::uint32_t store = 1; store <= kStores && !is_over(); ++store) {
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

    void judge(const Mishap& mishap) {
        world_.machine->cut_power();
        world_.boot();
        if (mishap.again != 0) {
            disks().at(mishap.again % disks().size())->cut_power_after(mishap.again);
            (void)world_.open().is_ok();
            disarm();
            world_.machine->cut_power();
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
        for (std::uint32_t store = 1; store <= kStores && problem_.empty(); ++store) {
            judge_store(store);
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
    std::map<std::uint32_t, StoreModel> models_;
    std::set<crypto::Nonce> nonces_;
    bool are_nonces_unique_ = true;
    bool leaked_ = false;
    bool is_created_ = false;
    int pending_ = 0;
    std::string problem_;
};

History make_history(std::uint64_t seed, std::size_t steps) {
    sim::Random random(seed);
    History history(steps);
    for (Step& step : history) {
        step.verb = static_cast<Verb>(random.below(kVerbs - 1));
        if (step.verb == Verb::restart || random.chance(1, 3)) {
            step.verb = Verb::insert;
        }
        step.store = 1 + static_cast<std::uint32_t>(random.below(kStores));
        step.key = static_cast<std::uint32_t>(random.below(40));
        step.size = static_cast<std::uint32_t>(random.below(2000));
        step.is_waited_for = random.chance(1, 2);
    }
    return history;
}

bool is_long() {
    return std::getenv("FIREDRILL_LONG") != nullptr;
}

/// Every operation of every disk, one run each.
std::uint64_t sweep(std::uint64_t seed, std::size_t steps, std::size_t logs, Mishap::Kind kind,
                    bool is_twice) {
    const History history = make_history(seed, steps);
    ModelRun plain(seed, logs);
    const std::string sound = plain.run(history, {});
    EXPECT_EQ(sound, "") << "seed " << seed;
    std::uint64_t points = 0;
    for (std::size_t disk = 0; disk < plain.operations.size(); ++disk) {
        for (std::uint64_t k = 1; k <= plain.operations[disk]; ++k) {
            ++points;
            const Mishap mishap{kind, disk, k, is_twice ? 1 + (k * 7 + seed) % 40 : 0};
            ModelRun run(seed, logs);
            const std::string problem = run.run(history, mishap);
            EXPECT_EQ(problem, "") << "seed " << seed << ", disk " << disk << ", operation " << k << ", kind "
                                   << int(kind) << ", again " << mishap.again;
            if (!problem.empty()) {
                return points;
            }
        }
    }
    return points;
}

TEST(StorageModel, SurvivesAPowerCutAtEveryDiskOperation) {
    std::uint64_t points = 0;
    for (std::uint64_t seed = 1; seed <= (is_long() ? 300 : 6); ++seed) {
        points += sweep(seed, 14, 1 + seed % 2, Mishap::Kind::power_cut, false);
    }
    RecordProperty("crash_points", static_cast<int>(points));
    EXPECT_GT(points, 500U);
}

TEST(StorageModel, SurvivesASecondPowerCutDuringRecovery) {
    std::uint64_t points = 0;
    for (std::uint64_t seed = 1001; seed <= (is_long() ? 1250 : 1002); ++seed) {
        points += sweep(seed, 12, 1 + seed % 2, Mishap::Kind::power_cut, true);
    }
    RecordProperty("crash_points", static_cast<int>(points));
    EXPECT_GT(points, 100U);
}

TEST(StorageModel, SurvivesAFailedCallAtEveryDiskOperation) {
    std::uint64_t points = 0;
    for (std::uint64_t seed = 2001; seed <= (is_long() ? 2150 : 2002); ++seed) {
        points += sweep(seed, 12, 1 + seed % 2, Mishap::Kind::failed_not_done, false);
        points += sweep(seed, 12, 1 + seed % 2, Mishap::Kind::failed_done, false);
    }
    RecordProperty("crash_points", static_cast<int>(points));
    EXPECT_GT(points, 200U);
}

/// The test is tested: a log that forgets must be noticed.
TEST(StorageModel, NoticesALogThatForgets) {
    int noticed = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        ModelRun run(seed, 1);
        run.plant_a_forgetful_log();
        noticed += run.run(make_history(seed, 14), {}).empty() ? 0 : 1;
    }
    EXPECT_GE(noticed, 8);  // a short history may lose nothing that shows
}

rc::Gen<Step> any_step() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange<int>(0, int{kVerbs}), rc::gen::inRange<int>(1, int{kStores} + 1),
                       rc::gen::inRange<int>(0, 40), rc::gen::inRange<int>(0, 2000),
                       rc::gen::arbitrary<bool>()),
        [](const std::tuple<int, int, int, int, bool>& from) {
            return Step{static_cast<Verb>(std::get<0>(from)), static_cast<std::uint32_t>(std::get<1>(from)),
                        static_cast<std::uint32_t>(std::get<2>(from)),
                        static_cast<std::uint32_t>(std::get<3>(from)), std::get<4>(from)};
        });
}

RC_GTEST_PROP(StorageModel, AnyHistorySurvivesARandomPowerCut, ()) {
    const auto history = *rc::gen::container<History>(any_step());
    const auto logs = static_cast<std::size_t>(*rc::gen::inRange<int>(1, 3));
    const auto disk = static_cast<std::size_t>(*rc::gen::inRange<int>(0, 2));
    const auto operation = static_cast<std::uint64_t>(*rc::gen::inRange<int>(1, 400));
    const auto again = static_cast<std::uint64_t>(*rc::gen::inRange<int>(0, 40));
    ModelRun run(static_cast<std::uint64_t>(*rc::gen::inRange<int>(1, 1000)), logs);

    const std::string problem = run.run(history, {Mishap::Kind::power_cut, disk, operation, again});

    if (!problem.empty()) {
        RC_FAIL(problem);
    }
}

}  // namespace
}  // namespace firedrill::store
