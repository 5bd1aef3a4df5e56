// The simulator's verbs on the command line: sim run, sweep, list, schema, suite; drill. main() adds them.
#pragma once

#include "cli/app.h"

namespace firedrill::sim {

/// Adds the verbs to `app`; `chosen` receives what is to be run.
void add_sim_verbs(CLI::App& app, cli::Verb& chosen);

}  // namespace firedrill::sim
