#include "sim/browser.h"

#include <fmt/format.h>

namespace firedrill::sim {

Browser::Browser(Clock& clock, Network& network, HttpsClientOptions options)
    : origin_(fmt::format("https://{}", options.host)),  // without TLS a proxy is thought to have ended it
      client_(clock, network, std::move(options)) {}

void Browser::get(const std::string& target, Then then) {
    send({"GET", target, {}, ""}, Redirects::follow, 0, std::move(then));
}

void Browser::post(const std::string& target, const FormValues& values, Redirects redirects, Then then) {
    HttpRequest request{"POST", target, {}, encode_form(values)};
    request.fields = {{"Content-Type", "application/x-www-form-urlencoded"},
                      {"Origin", origin_},
                      {"Sec-Fetch-Site", "same-origin"},
                      {"Sec-Fetch-Mode", "navigate"}};
    send(std::move(request), redirects, 0, std::move(then));
}

void Browser::send(HttpRequest request, Redirects redirects, int followed, Then then) {
    const std::string target = request.target;
    request.fields.emplace_back("User-Agent", "firedrill-sim");
    request.fields.emplace_back("Accept", "text/html");
    if (const std::string cookies = cookie_line(); !cookies.empty()) {
        request.fields.emplace_back("Cookie", cookies);
    }
    client_.send(std::move(request),
                 [this, target, redirects, followed, then = std::move(then)](Result<HttpResponse> response) {
                     if (!response) {
                         then(std::move(response).error());
                         return;
                     }
                     keep_cookies(*response);
                     const std::string location(response->field("location"));
                     const bool is_redirect =
                         response->status >= 301 && response->status <= 308 && location.starts_with('/');
                     if (is_redirect && redirects == Redirects::follow && followed < kRedirectLimit) {
                         send({"GET", location, {}, ""}, redirects, followed + 1, then);
                         return;
                     }
                     then(WebPage{response->status, target, location, std::move(response->body)});
                 });
}

void Browser::keep_cookies(const HttpResponse& response) {
    for (const auto& [name, value] : response.fields) {
        const std::size_t equals = value.find('=');
        if (name != "set-cookie" || equals == std::string::npos) {
            continue;
        }
        const std::string cookie = value.substr(0, equals);
        const std::size_t end = std::min(value.find(';'), value.size());
        const bool is_gone = value.find("Max-Age=0") != std::string::npos || end == equals + 1;
        if (is_gone) {
            cookies_.erase(cookie);
        } else {
            cookies_[cookie] = value.substr(equals + 1, end - equals - 1);
        }
    }
}

std::string Browser::cookie_line() const {
    std::string out;
    for (const auto& [name, value] : cookies_) {
        out += fmt::format("{}{}={}", out.empty() ? "" : "; ", name, value);
    }
    return out;
}

}  // namespace firedrill::sim
