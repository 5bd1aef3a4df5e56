// Scenes of what a node does for its own sake: compaction, folds of several stores at once, disks that join.
#include <algorithm>
#include <map>

#include "fault_scenes.h"
#include "store/compaction.h"
#include "store/log_format.h"

namespace firedrill::store {

namespace {

using namespace std::chrono_literals;

const StoreId kFirst = store_id(1);

/// The space of free pages is given back while others commit.
class Compacting final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        TRY(begin());
        TRY(put(1, 1));
        for (int id = 2001; id <= 2024; ++id) {
            TRY(world.execute(kFirst,
                              fmt::format("INSERT INTO note VALUES ({}, '{}')", id, std::string(3000, 'z'))));
        }
        TRY(world.fold());
        return world.execute(kFirst, "DELETE FROM note WHERE id > 2002");
    }
    void act() override {
        is_compacted_ = is_serving() && run().is_ok();
        (void)put(1, 2, 3000).is_ok();
    }
    bool is_complete() override { return is_compacted_; }
    Status finish() override {
        TRY(run());
        const bool is_small = world.health(kFirst).pages < 16 && world.health(kFirst).unfolded_bytes == 0;
        return is_small ? Status() : Status(Error{Fault::internal, "its pages were not given back"});
    }

  private:
    Status run() {
        const auto report = std::make_shared<std::optional<Result<CompactionReport>>>();
        compact(*world.storage, kFirst, {},
                [report](Result<CompactionReport> made) { *report = std::move(made); });
        (void)put(2, 100 + ++runs_).is_ok();
        world.run_until([&] { return report->has_value() || !is_serving(); });
        if (!*report) {
            return Error{Fault::unavailable, "there is no answer"};
        }
        return note(**report ? Status() : Status((*report)->error()));
    }

    int runs_ = 0;
    bool is_compacted_ = false;
};

/// As many stores as fold at once do so.
class FoldingAtOnce final : public Scene {
  public:
    FoldingAtOnce(std::size_t logs, std::uint64_t seed) : Scene(logs, seed) { stores_ = kFoldsAtOnce; }
    Status prepare() override {
        TRY(begin());
        TRY(put_everywhere(1));
        TRY(world.fold());
        TRY(put_everywhere(2));
        world.data->set_tap([this](std::string_view file, std::uint64_t, ByteView) {
            if (file.starts_with("pages.")) {
                written_[world.universe.loop.now()].insert(std::string(file));
            }
        });
        return {};
    }
    void act() override {
        (void)(is_serving() && note(world.fold()).is_ok());
        world.data->set_tap(nullptr);
        (void)put(1, 3).is_ok();
    }
    bool is_complete() override {
        return std::any_of(written_.begin(), written_.end(),
                           [](const auto& moment) { return moment.second.size() == kFoldsAtOnce; });
    }
    Status finish() override {
        TRY(world.fold());
        for (std::uint32_t store = 1; store <= stores_; ++store) {
            if (world.health(store_id(store)).unfolded_bytes != 0) {
                return Error{Fault::internal, "a store is not folded"};
            }
        }
        return {};
    }

  private:
    Status put_everywhere(int id) {
        for (std::uint32_t store = 1; store <= stores_; ++store) {
            TRY(put(store, id, 6000));
        }
        return {};
    }
    std::map<Instant, std::set<std::string>> written_;  // page files by moment
};

bool are_same_segments(const Scene& scene) {
    const auto segments = [](const sim::SimDisk& disk) {
        std::vector<std::string> out = disk.peek_names();
        std::erase_if(out, [](const std::string& name) { return !parse_segment_name(name); });
        return out;
    };
    return segments(*scene.world.logs[0]) == segments(*scene.world.logs[1]);
}

/// A blank disk stands in the place of one log disk, and is filled while the node serves.
class FillingABlankDisk final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        TRY(begin());
        TRY(put(1, 1));
        pass(61min);
        (void)world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
        TRY(put(1, 2));
        world.logs[1]->close_all();
        world.logs[1]->replace();
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
        return is_complete() && are_same_segments(*this)
                   ? Status()
                   : Status(Error{Fault::internal, "the disk is not filled"});
    }
};

/// A disk that the log does not know joins it at a start.
class JoiningAtAStart final : public Scene {
  public:
    using Scene::Scene;
    Status prepare() override {
        TRY(begin());
        TRY(put(1, 1));
        (void)world.logs[1]->fail_next_sync("");
        TRY(put(1, 2));
        TRY(put(2, 1, 3000));
        if (!world.storage->health().is_degraded) {
            return Error{Fault::internal, "the disk is still known"};
        }
        world.machine->cut_power();
        world.logs[1]->replace();
        return {};
    }
    void act() override {
        world.boot();
        if (note(world.open()) && open_up()) {
            (void)put(1, 3).is_ok();
            pass(3min);
        }
    }
    bool is_complete() override { return is_serving() && !world.storage->health().is_degraded; }
    Status finish() override {
        pass(15min);
        return is_complete() && are_same_segments(*this)
                   ? Status()
                   : Status(Error{Fault::internal, "the disk has not joined"});
    }
};

}  // namespace

std::vector<Phase> care_phases() {
    return {
        {"compacting", 1, make_scene<Compacting>},
        {"folding at once", 1, make_scene<FoldingAtOnce>},
        {"filling a blank disk", 2, make_scene<FillingABlankDisk>},
        {"joining at a start", 2, make_scene<JoiningAtAStart>},
    };
}

}  // namespace firedrill::store
