// TestEntropy: a seeded Entropy for tests. The same seed gives the same bytes on every machine; nothing here
// is secure. One object, one thread.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "seams/entropy.h"

namespace firedrill::test {

class TestEntropy final : public Entropy {
  public:
    explicit TestEntropy(std::uint64_t seed = 1) : state_(seed) {}

    /// Eight bytes a step of the splitmix64 sequence; a call always starts with a fresh step.
    void fill(MutableBytes out) override {
        ++draws_;
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (i % 8 == 0) {
                word = next();
            }
            out[i] = static_cast<Byte>(word >> (8 * (i % 8)));
        }
    }

    /// Calls of fill() so far.
    [[nodiscard]] std::uint64_t draws() const noexcept { return draws_; }

  private:
    std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    std::uint64_t state_;
    std::uint64_t draws_ = 0;
};

/// Yields exactly the bytes it was given, in order: for known-answer tests. CHECKs that they suffice.
class FixedEntropy final : public Entropy {
  public:
    explicit FixedEntropy(Bytes bytes) : bytes_(std::move(bytes)) {}
    void fill(MutableBytes out) override {
        CHECK(out.size() <= bytes_.size() - at_);
        for (Byte& byte : out) {
            byte = bytes_[at_++];
        }
    }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
};

}  // namespace firedrill::test
