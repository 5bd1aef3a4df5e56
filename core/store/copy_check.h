// Is a folder a whole and sound copy of a node's closed log segments? Reads every byte of them, without any
// key, and believes nothing that it did not recompute.
//
// Blocking; any thread. Changes nothing. The copy may have been made while the node wrote: its newest
// segment may be open in it, and then does not count.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "store/log.h"

namespace firedrill::store {

using SignerKey = std::array<Byte, 32>;  ///< Ed25519 public key

struct CopyOwner {
    NodeId node;
    std::vector<SignerKey> signers;  ///< keys with which this node closed segments
};

struct CopyReport {
    TimelineId timeline;  ///< of the last record that counts
    Lsn through = 0;      ///< the last LSN that counts: it ends a closed segment
    Digest chain;         ///< chain hash of that record
    WallTime closed;      ///< when its segment was closed, a label
    std::uint32_t segments = 0;
    std::uint64_t bytes = 0;             ///< of what counts
    std::vector<std::string> uncounted;  ///< a sentence for each file that does not count
};

/// From LSN 1 on, a segment after the other without a hole: header, slots, every record with its pages and
/// padding, chain, index and signature of the close mark. damaged: names segment and what is wrong. refused:
/// another node's, signed by an unknown key, or nothing in it is closed yet. not_found: no segment there.
/// newer_format, disk_failed.
Result<CopyReport> check_log_copy(Disk& copy, const CopyOwner& owner, const Progress& progress);

}  // namespace firedrill::store
