// Reads scenario files. The only unit that names toml++.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <toml++/toml.h>

#include "sim/claims.h"
#include "sim/scenario.h"
#include "sim/scenario_keys.h"

namespace firedrill::sim {

namespace {

constexpr std::size_t kFileLimit = 256 * 1024;
constexpr std::size_t kHazardLimit = 100;

struct Place {
    const std::string& path;
    std::string_view section;
    std::string key;
    int line;
};

Error bad(const Place& at, std::string_view why) {
    const std::string where = at.section.empty() ? at.key : fmt::format("{}.{}", at.section, at.key);
    return {Fault::bad_input,
            fmt::format("scenario {}, line {}: key \"{}\" {}", at.path, at.line, where, why)};
}

int line_of(const toml::node& node) {
    return static_cast<int>(node.source().begin.line);
}

std::string name_choices(const std::vector<std::string_view>& choices) {
    std::string out;
    for (std::string_view choice : choices) {
        out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", choice);
    }
    return out;
}

Result<std::string> read_text(const Place& at, const ScenarioKey& key, const toml::node& node) {
    auto text = node.value_exact<std::string>();
    if (!text) {
        return bad(at, "must be text in quotation marks");
    }
    if (!key.choices.empty() &&
        std::find(key.choices.begin(), key.choices.end(), *text) == key.choices.end()) {
        return bad(at, fmt::format("is \"{}\"; it may be one of {}", *text, name_choices(key.choices)));
    }
    if (text->size() > 200) {
        return bad(at, "is longer than 200 bytes");
    }
    return *text;
}

Result<KeyValue> read_value(const Place& at, const ScenarioKey& key, const toml::node& node) {
    KeyValue value;
    switch (key.type) {
        case KeyType::integer: {
            auto number = node.value_exact<std::int64_t>();
            if (!number || *number < key.least || *number > key.most) {
                return bad(at, fmt::format("must be a whole number from {} to {}", key.least, key.most));
            }
            value.integer = *number;
            return value;
        }
        case KeyType::boolean: {
            auto flag = node.value_exact<bool>();
            if (!flag) {
                return bad(at, "must be true or false");
            }
            value.boolean = *flag;
            return value;
        }
        case KeyType::text: value.text = TRY(read_text(at, key, node)); return value;
        case KeyType::duration: {
            auto parsed = parse_duration(TRY(read_text(at, key, node)));
            if (!parsed) {
                return bad(at, parsed.error().text);
            }
            value.duration = *parsed;
            return value;
        }
        case KeyType::count_bound:
        case KeyType::duration_bound: {
            auto number = node.value_exact<std::int64_t>();
            const bool is_plain = number.has_value() && key.type == KeyType::count_bound;
            auto parsed =
                parse_bound(is_plain ? fmt::format("{}", *number) : TRY(read_text(at, key, node)), key.type);
            if (!parsed) {
                return bad(at, parsed.error().text);
            }
            value.bound = *parsed;
            return value;
        }
        case KeyType::text_list: {
            const toml::array* list = node.as_array();
            if (list == nullptr || list->size() > 200) {
                return bad(at, "must be a list of at most 200 texts");
            }
            for (const toml::node& item : *list) {
                value.list.push_back(TRY(read_text(at, key, item)));
            }
            return value;
        }
    }
    return bad(at, "has a type that this version does not know");
}

Error unknown_key(const Place& at) {
    std::string known;
    for (const ScenarioKey& key : scenario_keys()) {
        if (key.section == at.section) {
            known += fmt::format("{}{}", known.empty() ? "" : ", ", key.name);
        }
    }
    return bad(at, fmt::format("is unknown; known here: {}", known));
}

/// `skips` are sub-tables that the caller reads.
Status read_section(const std::string& path, std::string_view section, const toml::table& table,
                    Scenario& out, const std::vector<std::string_view>& skips) {
    for (const auto& [name, node] : table) {
        if (std::find(skips.begin(), skips.end(), name.str()) != skips.end()) {
            continue;
        }
        const Place at{path, section, std::string(name.str()), line_of(node)};
        const auto keys = scenario_keys();
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const ScenarioKey& k) {
            return k.section == section && k.name == name.str();
        });
        if (key == keys.end()) {
            return unknown_key(at);
        }
        key->set(out, TRY(read_value(at, *key, node)));
    }
    for (const ScenarioKey& key : scenario_keys()) {
        if (key.section == section && key.fallback.empty() && !table.contains(key.name)) {
            return bad({path, section, std::string(key.name), line_of(table)}, "is missing");
        }
    }
    return {};
}

Status read_hazards(const std::string& path, const toml::node& node, Scenario& out) {
    const toml::array* list = node.as_array();
    if (list == nullptr || !list->is_array_of_tables() || list->size() > kHazardLimit) {
        return bad({path, "", "hazard", line_of(node)},
                   "must be at most 100 tables, each written [[hazard]]");
    }
    for (const toml::node& item : *list) {
        out.hazards.emplace_back();
        out.hazards.back().line = line_of(item);
        // The kind comes first: it decides the default disk.
        const toml::table& table = *item.as_table();
        if (const toml::node* kind = table.get("kind"); kind != nullptr) {
            TRY(read_section(path, "hazard", toml::table{{"kind", *kind}}, out, {}));
        }
        TRY(read_section(path, "hazard", table, out, {"kind"}));
    }
    return {};
}

