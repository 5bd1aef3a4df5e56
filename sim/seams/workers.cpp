#include "sim/seams/workers.h"

#include <memory>
#include <utility>

#include "base/check.h"

namespace firedrill::sim {

SimWorkers::SimWorkers(SimClock& clock, CostMeter& meter, WorkCosts costs)
    : clock_(clock), loop_(clock.loop()), meter_(meter), costs_(costs) {}

void SimWorkers::run(Lane lane, std::function<void()> job, std::function<void()> done) {
    CHECK(job != nullptr);
    if (killed_ || clock_.is_killed()) {
        return;
    }
    auto [at, is_new] = lanes_.try_emplace(lane);
    LaneState& state = at->second;
    if (is_new) {
        state.queue = loop_.new_queue();
    }
    state.waiting.push_back({std::move(job), std::move(done)});
    if (!state.is_busy) {
        start(state);
    }
}

void SimWorkers::start(LaneState& lane) {
    lane.is_busy = true;
    auto task = std::make_shared<Task>(std::move(lane.waiting.front()));
    lane.waiting.pop_front();
    loop_.post(clock_.owner(), lane.queue, [this, &lane, task] { work(lane, std::move(*task)); });
}

void SimWorkers::work(LaneState& lane, Task task) {
    // What handlers spent so far is not this job's.
    const Duration before = meter_.take();
    ++job_count_;
    in_job_ = true;
    task.job();
    in_job_ = false;
    const Duration cost = meter_.take();
    meter_.add(before);
    if (killed_ || clock_.is_killed()) {
        return;
    }
    auto rest = std::make_shared<Task>(std::move(task));
    loop_.call_at(clock_.owner(), lane.queue, loop_.now() + cost, 0, [this, &lane, rest] {
        lane.is_busy = false;
        if (!lane.waiting.empty()) {
            start(lane);
        }
        const Task finished = std::move(*rest);
        if (finished.done) {
            finished.done();
        }
    });
}

void SimWorkers::charge(Work work, std::uint64_t count) {
    const Duration cost = costs_.of(work) * static_cast<std::int64_t>(count);
    if (in_job_) {
        meter_.add(cost);
    } else {
        loop_work_ += cost;
    }
}

void SimWorkers::kill() {
    killed_ = true;
    std::vector<Task> doomed;
    for (auto& [lane, state] : lanes_) {
        for (Task& task : state.waiting) {
            doomed.push_back(std::move(task));
        }
        state.waiting.clear();
    }
}

}  // namespace firedrill::sim
