#include "store/log_resilver.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "store/segment_check.h"

namespace firedrill::store {
namespace {

constexpr std::uint64_t kChunk = 1 << 20;
constexpr std::string_view kFresh = ".new";
/// Of the files of a timeline that a disk held when it left, these many newest may have had a sync that
/// failed.
constexpr std::size_t kDoubtful = 2;

Status remove_if_there(Disk& disk, const std::string& name) {
    const Status removed = disk.remove(name);
    return removed || removed.error().fault == Fault::not_found ? Status{} : removed;
}

}  // namespace

std::size_t LogResilver::want(const std::vector<SegmentName>& closed) {
    wanted_ = {closed.begin(), closed.end()};
    return static_cast<std::size_t>(std::count_if(
        wanted_.begin(), wanted_.end(), [this](const SegmentName& name) { return !done_.contains(name); }));
}

/// A new id first: as long as it is not in `log.members`, the disk stays out of service.
Status LogResilver::begin() {
    TRY(write_log_disk_id(to_, node_, id_));
    std::map<std::array<Byte, 4>, std::vector<SegmentName>> timelines;
    for (const std::string& text : TRY(to_.list())) {  // sorted
        if (const auto name = parse_segment_name(text)) {
            timelines[name->timeline].push_back(*name);
        } else if (text.ends_with(kFresh)) {
            TRY(to_.remove(text));
        }
    }
    for (auto& [timeline, names] : timelines) {
        names.resize(names.size() - std::min(names.size(), kDoubtful));
        present_.insert(names.begin(), names.end());
    }
    has_begun_ = true;
    return {};
}

Status LogResilver::open_next() {
    const auto next = std::find_if(wanted_.begin(), wanted_.end(),
                                   [this](const SegmentName& name) { return !done_.contains(name); });
    name_ = to_text(*next);
    source_ = TRY(from_.open(name_, Open::existing));
    size_ = TRY(source_->size_bytes());
    at_ = 0;
    is_comparing_ = false;
    if (present_.contains(*next)) {
        auto held = to_.open(name_, Open::existing);
        const auto held_bytes = held ? (*held)->size_bytes() : Result<std::uint64_t>(std::uint64_t{0});
        if (held && held_bytes && *held_bytes == size_) {
            target_ = std::move(*held);
            is_comparing_ = true;
            return {};
        }
    }
    return begin_best_copy();
}

/// The disk that serves may be the one that rotted: what came back is copied from itself where it alone is
/// sound. Its old file may not be durable, so it is written anew all the same.
Status LogResilver::begin_best_copy() {
    const auto name = parse_segment_name(name_);
    auto held = to_.open(name_, Open::existing);
    if (name && held && !TRY(is_sound_segment(from_, *name)) && TRY(is_sound_segment(to_, *name))) {
        source_ = std::move(*held);
        size_ = TRY(source_->size_bytes());
    }
    return begin_copy();
}

/// Into a new file beside the old one, which is renamed at its end: free of whatever befell the old one.
Status LogResilver::begin_copy() {
    is_comparing_ = false;
    at_ = 0;
    target_.reset();
    const std::string fresh = name_ + std::string(kFresh);
    TRY(remove_if_there(to_, fresh));
    target_ = TRY(to_.open(fresh, Open::create));
    return target_->allocate(size_);
}

Status LogResilver::move_on(std::uint64_t budget, std::uint64_t& spent) {
    Bytes chunk(static_cast<std::size_t>(std::min({budget, kChunk, size_ - at_})));
    const std::size_t got = TRY(source_->read_at(at_, chunk));
    if (got != chunk.size()) {
        return Error{Fault::disk_failed,
                     fmt::format("{}/{} became shorter while it was copied", from_.label(), name_)};
    }
    spent += got;
    if (is_comparing_) {
        Bytes held(chunk.size());
        const auto read = target_->read_at(at_, held);
        if (!read && read.error().fault == Fault::powered_off) {
            return read.error();
        }
        if (!read || *read != got || !equal(held, chunk)) {
            return begin_best_copy();
        }
    } else {
        TRY(target_->write_at(at_, chunk));
        copied_bytes_ += got;
    }
    at_ += got;
    if (at_ < size_) {
        return {};
    }
    if (!is_comparing_) {
        TRY(target_->sync());
        target_.reset();
        TRY(to_.rename(name_ + std::string(kFresh), name_));
        TRY(to_.sync_names());
    }
    target_.reset();
    source_.reset();
    if (const auto done = parse_segment_name(name_)) {
        done_.insert(*done);
    }
    return {};
}

Result<bool> LogResilver::step(std::uint64_t budget) {
    if (!has_begun_) {
        TRY(begin());
    }
    const auto is_left = [this] {
        return source_ != nullptr ||
               std::any_of(wanted_.begin(), wanted_.end(),
                           [this](const SegmentName& name) { return !done_.contains(name); });
    };
    std::uint64_t spent = 0;
    while (is_left() && spent < budget) {
        if (source_ == nullptr) {
            TRY(open_next());
        }
        TRY(move_on(budget - spent, spent));
    }
    return !is_left();
}

Status LogResilver::copy_first(const SegmentName& name, std::optional<std::uint64_t> size) {
    name_ = to_text(name);
    source_ = TRY(from_.open(name_, Open::existing));
    size_ = size ? *size : TRY(source_->size_bytes());
    TRY(begin_copy());
    std::uint64_t spent = 0;
    while (source_ != nullptr) {
        TRY(move_on(kChunk, spent));
    }
    return {};
}

Status LogResilver::copy_one(const SegmentName& name) {
    return copy_first(name, std::nullopt);
}

Status LogResilver::finish(const SegmentName& open, std::uint64_t end) {
    TRY(copy_first(open, end));
    for (const std::string& text : TRY(to_.list())) {
        const auto name = parse_segment_name(text);
        if (name && *name != open && !wanted_.contains(*name)) {
            TRY(to_.remove(text));
        }
    }
    return to_.sync_names();
}

}  // namespace firedrill::store
