// SimWorkers: one node incarnation's worker lanes in virtual time.
//
// A job runs inline, on the loop, when its lane is free; what it cost (CostMeter: disk and work) passes in
// virtual time before its `done` and before the lane's next job. A power cut inside a job lets the rest of it
// run with every disk answering powered_off, and then destroys its `done`.
#pragma once

#include <deque>
#include <map>

#include "seams/workers.h"
#include "sim/seams/clock.h"
#include "sim/seams/cost.h"

namespace firedrill::sim {

class SimWorkers final : public Workers {
  public:
    /// Must live until the job that cuts the power has returned.
    SimWorkers(SimClock& clock, CostMeter& meter, WorkCosts costs = {});
    ~SimWorkers() override { kill(); }
    SimWorkers(const SimWorkers&) = delete;
    SimWorkers& operator=(const SimWorkers&) = delete;

    void run(Lane lane, std::function<void()> job, std::function<void()> done) override;
    void charge(Work work, std::uint64_t count) override;

    /// Loss of power: queued jobs are destroyed unrun. Callable from inside a job.
    void kill();
    /// Work charged by handlers, which delays nothing: how busy the loop was.
    [[nodiscard]] Duration loop_work() const noexcept { return loop_work_; }
    [[nodiscard]] std::uint64_t job_count() const noexcept { return job_count_; }

  private:
    struct Task {
        std::function<void()> job;
        std::function<void()> done;
    };
    struct LaneState {
        Queue queue{};
        bool is_busy = false;
        std::deque<Task> waiting;
    };
    void start(LaneState& lane);
    void work(LaneState& lane, Task task);

    SimClock& clock_;
    SimLoop& loop_;
    CostMeter& meter_;
    WorkCosts costs_;
    bool in_job_ = false;
    bool killed_ = false;
    Duration loop_work_ = 0s;
    std::uint64_t job_count_ = 0;
    std::map<Lane, LaneState> lanes_;
};

}  // namespace firedrill::sim
