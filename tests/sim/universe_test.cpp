// Whole universes: short ones, so that the suite stays quick. ./dev drill plays the full scenarios.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/scenario_files.h"
#include "sim/universe.h"

namespace firedrill::sim {
namespace {

const std::string kScenarios = std::string(FIREDRILL_SOURCE_ROOT) + "/scenarios";

Scenario load(const std::string& name) {
    return load_scenario(kScenarios + "/" + name + ".toml").value();
}

/// Fewer people, the same hazards.
Scenario thinned(Scenario scenario) {
    scenario.workload.submissions_per_day = std::min(scenario.workload.submissions_per_day, 16u);
    scenario.workload.staff_visits_per_day = std::min(scenario.workload.staff_visits_per_day, 8u);
    scenario.workload.practices = 1;
    return scenario;
}

RunReport play(const Scenario& scenario, std::uint64_t seed) {
    RunOptions options;
    options.scenario = scenario;
    options.seed = seed;
    Result<RunReport> report = run_universe(options);
    EXPECT_TRUE(report) << (report ? "" : report.error().text);
    return report ? std::move(report).value() : RunReport{};
}

TEST(Universe, LeavesTheSameTraceEachTimeInEveryFastScenario) {
    const auto files = find_scenarios(kScenarios, {"fast"});
    ASSERT_TRUE(files);
    for (const std::string& file : *files) {
        const Scenario scenario = thinned(load_scenario(file).value());
        const RunReport first = play(scenario, 11);
        const RunReport second = play(scenario, 11);
        EXPECT_EQ(first.trace_hash, second.trace_hash) << file;
        EXPECT_EQ(report_json(first), report_json(second)) << file;
    }
}

TEST(Universe, LeavesAnotherTraceUnderAnotherSeed) {
    Scenario scenario = thinned(load("fast/quiet-week"));
    scenario.duration = 6h;
    EXPECT_NE(play(scenario, 1).trace_hash, play(scenario, 2).trace_hash);
}

TEST(Universe, RestoresACorruptDatabaseWithoutLoss) {
    const RunReport report = play(load("fast/database-corrupt"), 3);
    EXPECT_EQ(report.exit_code, 0) << report_text(report);
    EXPECT_EQ(report.evidence.restores_done, 1u);
    EXPECT_EQ(report.evidence.durability.lost, 0u);
}

/// What the node mends by itself is not silent: its status says so, and the operator replaces the disks.
TEST(Universe, ReplacesADiskThatTheNodeHadToCorrectWhileItServed) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        const RunReport report = play(load("fast/database-corrupt-in-silence"), seed);
        EXPECT_EQ(report.exit_code, 0) << report_text(report);
        EXPECT_EQ(report.evidence.restores_done, 1U);
        ASSERT_TRUE(report.evidence.recovery);
        EXPECT_LT(report.evidence.recovery->detect, 1200.0) << report_text(report);
    }
}

/// The same damage and nobody who reads the status: that is what the bound of the scenario is there to find.
TEST(Universe, FailsWhereNobodyReadsThatADiskIsSuspect) {
    Scenario unwatched = load("fast/database-corrupt-in-silence");
    unwatched.people.monitor_every = 48h;
    const RunReport report = play(unwatched, 1);
    EXPECT_EQ(report.judgement.verdict, RunVerdict::fail) << report_text(report);
    EXPECT_EQ(report.exit_code, 20);
}

TEST(Universe, LeavesTheDisksAloneWhereNoneAreSpareAndWhereNothingWasMended) {
    Scenario rotting = load("fast/pages-rot");
    rotting.topology.spare_sets = 0;
    const RunReport without = play(rotting, 1);
    EXPECT_EQ(without.exit_code, 0) << report_text(without);
    EXPECT_EQ(without.evidence.restores_tried, 0U);
    EXPECT_GT(without.evidence.repaired_pages, 0U);

    const RunReport quiet = play(thinned(load("fast/power-loss")), 1);
    EXPECT_EQ(quiet.evidence.restores_tried, 0U) << report_text(quiet);
}

/// What the operator or an owner does to a whole practice while people work. It counts only when it happened.
TEST(Universe, TakesPracticesBackAndReplacesTheirKeysWithoutLoss) {
    for (const char* name : {"fast/practice-restored", "fast/key-replaced"}) {
        const RunReport report = play(load(name), 3);
        EXPECT_EQ(report.exit_code, 0) << report_text(report);
        EXPECT_GT(report.evidence.durability.acknowledged, 100u) << name;
        EXPECT_EQ(report.evidence.durability.lost, 0u) << name;
        EXPECT_EQ(report.evidence.nonces_reused, 0u) << name;
        for (const HazardEvidence& hazard : report.evidence.hazards) {
            EXPECT_TRUE(hazard.has_fired) << name << ": " << hazard_name(hazard.kind);
        }
    }
}

TEST(Universe, LosesDataWhenTheOnlyLogDiskDiesWithTheDatabase) {
    const RunReport report = play(load("must_fail/only-log-disk-dies"), 3);
    EXPECT_EQ(report.exit_code, 0) << report_text(report);
    EXPECT_GT(report.evidence.durability.lost, 0u);
}

TEST(Universe, CatchesEveryPlantWithTheJudgeThatShould) {
    const auto files = find_scenarios(kScenarios, {"must_fail"});
    ASSERT_TRUE(files);
    for (const std::string& file : *files) {
        Scenario scenario = load_scenario(file).value();
        if (scenario.duration > 24h) {
            continue;  // power cuts need their time: ./dev drill plays them
        }
        const RunReport caught = play(scenario, 5);
        EXPECT_EQ(caught.exit_code, 0) << report_text(caught);
    }
}

TEST(Universe, IsNotJudgedWithoutWork) {
    Scenario scenario = load("fast/database-disk-dies");
    scenario.workload.submissions_per_day = 0;
    scenario.workload.staff_visits_per_day = 0;
    const RunReport report = play(scenario, 1);
    EXPECT_EQ(report.judgement.verdict, RunVerdict::not_judged);
    EXPECT_EQ(report.exit_code, 24);
}

TEST(Universe, IsNotJudgedWhenAHazardHitsNothing) {
    Scenario scenario = thinned(load("fast/quiet-week"));
    scenario.duration = 12h;
    scenario.people.reboot = 5min;
    Hazard outage;
    outage.kind = HazardKind::power_loss;
    outage.at = 9h;
    Hazard crash;  // of a process that is not there
    crash.kind = HazardKind::node_crash;
    crash.at = 9h + 1min;
    scenario.hazards = {outage, crash};
    const RunReport report = play(scenario, 1);
    EXPECT_EQ(report.exit_code, 24) << report_text(report);
}

TEST(Universe, SeesTheWireWhenThereIsNoTls) {
    Scenario scenario = load("must_fail/plain-http");
    scenario.expect = {};
    scenario.negative = {};
    EXPECT_EQ(play(scenario, 2).exit_code, 21);
}

}  // namespace
}  // namespace firedrill::sim
