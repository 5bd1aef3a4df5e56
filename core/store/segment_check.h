// Is a closed segment on one disk what was written? Internal to the log. Blocking.
#pragma once

#include "seams/disk.h"
#include "store/log_format.h"

namespace firedrill::store {

/// Reads it from its header to its close mark: every hash holds, every record follows the one before. The
/// signature is not checked. A segment that cannot be read is not sound. powered_off.
Result<bool> is_sound_segment(Disk& disk, const SegmentName& name);
/// The same of its records through `last`; what stands after them, a close mark mostly, is not looked at.
Result<bool> is_sound_through(Disk& disk, const SegmentName& name, Lsn last);

}  // namespace firedrill::store
