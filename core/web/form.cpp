// Bodies of form posts, and text for pages.
#include "web/http.h"
#include "web/limits.h"
#include "web/text.h"

namespace firedrill::web {

Result<std::multimap<std::string, std::string>> parse_form(std::string_view body) {
    std::multimap<std::string, std::string> fields;
    while (!body.empty()) {
        const std::size_t end = std::min(body.find('&'), body.size());
        const std::string_view pair = body.substr(0, end);
        body = body.substr(std::min(end + 1, body.size()));
        if (pair.empty()) {
            continue;
        }
        if (fields.size() == kFormFieldLimit) {
            return Error{Fault::bad_input, "The form has more than 1,000 fields; send fewer."};
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(pair.substr(0, equals), Plus::is_space);
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::is_space);
        if (!name || !value) {
            return Error{Fault::bad_input, "The form is not encoded as UTF-8; send it again from the page."};
        }
        fields.emplace(std::move(*name), std::move(*value));
    }
    return fields;
}

std::string escape_html(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            case '\t':
            case '\n':
            case '\r': out.push_back(c); break;
            default: {
                const auto byte = static_cast<unsigned char>(c);
                if (byte < 0x20 || byte == 0x7F) {
                    out += "\xEF\xBF\xBD";  // not allowed in HTML: shown as the replacement character
                } else {
                    out.push_back(c);
                }
            }
        }
    }
    return out;
}

}  // namespace firedrill::web
