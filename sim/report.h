// Report: what one run leaves, and its two forms: one JSON value of a documented shape, and lines for people.
//
// The JSON's keys and their meaning are stable (docs/simulator.md); keys are never renamed or removed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sim/scenario.h"
#include "sim/verdict.h"

namespace firedrill::sim {

struct RunReport {
    std::string scenario;  ///< its name
    std::string title;
    std::uint64_t seed = 0;
    std::string seed_text;  ///< as given: a number or 40 hex digits
    std::string commit;
    Judgement judgement;
    std::string expected;  ///< the run's expected verdict
    Digest trace_hash;
    double virtual_s = 0;
    double wall_s = 0;  ///< the only value that differs between two runs of the same universe
    Evidence evidence;
    int exit_code = 25;
    std::string replay;  ///< the command that plays this run again
};

/// One line of JSON, without a newline.
std::string report_json(const RunReport& report);
/// What a person reads after `sim run`; several lines, the verdict last.
std::string report_text(const RunReport& report);

/// The pieces of a report that a scoreboard needs, read back from JSON.
struct ReportSummary {
    std::string scenario;
    std::string seed;
    std::string verdict;
    std::string expected;
    std::string trace_hash;
    struct ClaimLine {
        std::string id;
        std::string reading;
        std::string promised;
        std::string measured;
        std::string verdict;
        std::string expected;
    };
    std::vector<ClaimLine> claims;
    std::optional<double> rto_s;
    std::uint64_t acknowledged = 0;
    std::uint64_t lost = 0;
    std::uint64_t leaks = 0;
    std::string json;  ///< as it came
};
/// bad_input when it is not a report.
Result<ReportSummary> read_report(const std::string& json);

}  // namespace firedrill::sim
