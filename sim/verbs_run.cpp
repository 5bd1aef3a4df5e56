// sim run, list, schema.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <random>

#include "base/version.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "sim/scenario_files.h"
#include "sim/scenario_keys.h"
#include "sim/universe.h"
#include "sim/verbs.h"

namespace firedrill::sim {

namespace {

std::string draw_seed() {
    std::random_device device;
    return fmt::format("{}", (static_cast<std::uint64_t>(device()) << 16) ^ device());
}

cli::Format format_of(bool is_json) {
    return is_json ? cli::Format::json : cli::Format::text;
}

}  // namespace

Result<std::uint64_t> parse_seed(std::string_view text) {
    if (text.size() == 40) {
        const auto raw = from_hex(text);
        if (raw) {
            return load_u64(raw->data()) ^ load_u64(raw->data() + 8) ^ load_u32(raw->data() + 16);
        }
    }
    std::uint64_t seed = 0;
    const bool is_number =
        !text.empty() && text.size() <= 19 && text.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_number) {
        return Error{
            Fault::bad_usage,
            fmt::format("seed \"{}\" is neither a number below 10^19 nor 40 hex digits of a commit", text)};
    }
    for (char digit : text) {
        seed = seed * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return seed;
}

int run_scenario_verb(const RunVerbOptions& options) {
    const cli::Format format = format_of(options.is_json);
    RunOptions run;
    run.seed_text = options.seed.empty() ? draw_seed() : options.seed;
    const Result<std::uint64_t> seed = parse_seed(run.seed_text);
    if (!seed) {
        return cli::fail(seed.error(), format);
    }
    Result<Scenario> scenario = load_scenario(options.scenario);
    if (!scenario) {
        return cli::fail(scenario.error(), format);
    }
    run.seed = *seed;
    run.scenario = std::move(scenario).value();
    run.commit = build_commit();
    if (options.is_verbose) {
        run.on_progress = [](const std::string& line) { cli::note(line); };
    }
    const std::string replay = fmt::format("firedrill sim run {} --seed {}", options.scenario, run.seed_text);
    cli::note(fmt::format("seed {}; replay with: {}", run.seed_text, replay));
    const auto begun = std::chrono::steady_clock::now();
    Result<RunReport> report = run_universe(run);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    if (!report) {
        cli::fail(report.error(), format);
        cli::note(fmt::format("the simulator failed; replay with: {}", replay));
        return static_cast<int>(cli::ExitCode::sim_harness);
    }
    report->wall_s = taken.count();
    report->replay = replay;
    cli::print_line(options.is_json ? report_json(*report) : report_text(*report));
    for (const std::string& reason : report->judgement.reasons) {
        cli::note(fmt::format("not as expected: {}", reason));
    }
    cli::note(fmt::format("seed {}; trace {}; replay with: {}", run.seed_text,
                          to_hex(report->trace_hash.view()), replay));
    return report->exit_code;
}

int list_verb(const std::string& root, bool is_json) {
    const Result<std::vector<std::string>> files = find_scenarios(root, {"claims", "fast", "must_fail"});
    if (!files) {
        return cli::fail(files.error(), format_of(is_json));
    }
    boost::json::array all;
    for (const std::string& file : *files) {
        const Result<Scenario> scenario = load_scenario(file);
        if (!scenario) {
            return cli::fail(scenario.error(), format_of(is_json));
        }
        std::string names;
        boost::json::array claim_list;
        for (const std::string& id : scenario->claims) {
            names += (names.empty() ? "" : " ") + id;
            claim_list.emplace_back(id);
        }
        if (is_json) {
            all.push_back(boost::json::object{{"scenario", scenario->name},
                                              {"path", file},
                                              {"title", scenario->title},
                                              {"claims", std::move(claim_list)}});
        } else {
            cli::print_line(fmt::format("{:<34} {:<26} {}", scenario->name, names, scenario->title));
        }
    }
    if (is_json) {
        cli::print_line(boost::json::serialize(all));
    }
    return 0;
}

int schema_verb() {
    std::string schema = scenario_schema();
    schema.pop_back();  // print_line ends the line
    cli::print_line(schema);
    return 0;
}

}  // namespace firedrill::sim
