// Questionnaires: FHIR R4 Questionnaire definitions, and validation of answers into QuestionnaireResponses.
// Pure.
//
// Supported item types: group, display, boolean, integer, decimal, date, string, text, choice (answerOption
// with valueCoding); required, repeats (choice), maxLength, enableWhen (exists, =, !=, >, <, >=, <=) with
// enableBehavior. Anything else in a definition is refused by name. Limits: 200 items, depth 5, 64 KiB JSON.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace firedrill::forms {

enum class ItemType : std::uint8_t { group, display, boolean, integer, decimal, date, string, text, choice };
enum class Compare : std::uint8_t { exists, equal, not_equal, greater, less, greater_equal, less_equal };

struct Option {
    std::string code;
    std::string system;
    std::string display;
};
struct EnableWhen {
    std::string question;  ///< linkId
    Compare compare = Compare::equal;
    std::string value;  ///< "true", a number, a code, a date or text
};
struct Item {
    std::string link_id;  ///< [A-Za-z0-9._-]{1,64}
    std::string text;
    ItemType type = ItemType::string;
    bool is_required = false;
    bool is_repeating = false;
    std::uint32_t max_length = 0;  ///< 0: 4,000 characters for string, 20,000 for text
    std::vector<Option> options;
    std::vector<EnableWhen> enable_when;
    bool enable_any = false;
    std::vector<Item> items;
};
struct Questionnaire {
    std::string name;  ///< stands in addresses: phq-9
    std::string url;   ///< canonical
    std::string version;
    std::string title;
    std::string description;
    std::vector<Item> items;
    std::string json;  ///< the definition as published
};
/// bad_input naming the item and what is not supported or wrong.
Result<Questionnaire> parse_questionnaire(std::string_view json);
/// The forms every practice starts with: phq-9 (public domain) and pt-intake.
const std::vector<Questionnaire>& built_in_questionnaires();

/// Field name = linkId; several values only for repeating choices. What the web decoded from a form post.
using Fields = std::multimap<std::string, std::string>;
struct FieldProblem {
    std::string link_id;
    std::string message;  ///< for the patient; never repeats the value
};
struct Validation {
    std::vector<FieldProblem> problems;  ///< empty: `response` is complete
    std::string response;                ///< canonical QuestionnaireResponse JSON (status completed)
};
/// Unknown linkIds, wrong types, options not offered, values for disabled items: problems. Deterministic
/// output.
Validation validate(const Questionnaire& form, const Fields& fields, SubmissionId id, WallTime authored);

/// Question text and answer text pairs, for reading. damaged if it is not one of ours.
struct ReadLine {
    std::string question;
    std::string answer;
    std::uint8_t depth = 0;
};
Result<std::vector<ReadLine>> render_response(const Questionnaire& form, std::string_view response);

}  // namespace firedrill::forms
