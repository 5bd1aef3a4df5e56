// firedrill_bench [SUITE] [--only=TEXT] [--json] [--tiny]: measures, prints rows, exits 0 once measured,
// whatever the goals say. --only keeps the rows whose name contains TEXT.
//
// Standard output holds the rows only; the machine's state (load, sync latency) goes to standard error.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string_view>

#include "machine.h"
#include "probe.h"
#include "runner.h"
#include "suites.h"

namespace firedrill::bench {
namespace {

struct Arguments {
    std::string suite;
    std::string only;
    Size size = Size::full;
    bool is_json = false;
};

int fail_usage(std::string_view words) {
    fmt::print(stderr,
               "firedrill_bench: {}; usage: firedrill_bench [SUITE] [--only=TEXT] [--json] [--tiny], "
               "suites: {}\n",
               words, suite_names());
    return 2;
}

int run(const Arguments& arguments) {
    const Scratch scratch;
    fmt::print(stderr, "{}\n", describe_machine(scratch.path()));
    std::vector<Row> rows;
    for (const SuiteMaker& maker : suite_makers()) {
        if (!arguments.suite.empty() && arguments.suite != maker.name) {
            continue;
        }
        Suite suite = maker.make(scratch.path(), arguments.size);
        keep_only(suite, arguments.only);
        if (suite.contenders.empty()) {
            continue;
        }
        const std::vector<Row> some = make_rows(suite, measure(suite, arguments.size));
        rows.insert(rows.end(), some.begin(), some.end());
    }
    fmt::print("{}", arguments.is_json ? rows_json(rows) : rows_text(rows));
    fmt::print(stderr, "{}\n", describe_load());
    return 0;
}

int main_of(int argc, char** argv) {
    if (argc == 2) {
        if (const auto code = serve_probe(argv[1])) {
            return *code;
        }
    }
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--json") {
            arguments.is_json = true;
        } else if (word == "--tiny") {
            arguments.size = Size::tiny;
        } else if (word.starts_with("--only=")) {
            arguments.only = word.substr(7);
        } else if (word.starts_with('-')) {
            return fail_usage(fmt::format("unknown argument {}", word));
        } else if (!has_suite(word) || !arguments.suite.empty()) {
            return fail_usage(fmt::format("\"{}\" is not a suite, or one too many", word));
        } else {
            arguments.suite = word;
        }
    }
    return run(arguments);
}

}  // namespace
}  // namespace firedrill::bench

int main(int argc, char** argv) {
    try {
        return firedrill::bench::main_of(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "firedrill_bench: %s\n", error.what());
        return 1;
    }
}
