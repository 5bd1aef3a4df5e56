// A program with a data race on purpose: two lanes count in one place without asking each other.
//
// `./dev test --tsan` runs it first: if ThreadSanitizer has nothing to say here, its silence elsewhere proves
// nothing.
#include <atomic>
#include <cstdint>
#include <cstdio>

#include "posix/loop.h"
#include "posix/workers.h"

int main() {
    firedrill::posix::PosixLoop loop;
    firedrill::posix::PosixWorkers workers(loop);
    std::uint64_t shared = 0;
    std::atomic<int> begun = 0;
    int left = 2;
    for (std::uint32_t lane = 16; lane < 18; ++lane) {
        workers.run(
            static_cast<firedrill::Lane>(lane),
            [&shared, &begun] {
                // Both at once, and nothing that would order what one does before what the other does.
                begun.fetch_add(1, std::memory_order_relaxed);
                while (begun.load(std::memory_order_relaxed) < 2) {
                }
                shared = shared + 1;
            },
            [&left] { --left; });
    }
    const bool is_done = loop.run_until([&left] { return left == 0; });
    std::printf("%d %s\n", is_done ? 1 : 0, shared > 0 ? "counted" : "nothing");
    return 0;
}
