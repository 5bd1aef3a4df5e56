// Threshold secret sharing: a secret split so that any `needed` of its shares give it back, and any fewer say
// nothing about it. Format RTSS of draft-mcgrew-tss-03 with SHA-256 inside.
//
// Pure but for entropy; callable from any thread. A share is as secret as a part of a key: it travels as
// Secret. Bytes of one share: identifier[16] | hash 2 (SHA-256) | needed 1 | size 2 (big-endian) | number 1 |
// body[size - 1].
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "seams/entropy.h"

namespace firedrill::crypto {

inline constexpr std::size_t kSharedSecretSize = 32;
inline constexpr std::size_t kShareSize = 20 + 1 + kSharedSecretSize + 32;
inline constexpr std::uint8_t kMostShares = 10;
using ShareIdentifier = std::array<Byte, 16>;

/// What a share says about itself; it is not secret.
struct ShareHead {
    ShareIdentifier identifier{};
    std::uint8_t needed = 0;
    std::uint8_t number = 0;  ///< 1 … kMostShares
};

/// `secret` 32 bytes; 2 <= needed <= count <= kMostShares; anything else is a CHECK. Shares 1 … count, each
/// kShareSize bytes.
std::vector<Secret> split_secret(const Secret& secret, std::uint8_t needed, std::uint8_t count,
                                 const ShareIdentifier& identifier, Entropy& entropy);
/// bad_input unless it has the size and head of a share that split_secret() makes. Says nothing of its body.
Result<ShareHead> read_share_head(ByteView share);
/// The secret from shares of one split, each number once. bad_input, naming what is wrong: too few, one
/// twice, of different splits, or altered (the hash inside finds that).
Result<Secret> join_shares(std::span<const Secret> shares);

}  // namespace firedrill::crypto
