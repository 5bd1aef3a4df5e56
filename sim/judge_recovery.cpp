#include "sim/judge_recovery.h"

#include <algorithm>

namespace firedrill::sim {

namespace {

void set_once(std::optional<Instant>& field, Instant now) {
    if (!field) {
        field = now;
    }
}

}  // namespace

void RecoveryJudge::hazard(Instant now) {
    if (!current_) {
        current_ = Outage{};
        current_->hazard = now;
    }
    is_serving_ = false;
}

void RecoveryJudge::detected(Instant now) {
    if (current_) {
        set_once(current_->detected, now);
    }
}

void RecoveryJudge::decided(Instant now) {
    if (current_) {
        set_once(current_->decided, now);
    }
}

void RecoveryJudge::provisioned(Instant now) {
    if (current_) {
        current_->provisioned = now;
    }
}

void RecoveryJudge::restored(Instant now, const RestoreTimes& times) {
    if (current_) {
        current_->restored = now;
        current_->restore = times;
        current_->used_restore = true;
    }
}

void RecoveryJudge::serving(Instant) {
    is_serving_ = true;
    if (current_) {  // only what happens on the recovered node ends an outage
        current_->first_acknowledged.reset();
        current_->first_read.reset();
    }
}

void RecoveryJudge::acknowledged(Instant now) {
    if (current_ && is_serving_) {
        set_once(current_->first_acknowledged, now);
        finish_if_over();
    }
}

void RecoveryJudge::staff_read(Instant now) {
    if (current_ && is_serving_) {
        set_once(current_->first_read, now);
        finish_if_over();
    }
}

void RecoveryJudge::finish_if_over() {
    if (current_->is_over()) {
        finished_.push_back(*current_);
        current_.reset();
    }
}

std::vector<Outage> RecoveryJudge::outages() const {
    std::vector<Outage> all = finished_;
    if (current_) {
        all.push_back(*current_);
    }
    return all;
}

std::optional<RecoverySplit> RecoveryJudge::worst() const {
    const Outage* slowest = nullptr;
    for (const Outage& outage : finished_) {
        const auto rank = [](const Outage& o) { return std::pair(o.used_restore, split_outage(o).total); };
        if (slowest == nullptr || rank(outage) > rank(*slowest)) {
            slowest = &outage;
        }
    }
    return slowest == nullptr ? std::nullopt : std::optional(split_outage(*slowest));
}

RecoverySplit split_outage(const Outage& outage) {
    RecoverySplit out;
    if (!outage.is_over()) {
        return out;
    }
    const Instant end = std::max(*outage.first_acknowledged, *outage.first_read);
    Instant at = outage.hazard;
    auto part = [&](const std::optional<Instant>& until) {
        const double taken = until && *until > at ? seconds(*until - at) : 0;
        at = until ? std::max(at, *until) : at;
        return taken;
    };
    out.detect = part(outage.detected);
    out.decide = part(outage.decided);
    out.provision = part(outage.provisioned);
    if (outage.used_restore && outage.restored) {
        out.fetch = seconds(outage.restore.fetch);
        out.verify = seconds(outage.restore.verify);
        out.replay = seconds(outage.restore.replay);
        at = std::max(at, *outage.restored);
    }
    out.serve = part(end);
    out.total = seconds(end - outage.hazard);
    return out;
}

}  // namespace firedrill::sim
