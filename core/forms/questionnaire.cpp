#include "forms/questionnaire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>

#include "base/text.h"
#include "forms/built_in.h"
#include "forms/json.h"
#include "forms/values.h"

namespace firedrill::forms {

namespace {

constexpr std::size_t kJsonLimit = 64 * 1024;
constexpr std::size_t kItemLimit = 200;
constexpr std::size_t kDepthLimit = 5;
constexpr std::size_t kTextLimit = 2000;     // bytes of a title, a question or an option
constexpr std::size_t kOptionLimit = 200;    // of one item
constexpr std::size_t kConditionLimit = 50;  // of one item
constexpr std::uint32_t kStringLimit = 4000;
constexpr std::uint32_t kLongTextLimit = 20000;

Error wrong(std::string_view place, std::string_view what) {
    return Error{Fault::bad_input, fmt::format("questionnaire, {}: {}", place, what)};
}

// Names go into messages only when they are harmless.
std::string shown(std::string_view name) {
    return name.size() <= 64 && is_plain_text(name, false) ? std::string(name) : std::string("(unprintable)");
}

Status only_members(const Json& object, std::string_view place,
                    std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : object.members) {
        if (std::ranges::find(known, name) == known.end()) {
            return wrong(place, fmt::format("'{}' is not supported", shown(name)));
        }
    }
    return {};
}

Result<std::string> text_member(const Json& object, std::string_view place, std::string_view name,
                                bool is_required) {
    const Json* found = object.find(name);
    if (found == nullptr && !is_required) {
        return std::string();
    }
    if (found == nullptr || !found->is(Json::Kind::string) || found->text.empty() ||
        found->text.size() > kTextLimit || !is_plain_text(found->text, true)) {
        return wrong(place, fmt::format("'{}' must be a text of 1 to {} bytes", name, kTextLimit));
    }
    return found->text;
}

Result<bool> flag_member(const Json& object, std::string_view place, std::string_view name) {
    const Json* found = object.find(name);
    if (found == nullptr) {
        return false;
    }
    if (!found->is(Json::Kind::boolean)) {
        return wrong(place, fmt::format("'{}' must be true or false", name));
    }
    return found->text == "true";
}

template <class T>
using Names = std::initializer_list<std::pair<std::string_view, T>>;

template <class T>
std::optional<T> by_name(Names<T> names, std::string_view name) {
    const auto at = std::ranges::find_if(names, [name](const auto& entry) { return entry.first == name; });
    return at == names.end() ? std::nullopt : std::optional<T>(at->second);
}

std::optional<ItemType> item_type(std::string_view name) {
    return by_name<ItemType>({{"group", ItemType::group},
                              {"display", ItemType::display},
                              {"boolean", ItemType::boolean},
                              {"integer", ItemType::integer},
                              {"decimal", ItemType::decimal},
                              {"date", ItemType::date},
                              {"string", ItemType::string},
                              {"text", ItemType::text},
                              {"choice", ItemType::choice}},
                             name);
}

std::optional<Compare> comparison(std::string_view name) {
    return by_name<Compare>({{"exists", Compare::exists},
                             {"=", Compare::equal},
                             {"!=", Compare::not_equal},
                             {">", Compare::greater},
                             {"<", Compare::less},
                             {">=", Compare::greater_equal},
                             {"<=", Compare::less_equal}},
                            name);
}

bool is_link_id(std::string_view text) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return !text.empty() && text.size() <= 64 && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_form_name(std::string_view text) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return text.size() >= 2 && text.size() <= 40 &&
           text.find_first_not_of(kAllowed) == std::string_view::npos;
}

// Codes travel as form field values, so they are short and have no blanks at their ends.
bool is_code(std::string_view text) {
    return !text.empty() && text.size() <= 64 && is_plain_text(text, false) && !is_blank(text) &&
           text.front() != ' ' && text.back() != ' ';
}

