// Operator: the person and the supervisor who keep a node running: checks, decides, restores, restarts,
// patches.
//
// Does what a real operator does through the same functions: /status over HTTPS, the node's command channel,
// store::restore_from_log() and a boot. All delays come from the scenario's [people]. Loop only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sim/browser.h"
#include "sim/installation.h"
#include "sim/world.h"
#include "store/restore.h"

namespace firedrill::sim {

class Operator {
  public:
    Operator(World& world, Installation& installation);
    /// From now on: checks every so often, patches every night, answers complaints, restarts what fell.
    void start();

    [[nodiscard]] std::uint32_t restores_tried() const { return restores_tried_; }
    [[nodiscard]] std::uint32_t restores_done() const { return restores_done_; }
    [[nodiscard]] std::uint32_t reboots() const { return reboots_; }
    /// Nothing is being repaired at the moment.
    [[nodiscard]] bool is_idle() const { return duty_ == Duty::none; }

  private:
    enum class Duty : std::uint8_t {
        none,         ///< watching
        maintaining,  ///< a clean restart is under way; checks may fail
        restarting,   ///< the supervisor starts a fallen node again
        repairing,    ///< somebody is at it by hand
    };
    void check_later();
    void check();
    void count_check(bool is_good);
    void patch_later();
    void patch();
    void went_down(const std::string& why);
    void complain();
    void alarm(const std::string& why);
    void act();
    [[nodiscard]] std::string find_damage();
    [[nodiscard]] bool is_data_disk_dead();
    [[nodiscard]] bool is_node_sound();
    [[nodiscard]] bool is_disk_suspect();
    void restart_by_hand();
    void begin_restore();
    void replace_disks();
    void stop_and_restore();
    void restore();
    void restored();
    void start_over();
    void boot();
    void serving();

    World& world_;
    Installation& installation_;
    Desk desk_;
    SimWorkers workers_;
    std::unique_ptr<Browser> browser_;
    Duty duty_ = Duty::none;
    std::uint32_t bad_checks_ = 0;
    std::uint64_t checks_ = 0;
    bool is_booting_ = false;
    bool is_replacing_ = false;          ///< disks that still serve: no restore is needed, but wise
    bool is_stopping_ = false;           ///< for that
    std::optional<Instant> restarted_;   ///< when the supervisor last started it
    std::optional<Instant> complained_;  ///< when people first called about what is wrong now
    bool has_restarted_ = false;         ///< by hand, since the last time that all was well
    std::optional<Error> boot_error_;    ///< of the last boot, while it is down
    std::uint32_t spare_sets_;
    std::uint32_t restores_tried_ = 0;
    std::uint32_t restores_done_ = 0;
    std::uint32_t reboots_ = 0;

    /// One restore under way; owned here, filled by the job.
    struct Restore {
        DiskSet target;
        std::vector<Disk*> sources;
        std::optional<Result<store::RestoreReport>> result;
        RestoreTimes times;
    };
    std::unique_ptr<Restore> restore_;
};

}  // namespace firedrill::sim
