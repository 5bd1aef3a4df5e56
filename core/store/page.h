// The sealed page: 4096 bytes as they stand in the log and in the page file, identically.
//
//   page = sealed[4032] | flags[2] | key_epoch[4] | commit_sequence[8] | nonce[24] | tag[16] | spare[10]
//
// SQLite sees 4096-byte pages with 64 reserved bytes, which it leaves zero. Format:
// docs/formats/sealed_page.md.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/secret.h"

namespace firedrill::store {

inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::size_t kReservedSize = 64;
inline constexpr std::size_t kPlainSize = kPageSize - kReservedSize;  // 4032

using SealedPage = std::array<Byte, kPageSize>;
using SealedPagePtr =
    std::shared_ptr<const SealedPage>;  // owners: a store's overlay and the log's write queue

/// 1-based, as SQLite counts. 0 is no page.
using PageNumber = std::uint32_t;
/// SQLite's lock page at 1 GiB: it is never written; its leaf in the page tree is all zero bytes.
inline constexpr PageNumber kLockPage = 0x40000000 / kPageSize + 1;  // 262145

using CommitSequence = std::uint64_t;  ///< 1, 2, 3 … per store; 0 before the first commit
using Lsn = std::uint64_t;             ///< 1, 2, 3 … per node log; 0 before the first record
using KeyEpoch = std::uint32_t;        ///< 1, 2, 3 … per store

/// One page key: for one store, one timeline, one epoch.
struct EpochKey {
    KeyEpoch epoch = 0;
    TimelineId timeline;
    crypto::Secret key;  // 32 bytes
};
/// All page keys of a store, epochs ascending; the last one seals, all open.
using KeyRing = std::vector<EpochKey>;

/// Seals and opens pages of one store. A replaceable part (node/parts.h). Used by one thread at a time.
class PageCipher {
  public:
    virtual ~PageCipher() = default;
    /// `plain` 4096 bytes with 64 zero bytes at the end. Uses the newest epoch.
    virtual void seal(PageNumber page, CommitSequence sequence, const crypto::Nonce& nonce, ByteView plain,
                      SealedPage& out) = 0;
    /// `out` 4096 bytes, the last 64 zero. damaged when the page is not this store's page `page` of a known
    /// epoch.
    virtual Status open(PageNumber page, const SealedPage& sealed, MutableBytes out) = 0;
};
/// The real one: XAES-256-GCM, associated data = "firedrill page v1" | store | timeline | page | epoch |
/// sequence.
std::unique_ptr<PageCipher> make_page_cipher(StoreId store, KeyRing ring);

/// What the page tree hashes of a page: SHA-256(0x00 | page number u32 | the 4096 stored bytes).
Digest page_leaf(PageNumber page, const SealedPage& sealed);
/// The key epoch that its trailer states.
KeyEpoch page_epoch(const SealedPage& sealed) noexcept;
/// The newest epoch whose key was replaced because somebody left: a later one is of the same timeline. 0:
/// none. A key made for a new timeline replaces nothing, as everybody who had the older ones still may have
/// them.
KeyEpoch retired_through(const KeyRing& ring) noexcept;
/// The tag that its trailer states.
crypto::Tag page_tag(const SealedPage& sealed) noexcept;

}  // namespace firedrill::store
