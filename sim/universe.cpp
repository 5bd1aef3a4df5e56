#include "sim/universe.h"

#include <fmt/format.h>

#include <map>
#include <memory>

#include "sim/hazards.h"
#include "sim/installation.h"
#include "sim/operator.h"
#include "sim/patient.h"
#include "sim/staff.h"

namespace firedrill::sim {

namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kSetUpLimit = std::chrono::minutes(10);
constexpr Duration kAfterStorm = std::chrono::minutes(1);  // what runs may end before the audit begins

class Run {
  public:
    explicit Run(const RunOptions& options)
        : options_(options),
          world_(options.scenario, options.seed),
          installation_(world_),
          hazards_(world_, installation_),
          patients_desk_(world_.universe, kPatientDesk),
          staff_desk_(world_.universe, kStaffDesk),
          arrivals_(world_.universe.random.stream("arrivals")) {
        world_.on_progress = options.on_progress;
    }

    Result<RunReport> play() {
        TRY(set_up());
        operator_ = std::make_unique<Operator>(world_, installation_);
        operator_->start();
        hazards_.plan();
        world_.on_announcement = [this] { announce(); };
        plan_day(0);
        const Instant end = Instant{} + world_.scenario.duration;
        run_until([&] { return world_.now() >= end; }, end);
        world_.end_storm();
        world_.tell("the storm is over; everything is asked for");
        heal(end + world_.scenario.expect.liveness);
        if (!world_.harness_fault().empty()) {
            return Error{Fault::internal, world_.harness_fault()};
        }
        return report();
    }

  private:
    Status set_up();
    void run_until(const std::function<bool()>& is_done, Instant limit);
    void plan_day(std::int64_t day);
    void plan_practice_day(std::size_t practice, Instant midnight);
    void send_patient(std::size_t practice);
    void send_staff(std::size_t practice);
    void announce();
    void heal(Instant limit);
    void audit(std::size_t practice);
    [[nodiscard]] bool is_audited() const;
    Evidence evidence();
    RunReport report();

