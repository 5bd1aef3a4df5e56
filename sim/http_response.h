// HTTP/1.1 responses as our own clients read them: strict, bounded, sans I/O.
//
// Refused as bad_input: anything but HTTP/1.1, missing or doubled Content-Length (except with 204 and 304),
// Transfer-Encoding, bare CR or LF, control bytes, folded fields. Limits: head 32 KiB, 100 fields, body 16
// MiB.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace firedrill::sim {

struct HttpResponse {
    unsigned status = 0;
    std::vector<std::pair<std::string, std::string>> fields;  ///< names lower case, order kept
    std::string body;
    bool closes = false;  ///< the server ends the connection after it
    /// First field of that lower-case name; empty when absent.
    [[nodiscard]] std::string_view field(std::string_view name) const;
};

class HttpResponseReader {
  public:
    void feed(ByteView bytes) { buffer_.append(as_text(bytes)); }
    /// A complete response; nullopt when more bytes are needed. After an error the connection is of no more
    /// use.
    std::optional<Result<HttpResponse>> next();
    [[nodiscard]] bool is_idle() const noexcept { return buffer_.empty() && !head_; }

  private:
    Result<HttpResponse> parse_head(std::string_view head);
    std::string buffer_;
    std::optional<HttpResponse> head_;
    std::size_t body_size_ = 0;
};

}  // namespace firedrill::sim
