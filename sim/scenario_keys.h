// The one table of scenario keys: the loader, the JSON schema and the documentation test are all made from
// it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario.h"

namespace firedrill::sim {

enum class KeyType : std::uint8_t {
    integer,
    boolean,
    text,
    duration,
    count_bound,
    duration_bound,
    text_list
};

/// A value of one of the key types, already checked against the key's range and choices.
struct KeyValue {
    std::int64_t integer = 0;
    bool boolean = false;
    std::string text;
    Duration duration{};
    Bound bound;
    std::vector<std::string> list;
};

struct ScenarioKey {
    std::string_view section;  ///< "" for the top; "hazard" is the array of tables
    std::string_view name;
    KeyType type;
    std::string_view fallback;  ///< the default as JSON; "" when the key is required
    std::string_view help;
    void (*set)(Scenario&, const KeyValue&);  ///< for "hazard": sets hazards.back()
    std::int64_t least = 0;                   ///< integers only
    std::int64_t most = 0;
    std::vector<std::string_view> choices{};  ///< of texts and list items; empty: any text
};

/// In the order in which the schema and the documentation list them.
std::span<const ScenarioKey> scenario_keys();
/// The sections in order, "" first, with one sentence each.
struct ScenarioSection {
    std::string_view name;
    std::string_view help;
};
std::span<const ScenarioSection> scenario_sections();

/// "<= 10m", ">= 1", "3" …; bad_input otherwise. Durations become seconds.
Result<Bound> parse_bound(std::string_view text, KeyType type);

/// The JSON schema (draft 2020-12) of a scenario, pretty-printed, ending in a newline.
std::string scenario_schema();

}  // namespace firedrill::sim
