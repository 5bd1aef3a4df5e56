// Entropy as a Botan generator. Within crypto only.
//
// accepts_input() is false: otherwise Botan mixes the system generator, a cycle counter and the process id
// into what it draws, and no run could be repeated.
#pragma once

#include <botan/rng.h>

#include "seams/entropy.h"

namespace firedrill::crypto {

/// Every draw goes to the Entropy. `entropy` outlives it.
class EntropyRng final : public Botan::RandomNumberGenerator {
  public:
    explicit EntropyRng(Entropy& entropy) : entropy_(entropy) {}
    [[nodiscard]] bool accepts_input() const override { return false; }
    [[nodiscard]] std::string name() const override { return "Entropy"; }
    void clear() override {}
    [[nodiscard]] bool is_seeded() const override { return true; }

  private:
    void fill_bytes_with_input(std::span<std::uint8_t> output,
                               std::span<const std::uint8_t> /*input*/) override {
        if (!output.empty()) {
            entropy_.fill(output);
        }
    }
    Entropy& entropy_;
};

}  // namespace firedrill::crypto
