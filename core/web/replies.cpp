#include "web/replies.h"

#include <algorithm>
#include <array>

namespace firedrill::web {

void add_security_fields(Response& response) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kFields = {{
        {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
         "img-src 'self'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
    }};
    for (const auto& [name, value] : kFields) {
        response.fields.emplace_back(name, value);
    }
    if (std::ranges::none_of(response.fields,
                             [](const auto& field) { return field.first == "Cache-Control"; })) {
        response.fields.emplace_back("Cache-Control", "no-store");
    }
}

Response page_reply(unsigned status, const html::Markup& document) {
    Response out;
    out.status = status;
    out.fields = {{"Content-Type", "text/html; charset=utf-8"}};
    out.body = document.bytes();
    return out;
}

Response see_other(std::string address) {
    Response out;
    out.status = 303;
    out.fields = {{"Location", std::move(address)}};
    return out;
}

Response refusal_reply(unsigned status, std::string_view text) {
    Response out;
    out.status = status;
    out.fields = {{"Content-Type", "text/plain; charset=utf-8"}};
    if (status == 405) {
        out.fields.emplace_back("Allow", "GET, HEAD, POST");
    }
    out.body = std::string(text) + "\n";
    out.closes = true;
    add_security_fields(out);
    return out;
}

}  // namespace firedrill::web
