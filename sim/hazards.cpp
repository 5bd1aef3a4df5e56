#include "sim/hazards.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace firedrill::sim {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr Duration kSurePowerCut = std::chrono::seconds(3);  // when no disk operation came to strike in

bool is_page_file(const std::string& name, const std::string& store) {
    const std::string directory(32, '0');
    if (!name.starts_with("pages.") || name.size() < 6 + directory.size()) {
        return false;
    }
    const bool is_directory = name.compare(6, directory.size(), directory) == 0;
    return store == "all" || (store == "directory") == is_directory;
}

}  // namespace

Hazards::Hazards(World& world, Installation& installation)
    : world_(world),
      installation_(installation),
      random_(world.universe.random.stream("hazards")),
      owners_desk_(world.universe, kOwnerDesk) {
    for (const Hazard& hazard : world.scenario.hazards) {
        evidence_.push_back({hazard.kind, hazard.disk, false});
    }
}

void Hazards::plan() {
    for (std::size_t i = 0; i < evidence_.size(); ++i) {
        const Hazard& hazard = world_.scenario.hazards[i];
        for (std::uint32_t n = 0; n < hazard.times; ++n) {
            if (!hazard.follows) {
                plan_at(i, Instant{} + hazard.at + hazard.every * n);
            }
        }
    }
}

void Hazards::plan_at(std::size_t index, Instant at) {
    const auto spread = static_cast<std::uint64_t>(world_.scenario.hazards[index].spread.count());
    const Duration late(static_cast<std::int64_t>(spread == 0 ? 0 : random_.below(spread)));
    world_.universe.loop.call_at(at + late, [this, index] { strike(index); });
}

void Hazards::strike(std::size_t index) {
    const Hazard& hazard = world_.scenario.hazards[index];
    const std::size_t next = index + 1;
    if (next < evidence_.size() && world_.scenario.hazards[next].follows && !followers_.contains(next)) {
        followers_.insert(next);
        plan_at(next, world_.now() + world_.scenario.hazards[next].after);
    }
    bool has_hit = false;
    bool ends_service = true;
    switch (hazard.kind) {
        case HazardKind::corrupt_pages: has_hit = corrupt_pages(hazard); break;
        case HazardKind::disk_dies:
            has_hit = kill_disks(hazard);
            ends_service =
                hazard.disk == "data" || hazard.disk == "all-logs" || world_.scenario.topology.log_disks == 1;
            break;
        case HazardKind::disk_returns:
            has_hit = bring_disk_back(hazard);
            ends_service = false;
            break;
        case HazardKind::node_crash: has_hit = crash(); break;
        case HazardKind::power_loss: has_hit = cut_power(); break;
        case HazardKind::practice_restored: take_practices_back(index); return;
        case HazardKind::key_replaced: replace_keys(index); return;
    }
    record(index, has_hit, ends_service);
}

void Hazards::record(std::size_t index, bool has_hit, bool ends_service) {
    const Hazard& hazard = world_.scenario.hazards[index];
    world_.note(TraceKind::hazard, hazard_name(hazard.kind), has_hit ? "hit" : "missed");
    world_.tell(fmt::format("hazard {}{}", hazard_name(hazard.kind), has_hit ? "" : " hits nothing"));
    if (!has_hit) {
        return;
    }
    evidence_[index].has_fired = true;
    first_ = first_.value_or(world_.now());
    last_ = world_.now();
    if (ends_service) {
        world_.recovery.hazard(world_.now());
    }
}

/// What the operator's verb does, for every practice; it has hit when commits were undone.
void Hazards::take_practices_back(std::size_t index) {
    node::Node* node = installation_.node();
    if (node == nullptr) {
        record(index, false, false);
        return;
    }
    const SimClock clock(world_.universe.loop);
    const std::string at = format_utc({clock.wall().ns - world_.scenario.hazards[index].back.count()});
    for (const PracticeAccount& practice : world_.practices) {
        const boost::json::object request{{"verb", "practice.restore"},
                                          {"name", practice.name},
                                          {"at", at},
                                          {"mode", "go"},
                                          {"end_sessions", "yes"}};
        node->command(boost::json::serialize(request), [this, index](const Result<std::string>& done) {
            // From the loop, outside the node.
            world_.universe.loop.post([this, index, done] {
                world_.tell(done ? "a practice was taken back: " + *done
                                 : "a practice was not taken back: " + done.error().text);
                record(index, done.is_ok(), false);
            });
        });
    }
}