// Reads one definition. Questions are remembered in order, so that a condition can only look back: no cycles.
class DefinitionReader {
  public:
    Result<std::vector<Item>> read_items(const Json& list, std::size_t depth) {
        if (!list.is(Json::Kind::array) || list.elements.empty()) {
            return wrong("item", "must be a list that is not empty");
        }
        if (depth > kDepthLimit) {
            return wrong("item", fmt::format("groups are nested deeper than {} levels", kDepthLimit));
        }
        std::vector<Item> items;
        for (const Json& element : list.elements) {
            items.push_back(TRY(read_item(element, depth)));
        }
        return items;
    }

  private:
    Result<Item> read_item(const Json& object, std::size_t depth);
    Status read_kind(const Json& object, const std::string& place, Item& item);
    Status read_options(const Json& object, const std::string& place, Item& item);
    Status read_conditions(const Json& object, const std::string& place, Item& item);
    Result<EnableWhen> read_condition(const Json& object, const std::string& place);
    Result<std::string> condition_value(const Json& object, const std::string& place, const Item& question,
                                        Compare compare);

    std::set<std::string> link_ids_;
    std::map<std::string, Item> questions_;  // without children
};

Result<Item> DefinitionReader::read_item(const Json& object, std::size_t depth) {
    Item item;
    item.link_id = TRY(text_member(object, "an item", "linkId", true));
    if (!is_link_id(item.link_id)) {
        return wrong("an item", "its linkId must be 1 to 64 of letters, digits, '.', '_' and '-'");
    }
    const std::string place = fmt::format("item '{}'", item.link_id);
    if (!link_ids_.insert(item.link_id).second) {
        return wrong(place, "its linkId stands twice");
    }
    if (link_ids_.size() > kItemLimit) {
        return wrong(place, fmt::format("there are more than {} items", kItemLimit));
    }
    TRY(only_members(object, place,
                     {"linkId", "text", "type", "code", "required", "repeats", "maxLength", "enableWhen",
                      "enableBehavior", "answerOption", "item"}));
    TRY(read_kind(object, place, item));
    TRY(read_options(object, place, item));
    TRY(read_conditions(object, place, item));
    const Json* children = object.find("item");
    if ((item.type == ItemType::group) != (children != nullptr)) {
        return wrong(place,
                     item.type == ItemType::group ? "a group needs items" : "only groups may have items");
    }
    if (children != nullptr) {
        item.items = TRY(read_items(*children, depth + 1));
    } else if (item.type != ItemType::display) {
        questions_.emplace(item.link_id, item);
    }
    return item;
}

Status DefinitionReader::read_kind(const Json& object, const std::string& place, Item& item) {
    item.text = TRY(text_member(object, place, "text", true));
    const std::string type_name = TRY(text_member(object, place, "type", true));
    const auto type = item_type(type_name);
    if (!type) {
        return wrong(place, fmt::format("type '{}' is not supported", shown(type_name)));
    }
    item.type = *type;
    item.is_required = TRY(flag_member(object, place, "required"));
    item.is_repeating = TRY(flag_member(object, place, "repeats"));
    const bool is_question = item.type != ItemType::group && item.type != ItemType::display;
    if (item.is_required && !is_question) {
        return wrong(place, "only questions can be required");
    }
    if (item.is_repeating && item.type != ItemType::choice) {
        return wrong(place, "only a choice can repeat");
    }
    if (const Json* limit = object.find("maxLength"); limit != nullptr) {
        const std::uint32_t highest = item.type == ItemType::text ? kLongTextLimit : kStringLimit;
        if (item.type != ItemType::text && item.type != ItemType::string) {
            return wrong(place, "only string and text have a maxLength");
        }
        if (!limit->is(Json::Kind::number) || !is_integer(limit->text) ||
            compare_numbers(limit->text, "1") < 0 ||
            compare_numbers(limit->text, std::to_string(highest)) > 0) {
            return wrong(place, fmt::format("maxLength must be 1 to {}", highest));
        }
        item.max_length = static_cast<std::uint32_t>(std::stoul(limit->text));
    }
    return {};
}

