#include "store/segment_reader.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {
namespace {

constexpr std::uint64_t kWindow = 1 << 20;

}  // namespace

Result<SegmentReader> SegmentReader::open(Disk& disk, const SegmentName& name, std::size_t source) {
    SegmentReader copy;
    copy.file_ = TRY(disk.open(to_text(name), Open::existing));
    copy.size_ = TRY(copy.file_->size_bytes());
    copy.name_ = name;
    copy.source_ = source;
    return copy;
}

Result<ByteView> SegmentReader::view(std::uint64_t offset, std::uint64_t size) {
    if (offset >= size_) {
        return ByteView{};
    }
    size = std::min(size, size_ - offset);
    if (offset < window_at_ || offset + size > window_at_ + window_.size()) {
        window_.resize(static_cast<std::size_t>(std::min(std::max(size, kWindow), size_ - offset)));
        window_at_ = offset;
        auto got = file_->read_at(offset, window_);
        if (!got) {
            window_.clear();
            return std::move(got).error();
        }
        window_.resize(*got);
        bytes_read_ += *got;
    }
    const ByteView all(window_);
    const std::uint64_t skip = offset - window_at_;
    return all.subspan(skip, std::min<std::uint64_t>(size, all.size() - skip));
}

Result<std::optional<SegmentHeader>> SegmentReader::header() {
    Bytes sector(kSegmentHeaderSize);  // not through the window: a catalogue reads the headers of a whole log
    sector.resize(TRY(file_->read_at(0, sector)));
    auto parsed = sector.size() == kSegmentHeaderSize ? parse_segment_header(sector)
                                                      : Result<SegmentHeader>(Error{Fault::damaged, ""});
    if (!parsed && parsed.error().fault == Fault::newer_format) {
        return std::move(parsed).error();
    }
    const bool is_mine = parsed && segment_name(parsed->timeline, parsed->first) == name_;
    return is_mine ? std::optional(std::move(*parsed)) : std::nullopt;
}

Result<std::optional<SegmentStart>> SegmentReader::start() {
    const auto found = TRY(header());
    if (!found) {
        return std::optional<SegmentStart>{};
    }
    SegmentStart start{*found, TRY(view(0, found->records_offset()))};
    const bool is_sound = start.bytes.size() == found->records_offset() &&
                          crypto::sha256(start.slots()) == found->slots_digest &&
                          is_zero(start.bytes.subspan(kSegmentHeaderSize + found->slots_size));
    return is_sound ? std::optional(start) : std::nullopt;
}

SegmentPlace first_place(const SegmentHeader& header) {
    return {header.records_offset(), header.first, header.digest};
}

SegmentPlace place_after(const SegmentPlace& place, const RecordHead& head) {
    return {place.offset + head.size(), place.next + 1, head.chain};
}

Result<std::optional<RecordView>> SegmentReader::next_record(const SegmentPlace& place) {
    auto found = TRY(record_at(place.offset));
    const bool fits = found && found->head.lsn == place.next && found->head.previous == place.chain;
    return fits ? found : std::nullopt;
}

Result<std::optional<CloseMark>> SegmentReader::close_mark(const SegmentHeader& header,
                                                           const SegmentEnd& end) {
    auto mark = TRY(close_mark_at(end.offset, header));
    const bool fits = mark && mark->last == end.last && mark->chain == end.chain && mark->index == *end.index;
    return fits ? std::move(mark) : std::nullopt;
}

Result<std::optional<RecordView>> SegmentReader::record_at(std::uint64_t offset) {
    const auto head = parse_record_head(TRY(view(offset, kRecordHeadSize)));
    if (!head || offset + head->size() > size_) {
        return std::optional<RecordView>{};
    }
    // The chain hash covers the sizes: check it before reading megabytes of pages that may not exist.
    const ByteView start = TRY(view(offset, head->pages_offset()));
    if (start.size() != head->pages_offset() || record_chain(start) != head->chain) {
        return std::optional<RecordView>{};
    }
    return check_record(TRY(view(offset, head->size())));
}

Result<std::optional<CloseMark>> SegmentReader::close_mark_at(std::uint64_t offset,
                                                              const SegmentHeader& header) {
    if (offset >= size_ || size_ - offset > close_mark_size(kIndexLimit) ||
        !looks_like_close_mark(TRY(view(offset, kSector)))) {
        return std::optional<CloseMark>{};
    }
    return parse_close_mark(TRY(view(offset, size_ - offset)), offset, header);
}

