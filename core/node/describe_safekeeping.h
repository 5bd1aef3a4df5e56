// Recovery kit and escrow in the answer of practice.show. Pure; used inside node/. docs/control.md.
#pragma once

#include <boost/json.hpp>

#include "identity/safekeeping.h"

namespace firedrill::node {

/// Adds "kit" (null when it was never recorded), "escrows", and "active_owners".
void add_safekeeping(boost::json::object& practice, const identity::Safekept& kept);

}  // namespace firedrill::node
