#include "fault_scenes.h"

#include <algorithm>

#include "store/log_format.h"
#include "store/page_store.h"

namespace firedrill::store {

using namespace std::chrono_literals;

std::vector<sim::SimDisk*> Scene::disks() {
    std::vector<sim::SimDisk*> all{world.data.get()};
    for (const auto& log : world.logs) {
        all.push_back(log.get());
    }
    return all;
}

Status Scene::note(Status status) {
    const bool is_full = !status && status.error().fault == Fault::disk_full;
    was_refused_in_silence_ =
        was_refused_in_silence_ || (is_full && is_serving() && !says_that_space_is_lacking());
    return status;
}

Status Scene::put(std::uint32_t store, int id, std::size_t size) {
    if (!is_serving()) {
        return Error{Fault::unavailable, "the node does not serve"};
    }
    tried_.emplace(store, id);
    Status done = note(
        world.execute(store_id(store), fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", id,
                                                   std::string(size, static_cast<char>('a' + id % 26)))));
    if (done) {
        told_.emplace(store, id);
    } else if (is_serving()) {
        refused_.emplace(store, id);
    }
    return done;
}

Status Scene::open_up() {
    for (std::uint32_t store = 1; store <= stores_; ++store) {
        if (!is_serving()) {
            return Error{Fault::unavailable, "the node does not serve"};
        }
        TRY(note(world.unlock_with(store_id(store), ring(store_id(store)))));
    }
    return {};
}

Status Scene::begin() {
    TRY(world.create());
    return open_up();
}

bool Scene::says_that_space_is_lacking() const {
    std::vector<std::string> all = said_;
    if (world.storage) {
        const Health health = world.storage->health();
        all.insert(all.end(), health.notes.begin(), health.notes.end());
    }
    return std::any_of(all.begin(), all.end(),
                       [](const std::string& text) { return text.find("full") != std::string::npos; });
}

std::string Scene::judge() {
    for (std::uint32_t store = 1; store <= stores_; ++store) {
        std::set<Row> found;
        const Status read = world.read(store_id(store), [&](Database& database) -> Status {
            TRY(check_integrity(database));
            auto rows = TRY(database.prepare("SELECT id FROM note WHERE id > 0 AND id < 1000"));
            while (TRY(rows.step())) {
                found.emplace(store, static_cast<int>(rows.integer(0)));
            }
            return {};
        });
        if (!read) {
            return fmt::format("store {} does not read: {}", store, read.error().text);
        }
        for (const Row& row : told_) {
            if (row.first == store && !found.contains(row)) {
                return fmt::format("row {} of store {} was acknowledged and is lost", row.second, store);
            }
        }
        for (const Row& row : found) {
            if (!tried_.contains(row) || refused_.contains(row)) {
                return fmt::format("row {} of store {} was refused and is there", row.second, store);
            }
        }
    }
    return {};
}

namespace {

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);

std::vector<SegmentName> segments(const sim::SimDisk& disk) {
    std::vector<SegmentName> out;
    for (const std::string& text : disk.peek_names()) {
        if (const auto name = parse_segment_name(text)) {
            out.push_back(*name);
        }
    }
    return out;
}

/// Commits of two stores, an hour that closes a segment, a key that is changed, a practice that signs out and
/// in.
class Serving final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override { return begin(); }
    void act() override {
        (void)put(1, 1).is_ok();
        (void)put(2, 1, 3000).is_ok();
        pass(61min);
        (void)put(1, 2, 9000).is_ok();
        if (is_serving()) {
            // Who changes it is the operator, who is told; the log has it even where its file has no space.
            (void)world
                .wait([this](Storage::Done done) {
                    world.storage->set_node_slots(Bytes(600, 7), std::move(done));
                })
                .is_ok();
        }
        if (is_serving()) {
            (void)world.lock(kSecond).is_ok();
        }
        pass(2min);  // an idle store is folded
        (void)open_up().is_ok();
        (void)put(2, 2).is_ok();
    }
};

/// A fold into the file there is, and one after which the file is shorter.
class Folding final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        TRY(begin());
        for (int id = 1; id <= 6; ++id) {
            TRY(put(1, id, 3000));
            TRY(put(2, id, 3000));
        }
        for (int id = 2001; id <= 2012; ++id) {
            TRY(world.execute(kFirst,
                              fmt::format("INSERT INTO note VALUES ({}, '{}')", id, std::string(3000, 'z'))));
        }
        TRY(world.fold());
        TRY(put(1, 7, 3000));
        return put(2, 7, 3000);
    }
    void act() override {
        fold();
        if (is_serving()) {
            (void)world.execute(kFirst, "DELETE FROM note WHERE id > 2000").is_ok();
        }
        if (is_serving()) {
            (void)world.execute(kFirst, "PRAGMA incremental_vacuum").is_ok();
        }
        (void)put(1, 8).is_ok();
        fold();
    }
    Status finish() override {
        TRY(put(1, 500 + ++finished_, 3000));
        TRY(world.fold());
        return world.health(kFirst).unfolded_bytes == 0 ? Status()
                                                        : Status(Error{Fault::internal, "unfolded"});
    }

  private:
    void fold() {
        if (is_serving()) {
            (void)note(world.fold()).is_ok();
        }
    }
    int finished_ = 0;
};

