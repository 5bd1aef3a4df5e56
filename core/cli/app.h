// The program's command line: verbs over one node or one folder. main() calls run_app; the simulator adds its
// verbs.
//
// This folder is main()'s hand: the only part of core that constructs the real world (posix).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace firedrill::cli {

/// What a verb's run leaves: the process's exit code (docs/exit_codes.md).
using Verb = std::function<int()>;
/// Adds sub-commands to `app`; each one's callback stores into `chosen` what is to be run after parsing.
using AddVerbs = std::function<void(CLI::App& app, Verb& chosen)>;

/// Parses and runs. `more` adds verbs beyond the server's own. Usage errors: exit code 2 with one sentence.
int run_app(int argc, char** argv, const std::vector<AddVerbs>& more);

}  // namespace firedrill::cli
