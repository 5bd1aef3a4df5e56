#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "store/log_repair.h"

namespace firedrill::store {
namespace {

constexpr std::uint64_t kChunk = 1 << 20;

Status copy_range(File& from, File& to, std::uint64_t offset, std::uint64_t size) {
    Bytes chunk;
    while (size > 0) {
        chunk.resize(static_cast<std::size_t>(std::min(size, kChunk)));
        const std::size_t got = TRY(from.read_at(offset, chunk));
        if (got == 0) {
            return Error{Fault::disk_failed, "a log file became shorter while it was copied"};
        }
        TRY(to.write_at(offset, ByteView(chunk).first(got)));
        offset += got;
        size -= got;
    }
    return {};
}

/// A sync that failed may have been of the file that was open when the disk left, or of the one that was
/// being closed: reads show what was never stored. These are not taken over as they are.
std::set<SegmentName> newest_of_each_timeline(const std::set<SegmentName>& names) {
    constexpr int kDoubtful = 2;
    std::set<SegmentName> out;
    std::map<std::array<Byte, 4>, int> counts;
    for (auto at = names.rbegin(); at != names.rend(); ++at) {
        if (++counts[at->timeline] <= kDoubtful) {
            out.insert(*at);
        }
    }
    return out;
}

std::string name_of(const WalkedSegment& segment) {
    return to_text(segment_name(segment.header.timeline, segment.header.first));
}

}  // namespace

Status LogRepair::fix_segment(std::size_t source, const WalkedSegment& segment, bool is_last) {
    Disk& disk = *catalogue_.sources[source].disk;
    const std::string name = name_of(segment);
    const auto is_mine = [source](const Repair& repair) { return repair.bad_source == source; };
    const bool has_repairs = std::any_of(segment.repairs.begin(), segment.repairs.end(), is_mine);
    const bool lacks_mark = !is_last && segment.is_whole && !segment.is_closed;
    if (!has_repairs && !lacks_mark && !is_last) {
        return {};
    }
    const auto file = TRY(disk.open(name, Open::any));
    for (const Repair& repair : segment.repairs) {
        if (is_mine(repair)) {
            const auto good = TRY(catalogue_.sources[repair.good_source].disk->open(name, Open::existing));
            TRY(copy_range(*good, *file, repair.offset, repair.size));
        }
    }
    std::uint64_t end = segment.end;
    if (lacks_mark) {
        const CloseMark mark{end, segment.last, wall_, segment.chain, segment.index};
        const Bytes bytes = encode_close_mark(mark, segment.header, signer_.seed_of(segment.header));
        TRY(file->write_at(end, bytes));
        end += bytes.size();
    }
    if (segment.is_whole) {
        TRY(file->truncate(end));
    }
    return file->sync();
}

Status LogRepair::fix(std::size_t source, bool must_move) {
    const LogSource& place = catalogue_.sources[source];
    for (std::size_t i = 0; i < walked_.segments.size(); ++i) {
        TRY(fix_segment(source, walked_.segments[i], i + 1 == walked_.segments.size()));
    }
    for (const SegmentName& name : walked_.abandoned) {
        if (place.names.contains(name)) {
            TRY(place.disk->remove(to_text(name)));
        }
    }
    for (const SegmentName& name : place.expired) {
        TRY(place.disk->remove(to_text(name)));
    }
    if (must_move && !walked_.segments.empty()) {
        TRY(copy_file(*place.disk, *place.disk, name_of(walked_.segments.back())));
    }
    return place.disk->sync_names();
}

/// Writes a new file beside the old one and renames it: atomic, and free of whatever befell the old one. Not
/// yet named.
Status LogRepair::copy_file(Disk& from, Disk& to, const std::string& name) {
    const std::string fresh = name + ".new";
    const auto source = TRY(from.open(name, Open::existing));
    const auto target = TRY(to.open(fresh, Open::any));
    const std::uint64_t size = TRY(source->size_bytes());
    TRY(target->truncate(0));
    TRY(target->allocate(size));
    TRY(copy_range(*source, *target, 0, size));
    TRY(target->sync());
    return to.rename(fresh, name);
}

Result<bool> LogRepair::is_same(Disk& a, Disk& b, const std::string& name) {
    const auto one = TRY(a.open(name, Open::existing));
    const auto two = TRY(b.open(name, Open::existing));
    const std::uint64_t size = TRY(one->size_bytes());
    if (size != TRY(two->size_bytes())) {
        return false;
    }
    Bytes left(kChunk);
    Bytes right(kChunk);
    for (std::uint64_t at = 0; at < size;) {
        const std::size_t got = TRY(one->read_at(at, left));
        if (got == 0 || TRY(two->read_at(at, right)) != got ||
            !equal(ByteView(left).first(got), ByteView(right).first(got))) {
            return false;
        }
        at += got;
    }
    return true;
}

Status LogRepair::fill(std::size_t source, std::size_t good) {
    const LogSource& place = catalogue_.sources[source];
    Disk& from = *catalogue_.sources[good].disk;
    const std::set<SegmentName> doubtful = newest_of_each_timeline(place.names);
    std::set<SegmentName> wanted;
    for (const WalkedSegment& segment : walked_.segments) {
        const SegmentName name = segment_name(segment.header.timeline, segment.header.first);
        wanted.insert(name);
        if (place.names.contains(name) && !doubtful.contains(name)) {
            const auto same = is_same(from, *place.disk, to_text(name));
            if (same && *same) {
                continue;
            }
            if (!same && same.error().fault == Fault::powered_off) {
                return same.error();
            }
        }
        TRY(copy_file(from, *place.disk, to_text(name)));
    }
    for (const auto* names : {&place.names, &place.expired}) {
        for (const SegmentName& name : *names) {
            if (!wanted.contains(name)) {
                TRY(place.disk->remove(to_text(name)));
            }
        }
    }
    return place.disk->sync_names();
}

}  // namespace firedrill::store