void Hazards::replace_keys(std::size_t index) {
    for (const PracticeAccount& practice : world_.practices) {
        const std::uint64_t id = next_errand_++;
        auto errand = std::make_unique<OwnerErrand>(world_, owners_desk_, practice);
        OwnerErrand& owner = *errands_.emplace(id, std::move(errand)).first->second;
        owner.start([this, id, index, &practice](bool is_made) {
            errands_.erase(id);
            if (!is_made) {
                record(index, false, false);
                return;
            }
            world_.note(TraceKind::person, practice.name, "a new recovery kit");
            await_resealing(index, practice.name);
        });
    }
}

void Hazards::await_resealing(std::size_t index, const std::string& practice) {
    node::Node* node = installation_.node();
    if (node != nullptr) {
        const auto found = node->identity().find_practice(practice);
        const store::ResealState state =
            found ? node->health().of(found->id).reseal.state : store::ResealState::unknown;
        if (state == store::ResealState::none || state == store::ResealState::unreadable) {
            record(index, state == store::ResealState::none, false);
            return;
        }
    }
    world_.universe.loop.call_after(1min, [this, index, practice] { await_resealing(index, practice); });
}

bool Hazards::corrupt_pages(const Hazard& hazard) {
    SimDisk& disk = *installation_.disks().data;
    bool has_hit = false;
    for (const std::string& name : disk.peek_names()) {
        const bool is_meant = hazard.reach == "disk" || is_page_file(name, hazard.store);
        const std::optional<Bytes> contents = is_meant ? disk.peek(name) : std::nullopt;
        const std::uint64_t pages = contents ? (contents->size() + kPageBytes - 1) / kPageBytes : 0;
        const std::uint64_t sure = pages == 0 ? 0 : random_.below(pages);
        for (std::uint64_t page = 0; page < pages; ++page) {
            if (page != sure && !random_.chance(hazard.percent, 100)) {
                continue;
            }
            Bytes rubbish(std::min<std::uint64_t>(kPageBytes, contents->size() - page * kPageBytes));
            random_.fill(rubbish);
            has_hit = disk.corrupt(name, page * kPageBytes, rubbish).has_value() || has_hit;
        }
    }
    return has_hit;
}

bool Hazards::kill_disks(const Hazard& hazard) {
    DiskSet& disks = installation_.disks();
    if (hazard.disk == "data") {
        disks.data->die();
        return true;
    }
    for (std::size_t i = 0; i < disks.logs.size(); ++i) {
        if (hazard.disk == "all-logs" || hazard.disk == fmt::format("log{}", i)) {
            disks.logs[i]->die();
        }
    }
    return true;
}

/// As it was when it died: stale by everything that was written since.
bool Hazards::bring_disk_back(const Hazard& hazard) {
    DiskSet& disks = installation_.disks();
    bool has_hit = false;
    for (std::size_t i = 0; i < disks.logs.size(); ++i) {
        SimDisk& disk = *disks.logs[i];
        if (disk.is_dead() && (hazard.disk == "all-logs" || hazard.disk == fmt::format("log{}", i))) {
            const DiskImage image = disk.image();
            disk.replace();
            (void)disk.put_back(image);
            has_hit = true;
        }
    }
    return has_hit;
}

bool Hazards::crash() {
    if (!installation_.is_on()) {
        return false;
    }
    // From the loop, after this handler: the recovery judge hears of the hazard first.
    world_.universe.loop.post([this] { installation_.crash(); });
    return true;
}

/// Mostly in the middle of a job: during one of the next disk operations of one of the disks.
bool Hazards::cut_power() {
    if (!installation_.is_on()) {
        return false;
    }
    const std::uint32_t incarnation = installation_.incarnation();
    installation_.cut_power_within(random_.below(16), random_.between(1, 60));
    world_.universe.loop.call_after(kSurePowerCut, [this, incarnation] {
        if (installation_.incarnation() == incarnation) {
            installation_.cut_power();
        }
    });
    return true;
}

}  // namespace firedrill::sim
