// Trace: the hashed event log of one universe. Same commit, scenario and seed: same hash, in every process.
//
// Single-threaded. Nothing that differs between processes may be given to it: no address, no real time, no
// order that a hash table chose.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "crypto/hash.h"

namespace firedrill::sim {

enum class TraceKind : std::uint8_t {
    handler,
    packet,
    disk_write,
    journal,
    hazard,
    person,
    answer,
    acknowledged,
    read,
    operation,
    verdict,
};

class Trace {
  public:
    void add(Instant now, TraceKind kind, std::string_view who, ByteView detail) {
        head_.clear();
        Writer writer(head_);
        writer.u8(static_cast<std::uint8_t>(kind));
        writer.u64(static_cast<std::uint64_t>(now.ns));
        writer.u32(static_cast<std::uint32_t>(who.size()));
        writer.u64(detail.size());
        hash_.update(head_);
        hash_.update(as_bytes(who));
        hash_.update(detail);
        ++count_;
    }
    void add(Instant now, TraceKind kind, std::string_view who, std::string_view detail) {
        add(now, kind, who, as_bytes(detail));
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// Ends the trace.
    Digest finish() { return hash_.finish(); }

  private:
    crypto::Sha256 hash_;
    Bytes head_;
    std::uint64_t count_ = 0;
};

}  // namespace firedrill::sim
