#include "store/log_resilver.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/check.h"
#include "store/other_history.h"

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
    if (const auto other = TRY(find_other_history(from_, to_))) {
        return refuse_other_history(*other, from_, to_);
    }
    if (owner_) {
        const Status marked = write_owner_mark(to_, node_, *owner_);
        if (!marked && marked.error().fault != Fault::disk_full) {
            return marked;
        }
    }
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
    at_ = 0;
    is_comparing_ = false;
    auto source = from_.open(name_, Open::existing);
    const auto size = source ? (*source)->size_bytes() : Result<std::uint64_t>(source.error());
    if (size && present_.contains(*next)) {
        auto held = to_.open(name_, Open::existing);
        const auto held_bytes = held ? (*held)->size_bytes() : Result<std::uint64_t>(std::uint64_t{0});
        if (held && held_bytes && *held_bytes == *size) {
            source_ = std::move(*source);
            target_ = std::move(*held);
            size_ = *size;
            is_comparing_ = true;
            return {};
        }
    }
    return begin_best_copy(*next, std::nullopt);
}

/// The disk that serves may be the one that rotted: what came back gives what it alone has sound, and is
/// never overwritten with less. Its old file may not be durable, so it is written anew all the same.
Status LogResilver::begin_best_copy(const SegmentName& name, const std::optional<OpenEnd>& open) {
    pieces_ = TRY(best_pieces(from_, to_, name, open));
    const auto has = [this](bool is_held) {
        return std::any_of(pieces_.begin(), pieces_.end(),
                           [is_held](const SegmentPiece& piece) { return piece.is_held == is_held; });
    };
    target_.reset();
    source_ = has(false) ? TRY(from_.open(name_, Open::existing)) : nullptr;
    held_ = has(true) ? TRY(to_.open(name_, Open::existing)) : nullptr;
    size_ = 0;
    for (const SegmentPiece& piece : pieces_) {
        size_ += piece.size;
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

/// The file that the bytes at `at_` are copied from, and how many of them are of it.
File& LogResilver::copied_from(std::uint64_t& left) {
    std::uint64_t end = 0;
    for (const SegmentPiece& piece : pieces_) {
        end += piece.size;
        if (at_ < end) {
            left = end - at_;
            return piece.is_held ? *held_ : *source_;
        }
    }
    left = size_ - at_;
    return *source_;
}

/// One chunk of the two copies. False: they differ, or one cannot be read.
Result<bool> LogResilver::compare(std::uint64_t budget, std::uint64_t& spent) {
    Bytes chunk(static_cast<std::size_t>(std::min({budget, kChunk, size_ - at_})));
    Bytes held(chunk.size());
    const auto one = source_->read_at(at_, chunk);
    const auto two = target_->read_at(at_, held);
    for (const auto* read : {&one, &two}) {
        if (!*read && read->error().fault == Fault::powered_off) {
            return read->error();
        }
    }
    spent += chunk.size();
    if (!one || !two || *one != chunk.size() || *two != chunk.size() || !equal(held, chunk)) {
        return false;
    }
    at_ += chunk.size();
    return true;
}

Status LogResilver::copy(std::uint64_t budget, std::uint64_t& spent) {
    std::uint64_t left = 0;
    File& source = copied_from(left);
    Bytes chunk(static_cast<std::size_t>(std::min({budget, kChunk, left})));
    const std::size_t got = TRY(source.read_at(at_, chunk));
    if (got != chunk.size()) {
        return Error{Fault::disk_failed,
                     fmt::format("{}/{} became shorter while it was copied", from_.label(), name_)};
    }
    spent += got;
    TRY(target_->write_at(at_, chunk));
    at_ += got;
    return {};
}

Status LogResilver::move_on(std::uint64_t budget, std::uint64_t& spent) {
    if (!is_comparing_) {
        TRY(copy(budget, spent));
    } else if (!TRY(compare(budget, spent))) {
        const auto name = parse_segment_name(name_);
        CHECK(name.has_value());
        return begin_best_copy(*name, std::nullopt);
    }
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
    held_.reset();
    is_busy_ = false;
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
        return is_busy_ || std::any_of(wanted_.begin(), wanted_.end(),
                                       [this](const SegmentName& name) { return !done_.contains(name); });
    };
    std::uint64_t spent = 0;
    while (is_left() && spent < budget) {
        if (!is_busy_) {
            TRY(open_next());
            is_busy_ = true;
        }
        TRY(move_on(budget - spent, spent));
    }
    return !is_left();
}

Status LogResilver::copy_whole(const SegmentName& name, const std::optional<OpenEnd>& open) {
    name_ = to_text(name);
    TRY(begin_best_copy(name, open));
    is_busy_ = true;
    std::uint64_t spent = 0;
    while (is_busy_) {
        TRY(move_on(kChunk, spent));
    }
    return {};
}

Status LogResilver::copy_one(const SegmentName& name) {
    return copy_whole(name, std::nullopt);
}

Status LogResilver::finish(const SegmentName& open, const OpenEnd& end) {
    TRY(copy_whole(open, end));
    for (const std::string& text : TRY(to_.list())) {
        const auto name = parse_segment_name(text);
        if (name && *name != open && !wanted_.contains(*name)) {
            TRY(to_.remove(text));
        }
    }
    return to_.sync_names();
}

}  // namespace firedrill::store
