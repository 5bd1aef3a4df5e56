#include "web/request_guard.h"

#include <algorithm>
#include <array>

#include "web/limits.h"
#include "web/text.h"

namespace firedrill::web {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// RFC 9110 section 5.6.2.
bool is_token_char(char c) noexcept {
    return is_letter(c) || is_digit(c) ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, is_token_char);
}

/// RFC 3986: what may stand in a path (query: also '?') as sent. '%' is checked by percent_decode.
bool is_target_char(char c) noexcept {
    return is_letter(c) || is_digit(c) ||
           (c != '\0' && std::string_view("-._~!$&'()*+,;=:@/%").find(c) != std::string_view::npos);
}
bool is_query_char(char c) noexcept {
    return is_target_char(c) || c == '?';
}

bool is_control(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

/// Fields that may come once: read by us, or by an intermediary to decide about the message.
constexpr std::array<std::string_view, 8> kSingleFields = {"host",   "content-length", "content-type",
                                                           "cookie", "origin",         "sec-fetch-site",
                                                           "expect", "authorization"};

bool has_empty_or_dot_segment(std::string_view path) {
    if (path.find("//") != std::string_view::npos || path.find("..") != std::string_view::npos ||
        path.find("/./") != std::string_view::npos) {
        return true;
    }
    return path.ends_with("/.");
}

bool is_ipv6_literal(std::string_view text) {
    return text.size() >= 2 && text.size() <= 45 && std::ranges::all_of(text, [](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
           });
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || text.front() == '.' || text.front() == '-') {
        return false;
    }
    return text.find("..") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
           });
}

bool is_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || text.front() == '0' || !std::ranges::all_of(text, is_digit)) {
        return false;
    }
    unsigned port = 0;
    for (const char c : text) {
        port = port * 10 + static_cast<unsigned>(c - '0');
    }
    return port <= 65535;
}

}  // namespace

std::optional<std::string> decode_path(std::string_view raw_path) {
    if (!raw_path.starts_with('/') || !std::ranges::all_of(raw_path, is_target_char)) {
        return std::nullopt;
    }
    const std::string encoded = lower_case(raw_path);
    if (encoded.find("%2f") != std::string::npos) {
        return std::nullopt;
    }
    auto path = percent_decode(raw_path, Plus::is_plus);
    if (!path || std::ranges::any_of(*path, is_control) || path->find('\\') != std::string::npos ||
        has_empty_or_dot_segment(*path)) {
        return std::nullopt;
    }
    return path;
}

std::optional<std::string> parse_host(std::string_view field) {
    if (field.size() > kHostLimit) {
        return std::nullopt;
    }
    const std::string text = lower_case(field);
    const std::string_view view = text;
    std::size_t end = 0;
    if (view.starts_with('[')) {
        end = view.find(']');
        if (end == std::string_view::npos || !is_ipv6_literal(view.substr(1, end - 1))) {
            return std::nullopt;
        }
        ++end;
    } else {
        end = std::min(view.find(':'), view.size());
        if (!is_host_name(view.substr(0, end))) {
            return std::nullopt;
        }
    }
    const std::string_view rest = view.substr(end);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) {
        return std::nullopt;
    }
    return std::string(view.substr(0, end));
}

std::size_t RequestGuard::read(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && state_ == State::reading) {
        take_byte(bytes[used]);
        ++used;
    }
    return used;
}

bool RequestGuard::refuse(unsigned status, std::string_view text) {
    state_ = State::refused;
    refusal_ = {status, text};
    return false;
}

bool RequestGuard::take_byte(char c) {
    if (raw_.size() == kHeadLimit) {
        return refuse(431, "The request's head is longer than 16 KiB.");
    }
    if (!has_request_line_ && raw_.size() == kRequestLineLimit) {
        return refuse(414, "The address is longer than 2 KiB.");
    }
    const bool after_cr = !raw_.empty() && raw_.back() == '\r';
    if (after_cr != (c == '\n')) {
        return refuse(400, "Lines must end with CR and LF, and neither may stand alone.");
    }
    if (c != '\r' && c != '\n' && c != '\t' && is_control(c)) {
        return refuse(400, "The head holds a control character.");
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
        return refuse(400, "The head holds a byte that is not ASCII.");
    }
    raw_.push_back(c);
    if (c == '\n') {
        const std::size_t from = line_start_;
        line_start_ = raw_.size();
        take_line(std::string_view(raw_).substr(from, raw_.size() - from - 2));
    }
    return state_ != State::refused;
}

void RequestGuard::take_line(std::string_view line) {
    if (!has_request_line_) {
        has_request_line_ = true;
        take_request_line(line);
    } else if (line.empty()) {
        finish();
    } else {
        take_field(line);
    }
}

