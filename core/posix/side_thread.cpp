#include "posix/side_thread.h"

#include "base/check.h"

namespace firedrill::posix {

SideThread::SideThread() : thread_([this] { serve(); }) {}

SideThread::~SideThread() {
    {
        const std::lock_guard lock(mutex_);
        CHECK(work_ == nullptr);
        is_stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void SideThread::begin(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        CHECK(work_ == nullptr);
        work_ = std::move(work);
    }
    changed_.notify_all();
}

void SideThread::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return work_ == nullptr; });
}

void SideThread::serve() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return work_ != nullptr || is_stopping_; });
        if (is_stopping_) {
            return;
        }
        lock.unlock();
        work_();  // begin() changes it only after wait()
        lock.lock();
        work_ = nullptr;
        changed_.notify_all();
    }
}

}  // namespace firedrill::posix
