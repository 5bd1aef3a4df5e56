// The bytes of the transaction log: names, segment headers, records, close marks. Pure functions, any thread.
//
// Readers here take bytes from a disk that may lie: every length is bounded before it is used, and nothing is
// CHECKed. Format: docs/formats/transaction_log.md.
#pragma once

#include <array>
#include <compare>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "store/record.h"

namespace firedrill::store {

inline constexpr std::size_t kSector = 512;
inline constexpr std::size_t kSegmentHeaderSize = 512;
inline constexpr std::size_t kRecordHeadSize = 104;
inline constexpr std::uint32_t kSlotsLimit = 64 << 10;
inline constexpr std::uint32_t kCommitPagesLimit = 65536;
inline constexpr std::size_t kCommitFixedSize = 96;
inline constexpr std::size_t kImageSize = 36;
inline constexpr std::size_t kPartFixedSize = 32;
inline constexpr std::size_t kReturnFixedSize = 12;  // before the description of the commit
inline constexpr std::uint32_t kIndexLimit = 1 << 20;

constexpr std::uint64_t round_to_sector(std::uint64_t size) {
    return (size + kSector - 1) / kSector * kSector;
}

/// A segment's place in the log, and its file name.
struct SegmentName {
    std::array<Byte, 4> timeline{};  ///< first bytes of the TimelineId
    Lsn first = 0;
    auto operator<=>(const SegmentName&) const = default;
};
SegmentName segment_name(const TimelineId& timeline, Lsn first);
std::string to_text(const SegmentName& name);
/// nullopt when `text` is not the name of a segment.
std::optional<SegmentName> parse_segment_name(std::string_view text);

struct SegmentHeader {
    NodeId node;
    TimelineId timeline;
    TimelineId parent;  ///< zeroes: the node's first timeline
    Lsn branch = 0;     ///< last LSN of the parent that counts
    Lsn first = 0;
    WallTime wall;
    Digest previous;  ///< chain hash of record first − 1
    std::array<Byte, 32> signer{};
    std::uint32_t slots_size = 0;
    Digest slots_digest;
    Digest digest;  ///< of everything above: the chain hash before the first record
    bool operator==(const SegmentHeader&) const = default;
    [[nodiscard]] std::uint64_t records_offset() const {
        return kSegmentHeaderSize + round_to_sector(slots_size);
    }
};
/// The header and the padded slots document; fills in slots_size, slots_digest and digest.
Bytes encode_segment_start(SegmentHeader& header, ByteView slots);
/// damaged, or newer_format.
Result<SegmentHeader> parse_segment_header(ByteView sector);

enum class RecordType : std::uint8_t { commit = 1, slots = 2, reset = 3, part = 4, taken_back = 5 };

/// The first bytes of a record, bounded but not yet verified.
struct RecordHead {
    RecordType type = RecordType::commit;
    std::uint32_t description_size = 0;
    std::uint32_t pages = 0;
    Lsn lsn = 0;
    Lsn durable = 0;
    WallTime wall;
    Digest previous;
    Digest chain;
    [[nodiscard]] std::uint64_t pages_offset() const { return kRecordHeadSize + description_size; }
    [[nodiscard]] std::uint64_t used_size() const {
        return pages_offset() + std::uint64_t{pages} * kPageSize;
    }
    [[nodiscard]] std::uint64_t size() const { return round_to_sector(used_size()); }
};
/// nullopt when `bytes` (>= 104) do not begin a record within limits.
std::optional<RecordHead> parse_record_head(ByteView bytes);
/// The chain hash that `bytes` (head and description) should carry.
Digest record_chain(ByteView head_and_description);

/// What a record says without its page bytes: views into the buffer it was read from.
struct RecordView {
    RecordHead head;
    ByteView description;
    ByteView pages;  ///< 4096 bytes each
};
/// Verifies the whole of `bytes` (exactly head.size()) by themselves: chain hash, shape, leaves, padding. The
/// caller compares lsn and previous. nullopt when anything differs.
std::optional<RecordView> check_record(ByteView bytes);
/// A record that owns its memory. `view` must come from check_record.
Record to_record(const RecordView& view);
/// Whose commit it is, or is a part of; nullopt for other records.
struct CommitName {
    StoreId store;
    CommitSequence sequence = 0;
};
std::optional<CommitName> commit_of(const RecordView& view);

/// A record as it is written: `start` is head and description; then come the commit's pages, then `padding`
/// zeroes.
struct EncodedRecord {
    Bytes start;
    std::size_t padding = 0;
    Digest chain;
    std::uint64_t size = 0;
};
/// `record` must be within limits (see check_limits).
EncodedRecord encode_record(const Record& record, Lsn durable, const Digest& previous);
/// bad_usage when a record cannot be written: too many pages, wrong order, too large a document.
Status check_limits(const Record& record);
/// What a commit's own record says of it.
void describe_commit(const Commit& commit, Bytes& out);
/// Bytes that a record takes in a segment.
std::uint64_t record_size(const Record& record);

/// What a segment holds of one store.
struct IndexEntry {
    std::uint64_t commits = 0;  ///< parts of a commit count as pages only
    std::uint64_t pages = 0;
    Lsn first_lsn = 0;
    Lsn last_lsn = 0;
    CommitSequence first_sequence = 0;
    CommitSequence last_sequence = 0;
    bool operator==(const IndexEntry&) const = default;
};
using SegmentIndex = std::map<StoreId, IndexEntry>;
void add_to_index(SegmentIndex& index, const Record& record);
void add_to_index(SegmentIndex& index, const RecordView& view);

struct CloseMark {
    std::uint64_t offset = 0;
    Lsn last = 0;
    WallTime wall;
    Digest chain;
    SegmentIndex index;
    [[nodiscard]] std::uint64_t size() const;  ///< padded
};
std::uint64_t close_mark_size(std::size_t stores);
Bytes encode_close_mark(const CloseMark& mark, const SegmentHeader& header,
                        const crypto::Secret& signing_seed);

/// The Ed25519 seeds of a node: the present one, and those before it (null: none). Both outlive this.
struct SegmentSigner {
    const crypto::Secret* present;
    const std::vector<crypto::Secret>* former;

    /// The one whose public half the header names; the present one when it is none of them.
    [[nodiscard]] const crypto::Secret& seed_of(const SegmentHeader& header) const;
};
/// nullopt unless `rest` (from the mark to the end of the file) is the whole, signed close mark of this
/// segment.
std::optional<CloseMark> parse_close_mark(ByteView rest, std::uint64_t offset, const SegmentHeader& header);
/// Does `bytes` (>= 4) begin like a close mark?
bool looks_like_close_mark(ByteView bytes);
bool is_zero(ByteView bytes);

}  // namespace firedrill::store
