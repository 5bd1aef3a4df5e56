#include "sim/scenario_keys.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "sim/claims.h"
#include "sim/planted.h"

namespace firedrill::sim {

namespace {

using enum KeyType;

std::uint32_t u32(const KeyValue& v) {
    return static_cast<std::uint32_t>(v.integer);
}

HazardKind hazard_kind(std::string_view name) {
    if (name == "store.corrupt_pages") {
        return HazardKind::corrupt_pages;
    }
    if (name == "node.crash") {
        return HazardKind::node_crash;
    }
    if (name == "log.disk.returns") {
        return HazardKind::disk_returns;
    }
    if (name == "key.replaced") {
        return HazardKind::key_replaced;
    }
    if (name == "practice.restored") {
        return HazardKind::practice_restored;
    }
    return name == "power.loss" ? HazardKind::power_loss : HazardKind::disk_dies;
}

std::vector<ScenarioKey> top_keys() {
    return {
        {"", "schema", integer, "", "Version of this format.",
         [](Scenario& s, const KeyValue& v) { s.schema = u32(v); }, 1, 1},
        {"", "title", text, "", "One line for people.",
         [](Scenario& s, const KeyValue& v) { s.title = v.text; }},
        {"", "claims", text_list, "[]", "Claims that this world judges.",
         [](Scenario& s, const KeyValue& v) { s.claims = v.list; }, 0, 0, claim_ids()},
        {"", "duration", duration, "\"3d\"", "Virtual time of the storm phase, at least 1h.",
         [](Scenario& s, const KeyValue& v) { s.duration = v.duration; }},
        {"",
         "schedule",
         text,
         "\"modern\"",
         "Which copies are made.",
         [](Scenario& s, const KeyValue& v) { s.schedule = v.text; },
         0,
         0,
         {"modern"}},
    };
}

std::vector<ScenarioKey> world_keys() {
    return {
        {"topology", "log_disks", integer, "2", "Log disks of the node, beside its data disk.",
         [](Scenario& s, const KeyValue& v) { s.topology.log_disks = u32(v); }, 1, 4},
        {"topology", "spare_sets", integer, "2", "Sets of empty disks that lie ready.",
         [](Scenario& s, const KeyValue& v) { s.topology.spare_sets = u32(v); }, 0, 100},
        {"topology",
         "disk",
         text,
         "\"ssd\"",
         "Preset of disk speed.",
         [](Scenario& s, const KeyValue& v) { s.topology.disk = v.text; },
         0,
         0,
         {"ssd", "hdd"}},
        {"topology", "latency", duration, "\"15ms\"", "One way between people and the node.",
         [](Scenario& s, const KeyValue& v) { s.topology.latency = v.duration; }},
        {"workload", "practices", integer, "1", "Practices on the node.",
         [](Scenario& s, const KeyValue& v) { s.workload.practices = u32(v); }, 1, 50},
        {"workload", "submissions_per_day", integer, "40", "Patients' submissions to each practice.",
         [](Scenario& s, const KeyValue& v) { s.workload.submissions_per_day = u32(v); }, 0, 20'000},
        {"workload", "staff_visits_per_day", integer, "24", "Times that staff sign in, read and sign out.",
         [](Scenario& s, const KeyValue& v) { s.workload.staff_visits_per_day = u32(v); }, 0, 500},
        {"workload", "opens_hour", integer, "8", "Opening hour; staff work from then on.",
         [](Scenario& s, const KeyValue& v) { s.workload.opens_hour = u32(v); }, 0, 22},
        {"workload", "closes_hour", integer, "18", "Closing hour, after the opening hour.",
         [](Scenario& s, const KeyValue& v) { s.workload.closes_hour = u32(v); }, 1, 24},
        {"workload", "think", duration, "\"2m\"", "A patient takes up to this long to fill a form in.",
         [](Scenario& s, const KeyValue& v) { s.workload.think = v.duration; }},
        {"workload",
         "forms",
         text_list,
         "[\"phq-9\", \"pt-intake\"]",
         "Forms that patients fill in.",
         [](Scenario& s, const KeyValue& v) { s.workload.forms = v.list; },
         0,
         0,
         {"phq-9", "pt-intake"}},
        {"workload", "tls", boolean, "true",
         "Real TLS on every connection; false shows what a wire tap then sees.",
         [](Scenario& s, const KeyValue& v) { s.workload.tls = v.boolean; }},
    };
}

std::vector<ScenarioKey> hazard_keys() {
    return {
        {"hazard",
         "kind",
         text,
         "",
         "What happens.",
         [](Scenario& s, const KeyValue& v) {
             s.hazards.back().kind = hazard_kind(v.text);
             if (v.text == "log.disk.dies" || v.text == "log.disk.returns") {
                 s.hazards.back().disk = "log0";
             }
         },
         0,
         0,
         {"store.corrupt_pages", "disk.dies", "log.disk.dies", "log.disk.returns", "node.crash", "power.loss",
          "practice.restored", "key.replaced"}},
        {"hazard", "at", duration, "\"0s\"", "When, counted from the start: \"1d 10:30\".",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().at = v.duration; }},
        {"hazard", "after", duration, "null",
         "Instead of at: this long after the hazard before it first struck.",
         [](Scenario& s, const KeyValue& v) {
             s.hazards.back().follows = true;
             s.hazards.back().after = v.duration;
         }},
        {"hazard", "spread", duration, "\"0s\"", "The seed adds up to this to `at`.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().spread = v.duration; }},
        {"hazard",
         "disk",
         text,
         "\"data\"",
         "Which disk dies; log.disk.dies begins at log0.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().disk = v.text; },
         0,
         0,
         {"data", "log0", "log1", "log2", "log3", "all-logs"}},
        {"hazard",
         "store",
         text,
         "\"all\"",
         "Whose page file is corrupted.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().store = v.text; },
         0,
         0,
         {"practice", "directory", "all"}},
        {"hazard",
         "reach",
         text,
         "\"pages\"",
         "Page files only, or every file of the data disk.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().reach = v.text; },
         0,
         0,
         {"pages", "disk"}},
        {"hazard", "percent", integer, "100", "How many of its pages, at least one.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().percent = u32(v); }, 1, 100},
        {"hazard", "back", duration, "\"2h\"", "How far the operator takes the practices back.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().back = v.duration; }},
        {"hazard", "times", integer, "1", "How often it strikes.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().times = u32(v); }, 1, 1000},
        {"hazard", "every", duration, "\"6h\"", "Time between strikes.",
         [](Scenario& s, const KeyValue& v) { s.hazards.back().every = v.duration; }},
    };
}

std::vector<ScenarioKey> people_keys() {
    return {
        {"people", "monitor_every", duration, "\"1m\"", "Time between the operator's automatic checks.",
         [](Scenario& s, const KeyValue& v) { s.people.monitor_every = v.duration; }},
        {"people", "alarm_after", integer, "2", "Bad checks in a row before the operator is called.",
         [](Scenario& s, const KeyValue& v) { s.people.alarm_after = u32(v); }, 1, 100},
        {"people", "complaint", duration, "\"5m\"",
         "People whose request failed call the operator after this.",
         [](Scenario& s, const KeyValue& v) { s.people.complaint = v.duration; }},
        {"people", "decide", duration, "\"2m\"", "The operator takes this long to decide.",
         [](Scenario& s, const KeyValue& v) { s.people.decide = v.duration; }},
        {"people", "provision", duration, "\"1m\"", "Until a set of empty disks is ready.",
         [](Scenario& s, const KeyValue& v) { s.people.provision = v.duration; }},
        {"people", "reboot", duration, "\"45s\"",
         "Until a crashed or unpowered node is started again by itself.",
         [](Scenario& s, const KeyValue& v) { s.people.reboot = v.duration; }},
        {"people", "announce", duration, "\"30s\"", "Until the practice hears that the service is back.",
         [](Scenario& s, const KeyValue& v) { s.people.announce = v.duration; }},
        {"people", "patch_at", text, "\"02:30\"", "Nightly clean restart for patches, HH:MM or never.",
         [](Scenario& s, const KeyValue& v) { s.people.patch_at = v.text; }},
        {"people", "starts_over", boolean, "true", "When nothing can be restored, an empty node is set up.",
         [](Scenario& s, const KeyValue& v) { s.people.starts_over = v.boolean; }},
    };
}

std::vector<ScenarioKey> judge_keys() {
    return {
        {"expect",
         "verdict",
         text,
         "\"pass\"",
         "The run's own verdict.",
         [](Scenario& s, const KeyValue& v) { s.expect.verdict = v.text; },
         0,
         0,
         {"pass", "fail", "not_judged"}},
        {"expect", "rpo", duration_bound, "null",
         "Bound on lost work in time, such as \"<= 0s\"; none by default.",
         [](Scenario& s, const KeyValue& v) { s.expect.rpo = v.bound; }},
        {"expect", "rto", duration_bound, "null",
         "Bound on recovery time, such as \"<= 10m\"; none by default.",
         [](Scenario& s, const KeyValue& v) { s.expect.rto = v.bound; }},
        {"expect", "lost", count_bound, "0", "Bound on acknowledged submissions that are gone.",
         [](Scenario& s, const KeyValue& v) { s.expect.lost = v.bound; }},
        {"expect", "leaks", count_bound, "0", "Bound on canaries found where nobody may read them.",
         [](Scenario& s, const KeyValue& v) { s.expect.leaks = v.bound; }},
        {"expect", "liveness", duration, "\"30m\"", "After the storm everything must work within this.",
         [](Scenario& s, const KeyValue& v) { s.expect.liveness = v.duration; }},
        {"negative", "plant", text, "\"\"", "A worse part put into the node, by name.",
         [](Scenario& s, const KeyValue& v) { s.negative.plant = v.text; }, 0, 0, plant_names()},
        {"negative",
         "caught_by",
         text,
         "\"\"",
         "The judge that must find something; the run fails when it does not.",
         [](Scenario& s, const KeyValue& v) { s.negative.caught_by = v.text; },
         0,
         0,
         {"", "durability", "integrity", "secrecy", "nonces"}},
    };
}

}  // namespace

std::span<const ScenarioKey> scenario_keys() {
    static const std::vector<ScenarioKey> keys = [] {
        std::vector<ScenarioKey> all;
        for (auto part : {top_keys(), world_keys(), hazard_keys(), people_keys(), judge_keys()}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }();
    return keys;
}

std::span<const ScenarioSection> scenario_sections() {
    static constexpr std::array<ScenarioSection, 8> kSections{{
        {"", "The world as a whole."},
        {"topology", "Machines, disks and links."},
        {"workload", "What patients and staff do on ordinary days."},
        {"hazard", "Something bad happens; any number of these tables."},
        {"people", "How long people take to notice, decide and act. All of it is input."},
        {"expect", "What the judges must find for the run to pass."},
        {"expect.claims", "Expected verdict of single claims; holds by default."},
        {"negative", "Worlds in which the server is made worse on purpose."},
    }};
    return kSections;
}

Result<Bound> parse_bound(std::string_view text, KeyType type) {
    struct Sign {
        std::string_view text;
        Bound::Op op;
    };
    constexpr std::array<Sign, 5> kSigns{{{"<=", Bound::Op::less_equal},
                                          {">=", Bound::Op::greater_equal},
                                          {"==", Bound::Op::equal},
                                          {"<", Bound::Op::less},
                                          {">", Bound::Op::greater}}};
    Bound bound{Bound::Op::equal, 0, std::string(text)};
    for (const Sign& sign : kSigns) {
        if (text.starts_with(sign.text)) {
            bound.op = sign.op;
            text.remove_prefix(sign.text.size());
            break;
        }
    }
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    if (type == duration_bound) {
        bound.value = seconds(TRY(parse_duration(text)));
        return bound;
    }
    std::uint32_t count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return Error{Fault::bad_input,
                     fmt::format("\"{}\" is not a bound such as \"<= 3\", \">= 1\" or 0", bound.text)};
    }
    bound.value = count;
    return bound;
}

bool Bound::holds(double measured) const noexcept {
    switch (op) {
        case Op::none: return true;
        case Op::equal: return measured == value;
        case Op::less: return measured < value;
        case Op::less_equal: return measured <= value;
        case Op::greater: return measured > value;
        case Op::greater_equal: return measured >= value;
    }
    return false;
}

std::string_view hazard_name(HazardKind kind) noexcept {
    switch (kind) {
        case HazardKind::corrupt_pages: return "store.corrupt_pages";
        case HazardKind::disk_dies: return "disk.dies";
        case HazardKind::disk_returns: return "log.disk.returns";
        case HazardKind::node_crash: return "node.crash";
        case HazardKind::power_loss: return "power.loss";
        case HazardKind::practice_restored: return "practice.restored";
        case HazardKind::key_replaced: return "key.replaced";
    }
    return "";
}

}  // namespace firedrill::sim
