#include "tests/live/process_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "posix/handle.h"
#include "sim/canary.h"

namespace firedrill::test {

namespace {

constexpr std::size_t kChunk = std::size_t{4} << 20;
constexpr std::size_t kLongestSpelling = 4096;

std::size_t count_in(ByteView bytes, const Bytes& spelling, std::size_t fresh_from) {
    std::size_t count = 0;
    const Byte* at = bytes.data();
    std::size_t left = bytes.size();
    while (left >= spelling.size()) {
        const auto* found = static_cast<const Byte*>(::memmem(at, left, spelling.data(), spelling.size()));
        if (found == nullptr) {
            break;
        }
        // What ends in the part that the chunk before had as well was counted there.
        if (static_cast<std::size_t>(found - bytes.data()) + spelling.size() > fresh_from) {
            ++count;
        }
        left -= static_cast<std::size_t>(found + 1 - at);
        at = found + 1;
    }
    return count;
}

}  // namespace

Needle needle_of_text(std::string what, std::string_view text) {
    Needle out{std::move(what), {}};
    for (const sim::Encoded& one : sim::encode_all_ways(as_bytes(text))) {
        out.spellings.push_back(one.bytes);
    }
    return out;
}

Needle needle_of_key(std::string what, ByteView key) {
    return needle_of_text(std::move(what), as_text(key));
}

bool ProcessMemory::is_readable() const {
    return posix::Handle(::open(fmt::format("/proc/{}/mem", process_).c_str(), O_RDONLY | O_CLOEXEC))
        .is_open();
}

std::vector<Sighting> ProcessMemory::search(const std::vector<Needle>& needles) {
    std::vector<Sighting> seen;
    searched_bytes_ = 0;
    const posix::Handle memory(::open(fmt::format("/proc/{}/mem", process_).c_str(), O_RDONLY | O_CLOEXEC));
    std::ifstream maps(fmt::format("/proc/{}/maps", process_));
    Bytes chunk(kChunk + kLongestSpelling);
    for (std::string line; std::getline(maps, line);) {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        char dash = 0;
        std::istringstream words(line);
        if (!(words >> std::hex >> from >> dash >> to) || line.find("[v") != std::string::npos) {
            continue;
        }
        std::size_t kept = 0;
        for (std::uint64_t at = from; at < to;) {
            const std::size_t want = std::min<std::uint64_t>(kChunk, to - at);
            const ssize_t got = ::pread(memory.get(), chunk.data() + kept, want, static_cast<off_t>(at));
            if (got <= 0) {
                break;
            }
            const std::size_t size = kept + static_cast<std::size_t>(got);
            for (const Needle& needle : needles) {
                std::size_t count = 0;
                for (const Bytes& spelling : needle.spellings) {
                    count += count_in(ByteView(chunk).first(size), spelling, kept);
                }
                if (count > 0) {
                    seen.push_back({needle.what, line, count});
                }
            }
            at += static_cast<std::uint64_t>(got);
            searched_bytes_ += static_cast<std::uint64_t>(got);
            kept = std::min(size, kLongestSpelling);
            std::copy_n(chunk.begin() + static_cast<std::ptrdiff_t>(size - kept), kept, chunk.begin());
        }
    }
    return seen;
}

std::vector<std::string> names_of(const std::vector<Sighting>& seen) {
    std::vector<std::string> out;
    for (const Sighting& one : seen) {
        if (std::find(out.begin(), out.end(), one.what) == out.end()) {
            out.push_back(one.what);
        }
    }
    return out;
}

std::string describe(const std::vector<Sighting>& seen) {
    std::string out;
    for (const Sighting& one : seen) {
        out += fmt::format("{} x{} in {}\n", one.what, one.count, one.where);
    }
    return out;
}

}  // namespace firedrill::test
