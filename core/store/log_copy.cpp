#include "store/log_copy.h"

#include <algorithm>

namespace firedrill::store {
namespace {

constexpr std::uint64_t kWindow = 1 << 20;

}  // namespace

Result<SegmentCopy> SegmentCopy::open(Disk& disk, const SegmentName& name, std::size_t source) {
    SegmentCopy copy;
    copy.file_ = TRY(disk.open(to_text(name), Open::existing));
    copy.size_ = TRY(copy.file_->size_bytes());
    copy.source_ = source;
    return copy;
}

Result<ByteView> SegmentCopy::view(std::uint64_t offset, std::uint64_t size) {
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

Result<std::optional<RecordView>> SegmentCopy::record_at(std::uint64_t offset) {
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

Result<std::optional<CloseMark>> SegmentCopy::close_mark_at(std::uint64_t offset,
                                                            const SegmentHeader& header) {
    if (offset >= size_ || size_ - offset > close_mark_size(kIndexLimit) ||
        !looks_like_close_mark(TRY(view(offset, kSector)))) {
        return std::optional<CloseMark>{};
    }
    return parse_close_mark(TRY(view(offset, size_ - offset)), offset, header);
}

Result<std::optional<CloseMark>> SegmentCopy::last_close_mark(const SegmentHeader& header) {
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

Result<SegmentCopy::Beyond> SegmentCopy::look_beyond(std::uint64_t offset, const SegmentHeader& header) {
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

}  // namespace firedrill::store
