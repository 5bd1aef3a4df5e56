// SimMachine: one simulated machine with a data disk and log disks, for tests of what stands above the seams.
//
// Power cuts and reboots keep the disks. Everything is a function of the seed.
#pragma once

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

class SimMachine {
  public:
    explicit SimMachine(std::uint64_t seed, std::size_t log_disks = 1)
        : random_(seed), network_(loop_, random_.stream("network")) {
        data = std::make_unique<SimDisk>("data", loop_, meter_, random_.stream("data"));
        for (std::size_t i = 0; i < log_disks; ++i) {
            const std::string name = "log" + std::to_string(i);
            logs.push_back(std::make_unique<SimDisk>(name, loop_, meter_, random_.stream(name)));
        }
        power_on();
    }

    /// The seams of the present incarnation; valid until the next power_cut().
    Seams seams() {
        std::vector<Disk*> disks;
        for (const auto& log : logs) {
            disks.push_back(log.get());
        }
        return {*now_->clock, *now_->host, *now_->entropy, *now_->workers, *data, disks};
    }
    /// Pending handlers and jobs go unrun; the disks keep what is durable. Destroy what used seams() after it.
    void power_cut() {
        now_->clock->kill();
        now_->workers->kill();
        data->power_loss();
        for (const auto& log : logs) {
            log->power_loss();
        }
    }
    void power_on() {
        data->power_on();
        for (const auto& log : logs) {
            log->power_on();
        }
        past_.push_back(std::move(now_));
        now_ = std::make_unique<Incarnation>();
        ++boots_;
        now_->clock = std::make_unique<SimClock>(loop_);
        now_->workers = std::make_unique<SimWorkers>(*now_->clock, meter_);
        now_->entropy = std::make_unique<SimEntropy>(random_.stream("entropy" + std::to_string(boots_)));
        now_->host = network_.attach("10.0.0.1", *now_->clock);
    }
    /// Runs until `is_done` or nothing is left to do; true when it is done.
    bool run_until(const std::function<bool()>& is_done) { return loop_.run_until(is_done) == RunEnd::reached; }
    SimLoop& loop() { return loop_; }
    SimWorkers& workers() { return *now_->workers; }
    SimNetwork& network() { return network_; }

  private:
    struct Incarnation {
        std::unique_ptr<SimClock> clock;
        std::unique_ptr<SimWorkers> workers;
        std::unique_ptr<SimEntropy> entropy;
        std::unique_ptr<SimHost> host;
    };

    Random random_;
    SimLoop loop_;
    CostMeter meter_;
    SimNetwork network_;
    std::uint64_t boots_ = 0;
    std::unique_ptr<Incarnation> now_;
    std::vector<std::unique_ptr<Incarnation>> past_;  // kept: a job that cut the power may still be on the stack

  public:
    std::unique_ptr<SimDisk> data;
    std::vector<std::unique_ptr<SimDisk>> logs;
};

}  // namespace firedrill::sim
