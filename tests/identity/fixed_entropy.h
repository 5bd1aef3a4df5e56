// Entropy that repeats itself: a counter through SHA-256, for golden bytes and toy worlds.
#pragma once

#include <algorithm>

#include "crypto/hash.h"
#include "seams/entropy.h"

namespace firedrill {

class FixedEntropy final : public Entropy {
  public:
    explicit FixedEntropy(std::uint64_t seed) : counter_(seed << 32) {}
    void fill(MutableBytes out) override {
        for (std::size_t at = 0; at < out.size();) {
            std::array<Byte, 8> block{};
            store_u64(block.data(), counter_++);
            const Digest digest = crypto::sha256(block);
            const std::size_t size = std::min<std::size_t>(32, out.size() - at);
            std::copy_n(digest.bytes.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(at));
            at += size;
        }
    }

  private:
    std::uint64_t counter_;
};

}  // namespace firedrill
