// Scrub of a node that does not run: reads every page and every record, and mends what log or mirror have
// right.
//
// Blocking, under the data folder's claim. Needs no key. Damage that cannot be mended is left as it is.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "seams/disk.h"
#include "store/log.h"

namespace firedrill::store {

struct ScrubReport {
    std::uint64_t pages = 0;      ///< read and compared
    std::uint64_t log_bytes = 0;  ///< read, on all log disks
    std::uint64_t found = 0;      ///< pages, records, files that were not what was written
    std::uint64_t repaired = 0;
    std::uint64_t not_repairable = 0;
    std::vector<std::string> notes;  ///< one sentence each
};

/// not_found: not a data folder. in_use: a node or another scrub owns it. newer_format, refused, disk_failed.
Result<ScrubReport> scrub_folder(Disk& data, std::span<Disk* const> logs, const Progress& progress);

}  // namespace firedrill::store
