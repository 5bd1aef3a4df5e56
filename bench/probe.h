// Measurements of memory, each in a process of its own, so that nothing else the bench did is counted.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace firedrill::bench {

enum class Probe : std::uint8_t {
    idle_locked,    ///< KiB of heap a practice that nobody is signed in to, over 1,000 of them
    idle_unlocked,  ///< the same, of practices with somebody signed in who does nothing
    peak,           ///< MiB of resident memory at most, while 16 practices take 64 MB and one is read through
};

/// Runs this program again for the probe. Throws std::runtime_error when that fails.
double run_probe(Probe probe, bool is_tiny);
/// What main() does when the first argument is "--probe=NAME" or "--tiny-probe=NAME"; nothing when it is
/// neither.
std::optional<int> serve_probe(std::string_view argument);

}  // namespace firedrill::bench
