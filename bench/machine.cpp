#include "machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

namespace firedrill::bench {
namespace {

/// Milliseconds that a 4 KiB append and its fdatasync take.
std::vector<double> sync_latencies(const std::filesystem::path& folder) {
    const std::string name = (folder / "sync").string();
    const int file = ::open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) {
        throw std::runtime_error("cannot write to " + folder.string());
    }
    const std::array<char, 4096> block{};
    std::vector<double> latencies;
    for (int i = 0; i < 50; ++i) {
        const auto start = std::chrono::steady_clock::now();
        if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
            ::fdatasync(file) != 0) {
            ::close(file);
            throw std::runtime_error("cannot sync in " + folder.string());
        }
        latencies.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    ::close(file);
    std::ranges::sort(latencies);
    return latencies;
}

}  // namespace

Scratch::Scratch() {
    std::string pattern =
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "scratch-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("cannot make the folder " + pattern);
    }
    path_ = pattern;
}

Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string describe_load() {
    std::array<double, 3> load{};
    if (::getloadavg(load.data(), 3) != 3) {
        return "load average unknown";
    }
    return fmt::format("load average {:.2f} {:.2f} {:.2f}", load[0], load[1], load[2]);
}

std::string describe_machine(const std::filesystem::path& folder) {
    const std::vector<double> latencies = sync_latencies(folder);
    return fmt::format(
        "{} processors; {}; one sync of 4 KiB here takes {:.3f} ms (median), {:.3f} ms (worst of {})",
        std::thread::hardware_concurrency(), describe_load(), latencies[latencies.size() / 2],
        latencies.back(), latencies.size());
}

}  // namespace firedrill::bench
