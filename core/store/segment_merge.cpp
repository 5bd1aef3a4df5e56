#include "store/segment_merge.h"

#include <array>

#include <fmt/format.h>

namespace firedrill::store {
namespace {

/// What was found, or nothing where the disk failed: only what ends everything is passed on.
template <class Found>
Result<Found> or_nothing(Result<Found> found) {
    const bool is_over =
        !found && (found.error().fault == Fault::powered_off || found.error().fault == Fault::newer_format);
    return found || is_over ? std::move(found) : Result<Found>(Found{});
}

class Merge {
  public:
    Merge(Disk& serving, Disk& held, const SegmentName& name, const std::optional<OpenEnd>& open)
        : disks_{&serving, &held}, name_(name), open_(open) {}
    Result<std::vector<SegmentPiece>> run();

  private:
    Status open_copies();
    Result<bool> take_start();
    Result<bool> take_record();
    Result<bool> take_end();
    Result<bool> is_followed();
    void take(std::uint64_t size, std::size_t copy);
    Result<std::vector<SegmentPiece>> finish();

    std::array<Disk*, 2> disks_;  // serving, held
    SegmentName name_;
    std::optional<OpenEnd> open_;
    std::array<std::optional<SegmentReader>, 2> copies_;
    SegmentHeader header_;
    SegmentPlace place_;
    SegmentIndex index_;
    Digest last_chain_;
    std::vector<SegmentPiece> pieces_;
    std::size_t confirmed_ = 0;  // of them
};

void Merge::take(std::uint64_t size, std::size_t copy) {
    const bool is_held = copy == 1;
    if (!pieces_.empty() && pieces_.back().is_held == is_held) {
        pieces_.back().size += size;
    } else {
        pieces_.push_back({size, is_held});
    }
    confirmed_ = is_held ? confirmed_ : pieces_.size();
}

Status Merge::open_copies() {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        auto copy = SegmentReader::open(*disks_[i], name_, i);
        if (copy) {
            copies_[i] = std::move(*copy);
        } else if (copy.error().fault == Fault::powered_off) {
            return std::move(copy).error();
        }
    }
    return {};
}

Result<bool> Merge::take_start() {
    for (auto& copy : copies_) {
        const auto start = copy ? TRY(or_nothing(copy->start())) : std::optional<SegmentStart>();
        if (start) {
            header_ = start->header;
            place_ = first_place(header_);
            last_chain_ = header_.previous;
            take(place_.offset, copy->source());
            return true;
        }
    }
    return false;
}

Result<bool> Merge::take_record() {
    for (auto& copy : copies_) {
        const auto record = copy ? TRY(or_nothing(copy->next_record(place_))) : std::optional<RecordView>();
        if (record) {
            add_to_index(index_, *record);
            last_chain_ = record->head.chain;
            place_ = place_after(place_, record->head);
            take(record->head.size(), copy->source());
            return true;
        }
    }
    return false;
}

/// Does what the serving disk has next go on from here?
Result<bool> Merge::is_followed() {
    std::optional<SegmentName> next;
    for (const std::string& text : TRY(disks_[0]->list())) {
        const auto other = parse_segment_name(text);
        if (other && other->timeline == name_.timeline && name_.first < other->first &&
            (!next || other->first < next->first)) {
            next = other;
        }
    }
    if (!next) {
        return true;
    }
    auto file = SegmentReader::open(*disks_[0], *next, 0);
    const auto header = file ? TRY(or_nothing(file->header())) : std::optional<SegmentHeader>();
    return next->first == place_.next && (!header || header->previous == last_chain_);
}

Result<bool> Merge::take_end() {
    if (open_) {
        return place_.offset == open_->offset && place_.chain == open_->chain;
    }
    for (auto& copy : copies_) {
        const auto mark = copy ? TRY(or_nothing(copy->close_mark(
                                     header_, {place_.offset, place_.next - 1, last_chain_, &index_})))
                               : std::optional<CloseMark>();
        if (mark) {
            take(mark->size(), copy->source());
            return copy->source() == 0 || TRY(is_followed());
        }
    }
    return false;
}

/// What was confirmed, and the serving copy's bytes behind it.
Result<std::vector<SegmentPiece>> Merge::finish() {
    if (!copies_[0]) {
        return Error{Fault::disk_failed, fmt::format("{}/{} cannot be opened, and {} has no whole copy of it",
                                                     disks_[0]->label(), to_text(name_), disks_[1]->label())};
    }
    pieces_.resize(confirmed_);
    std::uint64_t done = 0;
    for (const SegmentPiece& piece : pieces_) {
        done += piece.size;
    }
    const std::uint64_t all = open_ ? open_->offset : copies_[0]->size_bytes();
    if (done > all) {  // not what its writer wrote there
        pieces_.clear();
        done = 0;
    }
    take(all - done, 0);
    return std::move(pieces_);
}

Result<std::vector<SegmentPiece>> Merge::run() {
    TRY(open_copies());
    if (copies_[1] && TRY(take_start())) {
        bool goes_on = true;
        while (goes_on && !(open_ && place_.offset >= open_->offset)) {
            goes_on = TRY(take_record());
        }
        if (TRY(take_end())) {
            return std::move(pieces_);
        }
    }
    return finish();
}

}  // namespace

Result<std::vector<SegmentPiece>> best_pieces(Disk& serving, Disk& held, const SegmentName& name,
                                              const std::optional<OpenEnd>& open) {
    return Merge(serving, held, name, open).run();
}

}  // namespace firedrill::store
