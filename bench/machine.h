// The machine under the bench: a scratch folder on a real disk, the disk's own sync latency, the load.
#pragma once

#include <filesystem>
#include <string>

namespace firedrill::bench {

/// A folder beside the build, removed at the end. Not below /tmp, which may lie in memory.
class Scratch {
  public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

/// Processor count, load averages, and the median and worst of 50 fdatasyncs of 4 KiB in `folder`; one
/// sentence.
std::string describe_machine(const std::filesystem::path& folder);
std::string describe_load();  ///< "load average 0.41 0.38 0.29"

}  // namespace firedrill::bench
