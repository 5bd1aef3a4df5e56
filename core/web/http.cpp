// The only unit that names Beast. A Boost assertion that fails is a bug and aborts as our CHECK does.
#define BOOST_ENABLE_ASSERT_HANDLER

#include "web/http.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <boost/beast/http/basic_parser.hpp>

#include "base/check.h"
#include "crypto/secret.h"
#include "web/limits.h"
#include "web/request_guard.h"
#include "web/text.h"

namespace boost {
void assertion_failed(char const* expression, char const*, char const* file, long line) {
    firedrill::check_failed(file, static_cast<int>(line), expression);
}
void assertion_failed_msg(char const* expression, char const*, char const*, char const* file, long line) {
    firedrill::check_failed(file, static_cast<int>(line), expression);
}
}  // namespace boost

namespace firedrill::web {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using View = boost::beast::string_view;

/// Parses a message that the guard has framed, and compares what Beast sees with what the guard saw.
class Witness final : public http::basic_parser<true> {
  public:
    explicit Witness(const Head& head) : head_(head) {
        eager(true);
        header_limit(static_cast<std::uint32_t>(kHeadLimit));
        body_limit(kBodyLimit);
    }
    [[nodiscard]] bool agrees() const { return agrees_ && fields_ == head_.fields.size(); }
    [[nodiscard]] std::string& body() { return body_; }

  private:
    void on_request_impl(http::verb, View method, View target, int version, error_code&) override {
        constexpr std::string_view kNames[] = {"GET", "HEAD", "POST"};
        agrees_ = agrees_ && is_same(method, kNames[static_cast<std::size_t>(head_.method)]) &&
                  is_same(target, head_.target) && version == (head_.is_http_10 ? 10 : 11);
    }
    void on_response_impl(int, View, int, error_code&) override { agrees_ = false; }
    void on_field_impl(http::field, View name, View value, error_code&) override {
        if (fields_ == head_.fields.size()) {
            agrees_ = false;
            return;
        }
        const auto& [our_name, our_value] = head_.fields[fields_];
        agrees_ = agrees_ && lower_case({name.data(), name.size()}) == our_name && is_same(value, our_value);
        ++fields_;
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
        agrees_ = agrees_ && length.value_or(0) == head_.body_size_bytes;
        body_.reserve(head_.body_size_bytes);
    }
    std::size_t on_body_impl(View piece, error_code&) override {
        body_.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_chunk_header_impl(std::uint64_t, View, error_code&) override { agrees_ = false; }
    std::size_t on_chunk_body_impl(std::uint64_t, View piece, error_code&) override {
        agrees_ = false;
        return piece.size();
    }
    void on_finish_impl(error_code&) override {}

    static bool is_same(View a, std::string_view b) { return std::string_view(a.data(), a.size()) == b; }

    const Head& head_;
    std::size_t fields_ = 0;
    bool agrees_ = true;
    std::string body_;
};

/// The body, when Beast takes exactly `head` and `body` as one message with the guard's meaning. Never
/// throws.
std::optional<std::string> witness(const Head& head, std::string_view head_bytes, std::string_view body) {
    try {
        Witness parser(head);
        error_code failed;
        for (std::string_view rest : {head_bytes, body}) {
            while (!rest.empty()) {
                const std::size_t used =
                    parser.put(boost::asio::const_buffer(rest.data(), rest.size()), failed);
                if (failed || used == 0) {
                    return std::nullopt;
                }
                rest.remove_prefix(used);
            }
        }
        if (!parser.is_done() || !parser.agrees() || parser.body().size() != body.size()) {
            return std::nullopt;
        }
        return std::move(parser.body());
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

std::string_view reason_of(unsigned status) {
    switch (status) {
        case 200: return "OK";
        case 303: return "See Other";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return "";
    }
}

bool is_clean(std::string_view text) {
    return std::ranges::none_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    });
}

}  // namespace

std::string_view Request::field(std::string_view name) const {
    const auto found = std::ranges::find_if(fields, [&](const auto& field) { return field.first == name; });
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

Bytes serialize(const Response& response, bool is_head, bool keeps_alive, std::string_view date) {
    CHECK(response.status >= 200 && response.status <= 599);
    CHECK(response.status != 204 &&
          response.status != 304);  // they have no body and no length: not used here
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, reason_of(response.status), date);
    for (const auto& [name, value] : response.fields) {
        CHECK(!name.empty() && is_clean(name) && is_clean(value));
        head += fmt::format("{}: {}\r\n", name, value);
    }
    head += fmt::format("Content-Length: {}\r\nConnection: {}\r\n\r\n", response.body.size(),
                        keeps_alive && !response.closes ? "keep-alive" : "close");
    Bytes out;
    out.reserve(head.size() + (is_head ? 0 : response.body.size()));
    append(out, as_bytes(head));
    if (!is_head) {
        append(out, as_bytes(response.body));
    }
    return out;
}

/// Bytes on their way in. What was taken is zeroised at once (it may be a password), and so is memory it grew
/// out of.
class Inbox {
  public:
    ~Inbox() { crypto::zeroise(bytes_); }
    void append(std::string_view more) {
        if (bytes_.capacity() - bytes_.size() < more.size()) {
            std::string grown;
            grown.reserve(std::max(rest().size() + more.size(), 2 * bytes_.capacity()));
            grown = rest();
            crypto::zeroise(bytes_);
            bytes_.swap(grown);
            used_ = 0;
        }
        bytes_.append(more);
    }
    [[nodiscard]] std::string_view rest() const { return std::string_view(bytes_).substr(used_); }
    void take(std::size_t count) {
        CHECK(count <= rest().size());
        crypto::zeroise(MutableBytes(reinterpret_cast<Byte*>(bytes_.data()) + used_, count));
        used_ += count;
        if (used_ == bytes_.size()) {
            bytes_.clear();
            used_ = 0;
        }
    }

