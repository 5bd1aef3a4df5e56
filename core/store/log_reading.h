// LogReading: scan_log() a segment at a time, for work that says how far it is. Within store only.
//
// Changes nothing. The log may be written meanwhile: what was appended since begin() may or may not be seen.
// One thread at a time. Blocking.
#pragma once

#include <memory>
#include <span>

#include "store/log_walker.h"

namespace firedrill::store {

class LogReading {
  public:
    /// `until`: nothing above is looked at; 0 = everything. `sink` as of scan_log(). not_found when no disk
    /// holds a segment.
    static Result<std::unique_ptr<LogReading>> begin(std::span<Disk* const> disks, Lsn until,
                                                     RecordSink sink);
    LogReading(const LogReading&) = delete;
    LogReading& operator=(const LogReading&) = delete;

    /// Reads one more segment, at most kSegmentLimit and one record. True: that was the last. After an error,
    /// the sink's included, it is of no more use.
    Result<bool> step();
    [[nodiscard]] std::uint64_t done_bytes() const noexcept { return walker_.done_bytes(); }
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return walker_.total_bytes(); }

  private:
    LogReading(LogCatalogue catalogue, Lsn until, RecordSink sink)
        : catalogue_(std::move(catalogue)),
          sink_(std::move(sink)),
          walker_(catalogue_, options_, sink_, progress_) {
        options_.until = until;
    }

    LogCatalogue catalogue_;
    WalkOptions options_;
    RecordSink sink_;
    Progress progress_;
    Walker walker_;  // borrows all of them
};

}  // namespace firedrill::store
