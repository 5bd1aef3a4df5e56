// A log folder that need not be there: a disk that was unplugged must not keep a node from starting with the
// others.
#pragma once

#include <memory>
#include <string>

#include "seams/disk.h"

namespace firedrill::posix {

/// Like open_folder(), but a folder that is missing or fails becomes a Disk whose verbs are all disk_failed,
/// and whose attach() looks for the folder again. permission, as open_folder().
Result<std::unique_ptr<Disk>> open_log_folder(const std::string& path);

}  // namespace firedrill::posix
