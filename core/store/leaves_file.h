// The leaves file: a store's published position and the leaf of every page there. Within store only.
//
// Format: docs/formats/page_file.md. Blocking.
#pragma once

#include <string_view>

#include "seams/disk.h"
#include "store/page_store.h"

namespace firedrill::store {

struct LeavesHeader {
    StoreId store;
    std::uint32_t generation = 0;  ///< of the page file it belongs to
    StorePosition position;
    Lsn through = 0;
};

/// Replaces it; durable on ok. On failure the old one stands.
Status write_leaves_file(Disk& data, const LeavesHeader& header, const FrozenLeaves& leaves);
/// damaged: not a sound header of that store; newer_format.
Result<LeavesHeader> read_leaves_header(Disk& data, StoreId store, File& file);
/// Fills `tree`, when the file has exactly `count` leaves; nothing is allocated for a count that its size
/// does not bear out. False: it has not. Whether they are right the root tells.
Result<bool> read_leaves(File& file, PageNumber count, PageTree& tree);
/// "…/leaves.… <what>; <way out>".
Error bad_leaves(Disk& data, StoreId store, std::string_view what);

}  // namespace firedrill::store
