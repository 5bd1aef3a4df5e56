// Live drill: a scenario with a real process, real files and real sockets on this machine, in wall-clock
// time.
//
// Our own program is started as a server in a folder of its own below the system's temporary folder, people
// work over HTTPS, the process is killed in the middle of it and started again, and at the end everything
// that was confirmed is asked for. Needs no rights and no network beyond 127.0.0.1. The simulator's
// prediction stands beside the measurement.
#pragma once

#include <string>

#include "base/result.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "sim/scoreboard.h"

namespace firedrill::sim {

struct DrillVerbOptions {
    std::string scenario;
    bool is_json = false;
};
/// firedrill drill SCENARIO. Exit codes as sim run; refused (14) for hazards that need a simulated world.
int drill_verb(const DrillVerbOptions& options);

/// Only node.crash hazards can be played for real so far: refused naming the others. Blocking; a minute at
/// most.
Result<RunReport> play_live(const Scenario& scenario);

/// The suite's live case: scenarios/live/kill-under-load.toml below `root`.
BoardRun play_live_case(const std::string& root);

}  // namespace firedrill::sim
