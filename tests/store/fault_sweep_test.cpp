// Every disk operation of every phase of a node's life is struck once, in every way that a disk has.
//
// The phases are in fault_scenes.h. What was struck is counted by phase and kind of operation, and the counts
// have floors: a phase that no longer does what it did, or a sweep that ends early, fails the test.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include <gtest/gtest.h>

#include "fault_scenes.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;
using sim::DiskOperation;

enum class Strike : std::uint8_t {
    power_cut,
    not_done,            ///< the call fails and nothing was done
    done,                ///< the call is reported as failed although it was done
    full_once,           ///< one call finds no space
    full_for_a_while,    ///< no call finds space until somebody makes some
    full_and_power_cut,  ///< power goes soon after the disk became full, and it is full at the next start
};

bool is_full(Strike strike) {
    return strike == Strike::full_once || strike == Strike::full_for_a_while ||
           strike == Strike::full_and_power_cut;
}
/// What a disk without space can refuse.
bool needs_space(DiskOperation operation) {
    return operation == DiskOperation::write || operation == DiskOperation::allocate ||
           operation == DiskOperation::truncate;
}

struct Point {
    Strike strike{};
    std::size_t disk = 0;
    std::uint64_t k = 0;  ///< the k-th operation of that disk, from 1
};

constexpr std::uint64_t kRoomy = 1ULL << 40;

bool is_long() {
    return std::getenv("FIREDRILL_LONG") != nullptr;
}

void arm(Scene& scene, const Point& point) {
    const std::vector<sim::SimDisk*> disks = scene.disks();
    sim::SimDisk& disk = *disks.at(point.disk);
    switch (point.strike) {
        case Strike::power_cut: disk.cut_power_after(point.k); return;
        case Strike::not_done:
            (void)disk.fail_operation(point.k, sim::CallOutcome::not_done, sim::Times::once);
            return;
        case Strike::done:
            (void)disk.fail_operation(point.k, sim::CallOutcome::done, sim::Times::once);
            return;
        case Strike::full_once:
        case Strike::full_for_a_while:
        case Strike::full_and_power_cut: break;
    }
    sim::SimDisk* cut = point.strike == Strike::full_and_power_cut ? disks[point.k % disks.size()] : nullptr;
    disk.set_watch([&disk, cut, point, seen = std::uint64_t{0}](DiskOperation) mutable {
        ++seen;
        if (seen == point.k) {
            disk.set_capacity(disk.used_bytes() + point.k % 3 * 700);
            if (cut != nullptr) {
                cut->cut_power_after(1 + point.k * 7 % 13);
            }
        } else if (seen == point.k + 1 && point.strike == Strike::full_once) {
            disk.set_capacity(kRoomy);
        }
    });
}

void disarm(Scene& scene) {
    for (sim::SimDisk* disk : scene.disks()) {
        disk->set_watch(nullptr);
        disk->set_capacity(kRoomy);
        disk->disarm();
    }
}

/// What must hold of a node that was not stopped by what struck, once that is over.
std::string goes_on(Scene& scene, int row) {
    scene.pass(16min);
    if (!scene.is_serving()) {
        return "it stopped later";
    }
    if (scene.world.storage->health().is_degraded) {
        return "a log disk stays out of service";
    }
    if (const Status opened = scene.open_up(); !opened) {
        return "a store does not open: " + opened.error().text;
    }
    if (const Status finished = scene.finish(); !finished) {
        return "what was begun does not end: " + finished.error().text;
    }
    if (const Status written = scene.put(2, row); !written) {
        return "it does not go on: " + written.error().text;
    }
    return scene.judge();
}

std::string starts_again(Scene& scene, bool has_power_loss) {
    has_power_loss ? scene.world.machine->cut_power() : scene.world.machine->kill_process();
    scene.world.boot();
    if (const Status opened = scene.world.open(); !opened) {
        return "it does not start: " + opened.error().text;
    }
    if (const Status opened = scene.open_up(); !opened) {
        return "a store does not open: " + opened.error().text;
    }
    return scene.judge();
}

/// While the disk has no space: the node is up, and whoever looks is told.
std::string serves_while_full(Scene& scene, bool was_serving) {
    if (!scene.is_serving()) {
        // A start may be refused; a node that served never stops for lack of space.
        return was_serving ? "a full disk stopped the node" : "";
    }
    if (!scene.is_complete() && !scene.says_that_space_is_lacking()) {
        return "it says nowhere that space is lacking";
    }
    return scene.was_refused_in_silence() ? "it refused for lack of space, and its health did not say so"
                                          : "";
}

