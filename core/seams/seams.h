// Seams: the whole outside world of a node, passed by reference from the composition root.
//
// Production code never asks which world it is in. Only main() (and tests) may construct implementations.
#pragma once

#include <vector>

#include "seams/clock.h"
#include "seams/disk.h"
#include "seams/entropy.h"
#include "seams/network.h"
#include "seams/workers.h"

namespace firedrill {

struct Seams {
    Clock& clock;
    Network& network;
    Entropy& entropy;
    Workers& workers;
    Disk& data;               ///< page files, node slots, control socket
    std::vector<Disk*> logs;  ///< 1–4 log disks, none null; may not be the same folder as `data`
};

}  // namespace firedrill
