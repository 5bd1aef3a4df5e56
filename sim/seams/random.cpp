#include "sim/seams/random.h"

#include <algorithm>

#include "base/check.h"

namespace firedrill::sim {

namespace {

std::uint64_t split_mix(std::uint64_t& state) noexcept {
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

std::uint64_t rotate_left(std::uint64_t v, int by) noexcept {
    return (v << by) | (v >> (64 - by));
}

}  // namespace

Random::Random(std::uint64_t seed) noexcept : seed_(seed) {
    std::uint64_t state = seed;
    for (auto& word : state_) {
        word = split_mix(state);
    }
}

Random Random::stream(std::string_view name) const noexcept {
    std::uint64_t mixed = seed_ ^ 0x66697265'6472696cU;
    for (const char c : name) {
        mixed ^= static_cast<Byte>(c);
        (void)split_mix(mixed);
        mixed = rotate_left(mixed, 23) * 0xff51afd7ed558ccdU;
    }
    return Random(split_mix(mixed));
}

std::uint64_t Random::u64() noexcept {
    const std::uint64_t result = rotate_left(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
    CHECK(bound != 0);
    // Draws at or above the last whole multiple of the bound are thrown away, so that every value is equally
    // likely.
    const std::uint64_t reject_below = (0 - bound) % bound;
    std::uint64_t draw = u64();
    while (draw < reject_below) {
        draw = u64();
    }
    return draw % bound;
}

std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) noexcept {
    CHECK(low <= high);
    const std::uint64_t span = high - low;
    return span == UINT64_MAX ? u64() : low + below(span + 1);
}

bool Random::chance(std::uint64_t numerator, std::uint64_t denominator) noexcept {
    CHECK(denominator != 0);
    if (numerator == 0) {
        return false;
    }
    return numerator >= denominator || below(denominator) < numerator;
}

void Random::fill(MutableBytes out) noexcept {
    std::size_t at = 0;
    while (at < out.size()) {
        Byte word[8];
        store_u64(word, u64());
        const std::size_t take = std::min<std::size_t>(8, out.size() - at);
        std::memcpy(out.data() + at, word, take);
        at += take;
    }
}

}  // namespace firedrill::sim
