// A Cookie header as it comes: at most one session token is read from it, never one of two, and the token
// that counts is one that really stands in the header as a cookie of that name.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "web/http.h"
#include "web/session_cookie.h"

namespace {

using firedrill::web::kSessionCookie;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

/// The naive twin: every value of the name.
std::vector<std::string> values_of(std::string_view header) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= header.size();) {
        const std::size_t end = std::min(header.find(';', at), header.size());
        const std::string_view pair = trimmed(header.substr(at, end - at));
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && trimmed(pair.substr(0, equals)) == kSessionCookie) {
            out.emplace_back(pair.substr(equals + 1));
        }
        at = end + 1;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace firedrill;
    const std::string header(as_text({data, size}));
    web::Request request;
    request.fields = {{"host", "localhost"}, {"cookie", header}};
    const auto token = web::find_cookie(request, kSessionCookie);
    const std::vector<std::string> all = values_of(header);
    CHECK(token.has_value() == (all.size() == 1));
    CHECK(!token || *token == all.front());
    request.fields.emplace_back("cookie", header);  // the same twice: ambiguous, or nothing in either
    CHECK(!web::find_cookie(request, kSessionCookie));
    return 0;
}
