#include "sim/html_page.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace firedrill::sim {

namespace {

struct Attribute {
    std::string_view name;
    std::string value;
};
struct Tag {
    std::string_view name;
    bool is_end = false;
    std::vector<Attribute> attributes;
    [[nodiscard]] std::string get(std::string_view key) const {
        for (const Attribute& one : attributes) {
            if (one.name == key) {
                return one.value;
            }
        }
        return "";
    }
};

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

std::string trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return std::string(text);
}

void append_utf8(std::string& out, std::uint32_t code) {
    auto put = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

/// `inside` is what stands between '<' and '>'.
Tag parse_tag(std::string_view inside) {
    Tag out;
    out.is_end = inside.starts_with('/');
    if (out.is_end) {
        inside.remove_prefix(1);
    }
    std::size_t at = std::min(inside.find_first_of(" \n\t"), inside.size());
    out.name = inside.substr(0, at);
    while (at < inside.size()) {
        at = inside.find_first_not_of(" \n\t", at);
        if (at == std::string_view::npos) {
            break;
        }
        const std::size_t equals = inside.find("=\"", at);
        const std::size_t close = equals == std::string_view::npos ? equals : inside.find('"', equals + 2);
        if (close == std::string_view::npos) {
            break;
        }
        out.attributes.push_back(
            {inside.substr(at, equals - at), unescape_html(inside.substr(equals + 2, close - equals - 2))});
        at = close + 1;
    }
    return out;
}

class PageReader {
  public:
    HtmlPage read(std::string_view html) {
        std::size_t at = 0;
        while (at < html.size()) {
            const std::size_t open = std::min(html.find('<', at), html.size());
            text(html.substr(at, open - at));
            if (open == html.size()) {
                break;
            }
            const std::size_t close = html.find('>', open);
            if (close == std::string_view::npos) {
                break;
            }
            tag(parse_tag(html.substr(open + 1, close - open - 1)));
            at = close + 1;
        }
        return std::move(page_);
    }

  private:
    void text(std::string_view raw) {
        if (is_capturing_ && !is_in_optional_) {
            captured_ += unescape_html(raw);
        }
    }

    void tag(const Tag& tag) {
        if (tag.is_end) {
            end(tag.name);
            return;
        }
        const std::string kind = tag.get("class");
        if (tag.name == "a") {
            page_.links.push_back(tag.get("href"));
        } else if (tag.name == "form") {
            page_.forms.push_back({tag.get("method"), tag.get("action"), {}});
            is_in_form_ = true;
        } else if (tag.name == "fieldset") {
            forget_question();
        } else if (tag.name == "input") {
            input(tag);
        } else if (tag.name == "textarea") {
            add_field(tag, "textarea");
        } else if (tag.name == "span" && kind == "optional") {
            is_optional_ = true;
            is_in_optional_ = true;
        } else if (tag.name == "p" && kind == "hint" && tag.get("id").ends_with(":hint")) {
            is_conditional_ = true;
            is_hint_ = true;
            capture(tag);
        } else if ((tag.name == "p" && kind == "error") || tag.name == "title" || tag.name == "legend" ||
                   tag.name == "label" || tag.name == "dt" || tag.name == "dd") {
            capture(tag);
        }
    }

    void capture(const Tag& tag) {
        is_capturing_ = true;
        captured_.clear();
        if (tag.name == "label" && !is_option_label_) {
            forget_question();
        }
    }

    void end(std::string_view name) {
        if (name == "span") {
            is_in_optional_ = false;
            return;
        }
        if (name == "form") {
            is_in_form_ = false;
        }
        if (!is_capturing_) {
            return;
        }
        if (name == "title") {
            page_.title = trimmed(captured_);
        } else if (name == "legend") {
            question_ = trimmed(captured_);
        } else if (name == "label") {
            label();
        } else if (name == "dt") {
            term_ = captured_;
        } else if (name == "dd") {
            page_.lines.push_back({term_, captured_});
        } else if (name == "p") {
            (is_hint_ ? page_.hints : page_.problems).push_back(trimmed(captured_));
            is_hint_ = false;
        } else {
            return;  // an element inside what is being captured
        }
        is_capturing_ = false;
    }

    void label() {
        if (!is_option_label_) {
            question_ = trimmed(captured_);
            return;
        }
        is_option_label_ = false;
        FormField& field = page_.forms.back().fields.back();
        if (!field.options.empty() && field.options.back().value.empty()) {
            field.options.pop_back();  // "No answer"
        } else if (!field.options.empty()) {
            field.options.back().label = trimmed(captured_);
        }
    }

    void input(const Tag& tag) {
        const std::string type = tag.get("type");
        if (!is_in_form_) {
            return;
        }
        if (type != "radio" && type != "checkbox") {
            const bool is_number = !tag.get("inputmode").empty();
            add_field(tag, is_number ? "number" : type);
            return;
        }
        std::vector<FormField>& fields = page_.forms.back().fields;
        if (fields.empty() || fields.back().name != tag.get("name")) {
            add_field(tag, type);
            fields.back().value.clear();
        }
        fields.back().options.push_back({tag.get("value"), ""});
        is_option_label_ = true;
    }

    void add_field(const Tag& tag, const std::string& type) {
        if (!is_in_form_) {
            return;
        }
        FormField field;
        field.name = tag.get("name");
        field.type = type;
        field.value = tag.get("value");
        const std::string limit = tag.get("maxlength");
        std::from_chars(limit.data(), limit.data() + limit.size(), field.max_length);
        if (type != "hidden") {
            field.question = question_;
            field.is_conditional = is_conditional_;
            field.is_optional = is_optional_;
        }
        page_.forms.back().fields.push_back(std::move(field));
    }

    void forget_question() {
        question_.clear();
        is_conditional_ = false;
        is_optional_ = false;
    }

    HtmlPage page_;
    bool is_in_form_ = false;
    bool is_capturing_ = false;
    bool is_in_optional_ = false;
    bool is_option_label_ = false;
    bool is_conditional_ = false;
    bool is_optional_ = false;
    bool is_hint_ = false;
    std::string captured_;
    std::string question_;
    std::string term_;
};

}  // namespace

