// Answers in, QuestionnaireResponse out. One walk in definition order decides enablement, checks, and writes.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "forms/envelope.h"
#include "forms/json.h"
#include "forms/questionnaire.h"
#include "forms/values.h"

namespace firedrill::forms {

namespace {

enum class Enabled : std::uint8_t { no, yes, unknown };  // unknown: it hangs on an answer that has a problem

void collect_questions(const std::vector<Item>& items, std::set<std::string_view>& out) {
    for (const Item& item : items) {
        if (item.type == ItemType::group) {
            collect_questions(item.items, out);
        } else if (item.type != ItemType::display) {
            out.insert(item.link_id);
        }
    }
}

// Browsers send line ends as CR LF.
std::string with_plain_line_ends(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') {
            out.push_back(text[i]);
        }
    }
    return out;
}

class Walk {
  public:
    explicit Walk(const Fields& fields) {
        for (const auto& [name, value] : fields) {
            if (!is_blank(value)) {
                given_[name].push_back(with_plain_line_ends(value));
            }
        }
    }
    // The JSON of the answered items, each with a comma before it but the first.
    std::string walk(const std::vector<Item>& items, Enabled above) {
        std::string out;
        for (const Item& item : items) {
            const std::string one = walk_item(item, above);
            if (!one.empty()) {
                out += out.empty() ? "" : ",";
                out += one;
            }
        }
        return out;
    }
    std::vector<FieldProblem> problems;

  private:
    using Values = std::vector<std::string>;

    std::string walk_item(const Item& item, Enabled above);
    std::string answer_json(const Item& item, const Values& values);
    Enabled is_enabled(const Item& item, Enabled above) const;
    Enabled holds(const EnableWhen& condition) const;
    void report(const Item& item, std::string message) {
        problems.push_back({item.link_id, std::move(message)});
        faulty_.insert(item.link_id);
    }

    std::map<std::string_view, Values> given_;
    struct Answered {
        ItemType type;
        Values values;
    };
    std::map<std::string_view, Answered> answered_;  // enabled and sound
    std::set<std::string_view> faulty_;
};

bool compares(ItemType type, const std::string& answer, Compare compare, const std::string& wanted) {
    const bool is_number = type == ItemType::integer || type == ItemType::decimal;
    const std::strong_ordering order = is_number ? compare_numbers(answer, wanted) : answer <=> wanted;
    switch (compare) {
        case Compare::equal: return order == 0;
        case Compare::not_equal: return order != 0;
        case Compare::greater: return order > 0;
        case Compare::less: return order < 0;
        case Compare::greater_equal: return order >= 0;
        case Compare::less_equal: return order <= 0;
        case Compare::exists: break;
    }
    return false;
}

// R4: '!=' holds when no answer equals the value (so also without any answer); the others when some answer
// does.
Enabled Walk::holds(const EnableWhen& condition) const {
    if (faulty_.contains(condition.question)) {
        return Enabled::unknown;
    }
    const auto found = answered_.find(condition.question);
    if (condition.compare == Compare::exists) {
        return (found != answered_.end()) == (condition.value == "true") ? Enabled::yes : Enabled::no;
    }
    const bool is_negated = condition.compare == Compare::not_equal;
    if (found == answered_.end()) {
        return is_negated ? Enabled::yes : Enabled::no;
    }
    const Compare compare = is_negated ? Compare::equal : condition.compare;
    const bool is_any = std::ranges::any_of(found->second.values, [&](const std::string& answer) {
        return compares(found->second.type, answer, compare, condition.value);
    });
    return is_any != is_negated ? Enabled::yes : Enabled::no;
}

Enabled Walk::is_enabled(const Item& item, Enabled above) const {
    if (item.enable_when.empty() || above == Enabled::no) {
        return above;
    }
    const Enabled deciding = item.enable_any ? Enabled::yes : Enabled::no;  // one of these settles it
    Enabled out = item.enable_any ? Enabled::no : Enabled::yes;
    for (const EnableWhen& condition : item.enable_when) {
        const Enabled one = holds(condition);
        if (one == deciding) {
            out = one;
            break;
        }
        if (one == Enabled::unknown) {
            out = one;
        }
    }
    return out == Enabled::yes ? above : out;
}

std::uint32_t length_limit(const Item& item) {
    if (item.max_length != 0) {
        return item.max_length;
    }
    return item.type == ItemType::text ? 20000 : 4000;
}

// What is wrong with one value, for the patient; empty when nothing is.
std::string find_fault(const Item& item, const std::string& value) {
    switch (item.type) {
        case ItemType::boolean: return value == "true" || value == "false" ? "" : "Answer yes or no.";
        case ItemType::integer:
            return is_integer(value) ? "" : "Enter a whole number, with digits only, such as 12.";
        case ItemType::decimal: return is_decimal(value) ? "" : "Enter a number such as 12 or 36.5.";
        case ItemType::date:
            return is_date(value) ? "" : "Enter a date that exists, as year-month-day: 2026-03-01.";
        case ItemType::string:
        case ItemType::text: {
            const bool takes_lines = item.type == ItemType::text;
            if (!is_plain_text(value, takes_lines)) {
                return takes_lines ? "Use ordinary text: some characters cannot be stored."
                                   : "Use ordinary text on one line: some characters cannot be stored.";
            }
            return count_characters(value) <= length_limit(item)
                       ? ""
                       : fmt::format("Shorten this to at most {} characters.", length_limit(item));
        }
        case ItemType::choice: {
            const bool is_offered =
                std::ranges::any_of(item.options, [&](const Option& option) { return option.code == value; });
            return is_offered ? "" : "Choose one of the answers offered.";
        }
        case ItemType::group:
        case ItemType::display: break;
    }
    return "This is not a question.";
}

