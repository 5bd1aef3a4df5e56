#include "posix/loop.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

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

constexpr int kBacklog = 1024;
constexpr Duration kConnectTimeout = 20s;
constexpr std::size_t kMaxPieces = 16;
/// How many socket completions go before timers and deferred handlers get their turn again.
constexpr int kCompletionsPerRound = 64;

std::int64_t read_clock(clockid_t clock) {
    timespec at{};
    CHECK(::clock_gettime(clock, &at) == 0);
    return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

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

Error closed_error() { return {Fault::closed, "the stream is closed"}; }

}  // namespace

class PosixLoop::Impl {
  public:
    Impl();
    ~Impl();

    /// Every handler that Asio calls begins with this: time stands still until the next.
    void enter() {
        now_ = {read_clock(CLOCK_BOOTTIME)};
        wall_ = {read_clock(CLOCK_REALTIME)};
    }
    TimerId call_at(Instant at, Handler handler);
    void cancel(TimerId id);
    bool run(const std::function<bool()>& is_done);
    void forget_pending();

    Instant now_;
    WallTime wall_;
    std::deque<Handler> deferred_;
    bool stopped_ = false;
    // Asio's own objects go first, and with them handlers that may still cancel timers: so it is declared last.
    std::map<std::pair<Instant, std::uint64_t>, Handler> timers_;
    std::unordered_map<std::uint64_t, Instant> timer_instants_;
    std::uint64_t next_timer_ = 1;
    Instant armed_for_{INT64_MAX};
    asio::io_context io_{1};
    asio::posix::stream_descriptor alarm_;
    std::vector<std::unique_ptr<asio::signal_set>> signals_;

  private:
    void arm();
    void wait_for_alarm();
    bool run_round(const std::function<bool()>& is_done);
};

