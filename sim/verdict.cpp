#include "sim/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace firedrill::sim {

namespace {

using enum ClaimVerdict;

bool any_hazard(const Evidence& e, bool (*is_one)(const HazardEvidence&)) {
    return std::any_of(e.hazards.begin(), e.hazards.end(), is_one);
}

bool is_hardware(const HazardEvidence& h) {
    switch (h.kind) {
        case HazardKind::corrupt_pages:
        case HazardKind::disk_dies:
        case HazardKind::disk_returns:
        case HazardKind::power_loss: return h.has_fired;
        case HazardKind::node_crash:
        case HazardKind::practice_restored:
        case HazardKind::key_replaced: return false;
    }
    return false;
}
bool took_database(const HazardEvidence& h) {
    return h.has_fired && h.took_database();
}

/// Why nothing can be said about loss; empty when something can.
std::string why_no_durability(const Evidence& e) {
    if (e.durability.acknowledged == 0) {
        return "no submission was acknowledged";
    }
    if (e.acknowledged_before_hazard == 0) {
        return "no submission was acknowledged before the hazard";
    }
    for (const HazardEvidence& hazard : e.hazards) {
        if (!hazard.has_fired) {
            return fmt::format("the hazard {} did not fire", hazard_name(hazard.kind));
        }
    }
    if (!e.durability.is_complete() && e.durability.lost == 0) {
        return fmt::format("{} acknowledged submissions could not be asked about", e.durability.unknown);
    }
    if (any_hazard(e, took_database) && e.restores_tried == 0 && e.repaired_pages == 0) {
        return "the restore never ran, and nothing was repaired";
    }
    return "";
}

std::string why_no_secrecy(const Evidence& e, std::uint64_t searched) {
    const SecrecyJudge::Summary& s = e.secrecy;
    if (s.planted == 0) {
        return "no canary was planted";
    }
    if (s.seen < s.planted) {
        return fmt::format("{} of {} canaries were never seen in their client's own plaintext",
                           s.planted - s.seen, s.planted);
    }
    if (e.durability.acknowledged == 0 || e.reads == 0) {
        return "nothing was submitted and read";
    }
    return searched == 0 ? "there were no bytes to search" : "";
}

void decide_loss(const Evidence& e, ClaimResult& out) {
    const DurabilityFinding& d = e.durability;
    out.measured = fmt::format("{} of {} lost", d.lost, d.acknowledged);
    out.value = static_cast<double>(d.lost);
    out.why = why_no_durability(e);
    const bool is_log_claim = out.claim->rule == ClaimRule::all_in_log;
    if (out.why.empty() && !any_hazard(e, is_log_claim ? took_database : is_hardware)) {
        out.why = is_log_claim ? "the database was never taken away" : "no hardware hazard fired";
    }
    out.verdict = !out.why.empty() ? not_judged : d.lost == 0 ? holds : refuted;
}

void decide_recovery(const Evidence& e, ClaimResult& out) {
    out.measured = "nothing";
    if (!any_hazard(e, took_database)) {
        out.why = "the database was never taken away";
        return;
    }
    if (e.acknowledged_before_hazard == 0) {
        out.why = "no submission was acknowledged before the hazard";
        return;
    }
    if (e.restores_tried == 0) {
        out.why = "the restore never ran";
        return;
    }
    if (e.restores_done == 0 || e.is_outage_open || !e.recovery) {
        out.verdict = refuted;
        out.measured = "never restored";
        return;
    }
    out.value = e.recovery->total;
    out.measured = fmt::format("{:.1f} s", e.recovery->total);
    out.verdict = e.recovery->total <= out.claim->parameter ? holds : refuted;
}

void decide_secrecy(const Evidence& e, ClaimResult& out, std::initializer_list<Medium> media) {
    std::uint64_t leaks = 0;
    std::uint64_t searched = 0;
    for (Medium medium : media) {
        leaks += e.secrecy.leaks[static_cast<std::size_t>(medium)];
        searched += e.secrecy.bytes[static_cast<std::size_t>(medium)];
    }
    out.measured = fmt::format("{} in {:.1f} MB", leaks, static_cast<double>(searched) / 1e6);
    out.value = static_cast<double>(leaks);
    if (leaks > 0) {
        out.verdict = refuted;  // a leak is a leak, whatever else did not happen
        return;
    }
    out.why = why_no_secrecy(e, searched);
    out.verdict = out.why.empty() ? holds : not_judged;
}

ClaimResult decide(const Scenario& scenario, const Evidence& e, const ClaimInfo& claim) {
    ClaimResult out;
    out.claim = &claim;
    const auto expected = scenario.expect.claims.find(std::string(claim.id));
    if (expected != scenario.expect.claims.end()) {
        out.expected = expected->second;
    }
    switch (claim.rule) {
        case ClaimRule::nothing_lost:
        case ClaimRule::all_in_log: decide_loss(e, out); break;
        case ClaimRule::recovery_time: decide_recovery(e, out); break;
        case ClaimRule::copies_sealed: decide_secrecy(e, out, {Medium::log_disk}); break;
        case ClaimRule::wire_sealed: decide_secrecy(e, out, {Medium::packet}); break;
        case ClaimRule::storage_sealed: decide_secrecy(e, out, {Medium::data_disk, Medium::log_disk}); break;
    }
    return out;
}

/// Collects what is not as expected; the first trouble named wins, correctness before leaks before liveness.
class Reasons {
  public:
    explicit Reasons(Judgement& out) : out_(out) {}
    void add(Trouble trouble, std::string reason) {
        out_.reasons.push_back(std::move(reason));
        if (out_.trouble == Trouble::none || trouble < out_.trouble) {
            out_.trouble = trouble;
        }
    }

