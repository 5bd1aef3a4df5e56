#include "sim/app_verbs.h"

#include <CLI/CLI.hpp>

#include <memory>

#include "sim/live_drill.h"
#include "sim/verbs.h"

namespace firedrill::sim {

namespace {

void add_run(CLI::App& group, cli::Verb& chosen) {
    auto options = std::make_shared<RunVerbOptions>();  // owners: the callback below, until the program ends
    CLI::App* verb = group.add_subcommand("run", "Play one universe: a scenario under one seed");
    verb->add_option("scenario", options->scenario, "Scenario file")->required();
    verb->add_option("--seed", options->seed,
                     "A number, or 40 hex digits of a commit (default: drawn and printed)");
    verb->add_flag("--json", options->is_json, "Print exactly one JSON value");
    verb->add_flag("--verbose", options->is_verbose, "Tell every step on standard error");
    verb->callback([options, &chosen] { chosen = [options] { return run_scenario_verb(*options); }; });
}

void add_sweep(CLI::App& group, cli::Verb& chosen) {
    auto options = std::make_shared<SweepVerbOptions>();
    CLI::App* verb = group.add_subcommand("sweep", "Play scenarios under many seeds");
    verb->add_option("scenarios", options->scenarios, "Scenario files")->required();
    verb->add_option("--first-seed", options->first_seed, "First seed (default 1)");
    verb->add_option("--seeds", options->seeds, "Seeds for each scenario (default 20)")
        ->check(CLI::Range(1, 1000000));
    verb->add_option("--jobs", options->jobs, "Processes at once (default 1)")->check(CLI::Range(1, 256));
    verb->add_flag("--json", options->is_json, "Print one line of JSON a run");
    verb->add_flag("--twice", options->checks_twice, "Play each universe twice and compare the traces");
    verb->add_option("--report", options->report, "Write all runs to this file as a JSON array");
    verb->callback([options, &chosen] { chosen = [options] { return sweep_verb(*options); }; });
}

void add_suite(CLI::App& group, cli::Verb& chosen) {
    auto options = std::make_shared<SuiteVerbOptions>();
    CLI::App* verb =
        group.add_subcommand("suite", "Play every scenario and the live case; print the scoreboard");
    verb->add_option("--root", options->root, "Folder with claims, fast and must_fail (default: scenarios)");
    verb->add_option("--first-seed", options->first_seed, "First seed (default 1)");
    verb->add_option("--seeds", options->seeds, "Seeds for each scenario (default 5)")
        ->check(CLI::Range(1, 1000000));
    verb->add_option("--jobs", options->jobs, "Processes at once (default 2)")->check(CLI::Range(1, 256));
    verb->add_flag("!--no-live", options->plays_live, "Leave the live case out");
    verb->add_option("--report", options->report, "Scoreboard file (default: build/report/scoreboard.json)");
    verb->callback([options, &chosen] { chosen = [options] { return suite_verb(*options); }; });
}

void add_list(CLI::App& group, cli::Verb& chosen) {
    struct Options {
        std::string root = "scenarios";
        bool is_json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* verb = group.add_subcommand("list", "Scenarios with their claims");
    verb->add_option("--root", options->root, "Folder with claims, fast and must_fail (default: scenarios)");
    verb->add_flag("--json", options->is_json, "Print exactly one JSON value");
    verb->callback(
        [options, &chosen] { chosen = [options] { return list_verb(options->root, options->is_json); }; });
}

}  // namespace

void add_sim_verbs(CLI::App& app, cli::Verb& chosen) {
    CLI::App* group = app.add_subcommand("sim", "The simulator");
    group->require_subcommand(1);
    add_run(*group, chosen);
    add_sweep(*group, chosen);
    add_suite(*group, chosen);
    add_list(*group, chosen);
    group->add_subcommand("schema", "Print the JSON schema of scenario files")->callback([&chosen] {
        chosen = schema_verb;
    });

    auto options = std::make_shared<DrillVerbOptions>();
    CLI::App* drill = app.add_subcommand("drill", "Play a scenario with real processes, files and sockets");
    drill->add_option("scenario", options->scenario, "Scenario file with node.crash hazards only")
        ->required();
    drill->add_flag("--json", options->is_json, "Print exactly one JSON value");
    drill->callback([options, &chosen] { chosen = [options] { return drill_verb(*options); }; });
}

}  // namespace firedrill::sim
