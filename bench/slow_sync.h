// A disk whose syncs take a millisecond longer: the same delay for our stores (a Disk around the real one)
// and for plain SQLite (a VFS around its own).
#pragma once

#include <memory>
#include <mutex>

#include "seams/disk.h"

namespace firedrill::bench {

/// What the files of one machine stand on. Thread-safe.
class SlowDevice {
  public:
    enum class Queue : std::uint8_t {
        one,   ///< one sync after another, as a disk with one actuator or one journal does them
        many,  ///< all at once, as if every file had a disk of its own
    };
    explicit SlowDevice(Queue queue) : queue_(queue) {}
    void sync();

  private:
    Queue queue_;
    std::mutex turn_;
};

/// `device` outlives it and its files.
std::unique_ptr<Disk> make_slow(std::unique_ptr<Disk> disk, SlowDevice& device);
/// Registers SQLite's default VFS once more, under a name that is returned, with slow syncs. The device lives
/// for ever.
const char* slow_vfs(SlowDevice::Queue queue);

}  // namespace firedrill::bench
