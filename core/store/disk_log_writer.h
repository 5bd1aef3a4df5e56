// DiskLogWriter: the LogWriter of a node, on one to four log disks. Private to store.
//
// Appending, segments and space are in log_writer.cpp; disks that leave and come back, and old segments that
// go, in log_writer_disks.cpp; who writes, in log_writer_owner.cpp. Used on the log's lane. Blocking.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "store/log_resilver.h"
#include "store/log_writer.h"

namespace firedrill::store {

class DiskLogWriter final : public LogWriter {
  public:
    DiskLogWriter(WriterState state, WallTime wall) : state_(std::move(state)), last_wall_(wall) {
        count_time(state_.header.wall, wall);
    }

    Status append(std::span<const Record> batch, WallTime wall) override;
    Status reserve(std::uint64_t bytes) override;
    Status tick(WallTime wall) override;
    std::vector<LogScan::Member> members() const override;
    std::shared_ptr<LogResilver> begin_resilver(WallTime wall) override;
    Result<Rejoin> rejoin(LogResilver& filled, WallTime wall) override;
    Status remove_before(Lsn begin) override;
    /// Opens the segment after record `last`; the one before, if any, is closed already.
    Status open_segment(WallTime wall);

  private:
    struct NewSegment {
        SegmentHeader header;
        Bytes start;
        std::vector<std::unique_ptr<File>> files;  // per member
    };

    template <class Step>
    Status on_each(Step step);
    std::vector<Status> write_on_all(std::span<const ByteView> pieces);
    Status settle();
    Status write_down_smaller();
    Status stop(Fault fault, std::string text);
    Status allocate(std::uint64_t size);
    Status rotate(WallTime wall);
    enum class Look : std::uint8_t { by_name, at_open_file };
    Status check_owner(Look how);
    Status renew_mark();
    Status take_over(LogMember& member);
    Status look_for_files();
    Status create_files(NewSegment& fresh);
    Status discard(NewSegment& fresh);
    Status close_segment(WallTime wall);
    [[nodiscard]] Result<std::vector<SegmentName>> closed_segments() const;
    Status take_back(LogResilver& filled);
    void enter(NewSegment& fresh);
    void count_time(WallTime from, WallTime to);
    [[nodiscard]] bool is_due(std::uint64_t more) const;
    [[nodiscard]] bool is_empty() const { return state_.last + 1 == state_.header.first; }

    WriterState state_;
    WallTime last_wall_;
    Duration elapsed_{0};  // wall time since the segment was opened; steps back count as none
    std::optional<Error> fatal_;
};

/// Does `step` for every member in service. powered_off ends everything at once; disk_full is passed on after
/// the others had their turn; any other failure takes the member out of service, which settle() makes
/// durable.
template <class Step>
Status DiskLogWriter::on_each(Step step) {
    std::optional<Error> full;
    for (std::size_t i = 0; i < state_.members.size(); ++i) {
        LogMember& member = state_.members[i];
        if (!member.is_in_service) {
            continue;
        }
        Status done = step(member, i);
        if (done) {
            continue;
        }
        if (done.error().fault == Fault::powered_off) {
            fatal_ = done.error();
            return done;
        }
        if (done.error().fault == Fault::disk_full) {
            full = done.error();
            continue;
        }
        member.is_in_service = false;
        member.failure = done.error().text;
        member.file.reset();
    }
    TRY(settle());
    return full ? Status(*full) : Status{};
}

}  // namespace firedrill::store
