// PosixWorkers: lanes multiplexed over a few threads. The program's other threads are SideThread's.
//
// The destructor lets running jobs end, destroys queued ones unrun, and joins. What a job and its `done` own
// is always released on the loop's thread.
#pragma once

#include <cstddef>
#include <memory>

#include "posix/loop.h"
#include "seams/workers.h"

namespace firedrill::posix {

class PosixWorkers final : public Workers {
  public:
    explicit PosixWorkers(PosixLoop& loop, std::size_t thread_count = 4);
    ~PosixWorkers() override;
    PosixWorkers(const PosixWorkers&) = delete;
    PosixWorkers& operator=(const PosixWorkers&) = delete;

    void run(Lane lane, std::function<void()> job, std::function<void()> done) override;
    void charge(Work work, std::uint64_t count) override;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace firedrill::posix
