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
#include "store/log_owner.h"
#include "store/segment_merge.h"

namespace firedrill::store {

class LogResilver {
  public:
    /// `member`: the writer's number for the disk `to`; `owner`: the mark that it gets.
    LogResilver(Disk& from, Disk& to, const NodeId& node, const LogDiskId& id, std::size_t member,
                const std::optional<OwnerMark>& owner = {})
        : from_(from), to_(to), node_(node), id_(id), member_(member), owner_(owner) {}

    /// Closed segments that the disk must hold. Yields how many of them it lacks still.
    std::size_t want(const std::vector<SegmentName>& closed);
    /// Copies about `budget` bytes more. True when everything wanted so far is there and synced. refused: the
    /// disk holds records that are nowhere else (other_history.h); nothing on it was changed.
    Result<bool> step(std::uint64_t budget);
    /// The last step: the open segment through `end`, and away with every file that nobody wants. Durable on
    /// return.
    Status finish(const SegmentName& open, const OpenEnd& end);

    /// One closed segment, outside of any filling. Durable on return.
    Status copy_one(const SegmentName& name);

    [[nodiscard]] const LogDiskId& id() const noexcept { return id_; }
    [[nodiscard]] std::size_t member() const noexcept { return member_; }

  private:
    Status begin();
    Status open_next();
    Status move_on(std::uint64_t budget, std::uint64_t& spent);
    Status begin_best_copy(const SegmentName& name, const std::optional<OpenEnd>& open);
    Status begin_copy();
    File& copied_from(std::uint64_t& left);
    Result<bool> compare(std::uint64_t budget, std::uint64_t& spent);
    Status copy(std::uint64_t budget, std::uint64_t& spent);
    Status copy_whole(const SegmentName& name, const std::optional<OpenEnd>& open);

    Disk& from_;
    Disk& to_;
    NodeId node_;
    LogDiskId id_;
    std::size_t member_;
    std::optional<OwnerMark> owner_;
    bool has_begun_ = false;
    std::set<SegmentName> present_;  // on the disk when it came back, and not to be doubted
    std::set<SegmentName> wanted_;
    std::set<SegmentName> done_;
    // The file on the way.
    bool is_busy_ = false;
    std::string name_;
    std::unique_ptr<File> source_;
    std::unique_ptr<File> held_;  // what the disk had, where it alone is right
    std::unique_ptr<File> target_;
    bool is_comparing_ = false;
    std::vector<SegmentPiece> pieces_;  // when it is copied
    std::uint64_t size_ = 0;
    std::uint64_t at_ = 0;
};

}  // namespace firedrill::store
