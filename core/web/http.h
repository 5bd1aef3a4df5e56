// HTTP/1.1 messages, the framing guard, and the parser. Sans I/O. Beast is named in http.cpp only.
//
// RequestReader: a strict RFC 9112 profile. Whatever is ambiguous there is answered 400 and the connection
// closed: any Transfer-Encoding in a request, none or two Hosts, Content-Length twice or not plain digits,
// bare CR or LF, obs-fold, NUL or control bytes, white space before a colon, absolute-, authority- or
// asterisk-form targets, percent-encoding that does not decode to UTF-8, methods other than GET HEAD POST
// (501/405), HTTP/1.0 bodies. Limits (limits.h): head 16 KiB, 64 fields, target 2 KiB, body 256 KiB (413).
// Partial input costs O(new bytes).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace firedrill::web {

enum class Method : std::uint8_t { get, head, post };

struct Request {
    Method method = Method::get;
    std::string
        path;  ///< decoded once, normalised; begins with '/'; never contains "..", "//" or control bytes
    std::string query;                                        ///< as sent, without '?'
    std::string host;                                         ///< lower case, without port
    std::vector<std::pair<std::string, std::string>> fields;  ///< names lower case, order kept
    std::string body;
    std::string peer;  ///< address of the other side; nothing in the request can change it
    bool keeps_alive = true;
    [[nodiscard]] std::string_view field(std::string_view name) const;  ///< first one; empty when absent
};

struct Response {
    unsigned status = 200;
    std::vector<std::pair<std::string, std::string>> fields;  ///< without Content-Length, Connection, Date
    std::string body;
    bool closes = false;
};
/// Complete message bytes; HEAD leaves the body out and keeps its length. Field values with control bytes are
/// a bug (CHECK): callers encode.
Bytes serialize(const Response& response, bool is_head, bool keeps_alive, std::string_view date);

class RequestReader {
  public:
    RequestReader();
    ~RequestReader();
    /// Takes bytes from the connection.
    void feed(ByteView bytes);
    /// A complete request; nullopt when more bytes are needed. An error's text is safe to send; its `status`
    /// follows. After an error the connection must be closed. Pipelined requests come one a call.
    std::optional<Result<Request>> next();
    [[nodiscard]] unsigned error_status() const noexcept;  ///< 400, 405, 413, 414, 431, 501 after an error
    [[nodiscard]] bool is_idle() const noexcept;           ///< no byte of a further request has come
    [[nodiscard]] bool is_head_done() const noexcept;  ///< a sound head came; its body is not complete yet
    /// True once for a request whose client waits for "100 Continue" before it sends the body (RFC 9110
    /// s. 10.1.1).
    bool take_continue() noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// application/x-www-form-urlencoded with UTF-8; bad_input beyond 1,000 fields or for broken encoding.
Result<std::multimap<std::string, std::string>> parse_form(std::string_view body);
/// One cookie's value; nullopt when absent or when two cookies have the name (cookie tossing).
std::optional<std::string> find_cookie(const Request& request, std::string_view name);
std::string escape_html(std::string_view text);

}  // namespace firedrill::web
