#include "posix/workers.h"

#include <malloc.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "posix/dead_stack.h"

namespace firedrill::posix {

namespace {

/// A thread that was not called for so long wipes its dead stack before it sleeps on.
constexpr std::chrono::milliseconds kRestless(100);

/// Lanes without jobs that stay: making one anew for every job costs six allocations a commit.
constexpr std::size_t kKeptLanes = 64;

struct Task {
    std::function<void()> job;
    std::function<void()> done;
};

struct LaneState {
    std::deque<Task> waiting;
    bool is_scheduled = false;  ///< in `ready`, or a thread is at it
};

/// Lanes move from thread to thread and hand pages to one another. With a heap for each thread, glibc asks
/// the kernel for every 4 KiB by which one grows; one for all grows in steps, and keeps what a fold freed for
/// the pages that come next.
void share_one_heap() {
    constexpr int kStepBytes = 1 << 20;
    constexpr int kKeptBytes = 16 << 20;
    (void)::mallopt(M_ARENA_MAX, 1);
    (void)::mallopt(M_TOP_PAD, kStepBytes);
    (void)::mallopt(M_TRIM_THRESHOLD, kKeptBytes);
}

}  // namespace

class PosixWorkers::Impl {
  public:
    Impl(PosixLoop& loop, std::size_t thread_count) : loop_(loop) {
        CHECK(thread_count >= 1);
        share_one_heap();
        for (std::size_t i = 0; i < thread_count; ++i) {
            threads_.emplace_back([this] { serve(); });
        }
    }

    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            is_stopping_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    void run(Lane lane, Task task) {
        bool must_wake = false;
        {
            const std::lock_guard lock(mutex_);
            LaneState& state = lanes_[lane];
            state.waiting.push_back(std::move(task));
            if (state.is_scheduled) {
                return;
            }
            state.is_scheduled = true;
            ready_.push_back(lane);
            must_wake = call_one();
        }
        if (must_wake) {
            wake_.notify_one();
        }
    }

  private:
    /// True when somebody must be woken: more lanes are ready than threads are coming to look.
    bool call_one() {
        if (ready_.size() <= called_ + guests_ || sleeping_ == 0) {
            return false;
        }
        ++called_;
        --sleeping_;
        return true;
    }

    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            while (ready_.empty() && !is_stopping_) {
                ++sleeping_;
                const auto is_called = [this] { return is_stopping_ || called_ > 0; };
                if (!wake_.wait_for(lock, kRestless, is_called)) {
                    wipe_dead_stack();  // what jobs, and handlers that ran here, left
                    wake_.wait(lock, is_called);
                }
                if (!is_stopping_) {
                    --called_;
                }
            }
            if (is_stopping_) {
                return;
            }
            work(lock);
        }
    }

    /// Does the first job that is ready.
    void work(std::unique_lock<std::mutex>& lock) {
        const Lane lane = ready_.front();
        ready_.pop_front();
        Task task = std::move(lanes_[lane].waiting.front());
        lanes_[lane].waiting.pop_front();
        lock.unlock();
        task.job();
        // Posted before the lane goes on: `done`s of a lane keep the order of its jobs.
        const bool is_loop = loop_.post([held = std::move(task)] {
            if (held.done) {
                held.done();
            }
        });
        lock.lock();
        bool must_wake = false;
        LaneState& state = lanes_[lane];
        if (state.waiting.empty()) {
            state.is_scheduled = false;
            if (lanes_.size() > kKeptLanes) {
                lanes_.erase(lane);
            }
        } else {
            ready_.push_back(lane);
            must_wake = is_loop && call_one();
        }
        if (!is_loop) {
            return;
        }
        ++guests_;  // the jobs that handlers give now can be done here
        lock.unlock();
        if (must_wake) {
            wake_.notify_one();
        }
        loop_.serve_as_loop();
        lock.lock();
        --guests_;
    }

    PosixLoop& loop_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<Lane, LaneState> lanes_;
    std::deque<Lane> ready_;
    std::size_t sleeping_ = 0;  // threads that wait and were not called
    std::size_t called_ = 0;    // threads that were called and did not look at `ready_` yet
    std::size_t guests_ = 0;    // threads that are the loop and look at `ready_` next
    bool is_stopping_ = false;
    std::vector<std::thread> threads_;
};

PosixWorkers::PosixWorkers(PosixLoop& loop, std::size_t thread_count)
    : impl_(std::make_unique<Impl>(loop, thread_count)) {}
PosixWorkers::~PosixWorkers() = default;

void PosixWorkers::run(Lane lane, std::function<void()> job, std::function<void()> done) {
    CHECK(job != nullptr);
    impl_->run(lane, {std::move(job), std::move(done)});
}

void PosixWorkers::charge(Work /*work*/, std::uint64_t /*count*/) {}

}  // namespace firedrill::posix
