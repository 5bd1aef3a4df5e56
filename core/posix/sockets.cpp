#include "posix/sockets.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include "posix/errors.h"
#include "posix/handle.h"
#include "seams/endpoint.h"

namespace firedrill::posix {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;

namespace {

Error closed_error() {
    return {Fault::closed, "the stream is closed"};
}

constexpr int kBacklog = 1024;
constexpr std::size_t kMaxPieces = 16;

/// A gather list of fixed size that Asio can copy without allocating.
class Pieces {
  public:
    using value_type = asio::const_buffer;
    using const_iterator = const asio::const_buffer*;
    explicit Pieces(std::span<const ByteView> from) {
        CHECK(!from.empty() && from.size() <= kMaxPieces);
        for (const ByteView piece : from) {
            buffers_[count_++] = asio::const_buffer(piece.data(), piece.size());
        }
    }
    [[nodiscard]] const_iterator begin() const { return buffers_.data(); }
    [[nodiscard]] const_iterator end() const { return buffers_.data() + count_; }

  private:
    std::array<asio::const_buffer, kMaxPieces> buffers_;
    std::size_t count_ = 0;
};

/// What the loop's pending operations keep alive after the Stream is gone: without handlers, they do nothing.
struct StreamState {
    explicit StreamState(asio::io_context& io) : socket(io) {}
    Socket socket;
    Stream::ReadHandler read;
    Stream::WriteHandler write;
    bool is_closed = false;
};

/// Answers a pending read or write, once; nothing when its Stream is gone.
template <class Handler>
void complete(const StreamState& state, Handler& pending, const Enter& enter, const error_code& error,
              std::size_t size) {
    enter();
    if (!pending) {
        return;
    }
    const Handler call = std::exchange(pending, nullptr);
    if (state.is_closed || error == asio::error::operation_aborted) {
        call(closed_error());
    } else if (error == asio::error::eof) {
        call(Error{Fault::closed, "the other side ended the stream"});
    } else if (error) {
        call(Error{Fault::unavailable, fmt::format("the connection was lost: {}", error.message())});
    } else {
        call(size);
    }
}

class PosixStream final : public Stream {
  public:
    PosixStream(std::shared_ptr<StreamState> state, std::string peer, Enter enter)
        : state_(std::move(state)), peer_(std::move(peer)), enter_(std::move(enter)) {}

    ~PosixStream() override {
        // Taken out first: what the handlers own may reach back into this stream.
        const auto read = std::exchange(state_->read, nullptr);
        const auto write = std::exchange(state_->write, nullptr);
        close();
    }

    void read_some(MutableBytes out, ReadHandler handler) override {
        CHECK(!out.empty());
        CHECK(handler != nullptr);
        CHECK(state_->read == nullptr);
        state_->read = std::move(handler);
        // state_ is shared between the Stream and its operations, which end after it.
        auto finish = [state = state_, enter = enter_](const error_code& error, std::size_t size) {
            complete(*state, state->read, enter, error, size);
        };
        if (state_->is_closed) {
            asio::post(state_->socket.get_executor(),
                       [finish] { finish(asio::error::operation_aborted, 0); });
        } else {
            state_->socket.async_read_some(asio::mutable_buffer(out.data(), out.size()), std::move(finish));
        }
    }

    void write_some(std::span<const ByteView> pieces, WriteHandler handler) override {
        CHECK(std::any_of(pieces.begin(), pieces.end(), [](ByteView piece) { return !piece.empty(); }));
        CHECK(handler != nullptr);
        CHECK(state_->write == nullptr);
        state_->write = std::move(handler);
        auto finish = [state = state_, enter = enter_](const error_code& error, std::size_t size) {
            complete(*state, state->write, enter, error, size);
        };
        if (state_->is_closed) {
            asio::post(state_->socket.get_executor(),
                       [finish] { finish(asio::error::operation_aborted, 0); });
        } else {
            state_->socket.async_write_some(Pieces(pieces), std::move(finish));
        }
    }

    void close() override {
        if (!std::exchange(state_->is_closed, true)) {
            error_code ignored;  // whatever happens, it is closed for us
            state_->socket.shutdown(Socket::shutdown_both, ignored);
            state_->socket.close(ignored);
        }
    }

    std::string peer() const override { return peer_; }

