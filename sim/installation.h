// Installation: the node's place in the world: its disks, the machine of the moment, and the process on it.
//
// The node object is the real one; here it is set up, booted, killed and moved to other disks. Called from
// the world's handlers and people's, never from inside the node (what the node reports is posted first).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/node.h"
#include "sim/world.h"

namespace firedrill::sim {

struct DiskSet {
    std::unique_ptr<SimDisk> data;
    std::vector<std::unique_ptr<SimDisk>> logs;
    [[nodiscard]] std::vector<Disk*> log_pointers() const;
    [[nodiscard]] std::vector<SimDisk*> all() const;
};

class Installation {
  public:
    using Then = std::function<void(Status)>;
    explicit Installation(World& world);
    ~Installation();

    /// A set of empty disks under the judges' taps.
    DiskSet make_disks();
    [[nodiscard]] DiskSet& disks() { return disks_; }
    /// The node will boot from these; the old ones are kept aside, as sources for restores and for the
    /// record.
    void adopt(DiskSet disks);
    [[nodiscard]] DiskSet& retired() { return retired_.back(); }
    [[nodiscard]] const std::vector<DiskSet>& all_retired() const { return retired_; }

    /// Makes a new node on the present, empty disks. Blocking.
    Status create();
    /// Boots over the present disks; `then` runs when the node serves, or with why it does not. Not while up
    /// (CHECK).
    void boot(Then then);
    /// Creates every practice through the operators' channel.
    void create_practices(Then then);
    /// The clean end: requests finish, the log is folded. Then the process is gone.
    void stop(std::function<void()> then);
    void kill_process();
    void cut_power();
    /// Power goes during the k-th disk operation from now, on the disk that is chosen.
    void cut_power_within(std::size_t disk, std::uint64_t operations);

    /// The process dies by itself: as kill_process(), and on_down is told.
    void crash();

    [[nodiscard]] bool is_up() const { return node_ != nullptr; }
    /// There is a process, be it one that still boots.
    [[nodiscard]] bool is_on() const { return machine_ != nullptr; }
    [[nodiscard]] std::uint32_t incarnation() const { return incarnation_; }
    /// Damaged pages that nodes brought back from the log by themselves, over all incarnations.
    [[nodiscard]] std::uint64_t repaired_pages() const;
    /// Null when down.
    [[nodiscard]] node::Node* node() { return node_.get(); }
    /// The process ended without being asked to (crash, power, a failure that the node cannot survive).
    std::function<void(std::string why)> on_down;

  private:
    node::Config make_config(std::uint32_t incarnation);
    void switch_on();
    void tear_down();
    void went_down(std::uint32_t incarnation, const std::string& why);
    void create_practice(std::size_t index, Then then);

    World& world_;
    std::uint32_t set_count_ = 0;  // before disks_: making them counts
    DiskSet disks_;
    std::vector<DiskSet> retired_;
    std::uint32_t incarnation_ = 0;
    std::uint64_t repaired_before_ = 0;
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<node::Node> node_;
};

}  // namespace firedrill::sim