std::string coding_json(const Option& option) {
    std::string out = "{\"valueCoding\":{";
    if (!option.system.empty()) {
        out += "\"system\":";
        append_json_string(out, option.system);
        out += ",";
    }
    out += "\"code\":";
    append_json_string(out, option.code);
    out += ",\"display\":";
    append_json_string(out, option.display);
    return out + "}}";
}

std::string value_json(const Item& item, const std::string& value) {
    std::string quoted;
    switch (item.type) {
        case ItemType::boolean: return "{\"valueBoolean\":" + value + "}";
        case ItemType::integer: return "{\"valueInteger\":" + value + "}";
        case ItemType::decimal: return "{\"valueDecimal\":" + value + "}";
        case ItemType::date: quoted = "{\"valueDate\":"; break;
        case ItemType::string:
        case ItemType::text: quoted = "{\"valueString\":"; break;
        case ItemType::choice:
            return coding_json(
                *std::ranges::find_if(item.options, [&](const Option& o) { return o.code == value; }));
        case ItemType::group:
        case ItemType::display: break;
    }
    append_json_string(quoted, value);
    return quoted + "}";
}

std::string item_json(const Item& item, std::string_view member, std::string_view inner) {
    std::string out = "{\"linkId\":";
    append_json_string(out, item.link_id);
    out += ",\"text\":";
    append_json_string(out, item.text);
    return fmt::format("{},\"{}\":[{}]}}", out, member, inner);
}

std::string Walk::answer_json(const Item& item, const Values& values) {
    std::string out;
    const auto put = [&](const std::string& value) {
        out += out.empty() ? "" : ",";
        out += value_json(item, value);
    };
    if (item.type == ItemType::choice) {  // the order of the definition, whatever order the browser sent
        for (const Option& option : item.options) {
            if (std::ranges::find(values, option.code) != values.end()) {
                put(option.code);
            }
        }
    } else {
        std::ranges::for_each(values, put);
    }
    return item_json(item, "answer", out);
}

std::string Walk::walk_item(const Item& item, Enabled above) {
    const Enabled enabled = is_enabled(item, above);
    if (item.type == ItemType::display) {
        return {};
    }
    if (item.type == ItemType::group) {
        const std::string inner = walk(item.items, enabled);
        return inner.empty() ? inner : item_json(item, "item", inner);
    }
    const auto found = given_.find(item.link_id);
    if (found == given_.end()) {
        if (enabled == Enabled::yes && item.is_required) {
            report(item, "Please answer this question.");
        }
        return {};
    }
    const Values& values = found->second;
    if (enabled == Enabled::no) {
        report(item, "Leave this question empty: your other answers rule it out.");
        return {};
    }
    if (values.size() > 1 && !item.is_repeating) {
        report(item, "Give one answer only.");
        return {};
    }
    if (std::set<std::string_view>(values.begin(), values.end()).size() != values.size()) {
        report(item, "The same answer was chosen twice.");
        return {};
    }
    for (const std::string& value : values) {
        if (std::string fault = find_fault(item, value); !fault.empty()) {
            report(item, std::move(fault));
            return {};
        }
    }
    answered_.emplace(item.link_id, Answered{item.type, values});
    return answer_json(item, values);
}

}  // namespace

Validation validate(const Questionnaire& form, const Fields& fields, SubmissionId id, WallTime authored) {
    std::set<std::string_view> questions;
    collect_questions(form.items, questions);
    Walk walk(fields);
    const bool is_foreign =
        std::ranges::any_of(fields, [&](const auto& field) { return !questions.contains(field.first); });
    if (is_foreign) {
        // Their names come from outside and are not repeated.
        walk.problems.push_back({"", "The form was sent with a field that it does not have. Load it again."});
    }
    const std::string items = walk.walk(form.items, Enabled::yes);
    Validation out{std::move(walk.problems), {}};
    if (out.problems.empty() && items.empty()) {
        out.problems.push_back({"", "Please answer at least one question."});
    }
    if (!out.problems.empty()) {
        return out;
    }
    std::string canonical;
    append_json_string(canonical, form.url + "|" + form.version);
    out.response = fmt::format(
        "{{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"{}\",\"questionnaire\":{},"
        "\"status\":\"completed\",\"authored\":\"{}\",\"item\":[{}]}}",
        to_hex(id), canonical, format_utc(authored), items);
    if (out.response.size() > kResponseLimit) {
        out.response.clear();
        out.problems.push_back({"", "The answers are too long altogether. Shorten the longest ones."});
    }
    return out;
}

}  // namespace firedrill::forms
