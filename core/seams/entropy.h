// Entropy: unpredictable bytes. One of the five seams. Callable from any thread.
#pragma once

#include "base/bytes.h"

namespace firedrill {

class Entropy {
  public:
    virtual ~Entropy() = default;
    /// Fills `out` with fresh system entropy (getrandom; never a buffer that a cloned machine would repeat).
    /// Never fails: a system without entropy aborts. In the simulator: a seeded stream of its own for each
    /// node.
    virtual void fill(MutableBytes out) = 0;
};

template <class IdType>
IdType draw_id(Entropy& entropy) {
    IdType id;
    entropy.fill(id.bytes);
    return id;
}

}  // namespace firedrill