  private:
    std::shared_ptr<StreamState> state_;
    std::string peer_;
    Enter enter_;
};

/// The other side's address without its port; "unix" for what has none.
std::string peer_name(const Socket& socket) {
    error_code error;
    const auto peer = socket.remote_endpoint(error);
    if (error) {
        return "unknown";  // it left before we looked
    }
    if (peer.protocol().family() == AF_UNIX) {
        return "unix";
    }
    tcp::endpoint address;
    CHECK(peer.size() <= address.capacity());
    std::memcpy(address.data(), peer.data(), peer.size());
    address.resize(peer.size());
    return address.address().to_string();
}

template <class Protocol>
struct ListenerState {
    explicit ListenerState(asio::io_context& io) : acceptor(io) {}
    typename Protocol::acceptor acceptor;
    Listener::AcceptHandler handler;
};

/// Removes a unix socket's file, if it is still the one that was made.
struct SocketFile {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;

    void remember() {
        struct stat info{};
        if (::stat(path.c_str(), &info) == 0) {
            device = info.st_dev;
            inode = info.st_ino;
        }
    }
    void remove() const {
        struct stat info{};
        if (inode != 0 && ::stat(path.c_str(), &info) == 0 && info.st_dev == device && info.st_ino == inode) {
            ::unlink(path.c_str());
        }
    }
};

template <class Protocol>
class PosixListener final : public Listener {
  public:
    using State = ListenerState<Protocol>;
    PosixListener(asio::io_context& io, std::shared_ptr<State> state, Endpoint local, SocketFile file,
                  Enter enter)
        : io_(io),
          state_(std::move(state)),
          local_(std::move(local)),
          file_(std::move(file)),
          enter_(std::move(enter)) {}

    ~PosixListener() override {
        const auto handler = std::exchange(state_->handler, nullptr);
        file_.remove();
        error_code ignored;
        state_->acceptor.close(ignored);
    }

    void accept(AcceptHandler handler) override {
        CHECK(handler != nullptr);
        CHECK(state_->handler == nullptr);
        state_->handler = std::move(handler);
        start(io_, state_, enter_);
    }

    Endpoint local() const override { return local_; }

  private:
    static void start(asio::io_context& io, const std::shared_ptr<State>& state, const Enter& enter) {
        auto stream = std::make_shared<StreamState>(io);
        state->acceptor.async_accept(stream->socket, [&io, state, stream, enter](const error_code& error) {
            enter();
            if (!state->handler) {
                return;
            }
            if (error == asio::error::connection_aborted) {
                start(io, state, enter);  // it went away before we came: not our caller's concern
                return;
            }
            auto call = std::exchange(state->handler, nullptr);
            if (error) {
                call(Error{Fault::unavailable,
                           system_error(error.value(), "the listener", "cannot accept").text});
                return;
            }
            error_code ignored;  // unix sockets know no delay
            stream->socket.set_option(tcp::no_delay(true), ignored);
            std::string peer = peer_name(stream->socket);
            call(std::unique_ptr<Stream>(std::make_unique<PosixStream>(stream, std::move(peer), enter)));
        });
    }