    const RunOptions& options_;
    World world_;
    Installation installation_;
    Hazards hazards_;
    Desk patients_desk_;
    Desk staff_desk_;
    Random arrivals_;
    std::unique_ptr<Operator> operator_;
    std::uint64_t next_person_ = 1;
    std::map<std::uint64_t, std::unique_ptr<Patient>> patients_;
    std::map<std::uint64_t, std::unique_ptr<StaffVisit>> visits_;
    std::map<std::size_t, StaffMemory> memories_;
    Audit audit_;
    std::size_t probes_ = 0;
    std::size_t audits_done_ = 0;
    std::uint64_t acknowledged_at_end_ = 0;
    bool is_live_ = false;
};

/// Runs events until done, the limit, or a fault of the simulator; time never passes the limit.
void Run::run_until(const std::function<bool()>& is_done, Instant limit) {
    world_.universe.loop.call_at(limit, [] {});
    world_.universe.loop.run_until(
        [&] { return is_done() || world_.now() >= limit || !world_.harness_fault().empty(); });
}

Status Run::set_up() {
    TRY(installation_.create());
    std::optional<Status> outcome;
    installation_.boot([&](Status booted) {
        if (!booted) {
            outcome = std::move(booted);
            return;
        }
        Status trusted = world_.trust(installation_.node()->authority_pem());
        if (!trusted) {
            outcome = std::move(trusted);
            return;
        }
        installation_.create_practices([&](Status made) { outcome = std::move(made); });
    });
    run_until([&] { return outcome.has_value(); }, Instant{} + kSetUpLimit);
    if (!outcome) {
        return Error{Fault::timeout, "the node was not ready within ten virtual minutes"};
    }
    return *outcome;
}

void Run::plan_day(std::int64_t day) {
    const Instant midnight{day * kDay.count()};
    for (std::size_t i = 0; i < world_.practices.size(); ++i) {
        plan_practice_day(i, midnight);
    }
    const Instant tomorrow = midnight + kDay;
    if (tomorrow < Instant{} + world_.scenario.duration) {
        world_.universe.loop.call_at(tomorrow, [this, day] { plan_day(day + 1); });
    }
}

void Run::plan_practice_day(std::size_t practice, Instant midnight) {
    const Workload& work = world_.scenario.workload;
    const auto draw = [&](std::uint32_t from_hour, std::uint32_t to_hour) {
        const std::uint64_t hour = static_cast<std::uint64_t>(Duration(1h).count());
        return midnight +
               Duration(static_cast<std::int64_t>(arrivals_.between(from_hour * hour, to_hour * hour)));
    };
    const auto plan = [&](Instant at, auto what) {
        if (at > world_.now() && at < Instant{} + world_.scenario.duration) {
            world_.universe.loop.call_at(at, what);
        }
    };
    for (std::uint32_t i = 0; i < work.submissions_per_day; ++i) {
        const bool is_by_day = arrivals_.chance(4, 5);
        plan(is_by_day ? draw(7, 22) : draw(0, 24), [this, practice] { send_patient(practice); });
    }
    for (std::uint32_t i = 0; i < work.staff_visits_per_day; ++i) {
        plan(draw(work.opens_hour, work.closes_hour), [this, practice] { send_staff(practice); });
    }
}

void Run::send_patient(std::size_t practice) {
    const std::uint64_t id = next_person_++;
    Random random = world_.universe.random.stream(fmt::format("patient {}", id));
    const std::vector<std::string>& forms = world_.scenario.workload.forms;
    auto patient = std::make_unique<Patient>(world_, patients_desk_, world_.practices[practice],
                                             forms[random.below(forms.size())], random);
    Patient& person = *patients_.emplace(id, std::move(patient)).first->second;
    person.start([this, id] { patients_.erase(id); });
}

void Run::send_staff(std::size_t practice) {
    StaffMemory& memory = memories_[practice];
    if (memory.is_busy) {
        return;
    }
    memory.is_busy = true;
    const std::uint64_t id = next_person_++;
    auto visit =
        std::make_unique<StaffVisit>(world_, staff_desk_, world_.practices[practice], memory,
                                     world_.universe.random.stream(fmt::format("staff {}", id)), nullptr);
    StaffVisit& person = *visits_.emplace(id, std::move(visit)).first->second;
    person.start([this, id, &memory] {
        memory.is_busy = false;
        visits_.erase(id);
    });
}

/// The practice hears that the service is back: somebody looks, and a patient who waited sends a form.
void Run::announce() {
    for (std::size_t i = 0; i < world_.practices.size(); ++i) {
        send_staff(i);
        send_patient(i);
    }
}

/// Hazards are over. Within the limit the service must take a new submission of every practice and answer for
/// every acknowledged one.
void Run::heal(Instant limit) {
    run_until([&] { return operator_->is_idle() && installation_.is_up(); }, limit);
    run_until([] { return false; }, std::min(limit, world_.now() + kAfterStorm));
    acknowledged_at_end_ = world_.ledger.acknowledged_count();
    for (std::size_t i = 0; i < world_.practices.size(); ++i) {
        send_patient(i);
    }
    const std::size_t wanted = world_.practices.size();
    run_until([&] { return world_.ledger.acknowledged_count() >= acknowledged_at_end_ + wanted; }, limit);
    const bool takes_work = world_.ledger.acknowledged_count() >= acknowledged_at_end_ + wanted;
    for (std::size_t i = 0; i < world_.practices.size(); ++i) {
        audit(i);
    }
    run_until([&] { return audits_done_ == wanted; }, limit);
    is_live_ = takes_work && audits_done_ == wanted && is_audited();
}

void Run::audit(std::size_t practice) {
    const std::uint64_t id = next_person_++;
    auto visit =
        std::make_unique<StaffVisit>(world_, staff_desk_, world_.practices[practice], memories_[practice],
                                     world_.universe.random.stream(fmt::format("audit {}", id)), &audit_);
    StaffVisit& person = *visits_.emplace(id, std::move(visit)).first->second;
    person.start([this, id] {
        visits_.erase(id);
        ++audits_done_;
    });
}

bool Run::is_audited() const {
    for (const auto& [page, entry] : world_.ledger.entries()) {
        const auto known = audit_.find(entry.id);
        const bool is_answered = known != audit_.end() && known->second != AuditOutcome::unreachable;
        if (entry.acknowledged && !is_answered) {
            return false;
        }
    }
    return true;
}

Evidence Run::evidence() {
    Evidence out;
    const Instant end = world_.now();
    out.durability = judge_durability(world_.ledger, audit_, hazards_.last().value_or(end));
    out.acknowledged_before_hazard = world_.ledger.acknowledged_before(hazards_.first().value_or(end));
    out.integrity_findings = world_.integrity.count();
    out.reads = world_.integrity.reads();
    out.seals = world_.nonces.seals();
    out.nonces_reused = world_.nonces.reused();
    out.secrecy = world_.secrecy.summary();
    out.hazards = hazards_.evidence();
    out.restores_tried = operator_->restores_tried();
    out.restores_done = operator_->restores_done();
    out.reboots = operator_->reboots();
    out.repaired_pages = installation_.repaired_pages();
    out.recovery = world_.recovery.worst();
    out.is_outage_open = world_.recovery.is_open();
    out.is_live = is_live_;
    auto count_faults = [&](const DiskSet& set) {
        for (const SimDisk* disk : set.all()) {
            for (const FaultRecord& fault : disk->faults()) {
                ++out.faults;
                const bool was_shown = fault.read_count > 0 && fault.end == FaultEnd::pending;
                out.escaped_faults += was_shown && out.integrity_findings > 0 ? 1 : 0;
            }
        }
    };
    for (const DiskSet& set : installation_.all_retired()) {
        count_faults(set);
    }
    count_faults(installation_.disks());
    if (!world_.scenario.negative.plant.empty() && out.integrity_findings > 0) {
        ++out.escaped_faults;  // the plant itself is one
    }
    return out;
}

RunReport Run::report() {
    RunReport out;
    out.scenario = world_.scenario.name;
    out.title = world_.scenario.title;
    out.seed = options_.seed;
    out.seed_text = options_.seed_text;
    out.commit = options_.commit;
    out.evidence = evidence();
    out.judgement = judge(world_.scenario, out.evidence);
    out.expected = world_.scenario.expect.verdict;
    out.virtual_s = seconds(world_.now() - Instant{});
    out.exit_code = exit_code(world_.scenario, out.judgement);
    world_.note(TraceKind::verdict, "run", verdict_name(out.judgement.verdict));
    out.trace_hash = world_.trace.finish();
    return out;
}

}  // namespace

Result<RunReport> run_universe(const RunOptions& options) {
    Run run(options);
    return run.play();
}

}  // namespace firedrill::sim
