// Network: byte streams between endpoints. One of the five seams. Asynchronous, on the node's loop.
//
// Invariants, held by both worlds (tests/seams/network_contract.h):
//  1. Handlers run on the loop, never inside the call that gave them, each exactly once, unless power is lost
//     or the loop is stopped; then they are destroyed unrun.
//  2. Bytes arrive in order, unaltered, without gaps, until the stream ends. A read yields at least one byte,
//     or Fault::closed at the orderly end; any other loss of the stream is Fault::unavailable.
//  3. At most one read and one write are pending on a stream. A pending operation belongs to the loop:
//     destroying the Stream closes it and destroys the pending handlers unrun; the buffers may go with it at
//     that moment.
//  4. close() ends the stream for both sides; a pending operation completes with Fault::closed.
//  5. Back-pressure: write_some completes when the bytes were taken; a peer that does not read makes it wait.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace firedrill {

/// "127.0.0.1:8443", "[::1]:8443", "10.0.0.2:443" (simulated hosts), or "unix:/folder/name" (mode 0600).
struct Endpoint {
    std::string text;
    auto operator<=>(const Endpoint&) const = default;
};

class Stream {
  public:
    using ReadHandler = std::function<void(Result<std::size_t>)>;
    using WriteHandler = std::function<void(Result<std::size_t>)>;
    virtual ~Stream() = default;
    /// `out` is not empty and must live until the handler runs or the Stream is destroyed.
    virtual void read_some(MutableBytes out, ReadHandler handler) = 0;
    /// `pieces` (1–16, not all empty) and what they view must live likewise. Yields how many bytes were taken
    /// (>= 1).
    virtual void write_some(std::span<const ByteView> pieces, WriteHandler handler) = 0;
    virtual void close() = 0;
    /// The other side's address without port, for slow-down and audit; "unix" for control sockets.
    virtual std::string peer() const = 0;
};

class Listener {
  public:
    using AcceptHandler = std::function<void(Result<std::unique_ptr<Stream>>)>;
    virtual ~Listener() = default;  ///< stops listening; a pending accept is destroyed unrun
    /// One accept may be pending.
    virtual void accept(AcceptHandler handler) = 0;
    /// The bound endpoint, the port the system chose included.
    virtual Endpoint local() const = 0;
};

class Network {
  public:
    using ConnectHandler = std::function<void(Result<std::unique_ptr<Stream>>)>;
    virtual ~Network() = default;
    /// Port 0 asks for any. in_use if the port is taken; permission; bad_usage for an endpoint of no known
    /// form.
    virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& at) = 0;
    /// unavailable when nobody listens there or the host cannot be reached.
    virtual void connect(const Endpoint& to, ConnectHandler handler) = 0;
};

}  // namespace firedrill
