// Scenes: a node in one phase of its life each, for sweeps that strike every disk operation of that phase.
//
// A scene knows what people were told. Whatever struck: what was acknowledged is there afterwards, what was
// answered with an error is not, and what the phase was about can be brought to its end.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store_world.h"

namespace firedrill::store {

inline constexpr std::uint32_t kSceneStores = 2;

class Scene {
  public:
    Scene(std::size_t logs, std::uint64_t seed) : world(seed, logs) {
        world.on_note = [this](const std::string& text) { said_.push_back(text); };
    }
    virtual ~Scene() = default;
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    /// Up to where something may strike.
    virtual Status prepare() = 0;
    /// What is struck.
    virtual void act() = 0;
    /// Brings to its end what act() was about, with nothing in the way.
    virtual Status finish() { return {}; }
    /// Whether act() came to its end; one that did not must have said why.
    [[nodiscard]] virtual bool is_complete() { return true; }
    /// Empty, or what is not as people were told. The stores are unlocked.
    virtual std::string judge();

    std::vector<sim::SimDisk*> disks();
    [[nodiscard]] bool is_serving() const {
        return world.storage && world.machine->is_on() && !world.storage->health().is_fatal;
    }
    /// Writes a row, and remembers what was answered.
    Status put(std::uint32_t store, int id, std::size_t size = 40);
    Status open_up();
    void pass(Duration time) { world.universe.loop.run_for(time); }
    /// Somebody who looks at the node's health or its journal reads about a lack of space.
    [[nodiscard]] bool says_that_space_is_lacking() const;
    /// Something was answered disk_full while the node's health said nothing of it.
    [[nodiscard]] bool was_refused_in_silence() const { return was_refused_in_silence_; }

    StoreWorld world;

  protected:
    std::uint32_t stores_ = kSceneStores;
    virtual KeyRing ring(StoreId store) { return test_ring(store); }
    /// Looks whether a lack of space that somebody was answered with is said elsewhere too; hands it on.
    Status note(Status status);
    Status begin();

  private:
    using Row = std::pair<std::uint32_t, int>;
    std::set<Row> tried_;
    std::set<Row> told_;
    std::set<Row> refused_;
    std::vector<std::string> said_;
    bool was_refused_in_silence_ = false;
};

/// A phase by name, and how its scene is made.
struct Phase {
    const char* name;
    std::size_t logs;
    std::unique_ptr<Scene> (*make)(std::size_t logs, std::uint64_t seed);
};
std::vector<Phase> all_phases();
/// Those of them that are about compaction, folds at once, and disks that join (fault_scenes_care.cpp).
std::vector<Phase> care_phases();

template <class Made>
std::unique_ptr<Scene> make_scene(std::size_t logs, std::uint64_t seed) {
    return std::make_unique<Made>(logs, seed);
}

}  // namespace firedrill::store