bool RequestGuard::take_method(std::string_view method) {
    if (method.size() > kMethodLimit || !is_token(method)) {
        return refuse(400, "The request line does not begin with a method.");
    }
    if (method == "GET") {
        head_.method = Method::get;
    } else if (method == "HEAD") {
        head_.method = Method::head;
    } else if (method == "POST") {
        head_.method = Method::post;
    } else {
        constexpr std::array<std::string_view, 6> kKnown = {"PUT",     "DELETE", "PATCH",
                                                            "OPTIONS", "TRACE",  "CONNECT"};
        const bool is_known = std::ranges::find(kKnown, method) != kKnown.end();
        method_refusal_ = is_known ? Refusal{405, "Only GET, HEAD and POST are answered here."}
                                   : Refusal{501, "This method is not known here."};
    }
    return true;
}

void RequestGuard::take_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last || line.find(' ', first + 1) != last) {
        refuse(400, "The request line must be method, address and version with one space between.");
        return;
    }
    if (!take_method(line.substr(0, first))) {
        return;
    }
    const std::string_view version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        refuse(400, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
        return;
    }
    head_.is_http_10 = version == "HTTP/1.0";
    head_.keeps_alive = !head_.is_http_10;
    const std::string_view target = line.substr(first + 1, last - first - 1);
    if (target.size() > kTargetLimit) {
        refuse(414, "The address is longer than 2 KiB.");
        return;
    }
    const std::size_t mark = std::min(target.find('?'), target.size());
    auto path = decode_path(target.substr(0, mark));
    if (!path) {
        refuse(400, "The address is not a plain path.");
        return;
    }
    const std::string_view query = target.substr(std::min(mark + 1, target.size()));
    if (!std::ranges::all_of(query, is_query_char) || !percent_decode(query, Plus::is_plus)) {
        refuse(400, "The query of the address is not well formed.");
        return;
    }
    head_.target = target;
    head_.path = std::move(*path);
    head_.query = query;
}

void RequestGuard::take_field(std::string_view line) {
    if (head_.fields.size() == kFieldLimit) {
        refuse(431, "The request has more than 64 fields.");
        return;
    }
    if (line.front() == ' ' || line.front() == '\t') {
        refuse(400, "A field is folded over two lines.");
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        refuse(400, "A field is not a name, a colon and a value.");
        return;
    }
    std::string name = lower_case(line.substr(0, colon));
    if (name == "transfer-encoding") {
        refuse(400, "Requests with Transfer-Encoding are not accepted; send Content-Length.");
        return;
    }
    if (std::ranges::find(kSingleFields, name) != kSingleFields.end() &&
        std::ranges::any_of(head_.fields, [&](const auto& field) { return field.first == name; })) {
        refuse(400, "A field that may come once came twice.");
        return;
    }
    head_.fields.emplace_back(std::move(name), trim(line.substr(colon + 1)));
}

void RequestGuard::finish() {
    if (!finish_host() || !finish_connection() || !finish_length()) {
        return;
    }
    if (method_refusal_) {
        refuse(method_refusal_->status, method_refusal_->text);
        return;
    }
    state_ = State::done;
}

bool RequestGuard::finish_host() {
    const auto host = std::ranges::find(head_.fields, "host", [](const auto& field) { return field.first; });
    if (host == head_.fields.end()) {
        return refuse(400, "The request has no Host.");
    }
    auto name = parse_host(host->second);
    if (!name) {
        return refuse(400, "The Host is not a name and an optional port.");
    }
    head_.host = std::move(*name);
    return true;
}

bool RequestGuard::finish_connection() {
    for (const auto& [name, value] : head_.fields) {
        if (name == "expect") {
            if (lower_case(value) != "100-continue") {
                return refuse(400, "The expectation is not 100-continue.");
            }
            head_.expects_continue = !head_.is_http_10;
        }
        if (name != "connection") {
            continue;
        }
        std::string_view rest = value;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (lower_case(trim(rest.substr(0, comma))) == "close") {
                head_.keeps_alive = false;
            }
            rest = rest.substr(std::min(comma + 1, rest.size()));
        }
    }
    return true;
}

bool RequestGuard::finish_length() {
    const auto length =
        std::ranges::find(head_.fields, "content-length", [](const auto& field) { return field.first; });
    if (length == head_.fields.end()) {
        return true;
    }
    const std::string_view digits = length->second;
    if (digits.empty() || !std::ranges::all_of(digits, is_digit) ||
        (digits.size() > 1 && digits.front() == '0')) {
        return refuse(400, "Content-Length is not a plain number.");
    }
    if (digits == "0") {
        return true;
    }
    if (head_.is_http_10 || (head_.method != Method::post && !method_refusal_)) {
        return refuse(400, "This request must not have a body.");
    }
    std::size_t size_bytes = 0;
    for (const char c : digits) {
        size_bytes = size_bytes * 10 + static_cast<std::size_t>(c - '0');
        if (size_bytes > kBodyLimit) {
            return refuse(413, "The body is longer than 256 KiB.");
        }
    }
    head_.body_size_bytes = size_bytes;
    return true;
}

}  // namespace firedrill::web