Status DefinitionReader::read_options(const Json& object, const std::string& place, Item& item) {
    const Json* list = object.find("answerOption");
    if ((item.type == ItemType::choice) != (list != nullptr)) {
        return wrong(place, item.type == ItemType::choice ? "a choice needs answerOption"
                                                          : "only a choice has answerOption");
    }
    if (list == nullptr) {
        return {};
    }
    if (!list->is(Json::Kind::array) || list->elements.empty() || list->elements.size() > kOptionLimit) {
        return wrong(place, fmt::format("answerOption must be a list of 1 to {}", kOptionLimit));
    }
    for (const Json& element : list->elements) {
        TRY(only_members(element, place, {"valueCoding"}));
        const Json* coding = element.find("valueCoding");
        if (coding == nullptr || !coding->is(Json::Kind::object)) {
            return wrong(place, "each answerOption needs a valueCoding");
        }
        TRY(only_members(*coding, place, {"code", "system", "display"}));
        Option option{TRY(text_member(*coding, place, "code", true)),
                      TRY(text_member(*coding, place, "system", false)),
                      TRY(text_member(*coding, place, "display", true))};
        if (!is_code(option.code)) {
            return wrong(place, "a code must be 1 to 64 bytes without blanks at its ends");
        }
        if (std::ranges::any_of(item.options,
                                [&](const Option& other) { return other.code == option.code; })) {
            return wrong(place, "a code is offered twice");
        }
        item.options.push_back(std::move(option));
    }
    return {};
}

Status DefinitionReader::read_conditions(const Json& object, const std::string& place, Item& item) {
    const Json* list = object.find("enableWhen");
    const std::string behavior = TRY(text_member(object, place, "enableBehavior", false));
    if (list == nullptr) {
        return behavior.empty() ? Status() : wrong(place, "enableBehavior without enableWhen");
    }
    if (!list->is(Json::Kind::array) || list->elements.empty() || list->elements.size() > kConditionLimit) {
        return wrong(place, fmt::format("enableWhen must be a list of 1 to {}", kConditionLimit));
    }
    if (behavior != "all" && behavior != "any" && (!behavior.empty() || list->elements.size() > 1)) {
        return wrong(place, "enableBehavior must be 'all' or 'any'");
    }
    item.enable_any = behavior == "any";
    for (const Json& element : list->elements) {
        item.enable_when.push_back(TRY(read_condition(element, place)));
    }
    return {};
}

Result<EnableWhen> DefinitionReader::read_condition(const Json& object, const std::string& place) {
    EnableWhen condition;
    condition.question = TRY(text_member(object, place, "question", true));
    const auto question = questions_.find(condition.question);
    if (question == questions_.end()) {
        return wrong(place, "enableWhen must name a question that stands before it");
    }
    const auto compare = comparison(TRY(text_member(object, place, "operator", true)));
    if (!compare) {
        return wrong(place, "an operator of enableWhen is not supported");
    }
    condition.compare = *compare;
    condition.value = TRY(condition_value(object, place, question->second, *compare));
    return condition;
}

