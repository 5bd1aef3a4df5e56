#include "fuzz/support.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "web/replies.h"

namespace firedrill::fuzz {
namespace {

constexpr std::string_view kDate = "Sun, 01 Mar 2026 00:00:00 GMT";

/// A strict reader of one answer, of its own: it shares nothing with what wrote it.
Answer parse_answer(std::string_view bytes, bool is_head) {
    Answer out;
    const std::size_t end = bytes.find("\r\n\r\n");
    CHECK(end != std::string_view::npos);
    CHECK(bytes.starts_with("HTTP/1.1 "));
    std::string_view head = bytes.substr(0, end + 2);
    for (const char c : head.substr(9, 3)) {
        CHECK(c >= '0' && c <= '9');
        out.status = out.status * 10 + static_cast<unsigned>(c - '0');
    }
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(line.size() + 2);
        const std::size_t colon = line.find(": ");
        CHECK(colon != std::string_view::npos);
        CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
        out.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    out.body = bytes.substr(end + 4);
    CHECK(is_head ? out.body.empty() : out.field("Content-Length") == std::to_string(out.body.size()));
    out.closes = out.field("Connection") == "close";
    CHECK(out.closes || out.field("Connection") == "keep-alive");
    for (const char* name : {"Date", "Strict-Transport-Security", "Content-Security-Policy",
                             "X-Content-Type-Options", "Cross-Origin-Opener-Policy", "Cache-Control"}) {
        CHECK(!out.field(name).empty());
    }
    return out;
}

}  // namespace

std::string_view Answer::field(std::string_view name) const {
    std::string_view found;
    for (const auto& [key, value] : fields) {
        CHECK(key != name || found.empty());
        found = key == name ? std::string_view(value) : found;
    }
    return found;
}

std::string reading_of(std::string_view bytes, std::size_t first_piece, std::size_t further_pieces) {
    web::RequestReader reader;
    std::string out;
    for (std::size_t at = 0, size = first_piece; at < bytes.size(); at += size, size = further_pieces) {
        size = std::min(size, bytes.size() - at);
        reader.feed(as_bytes(bytes.substr(at, size)));
        while (auto next = reader.next()) {
            if (!next->is_ok()) {
                return out + fmt::format("refused {}", reader.error_status());
            }
            const web::Request& request = **next;
            CHECK(request.path.starts_with('/'));
            CHECK(request.path.find("..") == std::string::npos &&
                  request.path.find("//") == std::string::npos);
            out += fmt::format("{} {}?{} {} {}\n", static_cast<int>(request.method), request.path,
                               request.query, request.host, request.keeps_alive);
            for (const auto& [name, value] : request.fields) {
                out += name + ": " + value + "\n";
            }
            out += request.body + "\n";
        }
    }
    return out + (reader.is_idle() ? "idle" : "waiting");
}

WebWorld::WebWorld() {
    web::SiteOptions options;
    options.hosts = {"localhost"};
    options.journal = [this](std::string_view line) { journal += std::string(line) + "\n"; };
    site_ = web::make_site(machine_.seams(), identity, submissions, std::move(options));
}

std::vector<Answer> WebWorld::exchange(std::string_view bytes) {
    web::RequestReader reader;
    reader.feed(as_bytes(bytes));
    std::vector<Answer> out;
    while (auto next = reader.next()) {
        CHECK(out.empty() || !out.back().closes);
        if (!next->is_ok()) {
            CHECK(reader.error_status() >= 400 && reader.error_status() <= 501);
            const auto refusal = web::refusal_reply(reader.error_status(), next->error().text);
            out.push_back(parse_answer(as_text(serialize(refusal, false, false, kDate)), false));
            CHECK(out.back().closes);
            reader.feed(as_bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            CHECK(!reader.next()->is_ok());  // nothing is taken after a framing error
            break;
        }
        web::Request request = std::move(**next);
        const bool is_head = request.method == web::Method::head;
        const bool keeps_alive = request.keeps_alive;
        int answers = 0;
        site_->handle(std::move(request), [&](const web::Response& response) {
            ++answers;
            out.push_back(parse_answer(as_text(serialize(response, is_head, keeps_alive, kDate)), is_head));
        });
        CHECK(answers == 1);
        if (out.back().closes) {
            break;
        }
    }
    return out;
}

Answer WebWorld::post(std::string_view path, std::string_view body) {
    const auto answers = exchange(fmt::format(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
        path, body.size(), body));
    CHECK(answers.size() == 1);
    return answers.front();
}

bool is_inert(std::string_view html) {
    constexpr std::array<std::string_view, 36> kTags = {
        "!DOCTYPE", "a",        "body",   "button",   "caption", "code",  "dd",    "div",    "dl",
        "dt",       "fieldset", "footer", "form",     "h1",      "h2",    "head",  "header", "html",
        "input",    "label",    "legend", "li",       "link",    "main",  "meta",  "p",      "span",
        "table",    "tbody",    "td",     "textarea", "th",      "thead", "title", "tr",     "ul"};
    for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
        std::string_view tag = html.substr(at + 1);
        tag = tag.substr(0, tag.find_first_of(" >\n"));
        tag.remove_prefix(tag.starts_with('/') ? 1 : 0);
        if (std::ranges::find(kTags, tag) == kTags.end()) {
            return false;
        }
    }
    return true;
}

}  // namespace firedrill::fuzz
