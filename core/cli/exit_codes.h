// Exit codes of the program: one table for every verb. docs/exit_codes.md prints it; a test compares the two.
//
// A failure is a Fault, and every Fault has its code. The codes from 20 on are verdicts of the simulator.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace firedrill::cli {

enum class ExitCode : int {
    ok = 0,
    internal = 1,
    bad_usage = 2,
    bad_input = 3,
    not_found = 4,
    in_use = 5,
    permission = 6,
    newer_format = 7,
    wrong_secret = 8,
    damaged = 9,
    repaired = 10,
    exists = 11,
    disk_full = 12,
    disk_failed = 13,
    refused = 14,
    limit = 15,
    timeout = 16,
    unavailable = 17,
    repairable = 18,
    overdue = 19,
    sim_correctness = 20,
    sim_leak = 21,
    sim_liveness = 22,
    sim_nondeterminism = 23,
    sim_not_judged = 24,
    sim_harness = 25,
    not_as_expected = 26,
};

/// The code a verb ends with when it fails with `fault`.
ExitCode exit_code(Fault fault) noexcept;

struct ExitCodeRow {
    ExitCode code;
    std::string_view name;     ///< "bad_usage"
    std::string_view meaning;  ///< one sentence: what happened and what to do
};
/// Every code, ascending.
const std::vector<ExitCodeRow>& exit_code_table();

}  // namespace firedrill::cli
