#include "sim/http_response.h"

#include <algorithm>
#include <charconv>

namespace firedrill::sim {

namespace {

constexpr std::size_t kHeadLimit = 32 * 1024;
constexpr std::size_t kFieldLimit = 100;
constexpr std::size_t kBodyLimit = 16 * 1024 * 1024;

Error bad(std::string_view why) {
    return {Fault::bad_input, "the server's response is malformed: " + std::string(why)};
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

Result<unsigned> parse_status_line(std::string_view line) {
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 4 ||
        line[kVersion.size() + 3] != ' ') {
        return bad("its first line is not that of HTTP/1.1");
    }
    unsigned status = 0;
    const char* digits = line.data() + kVersion.size();
    const auto [end, error] = std::from_chars(digits, digits + 3, status);
    if (error != std::errc{} || end != digits + 3 || status < 200 || status > 599) {
        return bad("its status is not a number from 200 to 599");
    }
    return status;
}

Result<std::pair<std::string, std::string>> parse_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return bad("a field has no proper name");
    }
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) {
        value.remove_prefix(1);
    }
    const bool has_control = std::any_of(
        value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (has_control) {
        return bad("a field has control bytes");
    }
    return std::pair(lower(line.substr(0, colon)), std::string(value));
}

}  // namespace

std::string_view HttpResponse::field(std::string_view name) const {
    const auto at =
        std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.first == name; });
    return at == fields.end() ? std::string_view() : std::string_view(at->second);
}

Result<HttpResponse> HttpResponseReader::parse_head(std::string_view head) {
    HttpResponse out;
    std::size_t end = head.find("\r\n");
    out.status = TRY(parse_status_line(head.substr(0, end)));
    while (end + 2 < head.size()) {
        const std::size_t from = end + 2;
        end = std::min(head.find("\r\n", from), head.size());
        out.fields.push_back(TRY(parse_field(head.substr(from, end - from))));
        if (out.fields.size() > kFieldLimit) {
            return bad("it has more than 100 fields");
        }
    }
    const auto lengths = std::count_if(out.fields.begin(), out.fields.end(),
                                       [](const auto& one) { return one.first == "content-length"; });
    const bool has_no_body = out.status == 204 || out.status == 304;
    if (lengths > 1 || (lengths == 0 && !has_no_body) || !out.field("transfer-encoding").empty()) {
        return bad("its length is not stated exactly once");
    }
    body_size_ = 0;
    if (lengths == 1) {
        const std::string_view text = out.field("content-length");
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), body_size_);
        if (error != std::errc{} || stop != text.data() + text.size() || body_size_ > kBodyLimit) {
            return bad("its length is not a number up to 16 MiB");
        }
    }
    out.closes = lower(out.field("connection")) == "close";
    return out;
}

std::optional<Result<HttpResponse>> HttpResponseReader::next() {
    if (!head_) {
        const std::size_t end = buffer_.find("\r\n\r\n");
        if (end == std::string::npos) {
            return buffer_.size() > kHeadLimit
                       ? std::optional<Result<HttpResponse>>(bad("its head is too long"))
                       : std::nullopt;
        }
        Result<HttpResponse> head = parse_head(std::string_view(buffer_).substr(0, end + 2));
        if (!head) {
            return head;
        }
        buffer_.erase(0, end + 4);
        head_ = std::move(head).value();
    }
    if (buffer_.size() < body_size_) {
        return std::nullopt;
    }
    HttpResponse out = std::move(*head_);
    head_.reset();
    out.body = buffer_.substr(0, body_size_);
    buffer_.erase(0, body_size_);
    return out;
}

}  // namespace firedrill::sim
