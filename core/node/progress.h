// How far a command of the operator is: docs/control.md, "Progress". Header only. Loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace firedrill::node {

struct CommandProgress {
    std::string what;  ///< two or three words
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    std::string unit;  ///< "bytes" or "pages"
};
/// Called on the loop, as often as there is something new; empty: nobody asked.
using OnProgress = std::function<void(const CommandProgress&)>;

}  // namespace firedrill::node
