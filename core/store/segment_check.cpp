#include "store/segment_check.h"

#include "base/check.h"
#include "crypto/hash.h"
#include "store/log_copy.h"

namespace firedrill::store {
namespace {

/// Every fault of a disk means "not sound" here, but the one that ends everything.
template <class Found>
Result<bool> says(const Result<Found>& found, bool is_sound) {
    if (!found && found.error().fault == Fault::powered_off) {
        return found.error();
    }
    return found && is_sound;
}

/// `last`: where to stop; 0 = at the close mark.
Result<bool> is_sound(Disk& disk, const SegmentName& name, Lsn last) {
    auto opened = SegmentCopy::open(disk, name, 0);
    if (!opened) {
        return says(opened, false);
    }
    SegmentCopy& copy = *opened;
    const auto sector = copy.view(0, kSegmentHeaderSize);
    if (!sector || sector->size() != kSegmentHeaderSize) {
        return says(sector, false);
    }
    const auto header = parse_segment_header(*sector);
    if (!header || segment_name(header->timeline, header->first) != name) {
        return false;
    }
    const std::uint64_t begin = header->records_offset();
    const auto start = copy.view(0, begin);
    if (!start || start->size() != begin ||
        crypto::sha256(start->subspan(kSegmentHeaderSize, header->slots_size)) != header->slots_digest) {
        return says(start, false);
    }
    Lsn next = header->first;
    Digest chain = header->digest;
    for (std::uint64_t offset = begin; last == 0 || next <= last;) {
        const auto record = copy.record_at(offset);
        if (!record) {
            return says(record, false);
        }
        if (!*record) {
            const auto mark = copy.close_mark_at(offset, *header);
            return says(mark, last == 0 && mark && *mark && (*mark)->last == next - 1);
        }
        const RecordHead& head = (*record)->head;
        if (head.lsn != next || head.previous != chain) {
            return false;
        }
        ++next;
        chain = head.chain;
        offset += head.size();
    }
    return true;
}

}  // namespace

Result<bool> is_sound_segment(Disk& disk, const SegmentName& name) {
    return is_sound(disk, name, 0);
}

Result<bool> is_sound_through(Disk& disk, const SegmentName& name, Lsn last) {
    CHECK(last >= name.first);
    return is_sound(disk, name, last);
}

}  // namespace firedrill::store