Result<std::optional<CloseMark>> SegmentReader::last_close_mark(const SegmentHeader& header) {
    if (size_ % kSector != 0 || size_ <= header.records_offset()) {
        return std::optional<CloseMark>{};
    }
    const ByteView trailer = TRY(view(size_ - 8, 8));
    if (trailer.size() != 8) {
        return std::optional<CloseMark>{};
    }
    const std::uint64_t offset = load_u64(trailer.data());
    if (offset >= size_ || offset % kSector != 0) {
        return std::optional<CloseMark>{};
    }
    return close_mark_at(offset, header);
}

Result<SegmentReader::Beyond> SegmentReader::look_beyond(std::uint64_t offset, const SegmentHeader& header) {
    Beyond beyond;
    beyond.end = std::min(offset, size_);
    for (std::uint64_t at = offset; at < size_; at += kSector) {
        const ByteView sector = TRY(view(at, kSector));
        if (is_zero(sector)) {
            continue;
        }
        beyond.end = at + sector.size();
        if (const auto record = TRY(record_at(at))) {
            beyond.proven = std::max(beyond.proven, record->head.durable);
            beyond.last_sound = std::max(beyond.last_sound, record->head.lsn);
            if (beyond.next_sound == 0) {
                beyond.next_sound = record->head.lsn;
            }
            continue;  // its pages are looked at too: they hold no magic, and zeroes within them do not
                       // matter
        }
        if (const auto mark = TRY(close_mark_at(at, header))) {
            beyond.proven = std::max(beyond.proven, mark->last);
        }
    }
    return beyond;
}

namespace {

/// Behind the last record that fits: the close mark, nothing at all, or something else.
Status read_end(SegmentReader& file, SegmentReading& out) {
    out.flaw = SegmentFlaw::record;
    if (const auto mark = TRY(file.close_mark(out.header, {out.end, out.last, out.chain, &out.index}))) {
        out.state = SegmentState::closed;
        out.flaw = SegmentFlaw::none;
        out.end += mark->size();
        out.closed = mark->wall;
        return {};
    }
    const auto beyond = TRY(file.look_beyond(out.end, out.header));
    if (beyond.end == std::min(out.end, file.size_bytes())) {
        out.state = SegmentState::open;
        out.flaw = SegmentFlaw::none;
        return {};
    }
    const auto mark = TRY(file.last_close_mark(out.header));
    if (mark ? mark->offset == out.end : looks_like_close_mark(TRY(file.view(out.end, kSector)))) {
        out.flaw = SegmentFlaw::close_mark;
    }
    return {};
}

}  // namespace

Result<SegmentReading> read_segment(Disk& disk, const SegmentName& name, Lsn until,
                                    const SegmentProgress& progress) {
    SegmentReader file = TRY(SegmentReader::open(disk, name, 0));
    SegmentReading out;
    const auto header = TRY(file.header());
    if (!header) {
        return out;
    }
    out.header = *header;
    out.flaw = SegmentFlaw::slots;
    if (!TRY(file.start())) {
        return out;
    }
    SegmentPlace place = first_place(out.header);
    out.last = out.header.first - 1;
    out.chain = out.header.previous;
    const auto tell = [&progress](std::uint64_t bytes) {
        if (progress) {
            progress(bytes);
        }
    };
    tell(place.offset);
    for (out.end = place.offset; until == 0 || place.next <= until; out.end = place.offset) {
        const auto record = TRY(file.next_record(place));
        if (!record) {
            const std::uint64_t records_end = out.end;
            TRY(read_end(file, out));
            tell(out.end - records_end);
            return out;
        }
        add_to_index(out.index, *record);
        out.last = place.next;
        out.chain = record->head.chain;
        place = place_after(place, record->head);
        tell(record->head.size());
    }
    out.state = SegmentState::open;
    out.flaw = SegmentFlaw::none;
    return out;
}

namespace {

/// Every fault of a disk means "not sound" here, but the one that ends everything.
Result<std::optional<SegmentReading>> read_if_readable(Disk& disk, const SegmentName& name, Lsn until) {
    auto reading = read_segment(disk, name, until);
    if (!reading) {
        return reading.error().fault == Fault::powered_off
                   ? Result<std::optional<SegmentReading>>(std::move(reading).error())
                   : std::optional<SegmentReading>();
    }
    return std::optional(std::move(*reading));
}

}  // namespace

Result<bool> is_sound_segment(Disk& disk, const SegmentName& name) {
    const auto reading = TRY(read_if_readable(disk, name, 0));
    return reading && reading->state == SegmentState::closed;
}

Result<bool> is_sound_through(Disk& disk, const SegmentName& name, Lsn last) {
    CHECK(last >= name.first);
    const auto reading = TRY(read_if_readable(disk, name, last));
    return reading && reading->is_through(last);
}

}  // namespace firedrill::store
