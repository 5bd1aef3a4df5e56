#include "sim/report.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace firedrill::sim {

namespace {

namespace json = boost::json;

/// Plain decimals, three of them: the same text on every machine, and easy on simple readers.
std::string number(double value) {
    return fmt::format("{:.3f}", value);
}
std::string json_text(std::string_view text) {
    return json::serialize(json::string(text));
}

std::string rto_json(const std::optional<RecoverySplit>& split) {
    auto value = [&](double RecoverySplit::* part) {
        return split ? number((*split).*part) : std::string("null");
    };
    return fmt::format(
        R"({{"total_s":{},"detect_s":{},"decide_s":{},"provision_s":{},"fetch_s":{},"verify_s":{},)"
        R"("replay_s":{},"serve_s":{}}})",
        value(&RecoverySplit::total), value(&RecoverySplit::detect), value(&RecoverySplit::decide),
        value(&RecoverySplit::provision), value(&RecoverySplit::fetch), value(&RecoverySplit::verify),
        value(&RecoverySplit::replay), value(&RecoverySplit::serve));
}

std::string claims_json(const std::vector<ClaimResult>& claims) {
    std::string out;
    for (const ClaimResult& one : claims) {
        out += fmt::format(
            R"({}{{"id":{},"reading":{},"promised":{},"measured":{},"verdict":{},"expected":{}}})",
            out.empty() ? "" : ",", json_text(one.claim->id), json_text(one.claim->reading),
            json_text(one.claim->promised), json_text(one.measured), json_text(verdict_name(one.verdict)),
            json_text(one.expected));
    }
    return "[" + out + "]";
}

std::string seed_json(const RunReport& report) {
    return report.seed_text.size() == 40 ? json_text(report.seed_text) : fmt::format("{}", report.seed);
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
    std::string out = "{";
    auto member = [&](std::string_view name, const std::string& value) {
        out += fmt::format("{}{}:{}", out.size() == 1 ? "" : ",", json_text(name), value);
    };
    auto count = [](std::uint64_t value) { return fmt::format("{}", value); };
    member("scenario", json_text(report.scenario));
    member("seed", seed_json(report));
    member("commit", json_text(report.commit));
    member("verdict", json_text(verdict_name(report.judgement.verdict)));
    member("expected", json_text(report.expected));
    member("trace_hash", json_text(to_hex(report.trace_hash.view())));
    member("virtual_s", number(report.virtual_s));
    member("wall_s", number(report.wall_s));
    member("rpo", fmt::format(R"({{"seconds":{},"submissions":{}}})", number(e.durability.rpo_seconds),
                              e.durability.lost));
    member("rto", rto_json(e.recovery));
    member("acknowledged", count(e.durability.acknowledged));
    member("lost", count(e.durability.lost));
    member("leaks", count(e.secrecy.total_leaks()));
    member("escaped_faults", count(e.escaped_faults));
    member("claims", claims_json(report.judgement.claims));
    return out + "}";
}

std::string report_text(const RunReport& report) {
    const Evidence& e = report.evidence;
    std::string out = fmt::format("{}: {}\n", report.scenario, report.title);
    out += fmt::format("  acknowledged {}, lost {}, leaks {}, integrity findings {}, staff reads {}\n",
                       e.durability.acknowledged, e.durability.lost, e.secrecy.total_leaks(),
                       e.integrity_findings, e.reads);
    if (e.recovery) {
        const RecoverySplit& r = *e.recovery;
        out += fmt::format(
            "  recovery {:.1f} s = detect {:.1f} + decide {:.1f} + provision {:.1f} + fetch {:.3f} + "
            "verify {:.3f} + replay {:.3f} + serve {:.1f}\n",
            r.total, r.detect, r.decide, r.provision, r.fetch, r.verify, r.replay, r.serve);
    }
    if (e.repaired_pages > 0) {
        out += fmt::format("  {} damaged pages were repaired from the log by the node itself\n",
                           e.repaired_pages);
    }
    for (const ClaimResult& one : report.judgement.claims) {
        out += fmt::format("  {:<4} {:<9} promised {}, measured {}: {}{}{}\n", one.claim->id,
                           one.claim->reading, one.claim->promised, one.measured, verdict_name(one.verdict),
                           one.is_as_expected() ? "" : fmt::format(" (expected {})", one.expected),
                           one.why.empty() ? "" : "; " + one.why);
    }
    for (const Leak& leak : e.secrecy.first_leaks) {
        out += fmt::format("  leak: {} ({}) in {} {}\n", leak.secret, leak.encoding, medium_name(leak.medium),
                           leak.place);
    }
    for (const std::string& reason : report.judgement.reasons) {
        out += fmt::format("  not as expected: {}\n", reason);
    }
    return out + fmt::format("  virtual {:.0f} s in {:.2f} s, trace {}\n  verdict {} (expected {})\n",
                             report.virtual_s, report.wall_s, to_hex(report.trace_hash.view()).substr(0, 16),
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
    ReportSummary out{text_of(*root, "scenario"),
                      text_of(*root, "seed"),
                      text_of(*root, "verdict"),
                      text_of(*root, "expected"),
                      text_of(*root, "trace_hash"),
                      {},
                      std::nullopt,
                      count_of(*root, "acknowledged"),
                      count_of(*root, "lost"),
                      count_of(*root, "leaks"),
                      text};
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
