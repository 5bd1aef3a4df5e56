// LogCatalogue: which segments of which timelines stand on which log disks, and which timelines lead to the
// current one.
//
// Internal to the log. Reads names and headers only; changes nothing. Blocking.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "seams/disk.h"
#include "store/log_format.h"

namespace firedrill::store {

/// One log disk as a scan sees it.
struct LogSource {
    Disk* disk = nullptr;
    bool is_trusted =
        true;  ///< in service: where its log ends counts as evidence; others only fill in damage
    bool is_in_service = false;  ///< `log.members` names it; otherwise nothing proves that it is not old
    bool is_present = false;     ///< its names could be listed
    Lsn begin = 0;               ///< segments that begin below it were removed on purpose: they count nowhere
    std::set<SegmentName> names;
    std::set<SegmentName> expired;  ///< still here although they begin below `begin`
};

struct CatalogueEntry {
    SegmentHeader header;
    std::size_t header_source = 0;  ///< index of the source whose copy of the header was believed
};

/// A timeline on the way to the current one.
struct TimelineStep {
    TimelineId id;
    Lsn limit = 0;  ///< last LSN of it that counts; no limit for the current one
};

struct LogCatalogue {
    std::vector<LogSource> sources;
    std::map<SegmentName, CatalogueEntry> segments;  ///< with at least one good header
    std::set<SegmentName> headless;                  ///< no copy has a good header
    std::vector<TimelineStep> path;                  ///< oldest first; empty when there is no segment
    std::vector<std::string> notes;

    /// The segment of `timeline` that begins with `first`; null if there is none.
    [[nodiscard]] const CatalogueEntry* find(const TimelineId& timeline, Lsn first) const;
    /// The oldest segment of the oldest timeline; null when there is none.
    [[nodiscard]] const CatalogueEntry* oldest() const;
};

/// powered_off; disk_failed when no disk can be read; refused when a disk holds another node's log;
/// newer_format; damaged when the segments tell two histories; refused when two disks in service do.
Result<LogCatalogue> read_catalogue(std::vector<LogSource> sources, const std::optional<NodeId>& node);
/// The same without a path: for the disks of somebody who has to choose among histories first.
Result<LogCatalogue> read_segments(std::vector<LogSource> sources, const std::optional<NodeId>& node);
/// Makes the path lead to `last`, through its parents; empty when it is not there. damaged: a circle.
Status follow_timeline(LogCatalogue& catalogue, const TimelineId& last);

/// The log disks with what the data disk says of them; without that, all count. `notes`: what is not as it
/// should be, a sentence each. refused: another node's disk. powered_off.
Result<std::vector<LogSource>> sources_in_service(Disk& data, const NodeId& node, std::span<Disk* const> logs,
                                                  std::vector<std::string>& notes);

/// refused: names both disks and the way out.
Error refuse_two_histories(const Disk& one, const Disk& two, Lsn from);

/// A sentence: the log should begin with `begin`, and begins later.
std::string missing_beginning(const LogCatalogue& catalogue, Lsn begin);

/// "a and b", for messages.
std::string labels_of(std::span<const LogSource> sources);

}  // namespace firedrill::store
