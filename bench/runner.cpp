#include "runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "base/check.h"

namespace firedrill::bench {
namespace {

/// Keeps every repetition's figures and prints nothing.
class Collector final : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.error_occurred) {
                failure_ = run.benchmark_name() + ": " + run.error_message;
            } else if (run.run_type == Run::RT_Iteration) {
                keep(run);
            }
        }
    }
    [[nodiscard]] const std::string& failure() const { return failure_; }
    [[nodiscard]] Samples medians() const {
        Samples out;
        for (const auto& [name, kept] : kept_) {
            out[name] = {median(kept.rates), median(kept.costs), median(kept.values)};
        }
        return out;
    }

  private:
    struct Kept {
        std::vector<double> rates;
        std::vector<double> costs;
        std::vector<double> values;
    };
    void keep(const Run& run) {
        const auto items = run.counters.find("items_per_second");
        if (items == run.counters.end()) {
            failure_ = run.benchmark_name() + " counted no items";
            return;
        }
        const double item_count = items->second.value * run.real_accumulated_time;
        Kept& kept = kept_[run.run_name.function_name];
        kept.rates.push_back(items->second.value);
        kept.costs.push_back(run.cpu_accumulated_time / item_count * 1e6);
        const auto value = run.counters.find(kValue);
        kept.values.push_back(value == run.counters.end() ? 0 : value->second.value);
    }

    std::map<std::string, Kept> kept_;
    std::string failure_;
};

std::string number(double value) {
    return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}
std::string number(const std::optional<double>& value, const char* absent) {
    return value ? number(*value) : absent;
}
double figure_of(const Sample& sample, Figure figure) {
    switch (figure) {
        case Figure::rate: return sample.items_per_second;
        case Figure::cpu_cost: return sample.cpu_us_per_item;
        case Figure::value: return sample.value;
    }
    return 0;
}
std::string unit_of(const RowPlan& plan) {
    switch (plan.figure) {
        case Figure::rate: return "1/s";
        case Figure::cpu_cost: return "us CPU";
        case Figure::value: return plan.unit;
    }
    return {};
}
std::string words_of(const std::optional<bool>& holds, const char* yes, const char* no, const char* stated) {
    return !holds ? stated : (*holds ? yes : no);
}

}  // namespace

double median(std::vector<double> values) {
    CHECK(!values.empty());
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

bool meets(double value, const std::string& goal) {
    double bound = 0;
    CHECK(goal.size() > 3 && (goal.starts_with(">= ") || goal.starts_with("<= ")));
    const auto parsed = std::from_chars(goal.data() + 3, goal.data() + goal.size(), bound);
    CHECK(parsed.ec == std::errc());
    return goal[0] == '>' ? value >= bound : value <= bound;
}

void keep_only(Suite& suite, std::string_view text) {
    std::erase_if(suite.rows,
                  [text](const RowPlan& row) { return row.name.find(text) == std::string::npos; });
    std::erase_if(suite.contenders, [&suite](const Contender& contender) {
        return std::ranges::none_of(suite.rows, [&contender](const RowPlan& row) {
            return row.ours == contender.name || row.peer == contender.name;
        });
    });
}

Samples measure(const Suite& suite, Size size) {
    benchmark::ClearRegisteredBenchmarks();
    std::vector<std::string> words{
        "firedrill_bench", "--benchmark_enable_random_interleaving=true",
        size == Size::tiny ? "--benchmark_repetitions=1" : "--benchmark_repetitions=7",
        "--benchmark_min_time=0.2"};
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    for (const Contender& contender : suite.contenders) {
        auto* registered = benchmark::RegisterBenchmark(contender.name.c_str(), contender.body);
        registered->UseRealTime()->MeasureProcessCPUTime();
        if (contender.repetitions > 0) {
            registered->Repetitions(contender.repetitions);
        }
        if (size == Size::tiny) {
            registered->Iterations(1);
        } else if (contender.iterations > 0) {
            registered->Iterations(contender.iterations);
        }
    }
    Collector collector;
    benchmark::RunSpecifiedBenchmarks(&collector);
    if (!collector.failure().empty()) {
        throw std::runtime_error(collector.failure());
    }
    return collector.medians();
}

std::vector<Row> make_rows(const Suite& suite, const Samples& samples) {
    std::vector<Row> rows;
    for (const RowPlan& plan : suite.rows) {
        const auto figure = [&](const std::string& name) {
            const auto found = samples.find(name);
            CHECK(found != samples.end());
            return figure_of(found->second, plan.figure);
        };
        Row row;
        row.name = plan.name;
        row.ours = figure(plan.ours);
        row.unit = unit_of(plan);
        row.goal = plan.goal;
        if (!plan.peer.empty()) {
            row.peer = figure(plan.peer);
            row.ratio = *row.peer > 0 ? row.ours / *row.peer : 0;
        }
        if (!row.goal.empty()) {
            row.holds = meets(row.ratio.value_or(row.ours), row.goal);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string rows_json(const std::vector<Row>& rows) {
    std::string out = "[";
    for (const Row& row : rows) {
        out += fmt::format(
            "{}\n{{\"name\": \"{}\", \"ours\": {}, \"peer\": {}, \"unit\": \"{}\", \"ratio\": {}, "
            "\"goal\": \"{}\", \"holds\": {}}}",
            out.size() > 1 ? "," : "", row.name, number(row.ours), number(row.peer, "null"), row.unit,
            number(row.ratio, "null"), row.goal, words_of(row.holds, "true", "false", "null"));
    }
    return out + "\n]\n";
}

std::string rows_text(const std::vector<Row>& rows) {
    std::string out = fmt::format("{:52} {:>9} {:>9} {:>7} {:>7}  {:8} {}\n", "", "ours", "peer", "unit",
                                  "ratio", "goal", "holds");
    for (const Row& row : rows) {
        out += fmt::format("{:52} {:>9} {:>9} {:>7} {:>7}  {:8} {}\n", row.name, number(row.ours),
                           number(row.peer, "-"), row.unit, number(row.ratio, "-"), row.goal,
                           words_of(row.holds, "yes", "no", "stated"));
    }
    return out;
}

}  // namespace firedrill::bench
