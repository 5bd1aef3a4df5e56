// The page of one form: FHIR items to labelled HTML fields that work without script.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "web/pages.h"

namespace firedrill::web::pages {
namespace {

using forms::Item;
using forms::ItemType;
using html::Attributes;
using html::element;
using html::Markup;
using html::text;

/// ':' stands in no linkId, so ids of options and hints cannot meet those of other items.
std::string field_id(const Item& item) {
    return "f:" + item.link_id;
}
std::string option_id(const Item& item, std::size_t index) {
    return fmt::format("f:{}:{}", item.link_id, index);
}

bool is_choice(const Item& item) {
    return item.type == ItemType::choice || item.type == ItemType::boolean;
}

enum class Conditional : bool { no, yes };

class FormWriter {
  public:
    explicit FormWriter(const FormView& view) : view_(view) {
        collect(view.form.items);
        for (const forms::FieldProblem& problem : view.problems) {
            problems_.emplace(problem.link_id, problem.message);
        }
    }

    [[nodiscard]] Markup items(const std::vector<Item>& items, Conditional above) const {
        Markup out;
        for (const Item& item : items) {
            out += one(item, item.enable_when.empty() ? above : Conditional::yes);
        }
        return out;
    }

    [[nodiscard]] Markup summary() const {
        std::vector<std::pair<std::string, std::string>> lines;
        for (const forms::FieldProblem& problem : view_.problems) {
            const auto found = by_link_.find(problem.link_id);
            if (found == by_link_.end()) {
                lines.emplace_back("", problem.message);
                continue;
            }
            const Item& item = *found->second;
            lines.emplace_back(is_choice(item) ? option_id(item, 0) : field_id(item),
                               fmt::format("{}: {}", item.text, problem.message));
        }
        return problem_summary(lines);
    }

  private:
    void collect(const std::vector<Item>& items) {
        for (const Item& item : items) {
            by_link_.emplace(item.link_id, &item);
            collect(item.items);
        }
    }

    [[nodiscard]] Markup one(const Item& item, Conditional conditional) const {
        switch (item.type) {
            case ItemType::group:
                return element("fieldset", {{"class", "group"}},
                               element("legend", text(item.text)) + condition_hint(item) +
                                   items(item.items, conditional));
            case ItemType::display: return element("p", text(item.text));
            case ItemType::boolean:
            case ItemType::choice: return options(item, conditional);
            case ItemType::integer:
            case ItemType::decimal:
            case ItemType::date:
            case ItemType::string:
            case ItemType::text: return line(item);
        }
        return {};
    }

    [[nodiscard]] std::string value_text(const Item& question, const std::string& value) const {
        if (question.type == ItemType::boolean) {
            return value == "true" ? "Yes" : "No";
        }
        const auto option = std::ranges::find(question.options, value, &forms::Option::code);
        return option == question.options.end() ? value : option->display;
    }

    [[nodiscard]] std::string condition_text(const forms::EnableWhen& when) const {
        const auto found = by_link_.find(when.question);
        if (found == by_link_.end()) {
            return {};
        }
        const Item& question = *found->second;
        const std::string value = value_text(question, when.value);
        switch (when.compare) {
            case forms::Compare::exists:
                return fmt::format("“{}” {}", question.text,
                                   when.value == "true" ? "is answered" : "is not answered");
            case forms::Compare::equal: return fmt::format("“{}” is “{}”", question.text, value);
            case forms::Compare::not_equal: return fmt::format("“{}” is not “{}”", question.text, value);
            case forms::Compare::greater: return fmt::format("“{}” is more than {}", question.text, value);
            case forms::Compare::less: return fmt::format("“{}” is less than {}", question.text, value);
            case forms::Compare::greater_equal:
                return fmt::format("“{}” is {} or more", question.text, value);
            case forms::Compare::less_equal: return fmt::format("“{}” is {} or less", question.text, value);
        }
        return {};
    }

    /// Without script a page cannot hide a question, so it says when to leave it empty.
    [[nodiscard]] Markup condition_hint(const Item& item) const {
        if (item.enable_when.empty()) {
            return {};
        }
        std::string words = "Answer only if ";
        const forms::EnableWhen& first = item.enable_when.front();
        const bool is_uniform = std::ranges::all_of(item.enable_when, [&](const forms::EnableWhen& when) {
            return when.compare == first.compare && when.value == first.value;
        });
        if (is_uniform && item.enable_when.size() > 3) {
            const std::string full = condition_text(first);
            const std::size_t said = full.rfind("” is ");
            words += fmt::format(
                "{} {} earlier answers{}", item.enable_any ? "at least one of" : "each of",
                item.enable_when.size(),
                said == std::string::npos ? " is given" : full.substr(said + std::string_view("”").size()));
        } else {
            for (std::size_t i = 0; i < item.enable_when.size(); ++i) {
                words += i == 0 ? "" : item.enable_any ? " or " : " and ";
                words += condition_text(item.enable_when[i]);
            }
        }
        return element("p", {{"class", "hint"}, {"id", field_id(item) + ":hint"}}, text(words + "."));
    }

    [[nodiscard]] Markup label_text(const Item& item) const {
        Markup out = text(item.text);
        if (!item.is_required) {
            out += text(" ") + element("span", {{"class", "optional"}}, text("(optional)"));
        }
        return out;
    }

    [[nodiscard]] Markup problem(const Item& item) const {
        const auto found = problems_.find(item.link_id);
        if (found == problems_.end()) {
            return {};
        }
        return element("p", {{"class", "error"}, {"id", field_id(item) + ":error"}},
                       text("Error: " + found->second));
    }

