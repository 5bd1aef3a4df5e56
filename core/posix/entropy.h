// PosixEntropy: getrandom(2), unbuffered. Callable from any thread.
#pragma once

#include "seams/entropy.h"

namespace firedrill::posix {

class PosixEntropy final : public Entropy {
  public:
    void fill(MutableBytes out) override;
};

}  // namespace firedrill::posix
