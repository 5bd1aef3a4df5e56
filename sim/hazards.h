// Hazards: strikes what the scenario plans, when it plans it, and remembers whether it hit anything.
//
// Loop only. A hazard has fired when it changed something: pages that were there, a process that ran, a disk.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "sim/installation.h"
#include "sim/owner_errand.h"
#include "sim/verdict.h"
#include "sim/world.h"

namespace firedrill::sim {

class Hazards {
  public:
    Hazards(World& world, Installation& installation);
    /// Sets every strike's timer; the seed decides what a spread leaves open.
    void plan();

    [[nodiscard]] std::vector<HazardEvidence> evidence() const { return evidence_; }
    /// The first and the last that fired; nullopt when none did.
    [[nodiscard]] std::optional<Instant> first() const { return first_; }
    [[nodiscard]] std::optional<Instant> last() const { return last_; }

  private:
    void plan_at(std::size_t index, Instant at);
    void strike(std::size_t index);
    void record(std::size_t index, bool has_hit, bool ends_service);
    void take_practices_back(std::size_t index);
    void replace_keys(std::size_t index);
    /// Looks every minute until no page is sealed under a replaced key.
    void await_resealing(std::size_t index, const std::string& practice);
    bool corrupt_pages(const Hazard& hazard);
    bool kill_disks(const Hazard& hazard);
    bool bring_disk_back(const Hazard& hazard);
    bool crash();
    bool cut_power();

    World& world_;
    Installation& installation_;
    Random random_;
    std::vector<HazardEvidence> evidence_;
    Desk owners_desk_;
    std::uint64_t next_errand_ = 0;
    std::map<std::uint64_t, std::unique_ptr<OwnerErrand>> errands_;
    std::set<std::size_t> followers_;  ///< followers that are planned
    std::optional<Instant> first_;
    std::optional<Instant> last_;
};

}  // namespace firedrill::sim