/// The start after a power cut in the middle of a commit, with a closed segment, with folded and unfolded
/// commits.
class Recovering : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        TRY(begin());
        TRY(put(1, 1, 3000));
        TRY(put(2, 1));
        pass(61min);
        TRY(put(1, 2));
        TRY(world.fold());
        TRY(put(1, 3, 3000));
        TRY(put(2, 2));
        world.logs.back()->cut_power_after(1);  // the write of the record, of which any part is kept
        (void)put(1, 4, 9000).is_ok();
        return world.machine->is_on() ? Status(Error{Fault::internal, "no cut"}) : Status();
    }
    void act() override {
        world.boot();
        if (note(world.open()) && open_up()) {
            (void)put(1, 5).is_ok();
        }
    }
};

/// The same with a blank disk in the place of one log disk.
class RecoveringWithABlankMirror final : public Recovering {
  public:
    using Recovering::Recovering;
    Status prepare() override {
        TRY(Recovering::prepare());
        world.logs.front()->replace();
        return {};
    }
};

/// A log disk that dropped out is filled while the node serves.
class Filling final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        TRY(begin());
        TRY(put(1, 1));
        pass(61min);
        (void)world.logs[1]->fail_next_sync("");
        TRY(put(1, 2));
        return is_complete() ? Status(Error{Fault::internal, "nothing to fill"}) : Status();
    }
    void act() override {
        pass(90s);
        (void)put(1, 3, 3000).is_ok();
        pass(3min);
        (void)put(2, 3).is_ok();
    }
    bool is_complete() override { return is_serving() && !world.storage->health().is_degraded; }
    Status finish() override {
        pass(15min);
        const bool is_same = segments(*world.logs[0]) == segments(*world.logs[1]);
        return is_complete() && is_same ? Status() : Status(Error{Fault::internal, "the disk is not filled"});
    }
};

/// Segments that are folded and covered go.
class Removing final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        world.covered = [this](const SegmentName&) { return is_covered_; };
        TRY(begin());
        for (int hour = 1; hour <= 3; ++hour) {
            TRY(put(1, hour, 900));
            TRY(put(2, hour, 900));
            pass(61min);
        }
        TRY(world.fold());
        is_covered_ = true;
        return segments(*world.logs[0]).size() > 3 ? Status()
                                                   : Status(Error{Fault::internal, "few segments"});
    }
    void act() override {
        pass(90s);
        (void)put(1, 10).is_ok();
        pass(1min);
    }
    bool is_complete() override {
        return std::all_of(world.logs.begin(), world.logs.end(),
                           [](const auto& log) { return segments(*log).size() == 1; });
    }
    Status finish() override {
        TRY(world.fold());
        pass(5min);
        return is_complete() ? Status() : Status(Error{Fault::internal, "segments are left"});
    }

  private:
    bool is_covered_ = false;
};

/// One practice is taken back, by a commit in several parts.
class TakingBack final : public Scene {
  public:
    TakingBack(std::size_t logs, std::uint64_t seed) : Scene(logs, seed) { world.restore_part_pages = 8; }
    Status prepare() override {
        TRY(begin());
        TRY(fill('a'));
        kept_ = world.storage->health().durable;
        TRY(fill('b'));
        TRY(put(2, 1));
        TRY(world.lock(kFirst));
        return world.fold();
    }
    void act() override {
        was_told_ = take_back().is_ok();
        (void)put(2, 2).is_ok();
        pass(2min);  // an idle store is folded
    }
    bool is_complete() override { return was_told_; }
    Status finish() override {
        TRY(world.lock(kFirst));
        const Status again = take_back();
        if (!again && again.error().fault != Fault::refused) {
            return again;
        }
        was_told_ = true;
        return open_up();
    }
    std::string judge() override {
        if (std::string other = Scene::judge(); !other.empty()) {
            return other;
        }
        const std::string letters =
            world.query(kFirst, "SELECT group_concat(DISTINCT substr(body, 1, 1)) FROM note");
        const bool is_right = letters == "a" || (letters == "b" && !was_told_);
        return is_right ? ""
                        : "the rows are " + letters + (was_told_ ? ", it was told to be taken back" : "");
    }

  private:
    static constexpr int kRows = 80;

