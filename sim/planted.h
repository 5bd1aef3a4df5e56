// Plants: parts that are worse on purpose, put into a node so that the judges can be judged; and the judges'
// own spies, which change nothing.
//
// Each plant has a name for scenario files and the judge that must catch it (docs/simulator.md). The World,
// and the disk given, outlive the parts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firedrill {
class Disk;
}
namespace firedrill::node {
struct Parts;
}

namespace firedrill::sim {

class World;

/// Names that a scenario may use; the first is "" for none.
std::vector<std::string_view> plant_names();

/// The parts of a node in this world: real ones under the judges' spies, with the scenario's plant in its
/// place.
node::Parts make_parts(World& world, Disk& data);

}  // namespace firedrill::sim
