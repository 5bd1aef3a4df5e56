// The parts of an Endpoint's text. Pure; shared by both worlds so that both refuse the same spellings.
#pragma once

#include <cstdint>
#include <string>

#include "seams/network.h"

namespace firedrill {

struct EndpointParts {
    std::string host;  ///< "127.0.0.1", "::1" (without brackets); empty for a unix socket
    std::uint16_t port = 0;
    std::string path;  ///< of a unix socket
    [[nodiscard]] bool is_unix() const noexcept { return !path.empty(); }
};

/// The longest path a unix socket can have on Linux.
inline constexpr std::size_t kMaxSocketPathBytes = 107;

/// bad_usage, saying what is wrong, for anything but "a.b.c.d:port", "[ipv6]:port" and "unix:/path".
Result<EndpointParts> parse_endpoint(const Endpoint& endpoint);

}  // namespace firedrill
