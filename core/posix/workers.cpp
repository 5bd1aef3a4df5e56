#include "posix/workers.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace firedrill::posix {

namespace {

struct Task {
    std::function<void()> job;
    std::function<void()> done;
};

struct LaneState {
    std::deque<Task> waiting;
    bool is_scheduled = false;  ///< in `ready`, or a thread is at it
};

}  // namespace

class PosixWorkers::Impl {
  public:
    Impl(PosixLoop& loop, std::size_t thread_count) : loop_(loop) {
        CHECK(thread_count >= 1);
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
        {
            const std::lock_guard lock(mutex_);
            LaneState& state = lanes_[lane];
            state.waiting.push_back(std::move(task));
            if (state.is_scheduled) {
                return;
            }
            state.is_scheduled = true;
            ready_.push_back(lane);
        }
        wake_.notify_one();
    }

  private:
    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            wake_.wait(lock, [this] { return is_stopping_ || !ready_.empty(); });
            if (is_stopping_) {
                return;
            }
            const Lane lane = ready_.front();
            ready_.pop_front();
            Task task = std::move(lanes_[lane].waiting.front());
            lanes_[lane].waiting.pop_front();
            lock.unlock();
            task.job();
            // Posted before the lane goes on: `done`s of a lane keep the order of its jobs.
            loop_.post_from_thread([held = std::move(task)] {
                if (held.done) {
                    held.done();
                }
            });
            lock.lock();
            LaneState& state = lanes_[lane];
            if (state.waiting.empty()) {
                lanes_.erase(lane);
            } else {
                ready_.push_back(lane);
                wake_.notify_one();
            }
        }
    }

    PosixLoop& loop_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<Lane, LaneState> lanes_;
    std::deque<Lane> ready_;
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
