#include "store/timelines.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "store/log_catalogue.h"
#include "store/segment_reader.h"

namespace firedrill::store {
namespace {

constexpr Lsn kNoLimit = std::numeric_limits<Lsn>::max();

const TimelineFacts* find(std::span<const TimelineFacts> timelines, const TimelineId& id) {
    const auto found = std::find_if(timelines.begin(), timelines.end(),
                                    [&id](const TimelineFacts& each) { return each.id == id; });
    return found == timelines.end() ? nullptr : &*found;
}

/// From each timeline on the way to `leaf` to the last LSN of it that counts.
std::map<TimelineId, Lsn> way_to(std::span<const TimelineFacts> timelines, const TimelineFacts& leaf) {
    std::map<TimelineId, Lsn> way;
    Lsn limit = kNoLimit;
    for (const TimelineFacts* at = &leaf; at != nullptr && way.emplace(at->id, limit).second;
         at = find(timelines, at->parent)) {
        limit = std::min(limit, at->branch);
    }
    return way;
}

/// Through which LSN both have the same records.
Lsn common_of(std::span<const TimelineFacts> timelines, const TimelineFacts& one, const TimelineFacts& two) {
    const auto first = way_to(timelines, one);
    const auto second = way_to(timelines, two);
    Lsn common = 0;
    for (const auto& [id, limit] : first) {
        if (const auto other = second.find(id); other != second.end()) {
            common = std::max(common, std::min(limit, other->second));
        }
    }
    return common;
}

/// How far one copy of a segment reads, and beyond damage too.
Status look_at(Disk& disk, const SegmentName& name, TimelineFacts& out) {
    SegmentReader file = TRY(SegmentReader::open(disk, name, 0));
    const auto header = TRY(file.header());
    if (!header || header->timeline != out.id) {
        return {};
    }
    SegmentPlace place = first_place(*header);
    while (const auto record = TRY(file.next_record(place))) {
        if (record->head.lsn >= out.newest) {
            out.newest = record->head.lsn;
            out.at = record->head.wall;
        }
        place = place_after(place, record->head);
    }
    const auto beyond = TRY(file.look_beyond(place.offset, *header));
    out.newest = std::max({out.newest, beyond.last_sound, beyond.proven});
    return {};
}

Status find_newest(const LogCatalogue& catalogue, const SegmentHeader& last, TimelineFacts& out) {
    const SegmentName name = segment_name(last.timeline, last.first);
    out.newest = std::max(out.branch, last.first - 1);
    for (const LogSource& source : catalogue.sources) {
        if (!source.names.contains(name)) {
            continue;
        }
        // What one disk cannot read, another may; what none can, the restore itself will say.
        if (const Status looked = look_at(*source.disk, name, out);
            !looked && looked.error().fault == Fault::powered_off) {
            return looked;
        }
    }
    return {};
}

std::uint64_t size_of(const LogCatalogue& catalogue, const SegmentName& name) {
    std::uint64_t largest = 0;
    for (const LogSource& source : catalogue.sources) {
        if (source.names.contains(name)) {
            const auto file = source.disk->open(to_text(name), Open::existing);
            const auto size = file ? (*file)->size_bytes() : Result<std::uint64_t>(0U);
            largest = std::max(largest, size ? *size : 0);
        }
    }
    return largest;
}

std::string list_of(std::span<const TimelineFacts> timelines, bool only_going_on) {
    std::string out;
    for (const TimelineFacts& each : timelines) {
        if (each.goes_on || !only_going_on) {
            out += (out.empty() ? "" : ", and ") + describe(each);
        }
    }
    return out;
}

}  // namespace

std::string describe(const TimelineFacts& timeline) {
    const std::string origin =
        timeline.parent == TimelineId{}
            ? "the node's first"
            : fmt::format("from timeline {} after LSN {}", to_hex(timeline.parent), timeline.branch);
    const std::string at = timeline.at == WallTime{} ? "" : " of " + format_utc(timeline.at);
    return fmt::format("{} ({}, through LSN {}{}, {} segments, {} bytes)", to_hex(timeline.id), origin,
                       timeline.newest, at, timeline.segments, timeline.bytes);
}

Result<std::vector<TimelineFacts>> list_timelines(const LogCatalogue& catalogue) {
    std::map<TimelineId, TimelineFacts> found;
    std::map<TimelineId, const SegmentHeader*> last;
    for (const auto& [name, entry] : catalogue.segments) {
        const SegmentHeader& header = entry.header;
        TimelineFacts& facts = found[header.timeline];
        facts.id = header.timeline;
        facts.parent = header.parent;
        facts.branch = header.branch;
        facts.bytes += size_of(catalogue, name);
        ++facts.segments;
        const SegmentHeader*& newest = last[header.timeline];
        newest = newest == nullptr || newest->first < header.first ? &header : newest;
    }
    std::vector<TimelineFacts> out;
    for (auto& [id, facts] : found) {
        facts.newest = std::max(facts.branch, last[id]->first - 1);
        if (found.size() > 1) {
            TRY(find_newest(catalogue, *last[id], facts));
        }
        out.push_back(facts);
    }
    std::stable_sort(out.begin(), out.end(), [](const TimelineFacts& one, const TimelineFacts& two) {
        return one.branch < two.branch;
    });
    mark_those_that_go_on(out);
    return out;
}

Result<std::vector<TimelineFacts>> timelines_on(std::span<Disk* const> disks) {
    std::vector<LogSource> sources;
    for (Disk* disk : disks) {
        LogSource source;
        source.disk = disk;
        sources.push_back(source);
    }
    return list_timelines(TRY(read_segments(std::move(sources), std::nullopt)));
}

void mark_those_that_go_on(std::span<TimelineFacts> timelines) {
    for (TimelineFacts& each : timelines) {
        bool has_child = false;
        Lsn taken_over = 0;
        for (const TimelineFacts& other : timelines) {
            if (other.parent == each.id && other.id != each.id) {
                has_child = true;
                taken_over = std::max(taken_over, other.branch);
            }
        }
        each.goes_on = !has_child || each.newest > taken_over;
    }
}

Lsn common_through(std::span<const TimelineFacts> timelines) {
    Lsn common = kNoLimit;
    for (const TimelineFacts& one : timelines) {
        for (const TimelineFacts& two : timelines) {
            if (one.goes_on && two.goes_on && one.id != two.id) {
                common = std::min(common, common_of(timelines, one, two));
            }
        }
    }
    return common;
}

Result<TimelineId> choose_timeline(std::span<const TimelineFacts> timelines, Lsn until,
                                   const std::optional<TimelineId>& wanted, const std::string& where) {
    if (timelines.empty()) {
        return Error{
            Fault::not_found,
            fmt::format("no log segment on {} can be read; name the folder that holds the log", where)};
    }
    if (wanted) {
        if (find(timelines, *wanted) == nullptr) {
            return Error{Fault::not_found,
                         fmt::format("there is no timeline {} on {}; name one of those that are: {}",
                                     to_hex(*wanted), where, list_of(timelines, false))};
        }
        return *wanted;
    }
    const auto goes_on = [](const TimelineFacts& each) { return each.goes_on; };
    const auto first = std::find_if(timelines.begin(), timelines.end(), goes_on);
    if (first == timelines.end()) {
        return Error{Fault::damaged, fmt::format("the timelines on {} run in a circle: {}; name one of them "
                                                 "(--timeline ID), or attach another copy",
                                                 where, list_of(timelines, false))};
    }
    const auto count = std::count_if(timelines.begin(), timelines.end(), goes_on);
    const Lsn common = common_through(timelines);
    if (count > 1 && (until == 0 || until > common)) {
        return Error{
            Fault::refused,
            fmt::format("the log on {} holds {} timelines that went on beside one another after LSN {}, each "
                        "with records that no other has: {}; choose the one to restore with --timeline ID",
                        where, count, common, list_of(timelines, true))};
    }
    return first->id;
}

}  // namespace firedrill::store