    Status fill(char letter) {
        return world.write(kFirst, [letter](Database& database) -> Status {
            for (int id = 1001; id <= 1000 + kRows; ++id) {
                auto row = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
                TRY(row.bind(1, id).bind(2, std::string_view(std::string(900, letter))).run());
            }
            return {};
        });
    }
    Status take_back() {
        auto told = std::make_shared<bool>(false);
        auto refused = std::make_shared<std::optional<Error>>();
        world.storage->restore_store(kFirst, {kept_, {}}, RestoreMode::go,
                                     [told, refused](const Result<StoreRestorePlan>& plan) {
                                         *told = plan.is_ok();
                                         if (!plan) {
                                             *refused = plan.error();
                                         }
                                     });
        world.run_until([&] { return *told || *refused || !world.machine->is_on(); });
        return *told ? Status() : note(refused->value_or(Error{Fault::unavailable, "there is no answer"}));
    }

    Lsn kept_ = 0;
    bool was_told_ = false;
};

/// The key of a practice was replaced: its pages are sealed under the new one.
class Resealing final : public Scene {
  public:
    Resealing(std::size_t logs, std::uint64_t seed) : Scene(logs, seed) {
        world.fold_after_bytes = 512 << 10;
    }
    Status prepare() override {
        TRY(begin());
        Status filled = world.write(kFirst, [](Database& database) -> Status {
            for (int id = 1001; id <= 2100; ++id) {
                auto row = TRY(database.prepare("INSERT INTO note (id, body) VALUES (?1, ?2)"));
                TRY(row.bind(1, id).bind(2, std::string_view(std::string(900, 'r'))).run());
            }
            return {};
        });
        TRY(std::move(filled));
        TRY(world.lock(kFirst));
        TRY(world.fold());
        newest_ = 2;
        return {};
    }
    void act() override {
        (void)open_up().is_ok();
        pass(2s);
        (void)put(1, 1).is_ok();
        pass(20s);
    }
    bool is_complete() override {
        return is_serving() && world.health(kFirst).reseal.state == ResealState::none;
    }
    Status finish() override {
        TRY(open_up());
        pass(3min);
        return is_complete() ? Status() : Status(Error{Fault::internal, "pages of the old key are left"});
    }

  protected:
    KeyRing ring(StoreId store) override {
        KeyRing made;
        for (KeyEpoch epoch = 1; epoch <= newest_; ++epoch) {
            KeyRing one = test_ring(store, test_timeline(), static_cast<Byte>(0x5a + epoch - 1));
            one.back().epoch = epoch;
            made.push_back(std::move(one.back()));
        }
        return made;
    }

  private:
    KeyEpoch newest_ = 1;
};

/// A round of scrub that finds a rotten page and a rotten record, and brings both back.
class Scrubbing final : public Scene {
  public:
    Scrubbing(std::size_t logs, std::uint64_t seed) : Scene(logs, seed) { world.scrub_period = 20min; }
    Status prepare() override {
        TRY(begin());
        for (int id = 1; id <= 12; ++id) {
            TRY(put(1, id, 3000));
        }
        TRY(world.lock(kFirst));
        TRY(world.fold());
        pass(62min);
        const std::string closed = to_text(segments(*world.logs[1]).front());
        const bool is_rotten =
            world.logs[1]->corrupt(closed, 9000, Bytes(100, 0xee)).has_value() &&
            world.data->corrupt(page_file_name(kFirst, 1), 4 * kPageSize, Bytes(100, 0xee)).has_value();
        return is_rotten ? Status() : Status(Error{Fault::internal, "nothing rots"});
    }
    void act() override {
        pass(25min);
        (void)put(2, 1).is_ok();
    }
    Status finish() override {
        pass(45min);
        const std::string closed = to_text(segments(*world.logs[1]).front());
        const bool is_same = world.logs[1]->peek(closed) == world.logs[0]->peek(closed);
        return is_same ? Status() : Status(Error{Fault::internal, "the record is still rotten"});
    }
};

}  // namespace

std::vector<Phase> all_phases() {
    std::vector<Phase> all{
        {"serving", 1, make_scene<Serving>},
        {"serving mirrored", 2, make_scene<Serving>},
        {"folding", 1, make_scene<Folding>},
        {"recovering", 1, make_scene<Recovering>},
        {"recovering mirrored", 2, make_scene<Recovering>},
        {"recovering with a blank mirror", 2, make_scene<RecoveringWithABlankMirror>},
        {"filling", 2, make_scene<Filling>},
        {"removing", 2, make_scene<Removing>},
        {"taking back", 1, make_scene<TakingBack>},
        {"resealing", 1, make_scene<Resealing>},
        {"scrubbing", 2, make_scene<Scrubbing>},
    };
    const std::vector<Phase> care = care_phases();
    all.insert(all.end(), care.begin(), care.end());
    return all;
}

}  // namespace firedrill::store
