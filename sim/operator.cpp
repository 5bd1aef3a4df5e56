#include "sim/operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace firedrill::sim {

namespace {

/// Every so many checks on the machine, one over HTTPS from outside, as people come.
constexpr std::uint64_t kChecksPerVisit = 5;
constexpr Duration kRestartGap = std::chrono::seconds(5);  // of a clean restart

/// Adds up a restore's phases from inside its job, where time stands still and only costs grow.
class PhaseClock {
  public:
    explicit PhaseClock(CostMeter& meter) : meter_(meter) {}
    void enter(store::RestorePhase phase) {
        const Duration cost = meter_.take();
        total_ += cost;
        part(phase_) += cost;
        phase_ = phase;
    }
    /// Gives the meter back what was taken, so that the job's end is delayed by all of it.
    RestoreTimes finish() {
        enter(phase_);
        meter_.add(total_);
        return times_;
    }

  private:
    Duration& part(store::RestorePhase phase) {
        switch (phase) {
            case store::RestorePhase::plan:
            case store::RestorePhase::fetch: return times_.fetch;
            case store::RestorePhase::verify: return times_.verify;
            case store::RestorePhase::replay:
            case store::RestorePhase::ready: return times_.replay;
        }
        return times_.replay;
    }
    CostMeter& meter_;
    store::RestorePhase phase_ = store::RestorePhase::plan;
    Duration total_{};
    RestoreTimes times_;
};

}  // namespace

Operator::Operator(World& world, Installation& installation)
    : world_(world),
      installation_(installation),
      desk_(world.universe, kOperatorDesk),
      workers_(desk_.clock, world.universe.meter),
      spare_sets_(world.scenario.topology.spare_sets) {}

void Operator::start() {
    installation_.on_down = [this](const std::string& why) { went_down(why); };
    world_.on_complaint = [this] { complain(); };
    check_later();
    patch_later();
}

// Watching.

void Operator::check_later() {
    desk_.clock.call_at(desk_.clock.now() + world_.scenario.people.monitor_every, [this] { check(); });
}

void Operator::check() {
    check_later();
    if (duty_ != Duty::none) {
        return;
    }
    if (is_data_disk_dead() || !is_node_sound()) {
        count_check(false);
        return;
    }
    if (is_disk_suspect()) {
        alarm("status says that the data disk is suspect");
        return;
    }
    if (++checks_ % kChecksPerVisit != 0) {
        count_check(true);
        return;
    }
    HttpsClientOptions options = world_.client_options();
    options.deadline = std::min<Duration>(30s, world_.scenario.people.monitor_every);
    browser_ = std::make_unique<Browser>(desk_.clock, *desk_.host, std::move(options));
    browser_->get("/status", [this](Result<WebPage> page) {
        browser_->rest();
        count_check(page && page->status == 200);
    });
}

void Operator::count_check(bool is_good) {
    if (is_good) {
        bad_checks_ = 0;
        return;
    }
    if (++bad_checks_ >= world_.scenario.people.alarm_after) {
        alarm("the checks fail");
    }
}

void Operator::complain() {
    if (complained_ || duty_ != Duty::none) {
        return;
    }
    complained_ = world_.now();
    desk_.clock.call_at(desk_.clock.now() + world_.scenario.people.complaint, [this, at = *complained_] {
        if (complained_ == at) {  // not mended in between
            complained_.reset();
            alarm("people call: it does not work");
        }
    });
}

// Nightly patches.

void Operator::patch_later() {
    const std::string& at = world_.scenario.people.patch_at;
    if (at == "never") {
        return;
    }
    const Duration time_of_day = parse_duration("0s " + at).value();
    const std::int64_t day = Duration(24h).count();
    const std::int64_t now = world_.now().ns;
    std::int64_t next = now / day * day + time_of_day.count();
    next += next <= now ? day : 0;
    desk_.clock.call_at(Instant{next}, [this] { patch(); });
}

void Operator::patch() {
    patch_later();
    if (duty_ != Duty::none || !installation_.is_up() || !world_.is_storm()) {
        return;
    }
    duty_ = Duty::maintaining;
    world_.note(TraceKind::operation, "operator", "clean restart");
    installation_.stop([this] { world_.universe.loop.call_after(kRestartGap, [this] { boot(); }); });
}

// Restarts by themselves.

