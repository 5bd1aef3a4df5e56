// The simulator's verbs as plain functions: each returns the process's exit code (docs/exit_codes.md).
//
// With --json standard output is exactly one JSON value; progress, the seed and the replay line go to
// standard error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace firedrill::sim {

/// A number, or 40 hex digits (a commit), folded to 64 bits. bad_usage otherwise.
Result<std::uint64_t> parse_seed(std::string_view text);

struct RunVerbOptions {
    std::string scenario;
    std::string seed;  ///< empty: drawn, and printed
    bool is_json = false;
    bool is_verbose = false;  ///< every step on standard error
};
/// Plays one universe. 0 as expected, 20 correctness, 21 leak, 22 liveness, 24 not judged, 25 the simulator
/// failed.
int run_scenario_verb(const RunVerbOptions& options);

struct SweepVerbOptions {
    std::vector<std::string> scenarios;
    std::uint64_t first_seed = 1;
    std::uint32_t seeds = 20;
    std::uint32_t jobs = 1;
    bool is_json = false;       ///< JSON lines, one a run
    bool checks_twice = false;  ///< each universe twice; 23 when the traces differ
    std::string report;         ///< file for the array of all runs; empty: none
};
/// Plays scenarios under many seeds, in child processes when there are several jobs. The worst exit code.
int sweep_verb(const SweepVerbOptions& options);

struct SuiteVerbOptions {
    std::string root = "scenarios";  ///< holds claims, fast and must_fail
    std::uint64_t first_seed = 1;
    std::uint32_t seeds = 5;
    std::uint32_t jobs = 2;
    bool plays_live = true;
    std::string report = "build/report/scoreboard.json";
};
/// What ./dev drill runs: every scenario, the live case, the scoreboard. 0 only if all is as expected.
int suite_verb(const SuiteVerbOptions& options);

/// What there is below `root`: name, title, claims.
int list_verb(const std::string& root, bool is_json);
/// Prints the JSON schema of scenario files.
int schema_verb();

}  // namespace firedrill::sim
