#include "sim/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/check.h"

namespace firedrill::sim {

namespace {

/// The number that a claim's measurement begins with.
std::optional<double> leading_number(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::optional(value) : std::nullopt;
}

struct ClaimRow {
    std::string reading;
    std::string promised;
    std::vector<double> values;  // where the claim was expected to hold
    std::uint32_t holds = 0;
    std::uint32_t refuted_as_expected = 0;
    std::uint32_t unexpected = 0;
    std::uint32_t not_judged = 0;
};

std::map<int, std::pair<std::string, ClaimRow>> claim_rows(const std::vector<BoardRun>& runs) {
    std::map<int, std::pair<std::string, ClaimRow>> rows;  // by the claim's number
    for (const BoardRun& run : runs) {
        if (!run.report) {
            continue;
        }
        for (const ReportSummary::ClaimLine& claim : run.report->claims) {
            int number = 0;
            std::from_chars(claim.id.data() + std::min<std::size_t>(1, claim.id.size()),
                            claim.id.data() + claim.id.size(), number);
            auto& [id, row] = rows[number];
            id = claim.id;
            row.reading = claim.reading;
            row.promised = claim.promised;
            const bool is_expected = claim.verdict == claim.expected;
            row.unexpected += is_expected ? 0 : 1;
            row.not_judged += claim.verdict == "not_judged" ? 1 : 0;
            row.holds += is_expected && claim.verdict == "holds" ? 1 : 0;
            row.refuted_as_expected += is_expected && claim.verdict == "refuted" ? 1 : 0;
            if (const auto value = leading_number(claim.measured); value && claim.expected == "holds") {
                row.values.push_back(*value);
            }
        }
    }
    return rows;
}

std::string figure(const std::vector<double>& values, unsigned percent) {
    return values.empty() ? "-" : fmt::format("{:.4g}", percentile(values, percent));
}

std::string claims_text(const std::vector<BoardRun>& runs) {
    std::string out = fmt::format("{:<6} {:<9} {:<32} {:>9} {:>9} {:>9}  {}\n", "claim", "reading", "promise",
                                  "p50", "p95", "max", "verdict");
    for (const auto& [number, named] : claim_rows(runs)) {
        const auto& [id, row] = named;
        std::string verdict = row.unexpected > 0 ? fmt::format("NOT AS EXPECTED in {}", row.unexpected)
                                                 : fmt::format("holds in {} of {}", row.holds, row.holds);
        if (row.refuted_as_expected > 0) {
            verdict += fmt::format(", refuted where it must be in {}", row.refuted_as_expected);
        }
        if (row.not_judged > 0) {
            verdict += fmt::format(", not judged in {}", row.not_judged);
        }
        out += fmt::format("{:<6} {:<9} {:<32} {:>9} {:>9} {:>9}  {}\n", id, row.reading, row.promised,
                           figure(row.values, 50), figure(row.values, 95), figure(row.values, 100), verdict);
    }
    return out;
}

/// Runs of one scenario, in the order of their first appearance.
std::vector<std::vector<const BoardRun*>> by_scenario(const std::vector<BoardRun>& runs) {
    std::vector<std::vector<const BoardRun*>> groups;
    for (const BoardRun& run : runs) {
        auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
            return group.front()->scenario_path == run.scenario_path;
        });
        if (at == groups.end()) {
            groups.emplace_back();
            at = groups.end() - 1;
        }
        at->push_back(&run);
    }
    return groups;
}

std::string scenario_line(const std::vector<const BoardRun*>& group) {
    std::size_t good = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t lost = 0;
    std::uint64_t leaks = 0;
    std::vector<double> rto;
    for (const BoardRun* run : group) {
        good += run->exit_code == 0 ? 1 : 0;
        if (run->report) {
            acknowledged += run->report->acknowledged;
            lost += run->report->lost;
            leaks += run->report->leaks;
            if (run->report->rto_s) {
                rto.push_back(*run->report->rto_s);
            }
        }
    }
    const BoardRun& first = *group.front();
    const std::string name = first.report ? first.report->scenario : first.scenario_path;
    return fmt::format("{:<38} {:>12} {:>8} {:>8} {:>9} {:>9}  {}\n", name, acknowledged, lost, leaks,
                       figure(rto, 50), figure(rto, 100),
                       good == group.size()
                           ? fmt::format("as expected in {} of {}", good, group.size())
                           : fmt::format("NOT AS EXPECTED in {} of {}", group.size() - good, group.size()));
}

}  // namespace

double percentile(std::vector<double> values, unsigned percent) {
    CHECK(!values.empty());
    CHECK(percent <= 100);
    std::sort(values.begin(), values.end());
    const std::size_t rank = (values.size() * percent + 99) / 100;  // nearest rank
    return values[rank == 0 ? 0 : rank - 1];
}

std::string scoreboard_text(const std::vector<BoardRun>& runs) {
    std::string out = claims_text(runs);
    out += fmt::format("\n{:<38} {:>12} {:>8} {:>8} {:>9} {:>9}  {}\n", "scenario", "acknowledged", "lost",
                       "leaks", "rto p50 s", "rto max s", "verdict");
    for (const auto& group : by_scenario(runs)) {
        out += scenario_line(group);
    }
    for (const BoardRun& run : runs) {
        if (!run.remark.empty()) {
            out += fmt::format("\n{}\n", run.remark);
        }
    }
    for (const BoardRun& run : runs) {
        if (run.exit_code != 0) {
            out += fmt::format("\nnot as expected (exit code {}): firedrill sim run {} --seed {}",
                               run.exit_code, run.scenario_path, run.seed);
        }
    }
    return out;
}

std::string scoreboard_json(const std::vector<BoardRun>& runs) {
    std::string out;
    for (const auto& group : by_scenario(runs)) {
        const BoardRun* chosen = nullptr;
        const auto rank = [](const BoardRun& run) {
            return std::pair(run.exit_code != 0, run.report->rto_s.value_or(-1));
        };
        for (const BoardRun* run : group) {
            if (run->report && (chosen == nullptr || rank(*run) > rank(*chosen))) {
                chosen = run;
            }
        }
        if (chosen != nullptr) {
            out += (out.empty() ? "" : ",\n ") + chosen->report->json;
        }
    }
    return "[" + out + "]\n";
}

std::string runs_json(const std::vector<BoardRun>& runs) {
    std::string out;
    for (const BoardRun& run : runs) {
        if (run.report) {
            out += (out.empty() ? "" : ",\n ") + run.report->json;
        }
    }
    return "[" + out + "]\n";
}

}  // namespace firedrill::sim
