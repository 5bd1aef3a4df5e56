// Starting a node from a verb: the one place where a passphrase that was typed wrong is asked for again.
//
// Blocking until recovery is done; `ready` runs on the world's loop.
#pragma once

#include <functional>
#include <memory>

#include "cli/place.h"
#include "cli/real_world.h"
#include "node/node.h"

namespace firedrill::cli {

/// A typed passphrase that is wrong is asked for again, twice, each time later than before; one from a file
/// is not. wrong_secret: nothing was changed.
Result<std::unique_ptr<node::Node>> boot_node(RealWorld& world, const node::Config& config,
                                              const Place& place, Passphrase& passphrase,
                                              std::function<void(Status)> ready);

}  // namespace firedrill::cli
