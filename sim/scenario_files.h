// Where scenario files lie. Reads folder names only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace firedrill::sim {

/// Paths of the *.toml files directly below `root`/folder for each folder, sorted within it. not_found when
/// `root` is no folder or holds none.
Result<std::vector<std::string>> find_scenarios(const std::string& root,
                                                const std::vector<std::string>& folders);

}  // namespace firedrill::sim