void Operator::went_down(const std::string& why) {
    world_.note(TraceKind::operation, "supervisor", why);
    if (std::exchange(is_stopping_, false)) {
        restore();  // it fell instead of stopping: that is as good
        return;
    }
    if (duty_ == Duty::repairing && !is_booting_) {
        return;  // somebody is at it; the next step sees that it is down
    }
    is_booting_ = false;
    ++reboots_;
    if (duty_ != Duty::repairing) {
        duty_ = Duty::restarting;
    }
    world_.universe.loop.call_after(world_.scenario.people.reboot, [this] {
        restarted_ = world_.now();
        boot();
    });
}

void Operator::boot() {
    if (installation_.is_on()) {
        return;
    }
    is_booting_ = true;
    installation_.boot([this](Status booted) {
        is_booting_ = false;
        if (booted) {
            serving();
            return;
        }
        boot_error_ = booted.error();
        world_.tell(fmt::format("the node does not start: {}", booted.error().text));
        world_.note(TraceKind::operation, "boot", fault_name(booted.error().fault));
        const bool was_repair = duty_ == Duty::repairing;
        duty_ = Duty::none;
        bad_checks_ = 0;
        if (!was_repair) {
            alarm("the node does not start");  // after a repair the checks will call again
        }
    });
}

void Operator::serving() {
    boot_error_.reset();
    complained_.reset();
    bad_checks_ = 0;
    const bool was_outage = duty_ != Duty::maintaining;
    if (duty_ == Duty::restarting && restarted_) {  // nobody had to decide anything
        world_.recovery.detected(*restarted_);
        world_.recovery.decided(*restarted_);
        world_.recovery.provisioned(*restarted_);
    }
    restarted_.reset();
    if (duty_ != Duty::repairing) {
        has_restarted_ = false;
    }
    duty_ = Duty::none;
    world_.note(TraceKind::operation, "operator", "serving");
    if (was_outage) {
        world_.tell("the node serves again");
        world_.recovery.serving(world_.now());
        world_.universe.loop.call_after(world_.scenario.people.announce, [this] {
            if (world_.on_announcement) {
                world_.on_announcement();
            }
        });
    }
}

// Repairs by hand.

void Operator::alarm(const std::string& why) {
    if (duty_ != Duty::none) {
        return;
    }
    duty_ = Duty::repairing;
    world_.recovery.detected(world_.now());
    world_.note(TraceKind::operation, "alarm", why);
    world_.tell(fmt::format("the operator is called: {}", why));
    desk_.clock.call_at(desk_.clock.now() + world_.scenario.people.decide, [this] { act(); });
}

/// What `firedrill status` says on the machine itself: there is a process, and no store is damaged.
bool Operator::is_node_sound() {
    node::Node* node = installation_.node();
    if (node == nullptr) {
        return false;
    }
    const store::Health health = node->health();
    return !health.is_fatal && std::none_of(health.stores.begin(), health.stores.end(),
                                            [](const store::StoreHealth& store) { return store.is_damaged; });
}

/// What `firedrill status` says of the data disk. Nobody is called for what could not be acted on.
bool Operator::is_disk_suspect() {
    node::Node* node = installation_.node();
    return node != nullptr && spare_sets_ > 0 && node->health().repairs.is_any();
}

/// The machine's own log would be full of it.
bool Operator::is_data_disk_dead() {
    const Duration before = world_.universe.meter.take();
    const auto listed = installation_.disks().data->list();
    world_.universe.meter.take();
    world_.universe.meter.add(before);
    return !listed && listed.error().fault == Fault::disk_failed;
}

/// What is visibly broken beyond a restart: one sentence, empty when nothing is.
std::string Operator::find_damage() {
    if (is_data_disk_dead()) {
        return "the data disk answers no more";
    }
    if (node::Node* node = installation_.node(); node != nullptr) {
        for (const store::StoreHealth& store : node->health().stores) {
            if (store.is_damaged) {
                return "a database is damaged";
            }
        }
    }
    if (boot_error_) {
        switch (boot_error_->fault) {
            case Fault::in_use:
            case Fault::powered_off:
            case Fault::unavailable: break;  // another try may help
            default: return "the node cannot start from its disks";
        }
    }
    return has_restarted_ ? "a restart did not help" : "";
}

void Operator::act() {
    world_.recovery.decided(world_.now());
    const std::string damage = find_damage();
    if (damage.empty() && is_disk_suspect()) {
        replace_disks();
        return;
    }
    if (damage.empty()) {
        restart_by_hand();
        return;
    }
    world_.tell(fmt::format("the operator restores from the log: {}", damage));
    world_.note(TraceKind::operation, "restore", damage);
    begin_restore();
}

