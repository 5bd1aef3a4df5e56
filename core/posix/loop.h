// PosixLoop: the real clock and the real network, one handler at a time.
//
// The thread that calls run() owns it. While that thread sleeps, one that posts a handler becomes the loop
// for as long as something is ready, instead of waking it (docs/decisions/0008). So "on the loop" means: in
// turn, and seeing all that earlier handlers did; not: on one thread. Everything but post() and
// serve_as_loop() is called on the loop, or by the owner before it runs. Time is CLOCK_BOOTTIME, read once a
// handler. It must outlive the streams, listeners and timers made from it; what is pending when it is
// destroyed is destroyed unrun.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>

#include "seams/clock.h"
#include "seams/network.h"

namespace firedrill::posix {

class PosixLoop final : public Clock, public Network {
  public:
    PosixLoop();
    ~PosixLoop() override;
    PosixLoop(const PosixLoop&) = delete;
    PosixLoop& operator=(const PosixLoop&) = delete;

    Instant now() const override;
    WallTime wall() const override;
    void defer(Handler handler) override;
    TimerId call_at(Instant at, Handler handler) override;
    void cancel(TimerId id) override;

    Result<std::unique_ptr<Listener>> listen(const Endpoint& at) override;
    void connect(const Endpoint& to, ConnectHandler handler) override;

    /// Runs until stop(); what is deferred or timed then is destroyed unrun.
    void run();
    /// Runs until `is_done`, asked after every handler; what is pending stays. True if it was done, false if
    /// stopped.
    bool run_until(const std::function<bool()>& is_done);
    void stop();
    /// Calls `handler` on the loop each time one of the signals arrives, instead of what they would do.
    void on_signal(std::initializer_list<int> signals, std::function<void(int)> handler);
    /// From any thread: runs `handler` on the loop, in the order of each caller. True: the loop slept and is
    /// now the calling thread, which must call serve_as_loop() at once.
    [[nodiscard]] bool post(Handler handler);
    /// Runs what is ready, then lets the loop sleep on; what has to do with sockets goes to its owner.
    void serve_as_loop();
    /// Both.
    void post_from_thread(Handler handler) {
        if (post(std::move(handler))) {
            serve_as_loop();
        }
    }

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace firedrill::posix
