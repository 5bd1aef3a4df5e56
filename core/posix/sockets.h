// Sockets of PosixLoop: streams, listeners and connecting over one io_context. Private to posix.
#pragma once

#include <functional>
#include <memory>

#include "seams/network.h"

namespace boost::asio {
class io_context;
}

namespace firedrill::posix {

/// What every completion calls before it looks at anything: its thread becomes the loop, clocks are read.
using Enter = std::function<void()>;

/// A connection being made. Let go of it at any time.
class PendingConnect {
  public:
    virtual ~PendingConnect() = default;
    /// Begins; the handler runs on the loop, once.
    virtual void finish(Network::ConnectHandler handler) = 0;
    /// The handler is told that nobody answered. Nothing happens when it was told already.
    virtual void give_up() = 0;
};

Result<std::unique_ptr<Listener>> listen_at(boost::asio::io_context& io, const Endpoint& at, Enter enter);
Result<std::shared_ptr<PendingConnect>> start_connect(boost::asio::io_context& io, const Endpoint& to,
                                                      Enter enter);

}  // namespace firedrill::posix
