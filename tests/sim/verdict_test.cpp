#include <gtest/gtest.h>

#include "sim/verdict.h"

namespace firedrill::sim {
namespace {

constexpr auto kLog = static_cast<std::size_t>(Medium::log_disk);
constexpr auto kData = static_cast<std::size_t>(Medium::data_disk);
constexpr auto kPacket = static_cast<std::size_t>(Medium::packet);

Scenario world(std::vector<std::string> claims) {
    Scenario s;
    s.claims = std::move(claims);
    return s;
}

/// A run in which the database's disk died, the operator restored, and all is well.
Evidence good() {
    Evidence e;
    e.durability.acknowledged = 100;
    e.durability.readable = 100;
    e.acknowledged_before_hazard = 50;
    e.reads = 120;
    e.secrecy.planted = 40;
    e.secrecy.seen = 40;
    e.secrecy.bytes = {1000, 1000, 1000, 1000};
    e.hazards = {{HazardKind::disk_dies, "data", true}};
    e.restores_tried = 1;
    e.restores_done = 1;
    e.recovery = RecoverySplit{300, 100, 100, 50, 10, 10, 10, 20};
    e.is_live = true;
    return e;
}

ClaimVerdict verdict_of(const std::string& claim, const Evidence& e) {
    return judge(world({claim}), e).claims.at(0).verdict;
}

TEST(Verdict, EveryClaimHoldsInAGoodRun) {
    const Scenario s = world({"C2", "C8", "C11", "C17", "C23", "C27"});
    const Judgement judgement = judge(s, good());

    for (const ClaimResult& one : judgement.claims) {
        EXPECT_EQ(one.verdict, ClaimVerdict::holds) << one.claim->id << " " << one.why;
    }
    EXPECT_EQ(judgement.verdict, RunVerdict::pass);
    EXPECT_EQ(exit_code(s, judgement), 0);
}

// The table: one change to a good run, the claim it concerns, what must come out, and the exit code of the
// run.
struct Case {
    std::string name;
    std::string claim;
    void (*change)(Evidence&);
    ClaimVerdict verdict;
    int code;
};

class VerdictTable : public testing::TestWithParam<Case> {};

TEST_P(VerdictTable, FollowsFromTheEvidence) {
    Evidence e = good();
    GetParam().change(e);
    const Scenario s = world({GetParam().claim});

    const Judgement judgement = judge(s, e);

    EXPECT_EQ(verdict_name(judgement.claims.at(0).verdict), verdict_name(GetParam().verdict));
    EXPECT_EQ(exit_code(s, judgement), GetParam().code);
    EXPECT_EQ(judgement.verdict == RunVerdict::pass, GetParam().code == 0);
}

using enum ClaimVerdict;
INSTANTIATE_TEST_SUITE_P(
    All, VerdictTable,
    testing::Values(
        Case{"lost", "C2", [](Evidence& e) { e.durability.lost = 1; }, refuted, 20},
        Case{"lost_from_log", "C8", [](Evidence& e) { e.durability.lost = 1; }, refuted, 20},
        Case{"no_work", "C2",
             [](Evidence& e) {
                 e.durability = {};
                 e.acknowledged_before_hazard = 0;
             },
             not_judged, 24},
        Case{"work_only_after", "C2", [](Evidence& e) { e.acknowledged_before_hazard = 0; }, not_judged, 24},
        Case{"no_hazard", "C2", [](Evidence& e) { e.hazards.clear(); }, not_judged, 24},
        Case{"hazard_missed", "C2", [](Evidence& e) { e.hazards[0].has_fired = false; }, not_judged, 24},
        Case{"one_of_two_missed", "C2",
             [](Evidence& e) { e.hazards.push_back({HazardKind::power_loss, "data", false}); }, not_judged,
             24},
        Case{"no_restore", "C2", [](Evidence& e) { e.restores_tried = 0; }, not_judged, 24},
        Case{"repaired_instead", "C2",
             [](Evidence& e) {
                 e.restores_tried = 0;
                 e.repaired_pages = 5;
             },
             holds, 0},
        Case{"only_a_log_disk", "C8", [](Evidence& e) { e.hazards[0].disk = "log0"; }, not_judged, 24},
        Case{"too_slow", "C11", [](Evidence& e) { e.recovery->total = 601; }, refuted, 20},
        Case{"just_in_time", "C11", [](Evidence& e) { e.recovery->total = 600; }, holds, 0},
        Case{"never_back", "C11", [](Evidence& e) { e.is_outage_open = true; }, refuted, 20},
        Case{"restore_failed", "C11", [](Evidence& e) { e.restores_done = 0; }, refuted, 20},
        Case{"restore_not_tried", "C11", [](Evidence& e) { e.restores_tried = 0; }, not_judged, 24},
        Case{"leak_in_log", "C17", [](Evidence& e) { e.secrecy.leaks[kLog] = 1; }, refuted, 21},
        Case{"leak_in_packet", "C23", [](Evidence& e) { e.secrecy.leaks[kPacket] = 1; }, refuted, 21},
        Case{"leak_on_data_disk", "C27", [](Evidence& e) { e.secrecy.leaks[kData] = 1; }, refuted, 21},
        Case{"leak_elsewhere", "C17", [](Evidence& e) { e.secrecy.leaks[kPacket] = 1; }, holds, 21},
        Case{"no_canary", "C17", [](Evidence& e) { e.secrecy.planted = e.secrecy.seen = 0; }, not_judged, 24},
        Case{"canary_unseen", "C27", [](Evidence& e) { e.secrecy.seen = 39; }, not_judged, 24},
        Case{"no_packets", "C23", [](Evidence& e) { e.secrecy.bytes[kPacket] = 0; }, not_judged, 24},
        Case{"nobody_read", "C23", [](Evidence& e) { e.reads = 0; }, not_judged, 24},
        Case{"not_live", "C17", [](Evidence& e) { e.is_live = false; }, holds, 22},
        Case{"audit_unfinished", "C2", [](Evidence& e) { e.durability.unknown = 3; }, not_judged, 22},
        Case{"altered", "C17", [](Evidence& e) { e.integrity_findings = 1; }, holds, 20},
        Case{"nonce", "C17", [](Evidence& e) { e.nonces_reused = 1; }, holds, 20}),
    [](const auto& one) { return one.param.name; });

TEST(Verdict, AWorldThatMustFailPassesOnlyWhenItsJudgeFindsSomething) {
    Scenario s = world({"C2"});
    s.expect.claims["C2"] = "refuted";
    s.expect.lost = {Bound::Op::greater_equal, 1, ">= 1"};
    s.negative.caught_by = "durability";
    Evidence e = good();

    EXPECT_EQ(exit_code(s, judge(s, e)), 20);
    e.durability.lost = 5;
    EXPECT_EQ(judge(s, e).verdict, RunVerdict::pass);
    EXPECT_EQ(exit_code(s, judge(s, e)), 0);
}

TEST(Verdict, TheWrongJudgeDoesNotCount) {
    Scenario s = world({});
    s.negative.caught_by = "secrecy";
    Evidence e = good();
    e.integrity_findings = 4;
    EXPECT_EQ(exit_code(s, judge(s, e)), 20);
}

TEST(Verdict, BoundsOfTheScenarioCountToo) {
    Scenario s = world({});
    s.expect.rto = {Bound::Op::less_equal, 299, "<= 299s"};
    EXPECT_EQ(exit_code(s, judge(s, good())), 20);
    Evidence e = good();
    e.recovery.reset();
    EXPECT_EQ(exit_code(s, judge(s, e)), 24);
    s.expect.rto = {};
    EXPECT_EQ(exit_code(s, judge(s, e)), 0);
}

TEST(Verdict, AnExpectedVerdictOtherThanPassIsPossible) {
    Scenario s = world({"C2"});
    s.expect.verdict = "not_judged";
    Evidence e = good();
    e.hazards[0].has_fired = false;
    EXPECT_EQ(exit_code(s, judge(s, e)), 0);
    EXPECT_EQ(exit_code(s, judge(s, good())), 20);  // it passed, and that was not expected
}

TEST(Verdict, RealTroubleOutranksNothingToJudge) {
    Evidence e = good();
    e.secrecy.leaks[kData] = 2;
    e.restores_tried = 0;
    EXPECT_EQ(exit_code(world({"C2"}), judge(world({"C2"}), e)), 21);
    EXPECT_EQ(verdict_of("C2", e), not_judged);
}

}  // namespace
}  // namespace firedrill::sim
