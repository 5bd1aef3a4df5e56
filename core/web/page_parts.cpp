#include "web/page_parts.h"

#include "identity/password_policy.h"
#include "web/pages.h"

namespace firedrill::web::pages {

using html::element;
using html::Markup;
using html::text;

Markup paragraph(std::string_view words) {
    return element("p", text(words));
}

Markup link_to(const std::string& address, std::string_view label) {
    return element("a", {{"href", address}}, text(label));
}

Markup hidden(std::string_view name, std::string_view value) {
    return element("input", {{"type", "hidden"}, {"name", std::string(name)}, {"value", std::string(value)}});
}

Markup button(std::string_view label) {
    return element("button", {{"type", "submit"}}, text(label));
}

Markup field(const std::string& id, std::string_view label, html::Attributes attributes,
             std::string_view hint) {
    const std::string name =
        id.substr(id.find(':') + 1);  // "invite:password" is the id of a field "password"
    attributes.insert(attributes.end(), {{"id", id}, {"name", name}, {"required", ""}});
    Markup described;
    if (!hint.empty()) {
        attributes.push_back({"aria-describedby", id + "-hint"});
        described = element("p", {{"class", "hint"}, {"id", id + "-hint"}}, text(hint));
    }
    return element("div", {{"class", "field"}},
                   element("label", {{"for", id}}, text(label)) + described + element("input", attributes));
}

Markup password_field(const std::string& id, std::string_view label) {
    return field(id, label, {{"type", "password"}, {"autocomplete", "current-password"}});
}

Markup new_password_fields() {
    return field("new", "New password", {{"type", "password"}, {"autocomplete", "new-password"}},
                 identity::kPasswordGuidance) +
           field("again", "New password again", {{"type", "password"}, {"autocomplete", "new-password"}});
}

Markup plain_field(const std::string& id, std::string_view label, std::string_view value,
                   std::string_view autocomplete) {
    return field(id, label,
                 {{"type", "text"},
                  {"value", std::string(value)},
                  {"autocomplete", std::string(autocomplete)},
                  {"autocapitalize", "none"},
                  {"spellcheck", "false"}});
}

Markup post(const std::string& address, const Markup& inside) {
    return element("form", {{"method", "post"}, {"action", address}, {"novalidate", ""}}, inside);
}

Markup problem_of(std::string_view problem) {
    if (problem.empty()) {
        return {};
    }
    const std::pair<std::string, std::string> one{"", std::string(problem)};
    return problem_summary({&one, 1});
}

std::string title_of(std::string_view title, std::string_view problem) {
    return (problem.empty() ? "" : "Error: ") + std::string(title);
}

std::string minute_of(WallTime at) {
    const std::string full = format_utc(at);
    return full.substr(0, 10) + " " + full.substr(11, 5) + " UTC";
}

Markup heads(std::initializer_list<std::string_view> names) {
    Markup out;
    for (const std::string_view name : names) {
        out += element("th", {{"scope", "col"}}, text(name));
    }
    return element("thead", element("tr", out));
}

Markup code_box(std::string_view code) {
    return element("p", {{"class", "code"}}, element("code", text(code)));
}

Markup warning(std::string_view words) {
    return element("p", {{"class", "warning"}}, element("strong", text(words)));
}

}  // namespace firedrill::web::pages
