// Live drill: a scenario with real processes, real files and real sockets on this machine, in wall-clock time.
//
// Starts our own program's `serve` in a fresh folder below the system's temporary folder, lets patients submit over
// HTTPS without pause, kills the process (SIGKILL) as often as the scenario has node.crash hazards, starts it again, and
// at the end has staff read whatever was confirmed. Judged by the same judges as a simulated run; the simulator's
// prediction for the same scenario stands beside it. Blocks. The folder is removed when all is as expected.
#pragma once

#include <string>

#include "sim/scoreboard.h"

namespace firedrill::sim {

inline constexpr std::uint32_t kMostKills = 10;

struct DrillVerbOptions {
    std::string scenario;
    std::string seed;  ///< of what patients write and when processes die; empty: 1
    bool is_json = false;
};
/// Exit codes as `sim run`; bad_usage for a scenario whose hazards cannot be played live.
int drill_verb(const DrillVerbOptions& options);

/// The live case of the suite: `scenario` under seed 1. Never fails otherwise than in what it returns.
BoardRun play_live_case(const std::string& scenario);

}  // namespace firedrill::sim
