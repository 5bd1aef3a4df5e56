// Plants: parts that are worse on purpose, put into a node so that the judges can be judged.
//
// Each plant has a name for scenario files and the judge that must catch it (docs/simulator.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firedrill::sim {

/// Names that a scenario may use; the first is "" for none.
std::vector<std::string_view> plant_names();

}  // namespace firedrill::sim
