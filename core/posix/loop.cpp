#include "posix/loop.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "posix/dead_stack.h"
#include "posix/sockets.h"

namespace firedrill::posix {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr Duration kConnectTimeout = 20s;
constexpr Duration kWipePeriod = 100ms;
/// How many socket completions go before timers and deferred handlers get their turn again.
constexpr int kCompletionsPerRound = 64;
/// How many rounds a thread that came by is the loop before its owner, and with it the sockets, has a turn.
constexpr int kRoundsAsGuest = 64;

std::int64_t read_clock(clockid_t clock) {
    timespec at{};
    CHECK(::clock_gettime(clock, &at) == 0);
    return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

class PosixLoop::Impl {
  public:
    Impl();
    ~Impl();

    /// Time stands still until the next handler.
    void enter() {
        now_ = {read_clock(CLOCK_BOOTTIME)};
        wall_.reset();
    }
    /// Read when a handler first asks; few do.
    WallTime wall() {
        if (!wall_) {
            wall_ = WallTime{read_clock(CLOCK_REALTIME)};
        }
        return *wall_;
    }
    /// Every handler that Asio calls begins with this, on the owner's thread.
    void enter_as_owner() {
        if (!is_owner_loop_) {
            take_back();
        }
        enter();
    }
    TimerId call_at(Instant at, Handler handler);
    void cancel(TimerId id);
    bool run(const std::function<bool()>& is_done);
    bool post(Handler handler);
    void serve_as_guest();
    void forget_pending();
    /// Handlers leave passwords and answers on the stack. Before a wait it is wiped; a busy loop does so ten
    /// times a second.
    void wipe_now_or_soon() {
        if (now_ - last_wipe_ >= kWipePeriod) {
            last_wipe_ = now_;
            wipe_dead_stack();
        } else if (!is_wipe_due_) {
            is_wipe_due_ = true;
            call_at(last_wipe_ + kWipePeriod, [this] { is_wipe_due_ = false; });
        }
    }

    Instant last_wipe_;
    bool is_wipe_due_ = false;
    Instant now_;
    std::optional<WallTime> wall_;
    std::deque<Handler> deferred_;
    bool stopped_ = false;
    // Asio's own objects go first, and with them handlers that may still cancel timers: so it is declared
    // last.
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
    [[nodiscard]] bool is_over() const { return stopped_ || (*is_done_)(); }
    bool run_timers();
    bool run_ready();
    bool run_round();
    [[nodiscard]] bool has_ready() const;
    void sleep();
    void take_back();

    const std::function<bool()>* is_done_ = nullptr;  // of the run() under way
    bool is_owner_loop_ = true;                       // the owner's thread alone looks at it

    // Who the loop is. What one thread does as the loop, the next one sees: the mutex lies between.
    std::mutex mutex_;
    std::condition_variable handed_;
    bool is_taken_ = true;       // somebody is the loop; in run(), while the owner sleeps, perhaps nobody
    bool is_for_owner_ = false;  // nobody but the owner may become it
    bool owner_waits_ = false;   // awake, for the one who is the loop
    std::deque<Handler> inbox_;  // from other threads
};

// --- the loop
// ------------------------------------------------------------------------------------------------------

PosixLoop::Impl::Impl() : alarm_(io_, ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
    enter();
    wait_for_alarm();
}

PosixLoop::Impl::~Impl() {
    forget_pending();
}

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
        enter_as_owner();
        if (error) {
            return;
        }
        std::uint64_t count = 0;
        (void)!::read(alarm_.native_handle(), &count, sizeof count);  // only to make it quiet
        armed_for_ = {INT64_MAX};
        wait_for_alarm();
    });
}

/// Sets the alarm for the first timer. Only ever moved earlier: a needless wake-up is cheaper than a call a
/// timer.
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

/// False when it is time to return.
bool PosixLoop::Impl::run_timers() {
    enter();
    const std::uint64_t newer = next_timer_;
    for (auto at = timers_.begin(); at != timers_.end() && at->first.first <= now_; at = timers_.begin()) {
        if (at->first.second >= newer) {
            break;  // set in this round: the others first
        }
        timer_instants_.erase(at->first.second);
        const auto node = timers_.extract(at);
        node.mapped()();
        if (is_over()) {
            return false;
        }
        enter();
    }
    return true;
}

