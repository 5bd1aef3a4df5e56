#include <algorithm>

#include "store/log_walker.h"

namespace firedrill::store {
namespace {

void add_repair(std::vector<Repair>& repairs, const Repair& repair) {
    for (auto it = repairs.rbegin(); it != repairs.rend(); ++it) {
        if (it->bad_source == repair.bad_source) {
            if (it->good_source == repair.good_source && it->offset + it->size == repair.offset) {
                it->size += repair.size;
                return;
            }
            break;
        }
    }
    repairs.push_back(repair);
}

}  // namespace

Status Walker::compare(WalkedSegment& segment, const SegmentReader& good, ByteView bytes,
                       std::uint64_t offset) {
    bool is_any_bad = false;
    for (SegmentReader& copy : copies_) {
        if (&copy == &good) {
            good_through_[copy.source()] = next_;
            continue;
        }
        auto other = copy.view(offset, bytes.size());
        if (!other && other.error().fault == Fault::powered_off) {
            return std::move(other).error();
        }
        if (other && equal(*other, bytes)) {
            good_through_[copy.source()] = next_;
            continue;
        }
        if (is_trusted(copy)) {
            is_any_bad = true;
            ++bad_ranges_[copy.source()];
            add_repair(segment.repairs, {copy.source(), good.source(), offset, bytes.size()});
        }
    }
    for (std::size_t i = 0; i < catalogue_.sources.size(); ++i) {
        const LogSource& source = catalogue_.sources[i];
        const SegmentName name = segment_name(segment.header.timeline, segment.header.first);
        const bool has_copy = std::any_of(copies_.begin(), copies_.end(),
                                          [i](const SegmentReader& copy) { return copy.source() == i; });
        if (source.is_trusted && source.is_present && !has_copy) {
            is_any_bad = true;
            bad_ranges_[i] += offset == 0 || source.names.contains(name) ? 1 : 0;
            add_repair(segment.repairs, {i, good.source(), offset, bytes.size()});
        }
    }
    if (is_any_bad && offset != 0) {
        ++out_.scan.repaired_records;
    }
    return {};
}

/// Copies that have bytes behind the close mark, which is to end the file.
void Walker::find_longer(WalkedSegment& segment, const SegmentReader& good, std::uint64_t mark_size) {
    for (const SegmentReader& copy : copies_) {
        if (is_trusted(copy) && copy.size_bytes() > segment.end) {
            ++bad_ranges_[copy.source()];
            add_repair(segment.repairs, {copy.source(), good.source(), segment.end - mark_size, mark_size});
        }
    }
}

/// The next record in this copy; nullopt when it has none that fits. powered_off only: other failures are a
/// bad copy.
Result<std::optional<RecordView>> Walker::next_in(SegmentReader& copy, std::uint64_t offset) {
    auto found = copy.next_record({offset, next_, chain_});
    if (!found) {
        if (found.error().fault == Fault::powered_off) {
            return std::move(found).error();
        }
        return std::optional<RecordView>{};
    }
    return *found;
}

/// Two trusted copies may both go on soundly and yet differ, when nobody says which disk is in service: one
/// was taken out of service while it was written. The one that others were told of has more behind it. Where
/// both are in service, or people were told of both, two nodes wrote: neither is given up in silence. Null:
/// all
/// agree.
Result<SegmentReader*> Walker::choose_copy(SegmentReader& first, std::uint64_t offset, const RecordHead& head,
                                           const SegmentHeader& header) {
    SegmentReader* best = nullptr;
    const ByteView bytes = TRY(first.view(offset, head.size()));
    std::vector<SegmentReader*> rivals;
    for (SegmentReader& other : copies_) {
        if (&other == &first || !is_trusted(other)) {
            continue;
        }
        const auto same = other.view(offset, head.size());
        if (same && equal(*same, bytes)) {
            continue;
        }
        const auto rival = TRY(next_in(other, offset));
        if (rival && rival->head.chain != head.chain) {
            rivals.push_back(&other);
        }
    }
    for (SegmentReader* rival : rivals) {
        best = best == nullptr ? &first : best;
        const auto one = TRY(best->look_beyond(offset, header));
        const auto two = TRY(rival->look_beyond(offset, header));
        const auto is_in_service = [this](const SegmentReader& copy) {
            return catalogue_.sources[copy.source()].is_in_service;
        };
        if ((is_in_service(*best) && is_in_service(*rival)) || (one.proven >= next_ && two.proven >= next_)) {
            return refuse_two_histories(*catalogue_.sources[best->source()].disk,
                                        *catalogue_.sources[rival->source()].disk, next_);
        }
        best = std::pair(one.proven, one.last_sound) < std::pair(two.proven, two.last_sound) ? rival : best;
    }
    return best;
}

Result<bool> Walker::read_record(WalkedSegment& segment, bool use_untrusted) {
    for (SegmentReader& candidate : copies_) {
        if (!is_trusted(candidate) && !use_untrusted) {
            continue;
        }
        auto found = TRY(next_in(candidate, segment.end));
        if (!found) {
            continue;
        }
        SegmentReader* chosen = TRY(choose_copy(candidate, segment.end, found->head, segment.header));
        if (chosen != nullptr) {
            found = TRY(next_in(*chosen, segment.end));
            if (!found) {
                continue;
            }
        }
        SegmentReader& copy = chosen == nullptr ? candidate : *chosen;
        const RecordView& view = *found;
        const std::uint64_t size = view.head.size();
        const ByteView bytes = TRY(copy.view(segment.end, size));
        TRY(compare(segment, copy, bytes, segment.end));
        add_to_index(segment.index, view);
        chain_ = view.head.chain;
        segment.chain = chain_;
        segment.last = next_;
        segment.end += size;
        out_.scan.last = next_;
        ++next_;
        TRY(deliver(view));
        advance(size);
        return true;
    }
    return false;
}

Status Walker::deliver(const RecordView& view) {
    if (view.head.type == RecordType::slots) {
        out_.scan.node_slots.assign(view.description.begin(), view.description.end());
    }
    const bool is_wanted = view.head.lsn >= options_.from && sink_;
    const bool is_gathered = view.head.type == RecordType::part || view.head.type == RecordType::taken_back;
    if (!is_wanted && !is_gathered && (parts_.empty() || view.head.type != RecordType::commit)) {
        return {};
    }
    Record record = to_record(view);
    gather(record);
    return is_wanted ? sink_(std::move(record)) : Status{};
}

/// Completes a commit with the parts before it. Parts without their commit never happened: the next commit of
/// their store, or other parts, take their place.
void Walker::gather(Record& record) {
    if (const auto* part = std::get_if<CommitPart>(&record.body)) {
        CommitPart& whole = parts_[part->store];
        const bool goes_on = whole.part > 0 && part->part == whole.part + 1 &&
                             part->sequence == whole.sequence &&
                             whole.pages.back().number < part->pages.front().number;
        if (!goes_on) {
            whole = part->part == 1 ? *part : CommitPart{};
            return;
        }
        whole.part = part->part;
        whole.pages.insert(whole.pages.end(), part->pages.begin(), part->pages.end());
        return;
    }
    auto* commit = std::get_if<Commit>(&record.body);
    const auto found = commit != nullptr ? parts_.find(commit->store) : parts_.end();
    if (found == parts_.end()) {
        return;
    }
    CommitPart whole = std::move(found->second);
    parts_.erase(found);
    if (commit->taken_back && commit->taken_back->parts > 0 && whole.part == commit->taken_back->parts &&
        whole.sequence == commit->sequence) {
        commit->taken_back->in_parts = whole.pages.size();
        whole.pages.insert(whole.pages.end(), commit->pages.begin(), commit->pages.end());
        commit->pages = std::move(whole.pages);
    }
}

Result<bool> Walker::read_close_mark(WalkedSegment& segment) {
    for (SegmentReader& copy : copies_) {
        if (!is_trusted(copy)) {
            continue;
        }
        auto mark =
            copy.close_mark(segment.header, {segment.end, segment.last, segment.chain, &segment.index});
        if (!mark) {
            if (mark.error().fault == Fault::powered_off) {
                return std::move(mark).error();
            }
            continue;
        }
        if (!*mark) {
            continue;
        }
        --next_;
        const Status compared =
            compare(segment, copy, TRY(copy.view(segment.end, (*mark)->size())), segment.end);
        ++next_;
        TRY(compared);
        segment.is_closed = true;
        segment.end += (*mark)->size();
        find_longer(segment, copy, (*mark)->size());
        advance((*mark)->size());
        return true;
    }
    return false;
}

/// Does a segment hold a commit that no page file has, or a record that was asked for by its LSN?
bool Walker::is_wanted(const CloseMark& mark) const {
    if (mark.last < options_.from) {
        return false;
    }
    return options_.folded == nullptr || options_.folded->empty() ||
           std::any_of(mark.index.begin(), mark.index.end(), [this](const auto& entry) {
               const auto found = options_.folded->find(entry.first);
               return found == options_.folded->end() || found->second < entry.second.last_sequence;
           });
}

/// A closed segment that nobody wants delivered: its close mark vouches for it, on every trusted copy alike.
Result<bool> Walker::skip_segment(WalkedSegment& segment) {
    std::optional<CloseMark> agreed;
    std::size_t copies = 0;
    for (SegmentReader& copy : copies_) {
        if (!is_trusted(copy)) {
            continue;
        }
        auto mark = copy.last_close_mark(segment.header);
        if (!mark && mark.error().fault == Fault::powered_off) {
            return std::move(mark).error();
        }
        if (!mark || !*mark ||
            (agreed && ((*mark)->chain != agreed->chain || (*mark)->offset != agreed->offset))) {
            return false;
        }
        agreed = std::move(*mark);
        ++copies;
    }
    const auto trusted =
        std::count_if(catalogue_.sources.begin(), catalogue_.sources.end(),
                      [](const LogSource& source) { return source.is_trusted && source.is_present; });
    if (!agreed || copies != static_cast<std::size_t>(trusted) || is_wanted(*agreed) ||
        agreed->last > limit() || agreed->last < next_) {
        return false;
    }
    const CatalogueEntry* following = catalogue_.find(segment.header.timeline, agreed->last + 1);
    if (following == nullptr || following->header.previous != agreed->chain || !segment.repairs.empty()) {
        return false;
    }
    advance(agreed->offset + agreed->size() - segment.end);
    next_ = agreed->last + 1;
    chain_ = agreed->chain;
    segment.last = agreed->last;
    segment.chain = agreed->chain;
    segment.index = agreed->index;
    segment.end = agreed->offset + agreed->size();
    segment.is_closed = true;
    out_.scan.last = segment.last;
    for (const SegmentReader& copy : copies_) {
        good_through_[copy.source()] = segment.last;
    }
    return true;
}

}  // namespace firedrill::store
