#include "sim/seams/machine.h"

#include <utility>

#include "base/check.h"

namespace firedrill::sim {

Machine::Machine(Universe& universe, const std::string& name, std::string address,
                 std::vector<SimDisk*> disks, WorkCosts costs, Drift drift)
    : disks_(std::move(disks)),
      clock_(universe.loop, 0s, drift),
      entropy_(universe.random.stream("entropy " + name)),
      workers_(clock_, universe.meter, costs),
      host_(universe.network.attach(std::move(address), clock_)) {
    for (SimDisk* disk : disks_) {
        CHECK(disk != nullptr);
        disk->power_on();
        disk->on_power_cut = [this] { cut_power(); };
    }
}

Machine::~Machine() {
    for (SimDisk* disk : disks_) {
        disk->on_power_cut = nullptr;
    }
}

Seams Machine::seams() {
    CHECK(!disks_.empty());
    return {clock_, *host_, entropy_, workers_, *disks_.front(), {disks_.begin() + 1, disks_.end()}};
}

void Machine::cut_power() {
    if (!std::exchange(is_on_, false)) {
        return;
    }
    for (SimDisk* disk : disks_) {
        disk->power_loss();
    }
    workers_.kill();
    clock_.kill();
    if (on_power_lost) {
        on_power_lost();
    }
}

void Machine::kill_process() {
    if (!std::exchange(is_on_, false)) {
        return;
    }
    for (SimDisk* disk : disks_) {
        disk->close_all();
    }
    host_->die();
    workers_.kill();
    clock_.kill();
}

}  // namespace firedrill::sim