  private:
    Judgement& out_;
};

bool found_by(const Evidence& e, std::string_view judge_name) {
    if (judge_name == "durability") {
        return e.durability.lost > 0;
    }
    if (judge_name == "integrity") {
        return e.integrity_findings > 0;
    }
    return judge_name == "secrecy" ? e.secrecy.total_leaks() > 0 : e.nonces_reused > 0;
}

void judge_bounds(const Scenario& scenario, const Evidence& e, Reasons& reasons) {
    const Expect& expect = scenario.expect;
    auto check = [&](const Bound& bound, double measured, Trouble trouble, std::string_view what) {
        if (!bound.holds(measured)) {
            reasons.add(trouble, fmt::format("{} is {}, expected {}", what, measured, bound.text));
        }
    };
    check(expect.lost, static_cast<double>(e.durability.lost), Trouble::correctness, "lost");
    check(expect.rpo, e.durability.rpo_seconds, Trouble::correctness, "rpo in seconds");
    check(expect.leaks, static_cast<double>(e.secrecy.total_leaks()), Trouble::leak, "leaks");
    if (expect.rto.op != Bound::Op::none) {
        if (!e.recovery || e.acknowledged_before_hazard == 0) {
            reasons.add(Trouble::not_judged,
                        "rto cannot be judged: no recovery of a working service was seen");
        } else {
            check(expect.rto, e.recovery->total, Trouble::correctness, "rto in seconds");
        }
    }
}

void judge_findings(const Scenario& scenario, const Evidence& e, Reasons& reasons) {
    const std::string& hunted = scenario.negative.caught_by;
    if (!hunted.empty() && !found_by(e, hunted)) {
        reasons.add(Trouble::correctness,
                    fmt::format("the {} judge found nothing in a world that it must catch", hunted));
    }
    if (e.integrity_findings > 0 && hunted != "integrity") {
        reasons.add(Trouble::correctness,
                    fmt::format("{} reads or lists were not what was submitted", e.integrity_findings));
    }
    if (e.nonces_reused > 0 && hunted != "nonces") {
        reasons.add(Trouble::correctness, fmt::format("{} nonces were used twice", e.nonces_reused));
    }
    if (!e.is_live) {
        reasons.add(Trouble::liveness, "the service did not come back within the bound after the storm");
    }
    if (!e.durability.is_complete()) {
        reasons.add(Trouble::liveness,
                    fmt::format("{} acknowledged submissions could not be read or asked about",
                                e.durability.unknown));
    }
}

Trouble trouble_of(const ClaimInfo& claim) {
    switch (claim.rule) {
        case ClaimRule::nothing_lost:
        case ClaimRule::all_in_log:
        case ClaimRule::recovery_time: return Trouble::correctness;
        case ClaimRule::copies_sealed:
        case ClaimRule::wire_sealed:
        case ClaimRule::storage_sealed: return Trouble::leak;
    }
    return Trouble::correctness;
}

void judge_claims(Judgement& out, Reasons& reasons) {
    for (const ClaimResult& one : out.claims) {
        if (one.is_as_expected()) {
            continue;
        }
        const bool is_vacuous = one.verdict == not_judged;
        reasons.add(is_vacuous ? Trouble::not_judged : trouble_of(*one.claim),
                    fmt::format("claim {} is {}, expected {}{}", one.claim->id, verdict_name(one.verdict),
                                one.expected, one.why.empty() ? "" : ": " + one.why));
    }
}

/// What holds for every run, claims or not: an empty run says nothing.
void judge_vacuity(const Evidence& e, Reasons& reasons) {
    if (e.durability.acknowledged == 0) {
        reasons.add(Trouble::not_judged, "nothing was judged: no submission was acknowledged");
    }
    for (const HazardEvidence& hazard : e.hazards) {
        if (!hazard.has_fired) {
            reasons.add(Trouble::not_judged,
                        fmt::format("nothing was judged: the hazard {} did not fire or hit nothing",
                                    hazard_name(hazard.kind)));
        }
    }
}

}  // namespace

