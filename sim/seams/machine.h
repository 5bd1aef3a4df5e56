// Machine: one incarnation of one simulated node's world: the five seams over the universe, and its power.
//
// Universe holds what all machines share. Disks outlive machines and are passed in. Loss of power can strike
// inside a job: destroy the Machine (and the node that runs on it) later, from the loop, never from
// `on_power_lost`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "seams/seams.h"
#include "sim/seams/clock.h"
#include "sim/seams/cost.h"
#include "sim/seams/disk.h"
#include "sim/seams/loop.h"
#include "sim/seams/network.h"
#include "sim/seams/random.h"
#include "sim/seams/workers.h"

namespace firedrill::sim {

struct Universe {
    explicit Universe(std::uint64_t seed) : random(seed), network(loop, random.stream("network")) {}
    Random random;
    SimLoop loop;
    CostMeter meter;
    SimNetwork network;

    /// A new disk, whose chances come from the stream of its label.
    std::unique_ptr<SimDisk> make_disk(const std::string& label, SimDiskOptions options = {}) {
        return std::make_unique<SimDisk>(label, loop, meter, random.stream(label), options);
    }
};

class Machine {
  public:
    /// Switches on: `disks` get power. `name` must be fresh for each incarnation: it names the entropy
    /// stream.
    Machine(Universe& universe, const std::string& name, std::string address, std::vector<SimDisk*> disks,
            WorkCosts costs = {}, Drift drift = {});
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// The first disk is the data disk, the others are the log disks.
    [[nodiscard]] Seams seams();
    [[nodiscard]] SimClock& clock() noexcept { return clock_; }
    [[nodiscard]] SimWorkers& workers() noexcept { return workers_; }
    [[nodiscard]] SimHost& host() noexcept { return *host_; }

    /// Disks keep what is durable; every pending handler, timer and job is destroyed unrun; peers hear
    /// nothing.
    void cut_power();
    /// kill -9: as above, but the operating system lives: disks keep everything written, peers get resets.
    void kill_process();
    [[nodiscard]] bool is_on() const noexcept { return is_on_; }
    /// Called once, from cut_power(), wherever that came from.
    std::function<void()> on_power_lost;

  private:
    std::vector<SimDisk*> disks_;
    SimClock clock_;
    SimEntropy entropy_;
    SimWorkers workers_;
    std::unique_ptr<SimHost> host_;
    bool is_on_ = true;
};

}  // namespace firedrill::sim