void Operator::restart_by_hand() {
    world_.tell("the operator restarts the node");
    world_.note(TraceKind::operation, "operator", "restart by hand");
    has_restarted_ = true;
    installation_.kill_process();
    world_.universe.loop.call_after(kRestartGap, [this] { boot(); });
}

/// The node serves while the new disks are made ready: it is stopped for the copying alone.
void Operator::replace_disks() {
    world_.tell("the operator replaces the disks: the data disk is suspect");
    world_.note(TraceKind::operation, "restore", "the data disk is suspect");
    is_replacing_ = true;
    --spare_sets_;
    ++restores_tried_;
    world_.universe.loop.call_after(world_.scenario.people.provision, [this] { stop_and_restore(); });
}

void Operator::stop_and_restore() {
    if (!installation_.is_up()) {
        installation_.kill_process();
        restore();
        return;
    }
    is_stopping_ = true;
    installation_.stop([this] {
        if (std::exchange(is_stopping_, false)) {
            restore();
        }
    });
}

void Operator::begin_restore() {
    installation_.kill_process();
    if (spare_sets_ == 0) {
        world_.tell("there are no spare disks: nothing can be done");
        duty_ = Duty::none;
        return;
    }
    --spare_sets_;
    ++restores_tried_;
    world_.universe.loop.call_after(world_.scenario.people.provision, [this] { restore(); });
}

void Operator::restore() {
    world_.recovery.provisioned(world_.now());
    restore_ = std::make_unique<Restore>();
    restore_->target = installation_.make_disks();
    restore_->sources = installation_.disks().log_pointers();
    for (SimDisk* disk : installation_.disks().all()) {
        disk->power_on();
    }
    SimEntropy entropy(world_.universe.random.stream(fmt::format("restore {}", restores_tried_)));
    const TimelineId timeline = draw_id<TimelineId>(entropy);
    const WallTime wall = desk_.clock.wall();
    // What `firedrill restore --from … --to …` does, as a job on the operator's machine.
    workers_.run(
        Lane::fold,
        [this, timeline, wall] {
            PhaseClock phases(world_.universe.meter);
            store::RestoreOptions options;
            options.new_timeline = timeline;
            options.wall = wall;
            options.progress = [&](store::RestorePhase phase, std::uint64_t, std::uint64_t) {
                phases.enter(phase);
            };
            const DiskSet& target = restore_->target;
            restore_->result =
                store::restore_from_log(restore_->sources, *target.data, target.log_pointers(), options);
            restore_->times = phases.finish();
        },
        [this] { restored(); });
}

void Operator::restored() {
    CHECK(restore_ && restore_->result);
    const Result<store::RestoreReport>& result = *restore_->result;
    if (!result) {
        world_.tell(fmt::format("the restore failed: {}", result.error().text));
        world_.note(TraceKind::operation, "restore failed", fault_name(result.error().fault));
        restore_.reset();
        if (std::exchange(is_replacing_, false)) {
            boot();  // the old disks are what there is
            return;
        }
        start_over();
        return;
    }
    ++restores_done_;
    is_replacing_ = false;
    world_.tell(fmt::format("restored {} commits, {} pages through LSN {}", result->commits, result->pages,
                            result->restored_through));
    world_.note(TraceKind::operation, "restored", fmt::format("{}", result->restored_through));
    world_.recovery.restored(world_.now(), restore_->times);
    installation_.adopt(std::move(restore_->target));
    restore_.reset();
    has_restarted_ = false;
    boot();
}

/// Nothing can be restored: people need a service all the same.
void Operator::start_over() {
    if (!world_.scenario.people.starts_over) {
        duty_ = Duty::none;
        return;
    }
    world_.tell("the operator sets up an empty node");
    installation_.adopt(installation_.make_disks());
    const Status created = installation_.create();
    if (!created) {
        world_.harness_fault(fmt::format("an empty node could not be made: {}", created.error().text));
        return;
    }
    installation_.boot([this](Status booted) {
        if (!booted) {
            world_.harness_fault(fmt::format("a new node did not start: {}", booted.error().text));
            return;
        }
        const Status trusted = world_.trust(installation_.node()->authority_pem());
        if (!trusted) {
            world_.harness_fault(trusted.error().text);
            return;
        }
        installation_.create_practices([this](Status made) {
            if (!made) {
                world_.harness_fault(fmt::format("practices could not be made: {}", made.error().text));
                return;
            }
            serving();
        });
    });
}

}  // namespace firedrill::sim
