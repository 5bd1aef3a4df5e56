#include "seams/endpoint.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace firedrill {

namespace {

std::optional<std::uint16_t> parse_number(std::string_view text, unsigned limit) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || text.size() > 5 || error != std::errc() || end != text.data() + text.size() ||
        value > limit) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(value);
}

bool is_ipv4(std::string_view text) {
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = part < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos || dot > 3 || !parse_number(text.substr(0, dot), 255)) {
            return false;
        }
        text.remove_prefix(part < 3 ? dot + 1 : dot);
    }
    return text.empty();
}

/// Only the alphabet: the operating system judges the rest.
bool is_ipv6_like(std::string_view text) {
    return text.find(':') != std::string_view::npos &&
           text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

}  // namespace

Result<EndpointParts> parse_endpoint(const Endpoint& endpoint) {
    const std::string_view text = endpoint.text;
    if (text.starts_with("unix:")) {
        const std::string_view path = text.substr(5);
        if (path.empty() || path.find('\0') != std::string_view::npos) {
            return Error{Fault::bad_usage,
                         fmt::format("endpoint \"{}\": a path must follow \"unix:\"", text.substr(0, 5))};
        }
        if (path.size() > kMaxSocketPathBytes) {
            return Error{Fault::bad_usage,
                         fmt::format("endpoint \"{}\": the path has {} bytes and a unix socket's may have "
                                     "{}; use a folder with a shorter path",
                                     text, path.size(), kMaxSocketPathBytes)};
        }
        return EndpointParts{{}, 0, std::string(path)};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return Error{Fault::bad_usage,
                     fmt::format("endpoint \"{}\" has no port; write it like 127.0.0.1:8443", text)};
    }
    const auto port = parse_number(text.substr(colon + 1), 65535);
    if (!port) {
        return Error{Fault::bad_usage,
                     fmt::format("endpoint \"{}\": the port must be a number from 0 to 65535", text)};
    }
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']' &&
        is_ipv6_like(host.substr(1, host.size() - 2))) {
        return EndpointParts{std::string(host.substr(1, host.size() - 2)), *port, {}};
    }
    if (is_ipv4(host)) {
        return EndpointParts{std::string(host), *port, {}};
    }
    return Error{
        Fault::bad_usage,
        fmt::format("endpoint \"{}\": the host must be a numeric address like 127.0.0.1 or [::1]", text)};
}

}  // namespace firedrill
