// Canaries: recognisable words planted in what must stay secret, and the encodings in which they could leak.
//
// Pure. Every canary begins with the same prefix, which occurs nowhere else; so a search for the encodings of
// the prefix finds every canary at once, however many there are.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace firedrill::sim {

inline constexpr std::string_view kCanaryPrefix = "Zk7canaryQ4x";
inline constexpr std::size_t kCanaryTail = 12;
inline constexpr std::size_t kCanarySize = 24;

/// Prefix and twelve letters and digits made from `random`.
std::string make_canary(const std::array<Byte, kCanaryTail>& random);
/// Every whole canary in `plain`, in order, repetitions included.
std::vector<std::string> find_canaries(std::string_view plain);

struct Encoded {
    std::string_view encoding;  ///< raw, utf-16le, utf-16be, base64, base64url, hex, HEX, percent, PERCENT
    Bytes bytes;
};
/// `secret` in every encoding; base64 in its three alignments, without the characters that its neighbours
/// decide. No two entries have the same bytes.
std::vector<Encoded> encode_all_ways(ByteView secret);

}  // namespace firedrill::sim
