// A stored QuestionnaireResponse, back to lines for reading. Everything in it must fit the form; nothing is
// guessed.

#include <algorithm>

#include "base/text.h"
#include "forms/envelope.h"
#include "forms/json.h"
#include "forms/questionnaire.h"
#include "forms/values.h"

namespace firedrill::forms {

namespace {

Error not_ours() {
    return Error{Fault::damaged,
                 "submission: its stored answers do not fit the form they name; restore the practice"};
}

std::string member_text(const Json& object, std::string_view name, Json::Kind kind) {
    const Json* found = object.find(name);
    return found != nullptr && found->is(kind) ? found->text : std::string();
}

Result<std::string> plain_answer(const Json& answer, std::string_view member, Json::Kind kind,
                                 bool (*fits)(std::string_view)) {
    std::string text = member_text(answer, member, kind);
    if (answer.members.size() != 1 || text.empty() || !fits(text)) {
        return not_ours();
    }
    return text;
}

Result<std::string> choice_answer(const Item& item, const Json& answer) {
    const Json* coding = answer.find("valueCoding");
    if (answer.members.size() != 1 || coding == nullptr) {
        return not_ours();
    }
    const std::string code = member_text(*coding, "code", Json::Kind::string);
    const auto option = std::ranges::find_if(item.options, [&](const Option& o) { return o.code == code; });
    if (option == item.options.end() ||
        option->system != member_text(*coding, "system", Json::Kind::string)) {
        return not_ours();
    }
    return option->display;
}

Result<std::string> answer_text(const Item& item, const Json& answer) {
    const auto plain = [](std::string_view text) { return is_plain_text(text, true); };
    switch (item.type) {
        case ItemType::boolean: {
            const std::string value = TRY(plain_answer(answer, "valueBoolean", Json::Kind::boolean,
                                                       [](std::string_view) { return true; }));
            return std::string(value == "true" ? "Yes" : "No");
        }
        case ItemType::integer:
            return plain_answer(answer, "valueInteger", Json::Kind::number,
                                [](std::string_view t) { return is_integer(t); });
        case ItemType::decimal:
            return plain_answer(answer, "valueDecimal", Json::Kind::number,
                                [](std::string_view t) { return is_decimal(t); });
        case ItemType::date:
            return plain_answer(answer, "valueDate", Json::Kind::string,
                                [](std::string_view t) { return is_date(t); });
        case ItemType::string:
        case ItemType::text: return plain_answer(answer, "valueString", Json::Kind::string, plain);
        case ItemType::choice: return choice_answer(item, answer);
        case ItemType::group:
        case ItemType::display: break;
    }
    return not_ours();
}

class Reading {
  public:
    // Items come in definition order, each at most once.
    Status read(const std::vector<Item>& items, const Json& list, std::uint8_t depth) {
        if (!list.is(Json::Kind::array) || list.elements.empty()) {
            return not_ours();
        }
        auto next = items.begin();
        for (const Json& element : list.elements) {
            const std::string link_id = member_text(element, "linkId", Json::Kind::string);
            next = std::find_if(next, items.end(), [&](const Item& item) { return item.link_id == link_id; });
            if (next == items.end()) {
                return not_ours();
            }
            TRY(read_item(*next, element, depth));
            ++next;
        }
        return {};
    }
    std::vector<ReadLine> lines;

  private:
    Status read_item(const Item& item, const Json& element, std::uint8_t depth) {
        const Json* inner = element.find(item.type == ItemType::group ? "item" : "answer");
        if (inner == nullptr || element.members.size() != 3 || element.find("text") == nullptr) {
            return not_ours();
        }
        if (item.type == ItemType::group) {
            lines.push_back({item.text, "", depth});
            return read(item.items, *inner, static_cast<std::uint8_t>(depth + 1));
        }
        if (!inner->is(Json::Kind::array) || inner->elements.empty() ||
            (inner->elements.size() > 1 && !item.is_repeating)) {
            return not_ours();
        }
        std::string answers;
        for (const Json& answer : inner->elements) {
            answers += answers.empty() ? "" : "; ";
            answers += TRY(answer_text(item, answer));
        }
        lines.push_back({item.text, std::move(answers), depth});
        return {};
    }
};

}  // namespace

Result<std::vector<ReadLine>> render_response(const Questionnaire& form, std::string_view response) {
    if (response.size() > kResponseLimit) {
        return not_ours();
    }
    auto root = parse_json(response);
    if (!root || member_text(*root, "resourceType", Json::Kind::string) != "QuestionnaireResponse" ||
        member_text(*root, "questionnaire", Json::Kind::string) != form.url + "|" + form.version) {
        return not_ours();
    }
    const Json* items = root->find("item");
    if (items == nullptr) {
        return not_ours();
    }
    Reading reading;
    TRY(reading.read(form.items, *items, 0));
    return std::move(reading.lines);
}

}  // namespace firedrill::forms
