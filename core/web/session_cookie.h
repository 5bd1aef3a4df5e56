// The session's cookie: its name and how it is set. Header only.
#pragma once

#include <string>
#include <string_view>

namespace firedrill::web {

inline constexpr std::string_view kSessionCookie = "__Host-session";

/// A Set-Cookie value; an empty token takes the cookie away.
inline std::string set_session_cookie(std::string_view token) {
    std::string out(kSessionCookie);
    out += '=';
    out += token;
    out += "; Path=/; Secure; HttpOnly; SameSite=Strict";
    return token.empty() ? out + "; Max-Age=0" : out;
}

}  // namespace firedrill::web
