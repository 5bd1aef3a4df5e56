// The files that make a folder a node's data folder, beside the page files: "firedrill.node" and
// "node.slots".
//
// Blocking; used before the loop serves, and by Storage's jobs. Format: docs/formats/page_file.md.
#pragma once

#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "seams/disk.h"

namespace firedrill::store {

inline constexpr std::uint64_t kNodeSlotsLimit = 64 * 1024;

/// What "firedrill.node" says.
struct DataFolder {
    NodeId node;
    TimelineId timeline;  ///< the one on which the folder was made; the log may have moved on
};

/// not_found: not a data folder. newer_format, damaged.
Result<DataFolder> read_data_folder(Disk& data);
/// The same, and where the file is there and is not what was written, what the log disks say: if every
/// segment on them is of one node. That node's keys, and what else on the data disk names a node, must agree.
struct FolderIdentity {
    DataFolder folder;
    std::string lost;  ///< a sentence when the file has to be written again; empty mostly
};
Result<FolderIdentity> identify_data_folder(Disk& data, std::span<Disk* const> logs);
/// Written last of all by create and restore: before it the folder is nothing. Durable on return.
Status write_data_folder(Disk& data, const DataFolder& folder);
/// The first step of creation, which write_data_folder() ends: says durably in "firedrill.creating" whose log
/// is about to be made. What an interrupted creation left, log included, is removed first: nothing in it was
/// ever promised. exists when `data` is a data folder, or holds a node's files without being
/// one any more, or a log disk holds a log of anybody else.
Status begin_data_folder(Disk& data, std::span<Disk* const> logs, const DataFolder& folder);

/// The newest NodeSlots document, readable before the store is open so that a passphrase can be tried.
/// not_found.
Result<Bytes> read_node_slots(Disk& data);
/// The newest document that the log has, for when the folder's own cannot be used; where its newest segment
/// cannot be read, that at the head of the newest one that can. not_found, and as read_catalogue().
Result<Bytes> read_logged_slots(Disk& data, std::span<Disk* const> logs);
/// Durable on return.
Status write_node_slots(Disk& data, ByteView document);

}  // namespace firedrill::store
