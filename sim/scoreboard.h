// Scoreboard: many runs, claim by claim: promise, measured p50, p95 and maximum, verdict. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/report.h"

namespace firedrill::sim {

struct BoardRun {
    std::string scenario_path;
    std::string seed;
    int exit_code = 0;
    std::optional<ReportSummary> report;
    std::string problem;  ///< why there is no report
    std::string remark;   ///< shown below the scoreboard: prediction beside measurement
};

/// The claims with their figures, the scenarios with their verdicts, then what is not as expected.
std::string scoreboard_text(const std::vector<BoardRun>& runs);
/// One element a scenario, of the shape of a run: its first run that was not as expected, else the one with
/// the slowest recovery, else its first.
std::string scoreboard_json(const std::vector<BoardRun>& runs);
/// Every run's report.
std::string runs_json(const std::vector<BoardRun>& runs);

/// The value at or below which `percent` of the values lie; `values` is not empty.
double percentile(std::vector<double> values, unsigned percent);

}  // namespace firedrill::sim
