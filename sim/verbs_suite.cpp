// sim sweep, and the suite that ./dev drill runs. Every universe is a process of its own: a crash is one
// result.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "cli/exit_codes.h"
#include "cli/output.h"
#include "sim/live_drill.h"
#include "sim/process.h"
#include "sim/report.h"
#include "sim/scenario_files.h"
#include "sim/scoreboard.h"
#include "sim/verbs.h"

namespace firedrill::sim {

namespace {

constexpr Duration kRunLimit = std::chrono::minutes(20);
constexpr int kHarnessFault = static_cast<int>(cli::ExitCode::sim_harness);

struct Task {
    std::string scenario;
    std::string seed;
};

std::vector<std::string> command_of(const Task& task) {
    return {own_program(), "sim", "run", task.scenario, "--seed", task.seed, "--json"};
}

/// The run's report, or one that says how the process ended.
BoardRun to_run(const Task& task, const Finished& finished) {
    BoardRun run;
    run.scenario_path = task.scenario;
    run.seed = task.seed;
    run.exit_code = finished.exit_code;
    Result<ReportSummary> summary = read_report(finished.output);
    if (summary) {
        run.report = std::move(summary).value();
    } else {
        run.exit_code = finished.exit_code == 0 ? kHarnessFault : finished.exit_code;
        run.problem =
            finished.is_timeout ? "took too long" : fmt::format("ended with code {}", finished.exit_code);
    }
    return run;
}

void tell(const BoardRun& run, std::size_t done, std::size_t total) {
    const std::string outcome =
        run.report ? fmt::format("{}{}", run.report->verdict,
                                 run.report->rto_s ? fmt::format(", rto {:.0f} s", *run.report->rto_s) : "")
                   : run.problem;
    cli::note(fmt::format(
        "[{:>3}/{}] {} seed {}: {}{}", done, total, run.scenario_path, run.seed, outcome,
        run.exit_code == 0 ? "" : fmt::format("   NOT AS EXPECTED (exit code {})", run.exit_code)));
}

std::vector<BoardRun> play(const std::vector<Task>& tasks, std::uint32_t jobs,
                           const std::function<void(const BoardRun&)>& on_run) {
    std::vector<std::vector<std::string>> commands;
    for (const Task& task : tasks) {
        commands.push_back(command_of(task));
    }
    std::vector<BoardRun> runs(tasks.size());
    std::size_t done = 0;
    run_all(commands, jobs, kRunLimit, [&](std::size_t index, const Finished& finished) {
        runs[index] = to_run(tasks[index], finished);
        tell(runs[index], ++done, tasks.size());
        on_run(runs[index]);
    });
    return runs;
}

Status write_text(const std::string& path, const std::string& text) {
    std::error_code failed;
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    if (!parent.empty()) {
        std::filesystem::create_directories(parent, failed);
    }
    std::FILE* file = failed ? nullptr : std::fopen(path.c_str(), "wb");
    if (file == nullptr) {
        return Error{Fault::permission, fmt::format("the report {} cannot be written", path)};
    }
    const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (std::fclose(file) != 0 || !is_written) {
        return Error{Fault::disk_failed, fmt::format("the report {} could not be written in full", path)};
    }
    return {};
}

int worst_code(const std::vector<BoardRun>& runs) {
    int worst = 0;
    for (const BoardRun& run : runs) {
        worst = worst == 0 ? run.exit_code : worst;
    }
    return worst;
}

/// The same universes once more: 23 when a trace differs.
int compare_again(const std::vector<Task>& tasks, const std::vector<BoardRun>& runs, std::uint32_t jobs) {
    const std::vector<BoardRun> again = play(tasks, jobs, [](const BoardRun&) {});
    int code = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const bool is_same =
            runs[i].report && again[i].report && runs[i].report->trace_hash == again[i].report->trace_hash;
        if (!is_same) {
            cli::note(fmt::format("NOT DETERMINISTIC: {} seed {}", tasks[i].scenario, tasks[i].seed));
            code = static_cast<int>(cli::ExitCode::sim_nondeterminism);
        }
    }
    return code;
}

}  // namespace

int sweep_verb(const SweepVerbOptions& options) {
    std::vector<Task> tasks;
    for (const std::string& scenario : options.scenarios) {
        for (std::uint32_t i = 0; i < options.seeds; ++i) {
            tasks.push_back({scenario, fmt::format("{}", options.first_seed + i)});
        }
    }
    const std::vector<BoardRun> runs = play(tasks, options.jobs, [&](const BoardRun& run) {
        if (options.is_json && run.report) {
            cli::print_line(run.report->json);
        }
    });
    int code = worst_code(runs);
    if (options.checks_twice && code == 0) {
        code = compare_again(tasks, runs, options.jobs);
    }
    if (!options.report.empty()) {
        const Status written = write_text(options.report, runs_json(runs));
        if (!written) {
            return cli::fail(written.error(), cli::Format::text);
        }
    }
    if (!options.is_json) {
        cli::print_line(scoreboard_text(runs));
    }
    return code;
}

int suite_verb(const SuiteVerbOptions& options) {
    const Result<std::vector<std::string>> files =
        find_scenarios(options.root, {"claims", "fast", "must_fail"});
    if (!files) {
        return cli::fail(files.error(), cli::Format::text);
    }
    std::vector<Task> tasks;
    for (const std::string& file : *files) {
        for (std::uint32_t i = 0; i < options.seeds; ++i) {
            tasks.push_back({file, fmt::format("{}", options.first_seed + i)});
        }
    }
    cli::note(fmt::format("{} scenarios, {} seeds each from {}, {} at once", files->size(), options.seeds,
                          options.first_seed, options.jobs));
    std::vector<BoardRun> runs = play(tasks, options.jobs, [](const BoardRun&) {});
    if (options.plays_live) {
        cli::note("the live case: a real process, real files, kill -9 under load");
        runs.push_back(play_live_case(options.root));
        tell(runs.back(), tasks.size() + 1, tasks.size() + 1);
    }
    cli::print_line(scoreboard_text(runs));
    const Status written = write_text(options.report, scoreboard_json(runs));
    if (!written) {
        return cli::fail(written.error(), cli::Format::text);
    }
    cli::note(fmt::format("scoreboard: {}", options.report));
    const int code = worst_code(runs);
    if (code != 0) {
        cli::note("not everything is as expected");
        return static_cast<int>(cli::ExitCode::not_as_expected);
    }
    return 0;
}

}  // namespace firedrill::sim
