#include "store/segment_deletion.h"

#include <algorithm>

#include "store/segment_reader.h"

namespace firedrill::store {

namespace {

/// The segment's index from its close mark. A segment that was left at a branch has none: then from its
/// records, if they run on soundly to the last before `next`.
Result<bool> read_facts(Disk& disk, Lsn next, SegmentFacts& facts) {
    SegmentReader copy = TRY(SegmentReader::open(disk, facts.name, 0));
    const auto header = TRY(copy.header());
    if (!header) {
        return false;
    }
    if (auto mark = TRY(copy.last_close_mark(*header)); mark && mark->last + 1 == next) {
        facts.index = std::move(mark->index);
        return true;
    }
    SegmentReading reading = TRY(read_segment(disk, facts.name, next - 1));
    facts.index = std::move(reading.index);
    return reading.is_through(next - 1);
}

}  // namespace

Result<std::vector<SegmentFacts>> oldest_segments(std::span<Disk* const> disks, Lsn begin,
                                                  std::size_t count) {
    std::map<Lsn, SegmentName> names;
    std::optional<Error> failure;
    bool is_any = false;
    for (Disk* disk : disks) {
        const auto listed = disk->list();
        if (!listed) {
            failure = listed.error();
            continue;
        }
        is_any = true;
        for (const std::string& text : *listed) {
            const auto name = parse_segment_name(text);
            if (name && name->first >= begin) {
                names.emplace(name->first, *name);
            }
        }
    }
    if (failure && (!is_any || failure->fault == Fault::powered_off)) {
        return *failure;
    }
    std::vector<SegmentFacts> out;
    for (auto at = names.begin(); at != names.end() && out.size() <= count; ++at) {
        SegmentFacts& facts = out.emplace_back();
        facts.name = at->second;
        const auto next = std::next(at);
        if (next == names.end() || out.size() > count) {
            break;
        }
        for (std::size_t i = 0; i < disks.size() && !facts.is_closed; ++i) {
            const auto is_read = read_facts(*disks[i], next->first, facts);
            if (!is_read && is_read.error().fault == Fault::powered_off) {
                return is_read.error();
            }
            facts.is_closed = is_read && *is_read;
        }
    }
    return out;
}

std::vector<SegmentName> deletable_segments(std::span<const SegmentFacts> segments,
                                            const std::map<StoreId, CommitSequence>& folded,
                                            const Covered& covered) {
    const auto is_folded = [&folded](const auto& entry) {
        const auto found = folded.find(entry.first);
        return found != folded.end() && found->second >= entry.second.last_sequence;
    };
    std::vector<SegmentName> out;
    for (const SegmentFacts& each : segments) {
        const bool is_newest = &each == &segments.back();
        if (is_newest || !each.is_closed || !std::all_of(each.index.begin(), each.index.end(), is_folded) ||
            !covered || !covered(each.name)) {
            break;
        }
        out.push_back(each.name);
    }
    return out;
}

}  // namespace firedrill::store