/// Timers that are due, what was deferred before, what threads posted. False when it is time to return.
bool PosixLoop::Impl::run_ready() {
    if (!run_timers()) {
        return false;
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
    for (int i = 0; i < kCompletionsPerRound; ++i) {
        std::unique_lock lock(mutex_);
        if (inbox_.empty()) {
            break;
        }
        const Handler handler = std::move(inbox_.front());
        inbox_.pop_front();
        lock.unlock();
        handler();
        if (is_over()) {
            return false;
        }
        enter();
    }
    return true;
}

bool PosixLoop::Impl::has_ready() const {
    return !deferred_.empty() || (!timers_.empty() && timers_.begin()->first.first <= now_);
}

/// What is ready, then sockets; waits if there is neither. False when it is time to return.
bool PosixLoop::Impl::run_round() {
    if (!run_ready()) {
        return false;
    }
    bool may_wait = !has_ready();
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
        wipe_now_or_soon();
        sleep();
    }
    return !is_over();
}

void PosixLoop::Impl::sleep() {
    arm();
    {
        const std::lock_guard lock(mutex_);
        if (!inbox_.empty()) {
            return;
        }
        is_taken_ = false;
        is_owner_loop_ = false;
    }
    io_.run_one();  // the handler takes the loop back first
    if (!is_owner_loop_) {
        take_back();
    }
}

void PosixLoop::Impl::take_back() {
    std::unique_lock lock(mutex_);
    owner_waits_ = true;
    handed_.wait(lock, [this] { return !is_taken_ || is_for_owner_; });
    owner_waits_ = false;
    is_for_owner_ = false;
    is_taken_ = true;
    is_owner_loop_ = true;
}

bool PosixLoop::Impl::post(Handler handler) {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(handler));
    return !std::exchange(is_taken_, true);
}

void PosixLoop::Impl::serve_as_guest() {
    for (int round = 0; round < kRoundsAsGuest && run_ready(); ++round) {
        if (has_ready()) {
            continue;
        }
        arm();
        const std::lock_guard lock(mutex_);
        if (owner_waits_) {
            break;
        }
        if (inbox_.empty()) {
            is_taken_ = false;
            return;
        }
    }
    // run() is over, or the sockets must have their turn: both are for the owner.
    const std::lock_guard lock(mutex_);
    is_for_owner_ = true;
    if (owner_waits_) {
        handed_.notify_one();
    } else {
        asio::post(io_, [this] { enter_as_owner(); });
    }
}

bool PosixLoop::Impl::run(const std::function<bool()>& is_done) {
    bool is_finished = is_done();
    if (!is_finished && !stopped_) {
        is_done_ = &is_done;
        while (run_round()) {
        }
        is_done_ = nullptr;
        is_finished = !stopped_;
    }
    stopped_ = false;
    io_.restart();
    return is_finished;
}

PosixLoop::PosixLoop() : impl_(std::make_unique<Impl>()) {}
PosixLoop::~PosixLoop() = default;

Instant PosixLoop::now() const {
    return impl_->now_;
}
WallTime PosixLoop::wall() const {
    return impl_->wall();
}
void PosixLoop::defer(Handler handler) {
    CHECK(handler != nullptr);
    impl_->deferred_.push_back(std::move(handler));
}
TimerId PosixLoop::call_at(Instant at, Handler handler) {
    return impl_->call_at(at, std::move(handler));
}
void PosixLoop::cancel(TimerId id) {
    impl_->cancel(id);
}

void PosixLoop::run() {
    impl_->run([] { return false; });
    impl_->forget_pending();
}
bool PosixLoop::run_until(const std::function<bool()>& is_done) {
    return impl_->run(is_done);
}
void PosixLoop::stop() {
    impl_->stopped_ = true;
    impl_->io_.stop();
}

bool PosixLoop::post(Handler handler) {
    CHECK(handler != nullptr);
    return impl_->post(std::move(handler));
}
void PosixLoop::serve_as_loop() {
    impl_->serve_as_guest();
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
            impl.enter_as_owner();
            if (!error) {
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
    return listen_at(impl_->io_, at, [impl = impl_.get()] { impl->enter_as_owner(); });
}

void PosixLoop::connect(const Endpoint& to, ConnectHandler handler) {
    CHECK(handler != nullptr);
    auto attempt = start_connect(impl_->io_, to, [impl = impl_.get()] { impl->enter_as_owner(); });
    if (!attempt) {
        defer([handler = std::move(handler), reason = std::move(attempt).error()] { handler(reason); });
        return;
    }
    const auto pending = std::move(attempt).value();
    const TimerId timer = call_at(now() + kConnectTimeout, [pending] { pending->give_up(); });
    pending->finish([this, timer, handler = std::move(handler)](Result<std::unique_ptr<Stream>> stream) {
        cancel(timer);
        handler(std::move(stream));
    });
}

}  // namespace firedrill::posix
