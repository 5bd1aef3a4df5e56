#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "sim/scenario.h"
#include "sim/scenario_files.h"
#include "sim/scenario_keys.h"

namespace firedrill::sim {
namespace {

const std::string kRoot = FIREDRILL_SOURCE_ROOT;
constexpr const char* kHead = "schema = 1\ntitle = \"t\"\n";

Result<Scenario> parse(const std::string& rest) {
    return parse_scenario(kHead + rest, "worlds/x.toml");
}

std::string error_of(const std::string& rest) {
    const Result<Scenario> parsed = parse(rest);
    return parsed ? "it was accepted" : parsed.error().text;
}

bool says(const std::string& rest, const std::string& what) {
    return error_of(rest).find(what) != std::string::npos;
}

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

TEST(ScenarioLoader, GivesEveryKeyItsDefault) {
    const Result<Scenario> parsed = parse("");

    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->name, "x");
    EXPECT_EQ(parsed->duration, 72h);
    EXPECT_EQ(parsed->topology.log_disks, 2u);
    EXPECT_TRUE(parsed->workload.tls);
    EXPECT_EQ(parsed->expect.verdict, "pass");
    EXPECT_TRUE(parsed->expect.leaks.holds(0));
    EXPECT_FALSE(parsed->expect.leaks.holds(1));
    EXPECT_TRUE(parsed->expect.rto.holds(1e9));
}

TEST(ScenarioLoader, NamesTheUnknownKeyItsFileAndItsLine) {
    const std::string error = error_of("[workload]\npatients = 3\n");

    EXPECT_NE(error.find("worlds/x.toml"), std::string::npos) << error;
    EXPECT_NE(error.find("line 4"), std::string::npos) << error;
    EXPECT_NE(error.find("workload.patients"), std::string::npos) << error;
    EXPECT_NE(error.find("submissions_per_day"), std::string::npos) << error;  // what is known there
}

TEST(ScenarioLoader, RefusesUnknownKeysAtEveryLevel) {
    EXPECT_TRUE(says("colour = 1\n", "unknown"));
    EXPECT_TRUE(says("[weather]\nrain = 1\n", "unknown"));
    EXPECT_TRUE(says("[[hazard]]\nkind = \"node.crash\"\nat = \"1h\"\nhow = 1\n", "unknown"));
    EXPECT_TRUE(says("[people.claims]\nC2 = \"holds\"\n", "unknown"));
}

TEST(ScenarioLoader, RefusesWrongTypesAndRanges) {
    EXPECT_TRUE(says("[topology]\nlog_disks = 0\n", "from 1 to 4"));
    EXPECT_TRUE(says("[topology]\nlog_disks = \"2\"\n", "whole number"));
    EXPECT_TRUE(says("[topology]\nlog_disks = 2.0\n", "whole number"));
    EXPECT_TRUE(says("duration = \"soon\"\n", "not a duration"));
    EXPECT_TRUE(says("duration = \"1m\"\n", "between 1h"));
    EXPECT_TRUE(says("[workload]\ntls = 1\n", "true or false"));
    EXPECT_TRUE(says("[workload]\nforms = []\n", "at least one"));
    EXPECT_TRUE(says("[expect]\nrto = \"<= fast\"\n", "not a duration"));
    EXPECT_TRUE(says("[expect]\nlost = \"few\"\n", "not a bound"));
    EXPECT_TRUE(says("claims = [\"C999\"]\n", "may be one of"));
}

TEST(ScenarioLoader, RefusesWorldsThatMakeNoSense) {
    EXPECT_TRUE(says("[[hazard]]\nkind = \"node.crash\"\nat = \"9d\"\n", "beyond the duration"));
    EXPECT_TRUE(says("[[hazard]]\nat = \"1h\"\n", "is missing"));
    EXPECT_TRUE(says("[[hazard]]\nkind = \"log.disk.dies\"\ndisk = \"log3\"\nat = \"1h\"\n", "log_disks"));
    EXPECT_TRUE(says("[[hazard]]\nkind = \"node.crash\"\nafter = \"1m\"\n", "hazard before it"));
    EXPECT_TRUE(says("[expect.claims]\nC2 = \"holds\"\n", "not among the claims"));
    EXPECT_TRUE(says("[workload]\nopens_hour = 9\ncloses_hour = 9\n", "later than opens_hour"));
    EXPECT_TRUE(says("title = \"again\"\n", "not valid TOML"));
}

TEST(ScenarioLoader, ReadsHazardsAndBounds) {
    const Result<Scenario> parsed = parse(
        "claims = [\"C2\"]\n[[hazard]]\nkind = \"log.disk.dies\"\nat = \"1d 03:10\"\nspread = \"2h\"\n"
        "[expect]\nrpo = \"<= 1h\"\nlost = 3\nleaks = \">= 1\"\n[expect.claims]\nC2 = \"refuted\"\n");

    ASSERT_TRUE(parsed) << parsed.error().text;
    ASSERT_EQ(parsed->hazards.size(), 1u);
    EXPECT_EQ(parsed->hazards[0].kind, HazardKind::disk_dies);
    EXPECT_EQ(parsed->hazards[0].disk, "log0");
    EXPECT_EQ(parsed->hazards[0].at, 27h + 10min);
    EXPECT_TRUE(parsed->expect.rpo.holds(3600));
    EXPECT_FALSE(parsed->expect.rpo.holds(3601));
    EXPECT_TRUE(parsed->expect.lost.holds(3));
    EXPECT_FALSE(parsed->expect.lost.holds(2));
    EXPECT_FALSE(parsed->expect.leaks.holds(0));
    EXPECT_EQ(parsed->expect.claims.at("C2"), "refuted");
}

TEST(ScenarioLoader, SaysWhichFileIsNotThere) {
    const Result<Scenario> missing = load_scenario("no/such/world.toml");

    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().fault, Fault::not_found);
    EXPECT_NE(missing.error().text.find("no/such/world.toml"), std::string::npos);
    EXPECT_FALSE(load_scenario("/"));
}

TEST(ScenarioFiles, AllShippedOnesLoadAndHaveTheNameOfTheirPath) {
    const auto files = find_scenarios(kRoot + "/scenarios", {"claims", "fast", "must_fail", "live"});

    ASSERT_TRUE(files);
    EXPECT_GE(files->size(), 10u);
    for (const std::string& file : *files) {
        const Result<Scenario> loaded = load_scenario(file);
        ASSERT_TRUE(loaded) << loaded.error().text;
        EXPECT_EQ(kRoot + "/scenarios/" + loaded->name + ".toml", file);
        EXPECT_FALSE(loaded->claims.empty()) << file;
        const bool must_fail = file.find("/must_fail/") != std::string::npos;
        EXPECT_EQ(must_fail, !loaded->negative.caught_by.empty()) << file;
    }
}

TEST(ScenarioFiles, TheirKeysAreThoseOfThePublishedSchema) {
    EXPECT_EQ(file_text(kRoot + "/docs/formats/scenario.schema.json"), scenario_schema());
}

TEST(ScenarioFiles, EveryKeyIsInTheDocumentation) {
    const std::string page = file_text(kRoot + "/docs/formats/scenario.md");
    for (const ScenarioKey& key : scenario_keys()) {
        EXPECT_NE(page.find("`" + std::string(key.name) + "`"), std::string::npos)
            << key.section << "." << key.name;
    }
}

}  // namespace
}  // namespace firedrill::sim
