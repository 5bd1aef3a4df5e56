// ProcessMemory: what stands in another process's memory, all of it: heap, stacks, mappings, data of the
// program. For tests that look for secrets. Needs the right to trace (root).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace firedrill::test {

/// Something that is looked for, in each way in which it may be written.
struct Needle {
    std::string what;
    std::vector<Bytes> spellings;
};
/// Key material: its bytes, and as hexadecimal and base64.
Needle needle_of_key(std::string what, ByteView key);
/// Text: also UTF-16, base64, hexadecimal, percent-encoded.
Needle needle_of_text(std::string what, std::string_view text);

struct Sighting {
    std::string what;
    std::string where;  ///< the mapping's line in /proc/PID/maps
    std::size_t count = 0;
    bool operator==(const Sighting&) const = default;
};

class ProcessMemory {
  public:
    explicit ProcessMemory(int process) : process_(process) {}
    /// Whether this account may look at all.
    [[nodiscard]] bool is_readable() const;
    /// Every needle in every mapping that can be read. `searched_bytes` says how much that was.
    std::vector<Sighting> search(const std::vector<Needle>& needles);
    [[nodiscard]] std::uint64_t searched_bytes() const { return searched_bytes_; }

  private:
    int process_;
    std::uint64_t searched_bytes_ = 0;
};

/// Names of what was seen, each once.
std::vector<std::string> names_of(const std::vector<Sighting>& seen);
std::string describe(const std::vector<Sighting>& seen);

}  // namespace firedrill::test
