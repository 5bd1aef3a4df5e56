// SideThread: one blocking call beside the caller's own, on a thread that is kept for the next. Private to
// posix.
//
// For the syncs of several log disks, which would else be waited for one after another. What it runs must
// leave no secret on its stack: nobody wipes it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace firedrill::posix {

class SideThread {
  public:
    SideThread();
    /// Not between begin() and wait().
    ~SideThread();
    SideThread(const SideThread&) = delete;
    SideThread& operator=(const SideThread&) = delete;

    /// Runs `work` on the side. wait() before the next.
    void begin(std::function<void()> work);
    /// Returns when it is done; what it wrote is visible to the caller.
    void wait();

  private:
    void serve();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> work_;  // null: none
    bool is_stopping_ = false;
    std::thread thread_;  // the last member: it uses the others
};

}  // namespace firedrill::posix