    /// aria-describedby and aria-invalid for the field of `item`.
    void describe(const Item& item, Attributes& attributes) const {
        const bool has_problem = problems_.contains(item.link_id);
        std::string ids = item.enable_when.empty() ? "" : field_id(item) + ":hint";
        if (has_problem) {
            ids += (ids.empty() ? "" : " ") + field_id(item) + ":error";
            attributes.push_back({"aria-invalid", "true"});
        }
        if (!ids.empty()) {
            attributes.push_back({"aria-describedby", ids});
        }
    }

    [[nodiscard]] bool is_given(const Item& item, std::string_view value) const {
        const auto [from, to] = view_.values.equal_range(item.link_id);
        return std::any_of(from, to, [&](const auto& field) { return field.second == value; });
    }

    [[nodiscard]] Markup option(const Item& item, std::size_t index, const std::string& code,
                                std::string_view label, bool is_chosen) const {
        const std::string id = option_id(item, index);
        Attributes input = {{"type", item.is_repeating ? "checkbox" : "radio"},
                            {"id", id},
                            {"name", item.link_id},
                            {"value", code}};
        if (is_chosen) {
            input.push_back({"checked", ""});
        }
        return element("div", {{"class", "option"}},
                       element("input", input) + element("label", {{"for", id}}, text(label)));
    }

    [[nodiscard]] Markup options(const Item& item, Conditional conditional) const {
        std::vector<std::pair<std::string, std::string>> offered;
        if (item.type == ItemType::boolean) {
            offered = {{"true", "Yes"}, {"false", "No"}};
        } else {
            for (const forms::Option& one : item.options) {
                offered.emplace_back(one.code, one.display.empty() ? one.code : one.display);
            }
        }
        Markup inside = element("legend", label_text(item)) + condition_hint(item) + problem(item);
        bool is_any_chosen = false;
        for (std::size_t i = 0; i < offered.size(); ++i) {
            const bool is_chosen = is_given(item, offered[i].first);
            is_any_chosen = is_any_chosen || is_chosen;
            inside += option(item, i, offered[i].first, offered[i].second, is_chosen);
        }
        const bool may_be_empty = !item.is_required || conditional == Conditional::yes;
        if (may_be_empty && !item.is_repeating) {  // a radio button, once chosen, cannot be cleared otherwise
            inside += option(item, offered.size(), "", "No answer", !is_any_chosen);
        }
        Attributes attributes = {{"class", problems_.contains(item.link_id) ? "question wrong" : "question"}};
        describe(item, attributes);
        std::erase_if(attributes,
                      [](const html::Attribute& one) { return one.name.text() == "aria-invalid"; });
        return element("fieldset", attributes, inside);
    }

    [[nodiscard]] static std::string autocomplete_of(const Item& item) {
        static const std::map<std::string_view, std::string_view> kKnown = {
            {"name", "name"}, {"birth-date", "bday"}, {"phone", "tel"}, {"email", "email"}};
        const auto found = kKnown.find(item.link_id);
        return found == kKnown.end() ? "off" : std::string(found->second);
    }

    [[nodiscard]] Markup line(const Item& item) const {
        const auto given = view_.values.find(item.link_id);
        const std::string value = given == view_.values.end() ? "" : given->second;
        Attributes input = {
            {"id", field_id(item)}, {"name", item.link_id}, {"autocomplete", autocomplete_of(item)}};
        describe(item, input);
        if (item.max_length != 0 && (item.type == ItemType::string || item.type == ItemType::text)) {
            input.push_back({"maxlength", fmt::format("{}", item.max_length)});
        }
        Markup field;
        if (item.type == ItemType::text) {
            input.push_back({"rows", "5"});
            field = element("textarea", input, text(value));
        } else {
            input.push_back({"type", item.type == ItemType::date ? "date" : "text"});
            input.push_back({"value", value});
            if (item.type == ItemType::integer || item.type == ItemType::decimal) {
                input.push_back({"inputmode", item.type == ItemType::integer ? "numeric" : "decimal"});
            }
            field = element("input", input);
        }
        const Markup label = element("label", {{"for", field_id(item)}}, label_text(item));
        return element("div", {{"class", problems_.contains(item.link_id) ? "field wrong" : "field"}},
                       label + condition_hint(item) + problem(item) + field);
    }

    const FormView& view_;
    std::map<std::string_view, const Item*> by_link_;
    std::map<std::string_view, std::string> problems_;
};

}  // namespace

Markup form(const FormView& view) {
    const FormWriter writer(view);
    const std::string address = html::path({"p", view.practice.name, "forms", view.form.name});
    Markup main = writer.summary() + element("p", {{"class", "hint"}}, text(view.practice.title)) +
                  element("h1", text(view.form.title));
    if (!view.form.description.empty()) {
        main += element("p", text(view.form.description));
    }
    const Markup id = element(
        "input", {{"type", "hidden"}, {"name", std::string(kSubmissionField)}, {"value", to_hex(view.id)}});
    main += element(
        "form", {{"method", "post"}, {"action", address}, {"novalidate", ""}, {"accept-charset", "utf-8"}},
        id + writer.items(view.form.items, Conditional::no) +
            element("button", {{"type", "submit"}}, text("Send to the practice")));
    return framed((view.problems.empty() ? "" : "Error: ") + view.form.title, main);
}

}  // namespace firedrill::web::pages
