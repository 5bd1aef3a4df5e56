// The bench's frame: rows that compare a contender of ours with a peer, measured by Google Benchmark.
//
// All contenders of a suite run interleaved, in random order, several times; a row's figures are medians. A
// row is a claim about speed: its goal is part of it, and the program says whether it holds on this machine,
// now.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace firedrill::bench {

/// The body runs `state`'s iterations and calls state.SetItemsProcessed(): rates are items a second of wall
/// time.
struct Contender {
    std::string name;
    std::function<void(benchmark::State&)> body;
    std::int64_t iterations = 0;  ///< fixed count for a repetition; 0 lets the library choose
    int repetitions = 0;          ///< 0: as many as the others
};

enum class Figure : std::uint8_t {
    rate,      ///< items a second; more is better
    cpu_cost,  ///< microseconds of processor time an item, all threads; less is better
    value,     ///< what the contender put into the counter kValue, in the row's own unit
};
inline constexpr const char* kValue = "value";

struct RowPlan {
    std::string name;
    Figure figure = Figure::rate;
    std::string ours;
    std::string peer;  ///< empty: an absolute goal
    /// ">= 3" or "<= 1.25": of the ratio ours/peer, or of ours when there is no peer. Empty: only stated.
    std::string goal;
    std::string unit;  ///< of Figure::value
};

struct Suite {
    std::string name;
    std::vector<Contender> contenders;
    std::vector<RowPlan> rows;
};

struct Sample {
    double items_per_second = 0;
    double cpu_us_per_item = 0;
    double value = 0;
};
/// Medians by contender.
using Samples = std::map<std::string, Sample>;

struct Row {
    std::string name;
    double ours = 0;
    std::optional<double> peer;
    std::string unit;
    std::optional<double> ratio;
    std::string goal;
    std::optional<bool> holds;  ///< nothing when there is no goal
};

enum class Size : std::uint8_t { full, tiny };

/// Drops the rows whose names do not contain `text`, and the contenders that no row is left to ask for.
void keep_only(Suite& suite, std::string_view text);
/// Runs every contender of the suite. Throws std::runtime_error when one fails.
Samples measure(const Suite& suite, Size size);
/// CHECKs that every contender a plan names was measured.
std::vector<Row> make_rows(const Suite& suite, const Samples& samples);
/// `goal` is "<op> <number>" with op >= or <=.
bool meets(double value, const std::string& goal);
double median(std::vector<double> values);

std::string rows_json(const std::vector<Row>& rows);  ///< an array, one object a line
std::string rows_text(const std::vector<Row>& rows);

}  // namespace firedrill::bench
