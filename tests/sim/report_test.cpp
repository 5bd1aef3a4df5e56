#include <gtest/gtest.h>

#include "sim/report.h"
#include "sim/scoreboard.h"
#include "sim/verbs.h"

namespace firedrill::sim {
namespace {

RunReport some_report() {
    RunReport report;
    report.scenario = "fast/x";
    report.seed = 7;
    report.seed_text = "7";
    report.commit = "c";
    report.expected = "pass";
    report.evidence.durability.acknowledged = 12;
    report.judgement.verdict = RunVerdict::pass;
    report.judgement.claims.push_back(
        {find_claim("C11"), ClaimVerdict::holds, "412.3 s", 412.3, "holds", ""});
    return report;
}

TEST(Report, JsonHasTheStableKeysInTheirOrder) {
    RunReport report = some_report();
    report.evidence.recovery = RecoverySplit{412.25, 60, 120, 60, 1, 2, 3, 166.25};
    EXPECT_EQ(
        report_json(report),
        R"({"scenario":"fast/x","seed":7,"commit":"c","verdict":"pass","expected":"pass","trace_hash":")" +
            std::string(64, '0') +
            R"(","virtual_s":0.000,"wall_s":0.000,"rpo":{"seconds":0.000,"submissions":0},)"
            R"("rto":{"total_s":412.250,"detect_s":60.000,"decide_s":120.000,"provision_s":60.000,)"
            R"("fetch_s":1.000,"verify_s":2.000,"replay_s":3.000,"serve_s":166.250},)"
            R"("acknowledged":12,"lost":0,"leaks":0,"escaped_faults":0,)"
            R"("claims":[{"id":"C11","reading":"literal","promised":"<= 10 min","measured":"412.3 s",)"
            R"("verdict":"holds","expected":"holds"}]})");
}

TEST(Report, CanBeReadBack) {
    const Result<ReportSummary> read = read_report(report_json(some_report()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->seed, "7");
    EXPECT_EQ(read->acknowledged, 12u);
    EXPECT_FALSE(read->rto_s);  // null: no recovery was seen
    ASSERT_EQ(read->claims.size(), 1u);
    EXPECT_EQ(read->claims[0].measured, "412.3 s");
    EXPECT_FALSE(read_report("{}"));
    EXPECT_FALSE(read_report("not json"));
}

TEST(Seed, IsANumberOrACommit) {
    EXPECT_EQ(*parse_seed("42"), 42u);
    const std::string commit = "0123456789abcdef0123456789abcdef01234567";
    ASSERT_TRUE(parse_seed(commit));
    EXPECT_NE(*parse_seed(commit), *parse_seed("1123456789abcdef0123456789abcdef01234567"));
    for (const char* bad :
         {"", "-1", "0x10", "12a", "99999999999999999999", "0123456789abcdef0123456789abcdef0123456g"}) {
        EXPECT_FALSE(parse_seed(bad)) << bad;
    }
}

TEST(Scoreboard, TakesPercentilesByNearestRank) {
    EXPECT_EQ(percentile({5, 1, 4, 2, 3}, 50), 3);
    EXPECT_EQ(percentile({5, 1, 4, 2, 3}, 95), 5);
    EXPECT_EQ(percentile({5, 1, 4, 2, 3}, 100), 5);
    EXPECT_EQ(percentile({7}, 50), 7);
}

TEST(Scoreboard, HasOneElementAScenarioAndPrefersTheRunThatWasNotAsExpected) {
    std::vector<BoardRun> runs;
    for (int i = 0; i < 3; ++i) {
        RunReport report = some_report();
        report.seed = static_cast<std::uint64_t>(i);
        report.seed_text = std::to_string(i);
        runs.push_back({"scenarios/fast/x.toml", report.seed_text, i == 1 ? 20 : 0,
                        *read_report(report_json(report)), "", ""});
    }
    const std::string json = scoreboard_json(runs);
    EXPECT_EQ(json.find("\"seed\":0"), std::string::npos);
    EXPECT_NE(json.find("\"seed\":1"), std::string::npos);
    EXPECT_EQ(json.find("\"seed\":2"), std::string::npos);
    EXPECT_NE(scoreboard_text(runs).find("NOT AS EXPECTED in 1 of 3"), std::string::npos);
}

}  // namespace
}  // namespace firedrill::sim