HtmlPage parse_html(std::string_view html) {
    return PageReader().read(html);
}

std::string unescape_html(std::string_view text) {
    struct Name {
        std::string_view name;
        char c;
    };
    constexpr std::array<Name, 5> kNames{
        {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text[at] == '&' ? text.find(';', at) : std::string_view::npos;
        if (end == std::string_view::npos || end - at > 10) {
            out += text[at++];
            continue;
        }
        std::string_view name = text.substr(at + 1, end - at - 1);
        const auto known =
            std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return n.name == name; });
        std::uint32_t code = 0;
        if (known != kNames.end()) {
            out += known->c;
        } else if (name.starts_with('#')) {
            const bool is_hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
            name.remove_prefix(is_hex ? 2 : 1);
            std::from_chars(name.data(), name.data() + name.size(), code, is_hex ? 16 : 10);
            append_utf8(out, code <= 0x10FFFF ? code : 0xFFFD);
        } else {
            out += text[at++];
            continue;
        }
        at = end + 1;
    }
    return out;
}

const FormField* HtmlForm::find(std::string_view name) const {
    const auto at =
        std::find_if(fields.begin(), fields.end(), [&](const FormField& f) { return f.name == name; });
    return at == fields.end() ? nullptr : &*at;
}

const HtmlForm* HtmlPage::find_form(std::string_view action) const {
    const auto at =
        std::find_if(forms.begin(), forms.end(), [&](const HtmlForm& f) { return f.action == action; });
    return at == forms.end() ? nullptr : &*at;
}

std::string encode_form(const FormValues& values) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    auto encode = [&](std::string& out, std::string_view text) {
        for (char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '*';
            if (is_plain) {
                out += c;
            } else if (c == ' ') {
                out += '+';
            } else {
                out += '%';
                out += kHex[byte >> 4];
                out += kHex[byte & 15];
            }
        }
    };
    std::string out;
    for (const auto& [name, value] : values) {
        out += out.empty() ? "" : "&";
        encode(out, name);
        out += '=';
        encode(out, value);
    }
    return out;
}

}  // namespace firedrill::sim