namespace {

/// What the loop's pending operations keep alive after the Stream is gone: without handlers, they do nothing.
struct StreamState {
    explicit StreamState(asio::io_context& io) : socket(io) {}
    Socket socket;
    Stream::ReadHandler read;
    Stream::WriteHandler write;
    bool is_closed = false;
};

class PosixStream final : public Stream {
  public:
    using Enter = std::function<void()>;
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
            if (!state->read) {
                return;
            }
            enter();
            auto call = std::exchange(state->read, nullptr);
            if (state->is_closed || error == asio::error::operation_aborted) {
                call(closed_error());
            } else if (error == asio::error::eof) {
                call(Error{Fault::closed, "the other side ended the stream"});
            } else if (error) {
                call(Error{Fault::unavailable, fmt::format("the connection was lost: {}", error.message())});
            } else {
                call(size);
            }
        };
        if (state_->is_closed) {
            asio::post(state_->socket.get_executor(), [finish] { finish(asio::error::operation_aborted, 0); });
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
            if (!state->write) {
                return;
            }
            enter();
            auto call = std::exchange(state->write, nullptr);
            if (state->is_closed || error == asio::error::operation_aborted) {
                call(closed_error());
            } else if (error) {
                call(Error{Fault::unavailable, fmt::format("the connection was lost: {}", error.message())});
            } else {
                call(size);
            }
        };
        if (state_->is_closed) {
            asio::post(state_->socket.get_executor(), [finish] { finish(asio::error::operation_aborted, 0); });
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
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0) {
            device = info.st_dev;
            inode = info.st_ino;
        }
    }
    void remove() const {
        struct stat info {};
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
                  PosixStream::Enter enter)
        : io_(io), state_(std::move(state)), local_(std::move(local)), file_(std::move(file)),
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
    static void start(asio::io_context& io, const std::shared_ptr<State>& state, const PosixStream::Enter& enter) {
        auto stream = std::make_shared<StreamState>(io);
        state->acceptor.async_accept(stream->socket, [&io, state, stream, enter](const error_code& error) {
            if (!state->handler) {
                return;
            }
            enter();
            if (error == asio::error::connection_aborted) {
                start(io, state, enter);  // it went away before we came: not our caller's concern
                return;
            }
            auto call = std::exchange(state->handler, nullptr);
            if (error) {
                call(Error{Fault::unavailable, system_error(error.value(), "the listener", "cannot accept").text});
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
    PosixStream::Enter enter_;
};

Result<std::unique_ptr<Listener>> listen_tcp(asio::io_context& io, const Endpoint& at, const EndpointParts& parts,
                                             PosixStream::Enter enter) {
    error_code error;
    const auto address = asio::ip::make_address(parts.host, error);
    if (error) {
        return Error{Fault::bad_usage, fmt::format("endpoint \"{}\": the address is not well formed", at.text)};
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

Result<std::unique_ptr<Listener>> listen_unix(asio::io_context& io, const Endpoint& at, const std::string& path,
                                              PosixStream::Enter enter) {
    auto state = std::make_shared<ListenerState<Local>>(io);
    error_code error;
    state->acceptor.open(Local(), error);
    if (error) {
        return system_error(error.value(), at.text, "cannot listen");
    }
    // Linux makes the file with the mode of the unbound socket: it is never open to others, not for an instant.
    if (::fchmod(state->acceptor.native_handle(), 0600) != 0) {
        return system_error(errno, at.text, "cannot set its mode");
    }
    const Local::endpoint endpoint(path);
    state->acceptor.bind(endpoint, error);
    struct stat info {};
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

}  // namespace

// --- the loop ------------------------------------------------------------------------------------------------------

PosixLoop::Impl::Impl()
    : alarm_(io_, ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
    enter();
    wait_for_alarm();
}

PosixLoop::Impl::~Impl() { forget_pending(); }

/// What handlers own may defer and set timers while it goes: that goes too.
void PosixLoop::Impl::forget_pending() {
    while (!deferred_.empty() || !timers_.empty()) {
        const auto deferred = std::exchange(deferred_, {});
        const auto timers = std::exchange(timers_, {});
        timer_instants_.clear();
    }
}

TimerId PosixLoop::Impl::call_at(Instant at, Handler handler) {
    CHECK(handler != nullptr);
    const std::uint64_t id = next_timer_++;
    timers_.emplace(std::pair(at, id), std::move(handler));
    timer_instants_.emplace(id, at);
    return static_cast<TimerId>(id);
}

void PosixLoop::Impl::cancel(TimerId id) {
    const auto found = timer_instants_.find(static_cast<std::uint64_t>(id));
    if (found == timer_instants_.end()) {
        return;
    }
    // Taken out first: destroying a handler may call back.
    const auto node = timers_.extract(std::pair(found->second, found->first));
    timer_instants_.erase(found);
}

void PosixLoop::Impl::wait_for_alarm() {
    alarm_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (error) {
            return;
        }
        std::uint64_t count = 0;
        (void)!::read(alarm_.native_handle(), &count, sizeof count);  // only to make it quiet
        armed_for_ = {INT64_MAX};
        wait_for_alarm();
    });
}

/// Sets the alarm for the first timer. Only ever moved earlier: a needless wake-up is cheaper than a call a timer.
void PosixLoop::Impl::arm() {
    if (timers_.empty() || timers_.begin()->first.first >= armed_for_) {
        return;
    }
    armed_for_ = timers_.begin()->first.first;
    const std::int64_t ns = std::max<std::int64_t>(armed_for_.ns, 1);
    itimerspec when{};
    when.it_value.tv_sec = ns / 1'000'000'000;
    when.it_value.tv_nsec = ns % 1'000'000'000;
    CHECK(::timerfd_settime(alarm_.native_handle(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

/// Timers that are due, what was deferred before, and sockets that are ready; waits if there is none of these.
/// False when it is time to return.
bool PosixLoop::Impl::run_round(const std::function<bool()>& is_done) {
    const auto is_over = [&] { return stopped_ || is_done(); };
    enter();
    const std::uint64_t newer = next_timer_;
    for (auto at = timers_.begin(); at != timers_.end() && at->first.first <= now_; at = timers_.begin()) {
        if (at->first.second >= newer) {
            break;  // set in this round: sockets first
        }
        timer_instants_.erase(at->first.second);
        const auto node = timers_.extract(at);
        node.mapped()();
        if (is_over()) {
            return false;
        }
        enter();
    }
    for (std::size_t left = deferred_.size(); left > 0 && !deferred_.empty(); --left) {
        const Handler handler = std::move(deferred_.front());
        deferred_.pop_front();
        handler();
        if (is_over()) {
            return false;
        }
        enter();
    }
    bool may_wait = deferred_.empty() && (timers_.empty() || timers_.begin()->first.first > now_);
    for (int i = 0; i < kCompletionsPerRound; ++i) {
        if (io_.poll_one() == 0) {
            break;
        }
        may_wait = false;
        if (is_over()) {
            return false;
        }
    }
    if (may_wait) {
        arm();
        io_.run_one();
    }
    return !is_over();
}

bool PosixLoop::Impl::run(const std::function<bool()>& is_done) {
    bool is_finished = is_done();
    if (!is_finished && !stopped_) {
        while (run_round(is_done)) {
        }
        is_finished = !stopped_;
    }
    stopped_ = false;
    io_.restart();
    return is_finished;
}

PosixLoop::PosixLoop() : impl_(std::make_unique<Impl>()) {}
PosixLoop::~PosixLoop() = default;

Instant PosixLoop::now() const { return impl_->now_; }
WallTime PosixLoop::wall() const { return impl_->wall_; }
void PosixLoop::defer(Handler handler) {
    CHECK(handler != nullptr);
    impl_->deferred_.push_back(std::move(handler));
}
TimerId PosixLoop::call_at(Instant at, Handler handler) { return impl_->call_at(at, std::move(handler)); }
void PosixLoop::cancel(TimerId id) { impl_->cancel(id); }

void PosixLoop::run() {
    impl_->run([] { return false; });
    impl_->forget_pending();
}
bool PosixLoop::run_until(const std::function<bool()>& is_done) { return impl_->run(is_done); }
void PosixLoop::stop() {
    impl_->stopped_ = true;
    impl_->io_.stop();
}

void PosixLoop::post_from_thread(Handler handler) {
    CHECK(handler != nullptr);
    asio::post(impl_->io_, [impl = impl_.get(), handler = std::move(handler)] {
        impl->enter();
        handler();
    });
}

void PosixLoop::on_signal(std::initializer_list<int> signals, std::function<void(int)> handler) {
    auto set = std::make_unique<asio::signal_set>(impl_->io_);
    for (const int signal : signals) {
        set->add(signal);
    }
    struct Waiter {
        Impl& impl;
        asio::signal_set& set;
        std::function<void(int)> handler;
        void operator()(const error_code& error, int signal) {
            if (!error) {
                impl.enter();
                const auto call = handler;
                set.async_wait(std::move(*this));
                call(signal);
            }
        }
    };
    set->async_wait(Waiter{*impl_, *set, std::move(handler)});
    impl_->signals_.push_back(std::move(set));
}

Result<std::unique_ptr<Listener>> PosixLoop::listen(const Endpoint& at) {
    const EndpointParts parts = TRY(parse_endpoint(at));
    auto enter = [impl = impl_.get()] { impl->enter(); };
    return parts.is_unix() ? listen_unix(impl_->io_, at, parts.path, enter) : listen_tcp(impl_->io_, at, parts, enter);
}

void PosixLoop::connect(const Endpoint& to, ConnectHandler handler) {
    CHECK(handler != nullptr);
    auto parts = parse_endpoint(to);
    error_code error;
    const auto address = parts && !parts->is_unix() ? asio::ip::make_address(parts->host, error) : asio::ip::address();
    if (!parts || error) {
        Error reason = parts ? Error{Fault::bad_usage, fmt::format("endpoint \"{}\": the address is not well formed", to.text)}
                             : parts.error();
        defer([handler = std::move(handler), reason = std::move(reason)] { handler(reason); });
        return;
    }
    asio::generic::stream_protocol::endpoint target =
        parts->is_unix() ? asio::generic::stream_protocol::endpoint(Local::endpoint(parts->path))
                         : asio::generic::stream_protocol::endpoint(tcp::endpoint(address, parts->port));
    // Shared by the operation and by the timer that ends it.
    auto state = std::make_shared<StreamState>(impl_->io_);
    const TimerId timer = call_at(now() + kConnectTimeout, [state] {
        error_code ignored;
        state->socket.close(ignored);
    });
    std::string peer = parts->is_unix() ? "unix" : parts->host;
    state->socket.async_connect(target, [this, state, timer, to, peer = std::move(peer),
                                         handler = std::move(handler)](const error_code& failure) {
        impl_->enter();
        cancel(timer);
        if (failure) {
            const bool is_late = failure == asio::error::operation_aborted;
            Error reason = system_error(is_late ? ETIMEDOUT : failure.value(), to.text, "cannot connect");
            reason.fault = reason.fault == Fault::permission ? Fault::permission : Fault::unavailable;
            handler(std::move(reason));
            return;
        }
        error_code ignored;  // unix sockets know no delay
        state->socket.set_option(tcp::no_delay(true), ignored);
        handler(std::unique_ptr<Stream>(
            std::make_unique<PosixStream>(state, peer, [impl = impl_.get()] { impl->enter(); })));
    });
}

}  // namespace firedrill::posix