    asio::io_context& io_;
    std::shared_ptr<State> state_;
    Endpoint local_;
    SocketFile file_;
    Enter enter_;
};

Error malformed(const Endpoint& endpoint) {
    return {Fault::bad_usage, fmt::format("endpoint \"{}\": the address is not well formed", endpoint.text)};
}

Result<std::unique_ptr<Listener>> listen_tcp(asio::io_context& io, const Endpoint& at,
                                             const EndpointParts& parts, Enter enter) {
    error_code error;
    const auto address = asio::ip::make_address(parts.host, error);
    if (error) {
        return malformed(at);
    }
    const tcp::endpoint endpoint(address, parts.port);
    auto state = std::make_shared<ListenerState<tcp>>(io);
    auto& acceptor = state->acceptor;
    const auto attempt = [&error](auto&& call) {
        if (!error) {
            call();
        }
    };
    attempt([&] { acceptor.open(endpoint.protocol(), error); });
    attempt([&] { acceptor.set_option(tcp::acceptor::reuse_address(true), error); });
    if (address.is_v6()) {
        attempt([&] { acceptor.set_option(asio::ip::v6_only(true), error); });
    }
    attempt([&] { acceptor.bind(endpoint, error); });
    attempt([&] { acceptor.listen(kBacklog, error); });
    tcp::endpoint bound;
    attempt([&] { bound = acceptor.local_endpoint(error); });
    if (error) {
        return system_error(error.value(), at.text, "cannot listen");
    }
    const Endpoint local{at.text.substr(0, at.text.rfind(':') + 1) + std::to_string(bound.port())};
    return std::unique_ptr<Listener>(
        std::make_unique<PosixListener<tcp>>(io, std::move(state), local, SocketFile{}, std::move(enter)));
}

/// Somebody answers at the unix socket.
bool is_answered(const std::string& path) {
    const Handle probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    const int outcome = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return outcome == 0 || errno != ECONNREFUSED;
}

Result<std::unique_ptr<Listener>> listen_unix(asio::io_context& io, const Endpoint& at,
                                              const std::string& path, Enter enter) {
    auto state = std::make_shared<ListenerState<Local>>(io);
    error_code error;
    state->acceptor.open(Local(), error);
    if (error) {
        return system_error(error.value(), at.text, "cannot listen");
    }
    // Linux makes the file with the mode of the unbound socket: it is never open to others, not for an
    // instant.
    if (::fchmod(state->acceptor.native_handle(), 0600) != 0) {
        return system_error(errno, at.text, "cannot set its mode");
    }
    const Local::endpoint endpoint(path);
    state->acceptor.bind(endpoint, error);
    struct stat info{};
    if (error == asio::error::address_in_use && ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) &&
        !is_answered(path)) {
        ::unlink(path.c_str());  // left by a process that was killed
        error.clear();
        state->acceptor.bind(endpoint, error);
    }
    if (error) {
        return system_error(error.value(), at.text, "cannot listen");
    }
    SocketFile file{path};
    file.remember();
    state->acceptor.listen(kBacklog, error);
    if (error) {
        file.remove();
        return system_error(error.value(), at.text, "cannot listen");
    }
    return std::unique_ptr<Listener>(
        std::make_unique<PosixListener<Local>>(io, std::move(state), at, std::move(file), std::move(enter)));
}

class PosixConnect final : public PendingConnect {
  public:
    PosixConnect(asio::io_context& io, Endpoint to, std::string peer,
                 asio::generic::stream_protocol::endpoint target, Enter enter)
        : state_(std::make_shared<StreamState>(io)),
          to_(std::move(to)),
          peer_(std::move(peer)),
          target_(std::move(target)),
          enter_(std::move(enter)) {}

    void finish(Network::ConnectHandler handler) override {
        auto done = [state = state_, to = to_, peer = peer_, enter = enter_,
                     handler = std::move(handler)](const error_code& failure) {
            enter();
            if (failure) {
                const bool is_late = failure == asio::error::operation_aborted;
                Error reason = system_error(is_late ? ETIMEDOUT : failure.value(), to.text, "cannot connect");
                reason.fault = reason.fault == Fault::permission ? Fault::permission : Fault::unavailable;
                handler(std::move(reason));
                return;
            }
            error_code ignored;  // unix sockets know no delay
            state->socket.set_option(tcp::no_delay(true), ignored);
            handler(std::unique_ptr<Stream>(std::make_unique<PosixStream>(state, peer, enter)));
        };
        state_->socket.async_connect(target_, std::move(done));
    }

    void give_up() override {
        error_code ignored;  // whatever happens, it is over
        state_->socket.close(ignored);
    }

  private:
    std::shared_ptr<StreamState> state_;  // shared with the operation and the Stream that comes of it
    Endpoint to_;
    std::string peer_;
    asio::generic::stream_protocol::endpoint target_;
    Enter enter_;
};

}  // namespace

Result<std::unique_ptr<Listener>> listen_at(asio::io_context& io, const Endpoint& at, Enter enter) {
    const EndpointParts parts = TRY(parse_endpoint(at));
    return parts.is_unix() ? listen_unix(io, at, parts.path, std::move(enter))
                           : listen_tcp(io, at, parts, std::move(enter));
}

Result<std::shared_ptr<PendingConnect>> start_connect(asio::io_context& io, const Endpoint& to, Enter enter) {
    const EndpointParts parts = TRY(parse_endpoint(to));
    if (parts.is_unix()) {
        return std::shared_ptr<PendingConnect>(
            std::make_shared<PosixConnect>(io, to, "unix", Local::endpoint(parts.path), std::move(enter)));
    }
    error_code error;
    const auto address = asio::ip::make_address(parts.host, error);
    if (error) {
        return malformed(to);
    }
    return std::shared_ptr<PendingConnect>(std::make_shared<PosixConnect>(
        io, to, parts.host, tcp::endpoint(address, parts.port), std::move(enter)));
}

}  // namespace firedrill::posix
