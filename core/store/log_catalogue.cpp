#include "store/log_catalogue.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "store/log_members.h"
#include "store/segment_reader.h"

namespace firedrill::store {
namespace {

constexpr Lsn kNoLimit = std::numeric_limits<Lsn>::max();

Status list_names(LogSource& source, std::vector<std::string>& notes) {
    auto names = source.disk->list();
    if (!names) {
        if (names.error().fault == Fault::powered_off) {
            return std::move(names).error();
        }
        notes.push_back(
            fmt::format("Log disk {} cannot be read: {}.", source.disk->label(), names.error().text));
        return {};
    }
    source.is_present = true;
    for (const std::string& text : *names) {
        if (const auto name = parse_segment_name(text)) {
            (name->first < source.begin ? source.expired : source.names).insert(*name);
        }
    }
    return {};
}

Result<SegmentHeader> read_header(Disk& disk, const SegmentName& name) {
    SegmentReader file = TRY(SegmentReader::open(disk, name, 0));
    const auto header = TRY(file.header());
    if (!header) {
        return Error{Fault::damaged,
                     fmt::format("{}/{} has no readable header", disk.label(), to_text(name))};
    }
    return *header;
}

/// How much stands behind a header, for the rare case that two disks differ in it.
Result<std::pair<Lsn, Lsn>> reach(Disk& disk, const SegmentName& name, const SegmentHeader& header) {
    SegmentReader copy = TRY(SegmentReader::open(disk, name, 0));
    const auto beyond = TRY(copy.look_beyond(header.records_offset(), header));
    return std::pair(beyond.proven, beyond.last_sound);
}

}  // namespace

Error refuse_two_histories(const Disk& one, const Disk& two, Lsn from) {
    return {
        Fault::refused,
        fmt::format("log disks {} and {} hold different records from LSN {} on, each of them sound: two "
                    "nodes wrote them; nothing was changed: attach only the one to keep, and restore what "
                    "the other has into a folder of its own (firedrill restore)",
                    one.label(), two.label(), from)};
}

namespace {

/// Takes the first good header among the copies, those in service first; of two that differ, the one with
/// more behind it.
Status choose_header(LogCatalogue& out, const SegmentName& name, const std::optional<NodeId>& node) {
    std::optional<CatalogueEntry> best;
    for (const bool trusted : {true, false}) {
        for (std::size_t i = 0; i < out.sources.size(); ++i) {
            const LogSource& source = out.sources[i];
            if (source.is_trusted != trusted || !source.names.contains(name)) {
                continue;
            }
            auto header = read_header(*source.disk, name);
            if (!header) {
                const Fault fault = header.error().fault;
                if (fault == Fault::powered_off || fault == Fault::newer_format) {
                    return std::move(header).error();
                }
                continue;
            }
            if (node && header->node != *node) {
                return Error{
                    Fault::refused,
                    fmt::format("log disk {} holds the log of another node, {}; attach this node's own log "
                                "disk or an empty one",
                                source.disk->label(), to_hex(header->node))};
            }
            const bool is_rival =
                best && *header != best->header && out.sources[best->header_source].is_trusted == trusted;
            if (is_rival) {
                const auto one = TRY(reach(*out.sources[best->header_source].disk, name, best->header));
                const auto two = TRY(reach(*source.disk, name, *header));
                const bool are_both_in_service =
                    out.sources[best->header_source].is_in_service && source.is_in_service;
                if (are_both_in_service && one.second > 0 && two.second > 0) {
                    return refuse_two_histories(*out.sources[best->header_source].disk, *source.disk,
                                                name.first);
                }
                best = one < two ? CatalogueEntry{*header, i} : *best;
            } else if (!best) {
                best = CatalogueEntry{*header, i};
            }
        }
    }
    if (best) {
        out.segments.emplace(name, *best);
    } else {
        out.headless.insert(name);
    }
    return {};
}

bool is_on_trusted(const LogCatalogue& catalogue, const SegmentName& name) {
    return std::any_of(catalogue.sources.begin(), catalogue.sources.end(), [&](const LogSource& source) {
        return source.is_trusted && source.names.contains(name);
    });
}

/// A header of every timeline that trusted disks hold.
std::map<TimelineId, const SegmentHeader*> headers_of(const LogCatalogue& out) {
    std::map<TimelineId, const SegmentHeader*> timelines;
    for (const auto& [name, entry] : out.segments) {
        if (is_on_trusted(out, name)) {
            timelines.emplace(entry.header.timeline, &entry.header);
        }
    }
    return timelines;
}

/// The path to the one timeline that is nobody's parent.
Status find_path(LogCatalogue& out) {
    const auto timelines = headers_of(out);
    std::set<TimelineId> parents;
    for (const auto& [id, header] : timelines) {
        parents.insert(header->parent);
    }
    std::vector<TimelineId> leaves;
    for (const auto& [id, header] : timelines) {
        if (!parents.contains(id)) {
            leaves.push_back(id);
        }
    }
    if (timelines.empty()) {
        return {};
    }
    if (leaves.size() != 1) {
        return Error{
            Fault::damaged,
            fmt::format(
                "log disks {} hold {} histories that do not continue one another; attach only the disks of "
                "the one to keep",
                labels_of(out.sources), leaves.size())};
    }
    return follow_timeline(out, leaves.front());
}

}  // namespace

const CatalogueEntry* LogCatalogue::find(const TimelineId& timeline, Lsn first) const {
    const auto found = segments.find(segment_name(timeline, first));
    return found == segments.end() || found->second.header.timeline != timeline ? nullptr : &found->second;
}

const CatalogueEntry* LogCatalogue::oldest() const {
    const CatalogueEntry* oldest = nullptr;
    for (const auto& [name, entry] : segments) {
        if (!path.empty() && entry.header.timeline == path.front().id &&
            (oldest == nullptr || entry.header.first < oldest->header.first)) {
            oldest = &entry;
        }
    }
    return oldest;
}

std::string missing_beginning(const LogCatalogue& catalogue, Lsn begin) {
    const CatalogueEntry* first = catalogue.oldest();
    return fmt::format(
        "The log on {} begins at LSN {}, but nothing from LSN {} on was removed on purpose; attach a log "
        "disk "
        "that has the older segments.",
        labels_of(catalogue.sources), first == nullptr ? 0 : first->header.first, begin);
}

std::string labels_of(std::span<const LogSource> sources) {
    std::string out;
    for (const LogSource& source : sources) {
        out += (out.empty() ? "" : " and ") + source.disk->label();
    }
    return out;
}

Result<std::vector<LogSource>> sources_in_service(Disk& data, const NodeId& node, std::span<Disk* const> logs,
                                                  std::vector<std::string>& notes) {
    KnownMembership known = TRY(find_membership(data, logs, node));
    const std::optional<Membership>& membership = known.membership;
    if (!membership) {
        notes.emplace_back("The data disk does not say which log disks are in service.");
    }
    if (!known.note.empty()) {
        notes.push_back(std::move(known.note));
    }
    std::vector<LogSource> sources;
    std::size_t trusted = 0;
    for (Disk* disk : logs) {
        LogSource source;
        source.disk = disk;
        const auto id = read_log_disk_id(*disk, node);
        if (!id && id.error().fault != Fault::disk_failed) {
            return id.error();
        }
        source.is_in_service = membership && id && *id && membership->has(**id);
        source.is_trusted = source.is_in_service;
        source.begin = membership ? membership->begin : 0;
        trusted += source.is_trusted ? 1 : 0;
        if (membership && !source.is_trusted) {
            notes.push_back(
                fmt::format("Log disk {} is not in service: what it holds may be old.", disk->label()));
        }
        sources.push_back(source);
    }
    if (membership && trusted < membership->disks.size()) {
        notes.push_back(fmt::format("{} of the {} log disks in service are not here.",
                                    membership->disks.size() - trusted, membership->disks.size()));
    }
    for (LogSource& source : sources) {
        source.is_trusted = source.is_trusted || trusted == 0;
    }
    return sources;
}

Status follow_timeline(LogCatalogue& out, const TimelineId& last) {
    const auto timelines = headers_of(out);
    out.path.clear();
    Lsn limit = kNoLimit;
    for (auto at = timelines.find(last); at != timelines.end();) {
        out.path.insert(out.path.begin(), TimelineStep{at->first, limit});
        if (out.path.size() > timelines.size()) {
            return Error{Fault::damaged,
                         fmt::format("the timelines on log disks {} run in a circle; attach a mirror or "
                                     "restore",
                                     labels_of(out.sources))};
        }
        limit = std::min(limit, at->second->branch);
        at = timelines.find(at->second->parent);
    }
    return {};
}

Result<LogCatalogue> read_segments(std::vector<LogSource> sources, const std::optional<NodeId>& node) {
    LogCatalogue out;
    out.sources = std::move(sources);
    std::set<SegmentName> names;
    bool is_any_present = false;
    for (LogSource& source : out.sources) {
        TRY(list_names(source, out.notes));
        is_any_present = is_any_present || source.is_present;
        names.insert(source.names.begin(), source.names.end());
    }
    if (!is_any_present) {
        return Error{
            Fault::disk_failed,
            fmt::format("none of the log disks {} can be read; attach one that can", labels_of(out.sources))};
    }
    for (const SegmentName& name : names) {
        TRY(choose_header(out, name, node));
    }
    return out;
}

Result<LogCatalogue> read_catalogue(std::vector<LogSource> sources, const std::optional<NodeId>& node) {
    LogCatalogue out = TRY(read_segments(std::move(sources), node));
    TRY(find_path(out));
    return out;
}

}  // namespace firedrill::store
