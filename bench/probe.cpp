#include "probe.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/wait.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "machine.h"
#include "sealed_world.h"

namespace firedrill::bench {
namespace {

constexpr std::array<std::string_view, 3> kNames{"idle_locked", "idle_unlocked", "peak"};

/// Bytes that are in use, in all arenas and mappings of the allocator.
std::size_t heap_bytes() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

double kib_a_practice(bool is_tiny, bool is_locked) {
    const Scratch scratch;
    SealedOptions options;
    options.stores = 0;
    options.memory_limit_bytes = 0;  // who does nothing gives back what it can
    SealedWorld empty(scratch.path() / "empty", options);
    const std::size_t before = heap_bytes();
    options.stores = is_tiny ? 10 : 1000;
    SealedWorld world(scratch.path() / "idle", options);
    world.commit_rows(static_cast<std::int64_t>(2 * options.stores));
    world.fold();
    if (is_locked) {
        world.lock_all();
        world.fold();
    } else {
        world.read_rows({1});  // somebody else at work: the others are looked at
    }
    return static_cast<double>(heap_bytes() - before) / 1024 / static_cast<double>(options.stores);
}

double peak_mib(bool is_tiny) {
    {
        const Scratch scratch;
        SealedOptions options;
        options.stores = 16;
        SealedWorld world(scratch.path() / "peak", options);
        world.fill(is_tiny ? 100 : 32'000);
        world.commit_rows(is_tiny ? 32 : 32'000);
        world.fold();
        world.scan();
    }
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) {
            return std::stod(line.substr(6)) / 1024;
        }
    }
    throw std::runtime_error("/proc/self/status does not say how much memory was used at most");
}

double measure(Probe probe, bool is_tiny) {
    switch (probe) {
        case Probe::idle_locked: return kib_a_practice(is_tiny, true);
        case Probe::idle_unlocked: return kib_a_practice(is_tiny, false);
        case Probe::peak: return peak_mib(is_tiny);
    }
    return 0;
}

}  // namespace

double run_probe(Probe probe, bool is_tiny) {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string command = fmt::format("'{}' --{}probe={}", program, is_tiny ? "tiny-" : "",
                                            kNames[static_cast<std::size_t>(probe)]);
    FILE* output = ::popen(command.c_str(), "re");
    if (output == nullptr) {
        throw std::runtime_error("cannot run " + command);
    }
    std::array<char, 64> text{};
    const std::size_t size = std::fread(text.data(), 1, text.size(), output);
    double value = 0;
    const bool is_number = std::from_chars(text.data(), text.data() + size, value).ec == std::errc();
    if (::pclose(output) != 0 || !is_number) {
        throw std::runtime_error("no figure came from " + command);
    }
    return value;
}

std::optional<int> serve_probe(std::string_view argument) {
    constexpr std::string_view kFull = "--probe=";
    constexpr std::string_view kTiny = "--tiny-probe=";
    const bool is_tiny = argument.starts_with(kTiny);
    if (!is_tiny && !argument.starts_with(kFull)) {
        return std::nullopt;
    }
    const std::string_view name = argument.substr(is_tiny ? kTiny.size() : kFull.size());
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i] == name) {
            fmt::print("{}\n", measure(static_cast<Probe>(i), is_tiny));
            return 0;
        }
    }
    fmt::print(stderr, "firedrill_bench: there is no probe \"{}\"\n", name);
    return 2;
}

}  // namespace firedrill::bench
