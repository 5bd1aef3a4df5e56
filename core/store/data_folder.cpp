#include "store/data_folder.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "store/log_format.h"
#include "store/log_members.h"
#include "store/log_owner.h"

namespace firedrill::store {

namespace {

constexpr std::string_view kMarkerName = "firedrill.node";
constexpr std::string_view kCreatingName = "firedrill.creating";
constexpr std::string_view kSlotsName = "node.slots";
constexpr std::string_view kMagic = "FDNODE\r\n";
constexpr std::uint32_t kVersion = 1;

Bytes encode(const DataFolder& folder) {
    Bytes document;
    Writer out(document);
    out.bytes(as_bytes(kMagic));
    out.u32(kVersion);
    out.bytes(folder.node.view());
    out.bytes(folder.timeline.view());
    append(document, crypto::sha256(document).view());
    return document;
}

Result<DataFolder> read_document(Disk& data, std::string_view name) {
    const Bytes read = TRY(read_file(data, name, 4096));
    Reader in(read);
    const bool is_ours = as_text(in.bytes(kMagic.size())) == kMagic;
    const std::uint32_t version = in.u32();
    // The digest ends the document in every version: a rotten number must not pass for a newer program's.
    constexpr std::size_t kDigestSize = 32;
    const ByteView all(read);
    const bool is_whole =
        all.size() > kDigestSize &&
        equal(crypto::sha256(all.first(all.size() - kDigestSize)).view(), all.last(kDigestSize));
    if (is_ours && in.is_ok() && is_whole && version > kVersion) {
        return Error{Fault::newer_format,
                     fmt::format("data folder {} has format {}, this program knows {}; upgrade the "
                                 "program, nothing was changed",
                                 data.label(), version, kVersion)};
    }
    DataFolder folder;
    in.fill(folder.node.bytes);
    in.fill(folder.timeline.bytes);
    (void)in.bytes(kDigestSize);
    if (!is_ours || !in.is_done() || version != kVersion || !is_whole) {
        return Error{Fault::damaged,
                     fmt::format("{}/{} is not what was written; start the node, which takes it from its log "
                                 "disks, or restore the node from its log",
                                 data.label(), name)};
    }
    return folder;
}

Result<bool> has_name(Disk& disk, std::string_view name) {
    const std::vector<std::string> names = TRY(disk.list());
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Removes the segments of a creation that never ended, and, when no others are there, the disk's membership.
Status clear_log_disk(Disk& disk, const TimelineId& timeline) {
    const auto ours = segment_name(timeline, 1).timeline;
    bool has_others = false;
    for (const std::string& name : TRY(disk.list())) {
        const auto segment = parse_segment_name(name);
        if (segment && segment->timeline == ours) {
            TRY(disk.remove(name));
        }
        has_others = has_others || (segment && segment->timeline != ours);
    }
    for (const std::string_view name : {kLogDiskFile, kMembershipFile, kLogOwnerFile}) {
        if (!has_others && TRY(has_name(disk, name))) {
            TRY(disk.remove(name));
        }
    }
    return disk.sync_names();
}

Status clear_interrupted_creation(Disk& data, std::span<Disk* const> logs) {
    auto begun = read_document(data, kCreatingName);
    if (!begun) {
        return begun.error().fault == Fault::not_found ? Status() : Status(std::move(begun).error());
    }
    for (Disk* disk : logs) {
        TRY(clear_log_disk(*disk, begun->timeline));
    }
    if (TRY(has_name(data, kMembershipFile))) {
        TRY(data.remove(kMembershipFile));
    }
    TRY(data.remove(kCreatingName));
    return data.sync_names();
}

/// A folder that lost its marker is no empty folder: what is made in it would overwrite the rest of a node.
Status check_holds_no_node(Disk& data) {
    const bool is_begun = TRY(has_name(data, kCreatingName));
    for (const std::string& name : TRY(data.list())) {
        const bool is_of_creation = name == kMembershipFile || name == kSlotsName;
        if ((is_of_creation && !is_begun) || name.starts_with("leaves.") || name.starts_with("pages.")) {
            return Error{Fault::exists,
                         fmt::format("{} holds a node's file {}, although not {}: nothing is made over it; "
                                     "restore the node from its log (firedrill restore --from LOG --to NEW), "
                                     "or choose an empty folder",
                                     data.label(), name, kMarkerName)};
        }
    }
    return {};
}

}  // namespace

Result<DataFolder> read_data_folder(Disk& data) {
    auto read = read_document(data, kMarkerName);
    if (!read && read.error().fault == Fault::not_found) {
        return Error{Fault::not_found,
                     fmt::format("{} is not a data folder: it has no file {}; create or restore one",
                                 data.label(), kMarkerName)};
    }
    return read;
}

Status begin_data_folder(Disk& data, std::span<Disk* const> logs, const DataFolder& folder) {
    if (TRY(has_name(data, kMarkerName))) {
        return Error{Fault::exists,
                     fmt::format("{} is a data folder already; choose an empty folder", data.label())};
    }
    TRY(check_holds_no_node(data));
    TRY(clear_interrupted_creation(data, logs));
    for (Disk* disk : logs) {
        for (const std::string& name : TRY(disk->list())) {
            if (parse_segment_name(name)) {
                return Error{Fault::exists,
                             fmt::format("log disk {} holds a transaction log already ({}); choose an "
                                         "empty folder, or restore from it",
                                         disk->label(), name)};
            }
        }
    }
    return replace_file(data, kCreatingName, encode(folder));
}

Status write_data_folder(Disk& data, const DataFolder& folder) {
    TRY(replace_file(data, kMarkerName, encode(folder)));
    if (TRY(has_name(data, kCreatingName))) {
        // Durably: if it came back beside a lost marker, the log would be taken for a creation's.
        TRY(data.remove(kCreatingName));
        return data.sync_names();
    }
    return {};
}

Result<Bytes> read_node_slots(Disk& data) {
    return read_file(data, kSlotsName, kNodeSlotsLimit);
}

Status write_node_slots(Disk& data, ByteView document) {
    return replace_file(data, kSlotsName, document);
}

}  // namespace firedrill::store
