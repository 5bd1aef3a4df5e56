// Properties over the built-in forms and random answers.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "forms/json.h"
#include "forms/questionnaire.h"

namespace firedrill::forms {
namespace {

constexpr WallTime kWhen{1772366400000000000};

std::string random_text(bool takes_lines, std::size_t longest) {
    static const std::vector<std::string> kPieces{
        "a",        "Z", "7", " ", "\"",       "\\",           "<",
        "&",        "'", "/", "{", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "\xD7\x90", "%", ";", "=", "\x7B"};
    std::string out = "x";
    const auto size = *rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(longest, 40));
    for (std::size_t i = 1; i < size; ++i) {
        const bool is_line = takes_lines && *rc::gen::inRange(0, 10) == 0;
        out += is_line ? "\n" : *rc::gen::elementOf(kPieces);
    }
    return out;
}

std::string random_answer(const Item& item) {
    switch (item.type) {
        case ItemType::boolean: return *rc::gen::element<std::string>("true", "false");
        case ItemType::integer: return std::to_string(*rc::gen::arbitrary<std::int32_t>());
        case ItemType::decimal:
            return fmt::format("{}.{:02}", *rc::gen::inRange(-999, 999), *rc::gen::inRange(0, 100));
        case ItemType::date:
            return fmt::format("{:04}-{:02}-{:02}", *rc::gen::inRange(1900, 2100), *rc::gen::inRange(1, 13),
                               *rc::gen::inRange(1, 29));
        case ItemType::string: return random_text(false, item.max_length == 0 ? 40 : item.max_length);
        case ItemType::text: return random_text(true, 40);
        case ItemType::choice: return (*rc::gen::elementOf(item.options)).code;
        case ItemType::group:
        case ItemType::display: break;
    }
    return {};
}

struct Filled {
    Fields fields;
    std::map<std::string, std::string> shown;  // question text → what a reader must see
};

bool has_answer(const Fields& fields, const EnableWhen& condition) {
    const auto [from, to] = fields.equal_range(condition.question);
    return std::any_of(from, to, [&](const auto& field) { return field.second == condition.value; });
}

// A naive twin of the built-in forms' conditions ('=' and '!=' only).
bool is_enabled(const Item& item, const Fields& fields) {
    const auto holds = [&](const EnableWhen& condition) {
        return has_answer(fields, condition) == (condition.compare == Compare::equal);
    };
    if (item.enable_when.empty()) {
        return true;
    }
    return item.enable_any ? std::ranges::any_of(item.enable_when, holds)
                           : std::ranges::all_of(item.enable_when, holds);
}

void fill(const std::vector<Item>& items, Filled& out) {
    for (const Item& item : items) {
        if (item.type == ItemType::group) {
            fill(item.items, out);
            continue;
        }
        if (item.type == ItemType::display || !is_enabled(item, out.fields) ||
            (!item.is_required && *rc::gen::arbitrary<bool>())) {
            continue;
        }
        if (item.is_repeating) {
            std::string shown;
            std::vector<std::string> chosen;
            for (const Option& option : item.options) {
                if (*rc::gen::arbitrary<bool>() ||
                    (shown.empty() && option.code == item.options.back().code)) {
                    shown += (shown.empty() ? "" : "; ") + option.display;
                    chosen.push_back(option.code);
                }
            }
            for (auto code = chosen.rbegin(); code != chosen.rend(); ++code) {
                out.fields.emplace(item.link_id, *code);
            }
            out.shown[item.text] = shown;
            continue;
        }
        const std::string answer = random_answer(item);
        out.fields.emplace(item.link_id, answer);
        std::string shown = answer;
        if (item.type == ItemType::boolean) {
            shown = answer == "true" ? "Yes" : "No";
        } else if (item.type == ItemType::choice) {
            shown = std::ranges::find_if(item.options, [&](const Option& o) {
                        return o.code == answer;
                    })->display;
        }
        out.shown[item.text] = shown;
    }
}

RC_GTEST_PROP(FormsProperties, SoundAnswersAlwaysValidateAndReadBackTheSame, ()) {
    const Questionnaire& form = *rc::gen::elementOf(built_in_questionnaires());
    Filled filled;
    fill(form.items, filled);
    const SubmissionId id{*rc::gen::arbitrary<std::array<Byte, 16>>()};
    const Validation result = validate(form, filled.fields, id, kWhen);
    RC_ASSERT(result.problems.empty());
    RC_ASSERT(validate(form, filled.fields, id, kWhen).response == result.response);
    RC_ASSERT(parse_json(result.response).is_ok());
    const auto lines = render_response(form, result.response);
    RC_ASSERT(lines.is_ok());
    std::map<std::string, std::string> shown;
    for (const ReadLine& line : *lines) {
        if (!line.answer.empty()) {
            shown[line.question] = line.answer;
        }
    }
    RC_ASSERT(shown == filled.shown);
}

RC_GTEST_PROP(FormsProperties, AnyBytesAreAnsweredAndNeverRepeatedInMessages, ()) {
    const Questionnaire& form = built_in_questionnaires()[1];
    Fields fields;
    for (const char* name :
         {"name", "birth-date", "pain", "surgery", "goals", "visits", "hours-active", "consent"}) {
        fields.emplace(name, "zq7" + *rc::gen::string<std::string>());
    }
    const Validation result = validate(form, fields, SubmissionId{}, kWhen);
    RC_ASSERT(!result.problems.empty());
    RC_ASSERT(result.response.empty());
    for (const FieldProblem& problem : result.problems) {
        RC_ASSERT(problem.message.find("zq7") == std::string::npos);
    }
}

RC_GTEST_PROP(FormsProperties, UnknownFieldsAreRefused, (const std::string& name)) {
    const Questionnaire& form = built_in_questionnaires()[0];
    Fields fields;
    for (int i = 1; i <= 9; ++i) {
        fields.emplace(fmt::format("q{}", i), "LA6569-3");
    }
    RC_PRE(name != "difficulty" && !fields.contains(name));
    RC_ASSERT(validate(form, fields, SubmissionId{}, kWhen).problems.empty());
    fields.emplace(name, "1");
    RC_ASSERT(!validate(form, fields, SubmissionId{}, kWhen).problems.empty());
}

RC_GTEST_PROP(FormsProperties, ReadersSurviveAnyBytes, (const std::string& noise)) {
    RC_ASSERT(!parse_questionnaire(noise).is_ok());
    RC_ASSERT(!render_response(built_in_questionnaires()[0], noise).is_ok());
}

}  // namespace
}  // namespace firedrill::forms
