#include "web/html.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "web/http.h"
#include "web/text.h"

namespace firedrill::web::html {
namespace {

bool is_void(std::string_view tag) {
    constexpr std::array<std::string_view, 6> kVoid = {"input", "meta", "link", "br", "hr", "img"};
    return std::ranges::find(kVoid, tag) != kVoid.end();
}

bool is_address_name(std::string_view name) {
    return name == "href" || name == "action" || name == "src";
}

bool is_own_address(std::string_view value) {
    return value.starts_with('#') || (value.starts_with('/') && !value.starts_with("//"));
}

}  // namespace

Markup text(std::string_view anything) {
    Markup out;
    out.bytes_ = escape_html(anything);
    return out;
}

Markup element(Name tag, const Attributes& attributes, const Markup& inside) {
    Markup out;
    out.bytes_ = '<';
    out.bytes_ += tag.text();
    for (const auto& [name, value] : attributes) {
        CHECK(!is_address_name(name.text()) || is_own_address(value));
        out.bytes_ += ' ';
        out.bytes_ += name.text();
        out.bytes_ += "=\"";
        out.bytes_ += escape_html(value);
        out.bytes_ += '"';
    }
    out.bytes_ += '>';
    if (is_void(tag.text())) {
        CHECK(inside.is_empty());
        return out;
    }
    if (tag.text() == "textarea") {
        out.bytes_ +=
            '\n';  // the parser drops one line end here; without this one it would drop the patient's own
    }
    out += inside;
    out.bytes_ += "</";
    out.bytes_ += tag.text();
    out.bytes_ += '>';
    return out;
}

Markup document(std::string_view title, const Markup& body) {
    const Markup head =
        element("meta", {{"charset", "utf-8"}}) +
        element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
        element("title", text(title)) + element("link", {{"rel", "stylesheet"}, {"href", "/style.css"}});
    Markup out;
    out.bytes_ = "<!DOCTYPE html>\n";
    out += element("html", {{"lang", "en"}}, element("head", head) + element("body", body));
    out.bytes_ += '\n';
    return out;
}

std::string path(std::initializer_list<std::string_view> segments) {
    std::string out;
    for (const std::string_view segment : segments) {
        out += '/';
        out += percent_encode(segment);
    }
    return out.empty() ? "/" : out;
}

}  // namespace firedrill::web::html
