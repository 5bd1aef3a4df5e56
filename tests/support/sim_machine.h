// SimMachine: one simulated machine with a data disk and log disks in a universe of its own, for tests and
// fuzz targets of what stands above the seams.
//
// Power cuts and reboots keep the disks. Everything is a function of the seed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/seams/machine.h"

namespace firedrill::sim {

class SimMachine {
  public:
    explicit SimMachine(std::uint64_t seed, std::size_t log_disks = 1) : universe_(seed) {
        data = universe_.make_disk("data");
        for (std::size_t i = 0; i < log_disks; ++i) {
            logs.push_back(universe_.make_disk("log" + std::to_string(i)));
        }
        power_on();
    }

    /// The seams of the present incarnation; valid until the next power_on().
    Seams seams() { return machine_->seams(); }
    /// Pending handlers and jobs go unrun; the disks keep what is durable. Destroy what used seams() after
    /// it.
    void power_cut() { machine_->cut_power(); }
    void power_on() {
        std::vector<SimDisk*> disks{data.get()};
        for (const auto& log : logs) {
            disks.push_back(log.get());
        }
        machine_.reset();
        const std::string name = "boot " + std::to_string(++boots_);
        machine_ = std::make_unique<Machine>(universe_, name, "10.0.0.1", disks);
    }
    /// Runs until `is_done` or nothing is left to do; true when it is done.
    bool run_until(const std::function<bool()>& is_done) {
        return loop().run_until(is_done) == RunEnd::reached;
    }
    SimLoop& loop() { return universe_.loop; }
    /// Somebody sets the wall clock of the present incarnation.
    void step_wall(Duration by) { machine_->clock().step_wall(by); }
    SimNetwork& network() { return universe_.network; }

  private:
    Universe universe_;
    std::uint64_t boots_ = 0;

  public:
    std::unique_ptr<SimDisk> data;
    std::vector<std::unique_ptr<SimDisk>> logs;

  private:
    std::unique_ptr<Machine> machine_;
};

}  // namespace firedrill::sim
