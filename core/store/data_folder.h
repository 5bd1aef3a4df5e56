// The files that make a folder a node's data folder, beside the page files: "firedrill.node" and "node.slots".
//
// Blocking; used before the loop serves, and by Storage's jobs. Format: docs/formats/page_file.md.
#pragma once

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
/// Written last of all by create and restore: before it the folder is nothing. Durable on return.
Status write_data_folder(Disk& data, const DataFolder& folder);
/// exists when the disk holds any file of a data folder.
Status check_no_data_folder(Disk& data);

/// The newest NodeSlots document, readable before the store is open so that a passphrase can be tried. not_found.
Result<Bytes> read_node_slots(Disk& data);
/// Durable on return.
Status write_node_slots(Disk& data, ByteView document);

}  // namespace firedrill::store