/// A start on the full disk may be refused, and must lose nothing.
void try_to_start_while_full(Scene& scene) {
    scene.world.machine->cut_power();
    scene.world.boot();
    (void)(scene.world.open().is_ok() && scene.open_up().is_ok());
}

/// Whether what was armed struck while the scene was acted.
bool has_struck(Scene& scene, const Point& point, std::uint64_t operations_before) {
    sim::SimDisk& disk = *scene.disks()[point.disk];
    switch (point.strike) {
        case Strike::power_cut: return !scene.world.machine->is_on();
        case Strike::not_done:
        case Strike::done: return disk.faults().back().has_struck;
        case Strike::full_once:
        case Strike::full_for_a_while:
        case Strike::full_and_power_cut: return disk.operation_count() >= operations_before + point.k;
    }
    return false;
}

std::string strike(const Phase& phase, const Point& point, bool& is_struck) {
    const auto scene = phase.make(phase.logs, point.k * 31 + point.disk);
    if (const Status prepared = scene->prepare(); !prepared) {
        return "not prepared: " + prepared.error().text;
    }
    const bool was_serving = scene->is_serving();
    const std::uint64_t before = scene->disks()[point.disk]->operation_count();
    arm(*scene, point);
    scene->act();
    is_struck = has_struck(*scene, point, before);
    if (point.strike == Strike::full_once || point.strike == Strike::full_for_a_while) {
        if (std::string problem = serves_while_full(*scene, was_serving); !problem.empty()) {
            return problem + (scene->world.fatal ? ": " + scene->world.fatal->text : "");
        }
    }
    if (point.strike == Strike::full_and_power_cut) {
        try_to_start_while_full(*scene);
    }
    disarm(*scene);
    if (scene->is_serving()) {
        if (std::string problem = goes_on(*scene, 998); !problem.empty()) {
            return "afterwards: " + problem;
        }
    }
    if (std::string problem = starts_again(*scene, point.k % 2 == 0); !problem.empty()) {
        return "after a start: " + problem;
    }
    std::string problem = goes_on(*scene, 999);
    return problem.empty() ? problem : "after a start, later: " + problem;
}

/// The operations of each disk while nothing strikes.
std::vector<std::vector<DiskOperation>> rehearse(const Phase& phase) {
    const auto scene = phase.make(phase.logs, 1);
    const Status prepared = scene->prepare();
    EXPECT_TRUE(prepared) << phase.name << ": " << prepared.error().text;
    std::vector<std::vector<DiskOperation>> seen(scene->disks().size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        scene->disks()[i]->set_watch([&seen, i](DiskOperation each) { seen[i].push_back(each); });
    }
    scene->act();
    EXPECT_TRUE(scene->is_serving() && scene->is_complete()) << phase.name << " does not end by itself";
    disarm(*scene);
    EXPECT_EQ(goes_on(*scene, 998), "") << phase.name;
    return seen;
}

/// By kind of operation, in the order of sim::DiskOperation.
using Counts = std::array<std::uint64_t, sim::kDiskOperations>;

std::size_t index_of(DiskOperation kind) {
    return static_cast<std::size_t>(kind);
}

struct Least {
    const char* phase;
    Counts operations;
};
/// Operations that each phase must have: about two thirds of what it had when this was written.
constexpr std::array<Least, 15> kLeast{{
    //                                open read write trunc alloc sync rename remove list names
    {"serving", {8, 8, 9, 3, 1, 9, 2, 2, 1, 4}},
    {"serving mirrored", {8, 8, 14, 4, 2, 14, 2, 2, 1, 5}},
    {"folding", {4, 0, 8, 1, 0, 6, 2, 2, 0, 2}},
    {"recovering", {14, 8, 4, 1, 1, 4, 1, 1, 1, 2}},
    {"recovering mirrored", {20, 11, 4, 1, 2, 5, 1, 1, 2, 2}},
    {"recovering with a blank mirror", {20, 9, 7, 3, 4, 7, 4, 1, 2, 4}},
    {"filling", {8, 4, 6, 1, 2, 6, 3, 2, 3, 4}},
    {"removing", {8, 4, 2, 0, 0, 2, 0, 4, 5, 2}},
    {"taking back", {9, 5, 5, 0, 0, 5, 1, 1, 1, 1}},
    {"resealing", {2, 200, 6, 0, 0, 4, 1, 1, 0, 1}},
    {"scrubbing", {70, 160, 3, 0, 0, 3, 1, 1, 5, 1}},
    {"compacting", {2, 0, 3, 1, 0, 3, 1, 1, 0, 1}},
    {"folding at once", {10, 2, 8, 0, 0, 6, 2, 2, 0, 2}},
    {"filling a blank disk", {8, 4, 6, 1, 2, 6, 3, 0, 3, 4}},
    {"joining at a start", {17, 8, 8, 4, 3, 8, 4, 2, 7, 6}},
}};