  private:
    std::string bytes_;
    std::size_t used_ = 0;
};

struct RequestReader::State {
    Inbox inbox;
    std::optional<RequestGuard> guard{std::in_place};
    std::optional<Error> error;
    unsigned status = 0;
    bool has_promised = false;  ///< "100 Continue" was sent for this request

    Error refuse(unsigned with, std::string_view text) {
        status = with;
        error = Error{with == 413 || with == 414 || with == 431 ? Fault::limit : Fault::bad_input,
                      std::string(text)};
        inbox.take(inbox.rest().size());
        return *error;
    }
};

RequestReader::RequestReader() : state_(std::make_unique<State>()) {}
RequestReader::~RequestReader() = default;

void RequestReader::feed(ByteView bytes) {
    if (!state_->error) {
        state_->inbox.append(as_text(bytes));
    }
}

std::optional<Result<Request>> RequestReader::next() {
    State& state = *state_;
    if (state.error) {
        return *state.error;
    }
    RequestGuard& guard = *state.guard;
    if (guard.state() == RequestGuard::State::reading) {
        state.inbox.take(guard.read(state.inbox.rest()));
        if (guard.state() == RequestGuard::State::reading) {
            return std::nullopt;
        }
        if (guard.state() == RequestGuard::State::refused) {
            return state.refuse(guard.refusal().status, guard.refusal().text);
        }
    }
    Head& head = guard.head();
    if (state.inbox.rest().size() < head.body_size_bytes) {
        return std::nullopt;
    }
    auto body = witness(head, guard.raw(), state.inbox.rest().substr(0, head.body_size_bytes));
    if (!body) {
        return state.refuse(400, "The request can be read in more than one way.");
    }
    Request request;
    request.method = head.method;
    request.path = std::move(head.path);
    request.query = std::move(head.query);
    request.host = std::move(head.host);
    request.fields = std::move(head.fields);
    request.body = std::move(*body);
    request.keeps_alive = head.keeps_alive;
    state.inbox.take(head.body_size_bytes);
    state.guard.emplace();
    state.has_promised = false;
    return request;
}

unsigned RequestReader::error_status() const noexcept {
    return state_->status;
}

bool RequestReader::is_idle() const noexcept {
    return !state_->error && state_->inbox.rest().empty() && state_->guard->raw().empty();
}

bool RequestReader::is_head_done() const noexcept {
    return state_->guard->state() == RequestGuard::State::done;
}

bool RequestReader::take_continue() noexcept {
    State& state = *state_;
    const bool is_due = is_head_done() && !state.has_promised && state.guard->head().expects_continue &&
                        state.inbox.rest().size() < state.guard->head().body_size_bytes;
    state.has_promised = state.has_promised || is_due;
    return is_due;
}

std::optional<std::string> find_cookie(const Request& request, std::string_view name) {
    std::optional<std::string> found;
    for (const auto& [field, value] : request.fields) {
        if (field != "cookie") {
            continue;
        }
        std::string_view rest = value;
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(';'), rest.size());
            const std::string_view pair = trim(rest.substr(0, end));
            rest = rest.substr(std::min(end + 1, rest.size()));
            const std::size_t equals = pair.find('=');
            if (equals == std::string_view::npos || trim(pair.substr(0, equals)) != name) {
                continue;
            }
            if (found) {
                return std::nullopt;
            }
            found = pair.substr(equals + 1);
        }
    }
    return found;
}

}  // namespace firedrill::web
