// The JSON schema of scenario files, made from the table of keys.
#include <fmt/format.h>

#include "sim/claims.h"
#include "sim/scenario_keys.h"

namespace firedrill::sim {

namespace {

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + "\"";
}

std::string list_of(const std::vector<std::string_view>& items) {
    std::string out;
    for (std::string_view item : items) {
        out += (out.empty() ? "" : ", ") + json_text(item);
    }
    return "[" + out + "]";
}

constexpr std::string_view kDurationPattern = R"("^([0-9]+(ms|s|m|h|d|w))+( [0-2][0-9]:[0-5][0-9])?$")";
constexpr std::string_view kDurationBoundPattern = R"("^(<=|>=|==|<|>)? *([0-9]+(ms|s|m|h|d|w))+$")";

std::string type_of(const ScenarioKey& key) {
    const std::string choices = key.choices.empty() ? "" : ", \"enum\": " + list_of(key.choices);
    switch (key.type) {
        case KeyType::integer:
            return fmt::format("\"type\": \"integer\", \"minimum\": {}, \"maximum\": {}", key.least,
                               key.most);
        case KeyType::boolean: return "\"type\": \"boolean\"";
        case KeyType::text: return "\"type\": \"string\", \"maxLength\": 200" + choices;
        case KeyType::duration: return fmt::format("\"type\": \"string\", \"pattern\": {}", kDurationPattern);
        case KeyType::duration_bound:
            return fmt::format("\"type\": \"string\", \"pattern\": {}", kDurationBoundPattern);
        case KeyType::count_bound:
            return R"("type": ["integer", "string"], "minimum": 0, "pattern": "^(<=|>=|==|<|>)? *[0-9]+$")";
        case KeyType::text_list:
            return fmt::format(
                "\"type\": \"array\", \"maxItems\": 200, \"items\": {{\"type\": \"string\"{}}}", choices);
    }
    return "";
}

/// The members of "properties" of one section, one line each, and the names that are required.
struct Members {
    std::string properties;
    std::vector<std::string_view> required;
};
Members members_of(std::string_view section, std::string_view indent) {
    Members out;
    for (const ScenarioKey& key : scenario_keys()) {
        if (key.section != section) {
            continue;
        }
        if (key.fallback.empty()) {
            out.required.push_back(key.name);
        }
        const bool shows_default = !key.fallback.empty() && key.fallback != "null";
        out.properties += fmt::format(
            "{}{}{}: {{{}, {}\"description\": {}}}", out.properties.empty() ? "" : ",\n", indent,
            json_text(key.name), type_of(key),
            shows_default ? fmt::format("\"default\": {}, ", key.fallback) : "", json_text(key.help));
    }
    return out;
}

std::string claim_verdicts() {
    return fmt::format(
        "        \"claims\": {{\"type\": \"object\", \"additionalProperties\": false, \"description\": {},\n"
        "          \"patternProperties\": {{\"^C[0-9]+$\": {{\"enum\": [\"holds\", \"refuted\", "
        "\"not_judged\"]}}}}}}",
        json_text("Expected verdict of single claims; holds by default."));
}

std::string section_schema(const ScenarioSection& section) {
    const bool is_list = section.name == "hazard";
    const std::string_view indent = "        ";
    Members members = members_of(section.name, indent);
    if (section.name == "expect") {
        members.properties += ",\n" + claim_verdicts();
    }
    const std::string required =
        members.required.empty() ? "" : fmt::format(" \"required\": {},", list_of(members.required));
    const std::string object = fmt::format(
        "\"type\": \"object\", \"additionalProperties\": false,{}\n      \"properties\": {{\n{}\n      }}",
        required, members.properties);
    if (!is_list) {
        return fmt::format("    {}: {{\"description\": {}, {}}}", json_text(section.name),
                           json_text(section.help), object);
    }
    return fmt::format(
        "    {}: {{\"description\": {}, \"type\": \"array\", \"maxItems\": 100, \"items\": {{{}}}}}",
        json_text(section.name), json_text(section.help), object);
}

}  // namespace

std::string scenario_schema() {
    const Members top = members_of("", "    ");
    std::string sections;
    for (const ScenarioSection& section : scenario_sections()) {
        if (!section.name.empty() && section.name != "expect.claims") {
            sections += ",\n" + section_schema(section);
        }
    }
    return fmt::format(
        "{{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
        "  \"title\": \"Firedrill scenario\",\n  \"type\": \"object\",\n"
        "  \"additionalProperties\": false,\n  \"required\": {},\n  \"properties\": {{\n{}{}\n  }}\n}}\n",
        list_of(top.required), top.properties, sections);
}

}  // namespace firedrill::sim
