#include "sim/report.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include <cmath>

namespace firedrill::sim {

namespace {

namespace json = boost::json;

/// Three decimals: enough for people, and the same text on every machine.
double rounded(double value) { return std::round(value * 1000.0) / 1000.0; }

json::object rto_json(const std::optional<RecoverySplit>& split) {
    auto value = [&](double RecoverySplit::* part) -> json::value {
        return split ? json::value(rounded((*split).*part)) : json::value(nullptr);
    };
    return {{"total_s", value(&RecoverySplit::total)},       {"detect_s", value(&RecoverySplit::detect)},
            {"decide_s", value(&RecoverySplit::decide)},     {"provision_s", value(&RecoverySplit::provision)},
            {"fetch_s", value(&RecoverySplit::fetch)},       {"verify_s", value(&RecoverySplit::verify)},
            {"replay_s", value(&RecoverySplit::replay)},     {"serve_s", value(&RecoverySplit::serve)}};
}

json::array claims_json(const std::vector<ClaimResult>& claims) {
    json::array out;
    for (const ClaimResult& one : claims) {
        out.push_back(json::object{{"id", one.claim->id},
                                   {"reading", one.claim->reading},
                                   {"promised", one.claim->promised},
                                   {"measured", one.measured},
                                   {"verdict", verdict_name(one.verdict)},
                                   {"expected", one.expected}});
    }
    return out;
}

json::value seed_json(const RunReport& report) {
    return report.seed_text.size() == 40 ? json::value(report.seed_text) : json::value(report.seed);
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    if (found == nullptr || found->is_null()) {
        return "";
    }
    return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

std::uint64_t count_of(const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_number() ? found->to_number<std::uint64_t>() : 0;
}

}  // namespace

std::string report_json(const RunReport& report) {
    const Evidence& e = report.evidence;
    const json::object out{
        {"scenario", report.scenario},
        {"seed", seed_json(report)},
        {"commit", report.commit},
        {"verdict", verdict_name(report.judgement.verdict)},
        {"expected", report.expected},
        {"trace_hash", to_hex(report.trace_hash.view())},
        {"virtual_s", rounded(report.virtual_s)},
        {"wall_s", rounded(report.wall_s)},
        {"rpo", json::object{{"seconds", rounded(e.durability.rpo_seconds)}, {"submissions", e.durability.lost}}},
        {"rto", rto_json(e.recovery)},
        {"acknowledged", e.durability.acknowledged},
        {"lost", e.durability.lost},
        {"leaks", e.secrecy.total_leaks()},
        {"escaped_faults", e.escaped_faults},
        {"claims", claims_json(report.judgement.claims)},
    };
    return json::serialize(out);
}

std::string report_text(const RunReport& report) {
    const Evidence& e = report.evidence;
    std::string out = fmt::format("{}: {}\n", report.scenario, report.title);
    out += fmt::format("  acknowledged {}, lost {}, leaks {}, integrity findings {}, staff reads {}\n",
                       e.durability.acknowledged, e.durability.lost, e.secrecy.total_leaks(), e.integrity_findings,
                       e.reads);
    if (e.recovery) {
        const RecoverySplit& r = *e.recovery;
        out += fmt::format("  recovery {:.1f} s = detect {:.1f} + decide {:.1f} + provision {:.1f} + fetch {:.3f} + "
                           "verify {:.3f} + replay {:.3f} + serve {:.1f}\n",
                           r.total, r.detect, r.decide, r.provision, r.fetch, r.verify, r.replay, r.serve);
    }
    if (e.repaired_pages > 0) {
        out += fmt::format("  {} damaged pages were repaired from the log by the node itself\n", e.repaired_pages);
    }
    for (const ClaimResult& one : report.judgement.claims) {
        out += fmt::format("  {:<4} {:<9} promised {}, measured {}: {}{}{}\n", one.claim->id, one.claim->reading,
                           one.claim->promised, one.measured, verdict_name(one.verdict),
                           one.is_as_expected() ? "" : fmt::format(" (expected {})", one.expected),
                           one.why.empty() ? "" : "; " + one.why);
    }
    for (const Leak& leak : e.secrecy.first_leaks) {
        out += fmt::format("  leak: {} ({}) in {} {}\n", leak.secret, leak.encoding, medium_name(leak.medium), leak.place);
    }
    for (const std::string& reason : report.judgement.reasons) {
        out += fmt::format("  not as expected: {}\n", reason);
    }
    return out + fmt::format("  virtual {:.0f} s in {:.2f} s, trace {}\n  verdict {} (expected {})\n", report.virtual_s,
                             report.wall_s, to_hex(report.trace_hash.view()).substr(0, 16),
                             verdict_name(report.judgement.verdict), report.expected);
}

Result<ReportSummary> read_report(const std::string& text) {
    boost::system::error_code failed;
    const json::value parsed = json::parse(text, failed);
    const json::object* root = failed ? nullptr : parsed.if_object();
    const json::value* claims = root == nullptr ? nullptr : root->if_contains("claims");
    if (claims == nullptr || !claims->is_array() || !root->contains("verdict")) {
        return Error{Fault::bad_input, "the text is not a report of a simulated run"};
    }
    ReportSummary out{text_of(*root, "scenario"),  text_of(*root, "seed"),       text_of(*root, "verdict"),
                      text_of(*root, "expected"),  text_of(*root, "trace_hash"), {},
                      std::nullopt,                count_of(*root, "acknowledged"),
                      count_of(*root, "lost"),     count_of(*root, "leaks"),     text};
    for (const json::value& one : claims->get_array()) {
        if (const json::object* c = one.if_object(); c != nullptr) {
            out.claims.push_back({text_of(*c, "id"), text_of(*c, "reading"), text_of(*c, "promised"),
                                  text_of(*c, "measured"), text_of(*c, "verdict"), text_of(*c, "expected")});
        }
    }
    if (const json::value* rto = root->if_contains("rto"); rto != nullptr && rto->is_object()) {
        const json::value* total = rto->get_object().if_contains("total_s");
        if (total != nullptr && total->is_number()) {
            out.rto_s = total->to_number<double>();
        }
    }
    return out;
}

}  // namespace firedrill::sim
