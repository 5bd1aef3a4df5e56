// Verdict: from the evidence that a run left to the verdict of each claim and of the run. Pure; the one
// place.
//
// Nothing passes vacuously: without acknowledged work, with a hazard that did not fire, with a canary that
// its own client never saw, or without the restore that the claim is about, a claim is not_judged. A run is
// not_judged when one of its claims is and the scenario does not expect it; it passes when every claim's
// verdict and every bound is as expected.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/claims.h"
#include "sim/judge_durability.h"
#include "sim/judge_recovery.h"
#include "sim/judge_secrecy.h"
#include "sim/scenario.h"

namespace firedrill::sim {

struct HazardEvidence {
    HazardKind kind = HazardKind::node_crash;
    std::string disk;        ///< data, log0 …
    bool has_fired = false;  ///< it happened and changed something
    [[nodiscard]] bool took_database() const noexcept;
};

struct Evidence {
    DurabilityFinding durability;
    std::uint64_t acknowledged_before_hazard = 0;  ///< before the first one; all of them when there is none
    std::uint64_t integrity_findings = 0;
    std::uint64_t reads = 0;  ///< answered reads of submissions by staff, the audit's included
    std::uint64_t seals = 0;
    std::uint64_t nonces_reused = 0;
    SecrecyJudge::Summary secrecy;
    std::vector<HazardEvidence> hazards;
    std::uint32_t restores_tried = 0;
    std::uint32_t restores_done = 0;
    std::uint64_t repaired_pages = 0;  ///< brought back from the log by the node itself
    std::uint32_t reboots = 0;         ///< unclean ones that came back by themselves
    std::optional<RecoverySplit> recovery;
    bool is_outage_open = false;  ///< the service never came back from the last hazard
    bool is_live = false;         ///< after the storm everything worked within the bound
    std::uint64_t faults = 0;
    std::uint64_t escaped_faults = 0;
};

enum class ClaimVerdict : std::uint8_t { holds, refuted, not_judged };
enum class RunVerdict : std::uint8_t { pass, fail, not_judged };
std::string_view verdict_name(ClaimVerdict verdict) noexcept;
std::string_view verdict_name(RunVerdict verdict) noexcept;

struct ClaimResult {
    const ClaimInfo* claim = nullptr;
    ClaimVerdict verdict = ClaimVerdict::not_judged;
    std::string measured;  ///< begins with the number where there is one: "412.3 s", "0 of 118 lost"
    std::optional<double> value;
    std::string expected = "holds";
    std::string why;  ///< of not_judged
    [[nodiscard]] bool is_as_expected() const;
};

/// What an unexpected result is about; decides the exit code.
enum class Trouble : std::uint8_t { none, correctness, leak, liveness, not_judged };

struct Judgement {
    RunVerdict verdict = RunVerdict::not_judged;
    Trouble trouble = Trouble::none;
    std::vector<ClaimResult> claims;
    std::vector<std::string> reasons;  ///< one sentence for each thing that is not as expected
};
Judgement judge(const Scenario& scenario, const Evidence& evidence);

/// 0 when `verdict` is the expected one; else 20 correctness, 21 leak, 22 liveness, 24 not judged.
int exit_code(const Scenario& scenario, const Judgement& judgement) noexcept;

}  // namespace firedrill::sim