/// Of each kind on each disk, in the short run.
constexpr std::uint64_t kAFew = 5;

struct Tally {
    Counts planned{};
    Counts struck{};
};

void sweep_disk(const Phase& phase, Strike with, std::size_t disk,
                const std::vector<DiskOperation>& operations, Tally& tally) {
    Counts seen{};
    Counts all{};
    for (const DiskOperation kind : operations) {
        ++all[index_of(kind)];
    }
    for (std::uint64_t k = 1; k <= operations.size(); ++k) {
        const DiskOperation kind = operations[k - 1];
        const std::uint64_t every = is_long() ? 1 : (all[index_of(kind)] + kAFew - 1) / kAFew;
        if (seen[index_of(kind)]++ % every != 0 || (is_full(with) && !needs_space(kind))) {
            continue;
        }
        bool is_struck = false;
        const std::string problem = strike(phase, {with, disk, k}, is_struck);
        ++tally.planned[index_of(kind)];
        tally.struck[index_of(kind)] += is_struck ? 1 : 0;
        EXPECT_EQ(problem, "") << phase.name << ", strike " << int(with) << ", disk " << disk
                               << ", operation " << k << " (" << sim::disk_operation_name(kind) << ")";
    }
}

void sweep(const Least& least, Strike with, std::uint64_t& points) {
    const std::vector<Phase> phases = all_phases();
    const auto phase = std::find_if(phases.begin(), phases.end(), [&](const Phase& each) {
        return std::string_view(each.name) == least.phase;
    });
    ASSERT_NE(phase, phases.end()) << least.phase;
    const auto operations = rehearse(*phase);
    Tally tally;
    Counts rehearsed{};
    for (std::size_t disk = 0; disk < operations.size(); ++disk) {
        sweep_disk(*phase, with, disk, operations[disk], tally);
        for (const DiskOperation kind : operations[disk]) {
            ++rehearsed[index_of(kind)];
        }
    }
    for (std::size_t kind = 0; kind < sim::kDiskOperations; ++kind) {
        const std::string where =
            fmt::format("{}, {}", least.phase, sim::disk_operation_name(static_cast<DiskOperation>(kind)));
        EXPECT_GE(rehearsed[kind], least.operations[kind]) << where;
        EXPECT_GE(tally.struck[kind] * 10, tally.planned[kind] * 9) << where;
        if (!is_full(with) || needs_space(static_cast<DiskOperation>(kind))) {
            const std::uint64_t wanted = is_long() ? least.operations[kind] : kAFew / 2;
            EXPECT_GE(tally.planned[kind], std::min(least.operations[kind], wanted)) << where;
        }
        points += tally.struck[kind];
    }
}

void sweep_all(Strike with, std::uint64_t least_points) {
    ASSERT_EQ(all_phases().size(), kLeast.size());
    std::uint64_t points = 0;
    for (const Least& each : kLeast) {
        sweep(each, with, points);
    }
    testing::Test::RecordProperty("crash_points", std::to_string(points));
    EXPECT_GE(points, least_points);
}

TEST(FaultSweep, APowerCutAtEveryOperationOfEveryPhaseLosesNothing) {
    sweep_all(Strike::power_cut, is_long() ? 1000 : 350);
}

TEST(FaultSweep, ACallThatFailsAtEveryOperationOfEveryPhaseLosesNothing) {
    sweep_all(Strike::not_done, is_long() ? 1000 : 350);
}

TEST(FaultSweep, ACallThatIsDoneAndReportedAsFailedLosesNothingInAnyPhase) {
    sweep_all(Strike::done, is_long() ? 1000 : 350);
}

TEST(FaultSweep, AMomentWithoutSpaceStopsNobodyInAnyPhase) {
    sweep_all(Strike::full_once, is_long() ? 110 : 90);
}

TEST(FaultSweep, ADiskWithoutSpaceIsSaidAndOvercomeOnceThereIsSomeInEveryPhase) {
    sweep_all(Strike::full_for_a_while, is_long() ? 110 : 90);
}

TEST(FaultSweep, APowerCutBesideAFullDiskAndAStartOnItLoseNothingInAnyPhase) {
    sweep_all(Strike::full_and_power_cut, is_long() ? 110 : 90);
}

}  // namespace
}  // namespace firedrill::store
