// The two worlds that every seam contract runs in. One fixture each: the five seams, and a way to let time
// pass.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "posix/disk.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "posix/workers.h"
#include "sim/seams/machine.h"

namespace firedrill::test {

/// A fresh folder of mode 0700, removed with everything in it.
class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
};

class RealWorld {
  public:
    RealWorld();
    Clock& clock() { return loop_; }
    Network& network() { return loop_; }
    Entropy& entropy() { return entropy_; }
    Workers& workers() { return workers_; }
    Disk& disk() { return *disk_; }
    Endpoint any_port() { return {"127.0.0.1:0"}; }
    Endpoint socket_path() { return {"unix:" + folder_.path() + "/socket"}; }
    std::string loopback() { return "127.0.0.1"; }
    /// False when it did not come to pass within ten seconds, or never can.
    bool run_until(const std::function<bool()>& is_done);
    /// Lets everything that is due happen, and little else.
    void settle();
    /// Nothing given to the loop before may run.
    void stop() { loop_.stop(); }

  private:
    ScratchFolder folder_;
    posix::PosixLoop loop_;
    posix::PosixEntropy entropy_;
    posix::PosixWorkers workers_{loop_, 3};
    std::unique_ptr<Disk> disk_;
};

class SimulatedWorld {
  public:
    SimulatedWorld()
        : universe_(7),
          disk_(universe_.make_disk("main/node1/disk0")),
          machine_(universe_, "node1", "10.0.0.1", {disk_.get()}) {}
    Clock& clock() { return machine_.clock(); }
    Network& network() { return machine_.host(); }
    Entropy& entropy() { return machine_.seams().entropy; }
    Workers& workers() { return machine_.workers(); }
    Disk& disk() { return *disk_; }
    Endpoint any_port() { return {"127.0.0.1:0"}; }
    Endpoint socket_path() { return {"unix:/node/socket"}; }
    std::string loopback() { return "10.0.0.1"; }
    bool run_until(const std::function<bool()>& is_done) {
        return universe_.loop.run_until(is_done) == sim::RunEnd::reached;
    }
    void settle() { (void)universe_.loop.run_for(50ms); }
    void stop() { machine_.cut_power(); }

  private:
    sim::Universe universe_;
    std::unique_ptr<sim::SimDisk> disk_;
    sim::Machine machine_;
};

using Worlds = ::testing::Types<RealWorld, SimulatedWorld>;

class WorldNames {
  public:
    template <class World>
    static std::string GetName(int) {
        return std::is_same_v<World, RealWorld> ? "Real" : "Simulated";
    }
};

}  // namespace firedrill::test
