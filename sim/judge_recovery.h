// The judge of recovery: how long from the hazard to the first acknowledged submission and the first staff
// read.
//
// Single-threaded. One outage at a time: a further hazard during an outage belongs to it. Facts about a
// state: the parts of a finished outage add up to its total. detect, decide and provision are inputs of the
// scenario (people) or follow from them; fetch, verify and replay are the virtual time that the restore
// itself took; serve is the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace firedrill::sim {

/// Durations of one restore, from its own progress.
struct RestoreTimes {
    Duration fetch{};  ///< plan and fetch
    Duration verify{};
    Duration replay{};  ///< replay and publication
};

struct Outage {
    Instant hazard;
    std::optional<Instant> detected;
    std::optional<Instant> decided;
    std::optional<Instant> provisioned;
    std::optional<Instant> restored;
    RestoreTimes restore;
    std::optional<Instant> first_acknowledged;  ///< after the node was back
    std::optional<Instant> first_read;
    bool used_restore = false;  ///< false: the node came back over the same disks
    [[nodiscard]] bool is_over() const noexcept { return first_acknowledged && first_read; }
};

/// In seconds; negative when it never happened.
struct RecoverySplit {
    double total = -1;
    double detect = 0, decide = 0, provision = 0, fetch = 0, verify = 0, replay = 0, serve = 0;
};
RecoverySplit split_outage(const Outage& outage);

class RecoveryJudge {
  public:
    void hazard(Instant now);
    void detected(Instant now);
    void decided(Instant now);
    void provisioned(Instant now);
    void restored(Instant now, const RestoreTimes& times);
    /// A node that serves again, after whatever was done.
    void serving(Instant now);
    void acknowledged(Instant now);
    void staff_read(Instant now);

    [[nodiscard]] bool is_open() const noexcept { return current_.has_value(); }
    /// Finished outages, and the open one at the end if there is one.
    [[nodiscard]] std::vector<Outage> outages() const;
    /// The slowest of those that used a restore, else the slowest of all; nullopt without any finished
    /// outage.
    [[nodiscard]] std::optional<RecoverySplit> worst() const;

  private:
    void finish_if_over();
    std::optional<Outage> current_;
    bool is_serving_ = true;
    std::vector<Outage> finished_;
};

}  // namespace firedrill::sim