Status read_claim_verdicts(const std::string& path, const toml::node& node, Scenario& out) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        return bad({path, "expect", "claims", line_of(node)}, "must be a table: [expect.claims]");
    }
    for (const auto& [name, value] : *table) {
        const Place at{path, "expect.claims", std::string(name.str()), line_of(value)};
        if (std::find(out.claims.begin(), out.claims.end(), name.str()) == out.claims.end()) {
            return bad(at, "is not among the claims of this scenario; add it to `claims`");
        }
        const auto verdict = value.value_exact<std::string>();
        if (!verdict || (*verdict != "holds" && *verdict != "refuted" && *verdict != "not_judged")) {
            return bad(at, "must be \"holds\", \"refuted\" or \"not_judged\"");
        }
        out.expect.claims[std::string(name.str())] = *verdict;
    }
    return {};
}

Status check_sense(const Scenario& s) {
    auto fail = [&](std::string_view section, std::string key, std::string_view why, int line = 1) {
        return Status(bad({s.path, section, std::move(key), line}, why));
    };
    if (s.duration < 1h || s.duration > 400 * 24h) {
        return fail("", "duration", "must lie between 1h and 400d");
    }
    if (s.workload.closes_hour <= s.workload.opens_hour) {
        return fail("workload", "closes_hour", "must be later than opens_hour");
    }
    if (s.workload.forms.empty()) {
        return fail("workload", "forms", "must name at least one form");
    }
    if (s.people.monitor_every < 1s || s.people.monitor_every > 24h) {
        return fail("people", "monitor_every", "must lie between 1s and 24h");
    }
    if (s.topology.latency > 10s) {
        return fail("topology", "latency", "must be at most 10s");
    }
    if (s.people.patch_at != "never" && !parse_duration("0s " + s.people.patch_at)) {
        return fail("people", "patch_at", "must be HH:MM or never");
    }
    for (const Hazard& h : s.hazards) {
        if (h.follows && (h.times > 1 || &h == &s.hazards.front())) {
            return fail("hazard", "after", "needs a hazard before it, and may not repeat", h.line);
        }
        if (h.at + h.after + h.spread + h.every * (h.times - 1) >= s.duration) {
            return fail("hazard", "at",
                        "lies beyond the duration of the run, repetitions and spread included", h.line);
        }
        if (h.times > 1 && h.every < 1s) {
            return fail("hazard", "every", "must be at least 1s when the hazard repeats", h.line);
        }
        if (h.disk.starts_with("log") &&
            static_cast<std::uint32_t>(h.disk[3] - '0') >= s.topology.log_disks) {
            return fail("hazard", "disk", "names a log disk that topology.log_disks does not provide",
                        h.line);
        }
    }
    return {};
}

std::string short_name(const std::string& path) {
    std::string name = path;
    const std::size_t below = name.rfind("scenarios/");
    if (below != std::string::npos) {
        name = name.substr(below + 10);
    } else if (const std::size_t slash = name.rfind('/'); slash != std::string::npos) {
        name = name.substr(slash + 1);
    }
    return name.ends_with(".toml") ? name.substr(0, name.size() - 5) : name;
}

Status read_document(const toml::table& root, Scenario& out) {
    const std::vector<std::string_view> tables{"topology", "workload", "people", "expect", "negative"};
    std::vector<std::string_view> skips = tables;
    skips.push_back("hazard");
    TRY(read_section(out.path, "", root, out, skips));
    for (std::string_view section : tables) {
        const toml::node* node = root.get(section);
        if (node == nullptr) {
            continue;
        }
        if (!node->is_table()) {
            return bad({out.path, "", std::string(section), line_of(*node)}, "must be a table");
        }
        TRY(read_section(out.path, section, *node->as_table(), out, {"claims"}));
        if (const toml::node* claims = node->as_table()->get("claims"); claims != nullptr) {
            if (section != "expect") {
                return unknown_key({out.path, section, "claims", line_of(*claims)});
            }
            TRY(read_claim_verdicts(out.path, *claims, out));
        }
    }
    if (const toml::node* hazards = root.get("hazard"); hazards != nullptr) {
        TRY(read_hazards(out.path, *hazards, out));
    }
    return check_sense(out);
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text, const std::string& path) {
    Scenario out;
    out.path = path;
    out.name = short_name(path);
    try {
        const toml::table root = toml::parse(text, path);
        TRY(read_document(root, out));
    } catch (const toml::parse_error& error) {
        return Error{Fault::bad_input, fmt::format("scenario {}, line {}: not valid TOML: {}", path,
                                                   error.source().begin.line, error.description())};
    }
    return out;
}

Result<Scenario> load_scenario(const std::string& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    if (!file) {
        const Fault fault = errno == ENOENT ? Fault::not_found : Fault::permission;
        return Error{fault,
                     fmt::format("scenario {} cannot be opened: {}; `firedrill sim list` shows what there is",
                                 path, std::strerror(errno))};
    }
    std::string text(kFileLimit + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        return Error{Fault::bad_input, fmt::format("scenario {} cannot be read; is it a file?", path)};
    }
    if (text.size() > kFileLimit) {
        return Error{Fault::limit, fmt::format("scenario {} is larger than 256 KiB", path)};
    }
    return parse_scenario(text, path);
}

}  // namespace firedrill::sim
