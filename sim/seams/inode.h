// Inode: one simulated file's contents, durable and not. Part of SimDisk; no cost and no chance in here.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace firedrill::sim {

inline constexpr std::size_t kSectorBytes = 512;
using Sector = std::array<Byte, kSectorBytes>;

/// A byte string that costs memory only where something was written; everything else reads as zero.
class SparseBytes {
  public:
    SparseBytes() = default;
    SparseBytes(const SparseBytes& other) { copy(other); }
    SparseBytes& operator=(const SparseBytes&) = delete;
    void copy(const SparseBytes& other);
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_; }
    /// Bytes given up are zero when the size grows again.
    void resize(std::uint64_t size_bytes);
    /// Past the end it reads zeroes.
    void read(std::uint64_t offset, MutableBytes out) const;
    /// What lies past the end is dropped.
    void write(std::uint64_t offset, ByteView bytes);

  private:
    static constexpr std::size_t kChunkBytes = 16384;
    using Chunk = std::array<Byte, kChunkBytes>;
    std::uint64_t size_ = 0;
    std::vector<std::unique_ptr<Chunk>> chunks_;
};

struct Inode {
    struct Dirty {
        Sector bytes;
        bool is_lost = false;  ///< a sync failed on it: still read, never written by a later sync
    };
    struct Stale {
        Sector bytes;
        std::uint32_t fault;
    };

    std::string name;              ///< the newest, for records and taps
    bool is_linked = false;        ///< has a name, so that its size counts
    std::uint64_t size_bytes = 0;  ///< as seen; `durable` has the durable one
    SparseBytes durable;
    std::map<std::uint64_t, Dirty> dirty;
    std::set<std::uint64_t> broken;                     ///< sectors that cannot be read
    std::multimap<std::uint64_t, std::uint32_t> marks;  ///< sector to the faults that changed it
    std::map<std::uint64_t, Stale> stale;               ///< what one read will be shown

    /// The sector as seen, zeroes past the end.
    [[nodiscard]] Sector sector(std::uint64_t index) const;
    void read(std::uint64_t offset, MutableBytes out) const;
    /// Changes what is seen; extends the size.
    void write(std::uint64_t offset, ByteView bytes);
    void resize(std::uint64_t new_size_bytes);

  private:
    Dirty& make_dirty(std::uint64_t index);
    void hide_given_up(std::uint64_t from, std::uint64_t to);
};

}  // namespace firedrill::sim
