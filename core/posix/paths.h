// Paths and small files of this machine that are not a node's disks: settings, certificates, what main() is
// told.
#pragma once

#include <string>

#include "base/result.h"

namespace firedrill::posix {

/// Absolute, without "." and ".." where they can be resolved; symbolic links of existing parts are followed.
std::string absolute_path(const std::string& path);
/// `path` lies in `folder` or below (both are made absolute first).
bool is_inside(const std::string& path, const std::string& folder);
/// permission when the parent may not be searched.
Result<bool> exists(const std::string& path);
/// Whether two paths are one folder, which has several names when it is mounted twice or a link leads to it,
/// or would be one if it were made.
bool is_same_folder(const std::string& one, const std::string& two);
/// Whether two folders are on one file system (st_dev). Two of them may still share a disk: subvolumes and
/// partitions do. not_found, permission.
Result<bool> is_same_device(const std::string& one, const std::string& two);
/// not_found, permission, limit.
Result<std::string> read_small_file(const std::string& path, std::size_t limit);
/// Writes beside it, syncs, renames. Mode 0644. Faults: permission, disk_full, disk_failed.
Status replace_small_file(const std::string& path, const std::string& contents);

}  // namespace firedrill::posix
