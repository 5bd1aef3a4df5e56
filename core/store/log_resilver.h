// LogResilver: fills a log disk that came back, while the node serves.
//
// Internal to the log. One thread at a time: steps run on Lane::upkeep, begin and join on Lane::log; Storage
// never overlaps them. Nothing here changes what is in service: until the membership names `id`, the disk is
// stale to everybody, so that power may go at any point. Blocking.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/log_format.h"
#include "store/log_members.h"

namespace firedrill::store {

class LogResilver {
  public:
    /// `member`: the writer's number for the disk `to`.
    LogResilver(Disk& from, Disk& to, const NodeId& node, const LogDiskId& id, std::size_t member)
        : from_(from), to_(to), node_(node), id_(id), member_(member) {}

    /// Closed segments that the disk must hold. Yields how many of them it lacks still.
    std::size_t want(const std::vector<SegmentName>& closed);
    /// Copies about `budget` bytes more. True when everything wanted so far is there and synced.
    Result<bool> step(std::uint64_t budget);
    /// The last step: the first `end` bytes of the open segment, and away with every file that nobody wants.
    /// Durable on return.
    Status finish(const SegmentName& open, std::uint64_t end);

    /// One closed segment, outside of any filling. Durable on return.
    Status copy_one(const SegmentName& name);

    [[nodiscard]] const LogDiskId& id() const noexcept { return id_; }
    [[nodiscard]] std::size_t member() const noexcept { return member_; }
    [[nodiscard]] std::uint64_t copied_bytes() const noexcept { return copied_bytes_; }

  private:
    Status begin();
    Status open_next();
    Status move_on(std::uint64_t budget, std::uint64_t& spent);
    Status begin_best_copy();
    Status begin_copy();
    Status copy_first(const SegmentName& name, std::optional<std::uint64_t> size);

    Disk& from_;
    Disk& to_;
    NodeId node_;
    LogDiskId id_;
    std::size_t member_;
    bool has_begun_ = false;
    std::set<SegmentName> present_;  // on the disk when it came back, and not to be doubted
    std::set<SegmentName> wanted_;
    std::set<SegmentName> done_;
    // The file on the way.
    std::string name_;
    std::unique_ptr<File> source_;
    std::unique_ptr<File> target_;
    bool is_comparing_ = false;
    std::uint64_t size_ = 0;
    std::uint64_t at_ = 0;
    std::uint64_t copied_bytes_ = 0;
};

}  // namespace firedrill::store
