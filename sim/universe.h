// One universe: a function of (commit, scenario, seed). Boots the real node in a simulated world, lets people
// work and hazards strike, and gives everything to the judges.
//
// One thread; blocks until the run is over. Two calls with the same scenario and seed leave the same trace
// hash.
#pragma once

#include <functional>
#include <string>

#include "sim/report.h"
#include "sim/scenario.h"

namespace firedrill::sim {

struct RunOptions {
    Scenario scenario;
    std::uint64_t seed = 0;
    std::string seed_text;  ///< as given, for the report
    std::string commit;
    std::function<void(const std::string&)> on_progress;  ///< one line for people
};

/// bad_input when the simulator itself failed (exit code 25): the world could not be set up, or its picture
/// of the site is wrong. Everything else is in the report. wall_s is left 0: the caller has the clock.
Result<RunReport> run_universe(const RunOptions& options);

}  // namespace firedrill::sim
