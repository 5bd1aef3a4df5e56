// LogRepair: makes log disks say what a walk found to be true: repairs, cuts, closes, and fills up stale
// disks.
//
// Internal to the log; used by recovery before a writer exists. Blocking.
#pragma once

#include <vector>

#include "crypto/secret.h"
#include "store/log_catalogue.h"
#include "store/log_walk.h"

namespace firedrill::store {

class LogRepair {
  public:
    LogRepair(const LogCatalogue& catalogue, WalkedLog& walked, SegmentSigner signer, WallTime wall)
        : catalogue_(catalogue), walked_(walked), signer_(signer), wall_(wall) {}

    /// Brings one disk in service in order: bad ranges from the good copies, missing close marks, the cut of
    /// the torn tail, files that never became segments. `must_move`: the last segment is copied into a new
    /// file, because a sync of the old one failed once. Durable on return.
    Status fix(std::size_t source, bool must_move);
    /// Makes a stale or empty disk equal to `good`, which was fixed. Durable on return.
    Status fill(std::size_t source, std::size_t good);

  private:
    Status fix_segment(std::size_t source, const WalkedSegment& segment, bool is_last);
    Status copy_file(Disk& from, Disk& to, const std::string& name);
    Result<bool> is_same(Disk& a, Disk& b, const std::string& name);

    const LogCatalogue& catalogue_;
    WalkedLog& walked_;
    SegmentSigner signer_;
    WallTime wall_;
};

}  // namespace firedrill::store
