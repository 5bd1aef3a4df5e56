// Requests whose framing servers are known to read differently, each with the answer that we owe. The same
// bytes stand as files in fuzz/corpus/http_request/.
#pragma once

#include <string>
#include <vector>

namespace firedrill::web::test {

struct FramingCase {
    std::string name;
    std::string bytes;
    unsigned status;  ///< 0: exactly one request and nothing refused
};

/// "POST / HTTP/1.1", a Host, these fields, an empty line, the body.
std::string post_with(const std::string& fields, const std::string& body = {});
std::string get_with(const std::string& fields, const std::string& target = "/");
const std::vector<FramingCase>& framing_cases();

}  // namespace firedrill::web::test
