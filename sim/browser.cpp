#include "sim/browser.h"

#include <fmt/format.h>

namespace firedrill::sim {

Browser::Browser(Clock& clock, Network& network, HttpsClientOptions options)
    : origin_(fmt::format("https://{}", options.host)),  // without TLS a proxy is thought to have ended it
      client_(clock, network, std::move(options)) {}

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// As Debian's Chromium was recorded to send it: tests/browser/heads/chromium.txt.
constexpr std::string_view kAgent =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 "
    "Safari/537.36";
constexpr std::string_view kAccept =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/"
    "*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7";

void add_client_hints(Fields& fields) {
    fields.emplace_back("sec-ch-ua", R"("Not:A-Brand";v="8", "Chromium";v="156")");
    fields.emplace_back("sec-ch-ua-mobile", "?0");
    fields.emplace_back("sec-ch-ua-platform", R"("Linux")");
}

}  // namespace

void Browser::get(const std::string& target, Then then) {
    referrer_.clear();
    send({"GET", target, {}, ""}, Cause::address, Redirects::follow, 0, std::move(then));
}

void Browser::post(const std::string& target, const FormValues& values, Redirects redirects, Then then) {
    referrer_ = origin_ + (shown_.empty() ? target : shown_);
    send({"POST", target, {}, encode_form(values)}, Cause::form, redirects, 0, std::move(then));
}

Fields Browser::fields_of(const HttpRequest& request, Cause cause) const {
    const bool is_post = cause == Cause::form;
    Fields out = {{"Connection", "keep-alive"}};
    if (is_post) {
        out.emplace_back("Content-Length", fmt::format("{}", request.body.size()));
    }
    if (cause != Cause::address) {
        out.emplace_back("Cache-Control", "max-age=0");
    }
    if (cause != Cause::redirect) {
        add_client_hints(out);
    }
    out.emplace_back("Upgrade-Insecure-Requests", "1");
    if (is_post) {
        out.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    }
    out.emplace_back("User-Agent", kAgent);
    if (is_post) {
        out.emplace_back("Origin", origin_);
    }
    out.emplace_back("Accept", kAccept);
    out.emplace_back("Sec-Fetch-Site", referrer_.empty() ? "none" : "same-origin");
    out.emplace_back("Sec-Fetch-Mode", "navigate");
    out.emplace_back("Sec-Fetch-User", "?1");
    out.emplace_back("Sec-Fetch-Dest", "document");
    if (cause == Cause::redirect) {
        add_client_hints(out);
    }
    if (!referrer_.empty()) {
        out.emplace_back("Referer", referrer_);
    }
    out.emplace_back("Accept-Encoding", "gzip, deflate, br, zstd");
    out.emplace_back("Accept-Language", "en-US,en;q=0.9");
    if (std::string cookies = cookie_line(); !cookies.empty()) {
        out.emplace_back("Cookie", std::move(cookies));
    }
    return out;
}

void Browser::send(HttpRequest request, Cause cause, Redirects redirects, int followed, Then then) {
    const std::string target = request.target;
    request.fields = fields_of(request, cause);
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
                         send({"GET", location, {}, ""}, Cause::redirect, redirects, followed + 1, then);
                         return;
                     }
                     if (!is_redirect) {
                         shown_ = target;
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
