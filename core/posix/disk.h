// PosixDisk: one folder of a file system as a Disk. Invariants as in seams/disk.h.
//
// The folder must be a real folder of this user with no permissions for others. Everything is opened relative
// to it, without following links. Durability is fdatasync of the file and fsync of the folder.
#pragma once

#include <memory>
#include <string>

#include "seams/disk.h"

namespace firedrill::posix {

enum class Create : std::uint8_t { no, yes };  ///< a missing folder is made, mode 0700, and its name synced

/// not_found; permission, with the command that mends it, when the folder is not ours alone; disk_failed;
/// disk_full.
Result<std::unique_ptr<Disk>> open_folder(const std::string& path, Create create);

}  // namespace firedrill::posix