Result<std::string> DefinitionReader::condition_value(const Json& object, const std::string& place,
                                                      const Item& question, Compare compare) {
    const bool is_ordering =
        compare != Compare::exists && compare != Compare::equal && compare != Compare::not_equal;
    const auto mismatch = [&](std::string_view member) {
        return wrong(place, fmt::format("enableWhen on '{}' needs a fitting {}", question.link_id, member));
    };
    const auto take = [&](std::string_view member, Json::Kind kind, bool takes_order,
                          bool (*fits)(std::string_view)) -> Result<std::string> {
        TRY(only_members(object, place, {"question", "operator", member}));
        const Json* found = object.find(member);
        if (found == nullptr || !found->is(kind) || !fits(found->text) || (is_ordering && !takes_order)) {
            return mismatch(member);
        }
        return found->text;
    };
    if (compare == Compare::exists) {
        return take("answerBoolean", Json::Kind::boolean, false, [](std::string_view) { return true; });
    }
    switch (question.type) {
        case ItemType::boolean:
            return take("answerBoolean", Json::Kind::boolean, false, [](std::string_view) { return true; });
        case ItemType::integer:
            return take("answerInteger", Json::Kind::number, true,
                        [](std::string_view t) { return is_integer(t); });
        case ItemType::decimal:
            return take("answerDecimal", Json::Kind::number, true,
                        [](std::string_view t) { return is_decimal(t); });
        case ItemType::date:
            return take("answerDate", Json::Kind::string, true,
                        [](std::string_view t) { return is_date(t); });
        case ItemType::string:
        case ItemType::text:
            return take("answerString", Json::Kind::string, false,
                        [](std::string_view t) { return !is_blank(t); });
        case ItemType::choice: break;
        case ItemType::group:
        case ItemType::display: return wrong(place, "enableWhen must name a question");
    }
    TRY(only_members(object, place, {"question", "operator", "answerCoding"}));
    const Json* coding = object.find("answerCoding");
    if (coding == nullptr || !coding->is(Json::Kind::object) || is_ordering) {
        return mismatch("answerCoding");
    }
    TRY(only_members(*coding, place, {"code", "system", "display"}));
    const std::string code = TRY(text_member(*coding, place, "code", true));
    const std::string system = TRY(text_member(*coding, place, "system", false));
    if (std::ranges::none_of(question.options,
                             [&](const Option& o) { return o.code == code && o.system == system; })) {
        return wrong(place,
                     fmt::format("enableWhen names a code that '{}' does not offer", question.link_id));
    }
    return code;
}

}  // namespace

Result<Questionnaire> parse_questionnaire(std::string_view json) {
    if (json.size() > kJsonLimit) {
        return wrong("the whole", fmt::format("more than {} bytes", kJsonLimit));
    }
    const Json root = TRY(parse_json(json));
    constexpr std::string_view kPlace = "the top level";
    const Json* type = root.find("resourceType");
    if (type == nullptr || type->text != "Questionnaire") {
        return wrong(kPlace, "resourceType must be Questionnaire");
    }
    TRY(only_members(root, kPlace,
                     {"resourceType", "id", "url", "version", "name", "title", "status", "subjectType",
                      "date", "publisher", "description", "purpose", "copyright", "code", "item"}));
    Questionnaire form;
    form.name = TRY(text_member(root, kPlace, "id", true));
    if (!is_form_name(form.name)) {
        return wrong(kPlace, "id must be 2 to 40 of a-z, 0-9 and '-'");
    }
    form.url = TRY(text_member(root, kPlace, "url", true));
    form.version = TRY(text_member(root, kPlace, "version", true));
    form.title = TRY(text_member(root, kPlace, "title", true));
    form.description = TRY(text_member(root, kPlace, "description", false));
    if (form.url.find('|') != std::string::npos || form.version.find('|') != std::string::npos) {
        return wrong(kPlace, "url and version must not contain '|'");
    }
    const Json* items = root.find("item");
    if (items == nullptr) {
        return wrong(kPlace, "there is no item");
    }
    form.items = TRY(DefinitionReader().read_items(*items, 1));
    form.json = json;
    return form;
}

const std::vector<Questionnaire>& built_in_questionnaires() {
    static const std::vector<Questionnaire> kForms = [] {
        std::vector<Questionnaire> forms;
        for (const char* json : {kPhq9, kPtIntake}) {
            auto form = parse_questionnaire(json);
            CHECK(form.is_ok());
            forms.push_back(std::move(form).value());
        }
        return forms;
    }();
    return kForms;
}

}  // namespace firedrill::forms
