// The judge of nonces: no key ever seals two different things under one nonce.
//
// Single-threaded. A fact about a change: each sealing of a store uses a nonce which that store never used
// before.
#pragma once

#include <cstdint>
#include <set>
#include <tuple>

#include "base/bytes.h"

namespace firedrill::sim {

class NonceJudge {
  public:
    using Nonce = std::array<Byte, 24>;
    void saw_seal(const StoreId& store, const Nonce& nonce) {
        ++seals_;
        if (!seen_.emplace(store, nonce).second) {
            ++reused_;
        }
    }
    [[nodiscard]] std::uint64_t seals() const noexcept { return seals_; }
    [[nodiscard]] std::uint64_t reused() const noexcept { return reused_; }

  private:
    std::set<std::pair<StoreId, Nonce>> seen_;
    std::uint64_t seals_ = 0;
    std::uint64_t reused_ = 0;
};

}  // namespace firedrill::sim
