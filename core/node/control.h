// The operator's channel over a stream: one JSON object a line in, one a line out. docs/control.md lists the
// verbs.
//
// The node listens on an owner-only socket in its data folder. Loop only. Lines are at most kControlLine
// bytes; at most kControlConnections are served at once; one request a connection is answered at a time, in
// order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "node/progress.h"
#include "seams/network.h"

namespace firedrill::node {

inline constexpr std::size_t kControlLine = 1 << 20;
inline constexpr std::size_t kControlConnections = 8;

class ControlServer {
  public:
    /// What it says of its progress becomes a line of its own before the answer. A client that cannot keep up
    /// gets the newest.
    using Command = std::function<void(std::string request, OnProgress progress,
                                       std::function<void(Result<std::string>)> then)>;
    /// Faults of Network::listen.
    static Result<std::unique_ptr<ControlServer>> create(Network& network, const Endpoint& at,
                                                         Command command);
    virtual ~ControlServer() = default;
};

/// {"ok":true,"result":…} or {"ok":false,"fault":…,"text":…}, one line without its end.
std::string encode_answer(const Result<std::string>& answer);
/// The other way; bad_input when it is neither.
Result<std::string> decode_answer(std::string_view line);

/// {"progress":{"what":…,"done":…,"total":…,"unit":…}}, one line without its end.
std::string encode_progress(const CommandProgress& progress);
/// Nullopt: the line is not one of progress.
std::optional<CommandProgress> decode_progress(std::string_view line);

/// One request over a connection of its own. unavailable when nobody listens at `to`.
void call_control(Network& network, const Endpoint& to, std::string request, OnProgress progress,
                  std::function<void(Result<std::string>)> then);

}  // namespace firedrill::node
