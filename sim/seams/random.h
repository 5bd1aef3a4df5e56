// Random: the universe's only source of chance, and SimEntropy, a node's share of it.
//
// xoshiro256++ (Blackman and Vigna, 2019) seeded by SplitMix64. One seed gives one history: every subsystem
// draws from a named stream of its own, so that a change in one does not disturb the draws of another.
// Integers only: a ratio is numerator out of denominator, the same on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "seams/entropy.h"

namespace firedrill::sim {

class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept;
    /// An independent generator: a function of this one's seed and `name`, whatever was drawn before.
    [[nodiscard]] Random stream(std::string_view name) const noexcept;
    std::uint64_t u64() noexcept;
    /// Uniform in [0, bound). `bound` is not zero.
    std::uint64_t below(std::uint64_t bound) noexcept;
    /// Uniform in [low, high].
    std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept;
    /// True in `numerator` of `denominator` draws. Draws nothing when the answer is certain.
    bool chance(std::uint64_t numerator, std::uint64_t denominator) noexcept;
    void fill(MutableBytes out) noexcept;
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  private:
    std::uint64_t seed_;
    std::array<std::uint64_t, 4> state_{};
};

/// One node incarnation's entropy: give each the stream of its own name.
class SimEntropy final : public Entropy {
  public:
    explicit SimEntropy(Random random) noexcept : random_(random) {}
    void fill(MutableBytes out) override { random_.fill(out); }

  private:
    Random random_;
};

}  // namespace firedrill::sim