bool HazardEvidence::took_database() const noexcept {
    return kind == HazardKind::corrupt_pages || (kind == HazardKind::disk_dies && disk == "data");
}

bool ClaimResult::is_as_expected() const {
    return verdict_name(verdict) == expected;
}

Judgement judge(const Scenario& scenario, const Evidence& evidence) {
    Judgement out;
    Reasons reasons(out);
    for (const std::string& id : scenario.claims) {
        const ClaimInfo* claim = find_claim(id);
        CHECK(claim != nullptr);  // the loader accepts known claims only
        out.claims.push_back(decide(scenario, evidence, *claim));
    }
    judge_bounds(scenario, evidence, reasons);
    judge_findings(scenario, evidence, reasons);
    judge_claims(out, reasons);
    judge_vacuity(evidence, reasons);
    out.verdict = out.trouble == Trouble::none         ? RunVerdict::pass
                  : out.trouble == Trouble::not_judged ? RunVerdict::not_judged
                                                       : RunVerdict::fail;
    return out;
}

int exit_code(const Scenario& scenario, const Judgement& judgement) noexcept {
    if (verdict_name(judgement.verdict) == scenario.expect.verdict) {
        return 0;
    }
    switch (judgement.trouble) {
        case Trouble::none:
        case Trouble::correctness: return 20;
        case Trouble::leak: return 21;
        case Trouble::liveness: return 22;
        case Trouble::not_judged: return 24;
    }
    return 20;
}

std::string_view verdict_name(ClaimVerdict verdict) noexcept {
    switch (verdict) {
        case holds: return "holds";
        case refuted: return "refuted";
        case not_judged: return "not_judged";
    }
    return "";
}

std::string_view verdict_name(RunVerdict verdict) noexcept {
    switch (verdict) {
        case RunVerdict::pass: return "pass";
        case RunVerdict::fail: return "fail";
        case RunVerdict::not_judged: return "not_judged";
    }
    return "";
}

}  // namespace firedrill::sim
