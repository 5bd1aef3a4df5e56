#include "posix/entropy.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace firedrill::posix {

void PosixEntropy::fill(MutableBytes out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        CHECK(got > 0);  // a system without entropy: nothing safe can be done
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

}  // namespace firedrill::posix
