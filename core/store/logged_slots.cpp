// What the log disks say of a data folder that lost its own word: whose it is, and its NodeSlots document.
#include "store/data_folder.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/log_catalogue.h"
#include "store/log_walk.h"
#include "store/segment_reader.h"

namespace firedrill::store {
namespace {

/// As the log says at its end: a document that was set in the newest segment stands in a record of it. Empty
/// when the newest segment cannot be reached.
Bytes newest_slots(const LogCatalogue& found, Lsn newest) {
    WalkedLog before;
    WalkOptions options;
    options.from = newest;
    options.may_skip = std::all_of(found.sources.begin(), found.sources.end(),
                                   [](const LogSource& source) { return source.is_trusted; });
    options.until_damage = &before;
    auto walked = walk_log(found, options, nullptr, nullptr);
    if (walked) {
        return std::move(walked->scan.node_slots);
    }
    const bool is_there = !before.segments.empty() && before.segments.back().header.first == newest;
    return is_there ? std::move(before.scan.node_slots) : Bytes();
}

}  // namespace

Result<FolderIdentity> identify_data_folder(Disk& data, std::span<Disk* const> logs) {
    auto folder = read_data_folder(data);
    if (folder) {
        return FolderIdentity{*folder, {}};
    }
    const Error lost = std::move(folder).error();
    if (lost.fault != Fault::damaged && lost.fault != Fault::disk_failed) {
        return lost;  // without the file it is no data folder, whatever else lies in it
    }
    std::vector<LogSource> sources(logs.size());
    std::transform(logs.begin(), logs.end(), sources.begin(), [](Disk* disk) {
        LogSource source;
        source.disk = disk;
        return source;
    });
    auto found = read_catalogue(std::move(sources), std::nullopt);
    if (!found || found->segments.empty()) {
        return !found && found.error().fault == Fault::powered_off ? std::move(found).error() : lost;
    }
    const SegmentHeader& newest = found->segments.rbegin()->second.header;
    const bool is_of_one =
        std::all_of(found->segments.begin(), found->segments.end(),
                    [&newest](const auto& segment) { return segment.second.header.node == newest.node; });
    if (!is_of_one || found->path.empty()) {
        return lost;
    }
    return FolderIdentity{{newest.node, found->path.back().id},
                          fmt::format("{}; the log disks are of node {}", lost.text, to_hex(newest.node))};
}

Result<Bytes> read_logged_slots(Disk& data, std::span<Disk* const> logs) {
    const DataFolder folder = TRY(identify_data_folder(data, logs)).folder;
    std::vector<std::string> notes;
    auto sources = TRY(sources_in_service(data, folder.node, logs, notes));
    const LogCatalogue found = TRY(read_catalogue(std::move(sources), folder.node));
    std::vector<const SegmentHeader*> newest_first;
    for (const auto& [name, entry] : found.segments) {
        newest_first.push_back(&entry.header);
    }
    std::sort(newest_first.begin(), newest_first.end(),
              [](const SegmentHeader* one, const SegmentHeader* two) { return one->first > two->first; });
    if (!newest_first.empty()) {
        if (Bytes newest = newest_slots(found, newest_first.front()->first); !newest.empty()) {
            return newest;
        }
    }
    for (const SegmentHeader* header : newest_first) {
        const SegmentName name = segment_name(header->timeline, header->first);
        for (const LogSource& source : found.sources) {
            if (!source.is_trusted || !source.names.contains(name)) {
                continue;
            }
            auto file = SegmentReader::open(*source.disk, name, 0);
            const auto start = file ? file->start() : Result<std::optional<SegmentStart>>(std::nullopt);
            if (start && *start) {
                const ByteView slots = (*start)->slots();
                return Bytes(slots.begin(), slots.end());
            }
        }
    }
    return Error{Fault::not_found, fmt::format("no segment on log disks {} has the node's key slots",
                                               labels_of(found.sources))};
}

}  // namespace firedrill::store
