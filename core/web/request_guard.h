// The framing guard: reads a request's head byte by byte under a strict profile of RFC 9112, before Beast
// sees it.
//
// Used by RequestReader only. What the profile refuses stands in docs/routes.md ("Framing"); the reason for
// each is that two HTTP implementations are known to read it differently, so that one request could be taken
// for two. Invariants:
//  1. The outcome depends on the bytes alone, never on how they were cut into pieces.
//  2. Every byte is looked at once; memory is the head, at most kHeadLimit bytes.
//  3. After a refusal nothing more is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "web/http.h"

namespace firedrill::web {

struct Refusal {
    unsigned status = 400;
    std::string_view text;  ///< a literal; safe to send
};

struct Head {
    Method method = Method::get;
    std::string target;  ///< as sent
    std::string path;    ///< see Request
    std::string query;
    std::string host;
    std::vector<std::pair<std::string, std::string>> fields;
    std::size_t body_size_bytes = 0;
    bool is_http_10 = false;
    bool keeps_alive = true;
    bool expects_continue = false;
};

class RequestGuard {
  public:
    enum class State : std::uint8_t { reading, done, refused };
    /// Looks at bytes of one head, in order. Yields how many it used: all of them unless the head ended or
    /// was refused.
    std::size_t read(std::string_view bytes);
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
    /// The bytes used so far: after `done`, the whole head with its empty line.
    [[nodiscard]] const std::string& raw() const noexcept { return raw_; }
    [[nodiscard]] Head& head() noexcept { return head_; }

  private:
    bool take_byte(char c);
    void take_line(std::string_view line);
    void take_request_line(std::string_view line);
    bool take_method(std::string_view method);
    void take_field(std::string_view line);
    void finish();
    bool finish_length();
    bool finish_host();
    bool finish_connection();
    bool refuse(unsigned status, std::string_view text);

    State state_ = State::reading;
    Refusal refusal_;
    std::optional<Refusal> method_refusal_;  ///< told after the framing was found sound
    std::string raw_;
    std::size_t line_start_ = 0;
    bool has_request_line_ = false;
    Head head_;
};

/// The path of an origin-form target, decoded once. nullopt unless it is well formed, UTF-8, without control
/// bytes, backslash, empty or dot segments, "..", or an encoded slash.
std::optional<std::string> decode_path(std::string_view raw_path);
/// "name", "name:port", "[v6]:port" to the lower-case name without port; nullopt for anything else.
std::optional<std::string> parse_host(std::string_view field);

}  // namespace firedrill::web
