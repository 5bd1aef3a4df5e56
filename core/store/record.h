// Log records: the only form in which a change becomes durable. Keyless: no field needs a key to be checked
// or applied.
//
// Format and worked example: docs/formats/transaction_log.md.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace firedrill::store {

struct PageImage {
    PageNumber number = 0;
    SealedPagePtr
        page;     ///< null: becomes a hole; only in a commit that takes its store back, and in its parts
    Digest leaf;  ///< page_leaf(number, *page); zero for a hole
};

/// One committed transaction of one store.
struct Commit {
    StoreId store;
    CommitSequence sequence = 0;
    Digest previous;               ///< commit_hash of this store's previous commit; zero for the first
    PageNumber page_count = 0;     ///< pages in the database after this commit; pages beyond it are gone
    Digest root;                   ///< page tree root after this commit
    std::vector<PageImage> pages;  ///< ascending page numbers, 1–65536 of them
    /// Set in a commit that takes the store back to an earlier one.
    struct Return {
        CommitSequence to = 0;    ///< the commit whose pages and root these are
        std::uint32_t parts = 0;  ///< records before this one that hold its first pages
        std::size_t in_parts =
            0;  ///< how many of `pages` those hold; the others stand in the commit's own record
    };
    std::optional<Return> taken_back;
};
/// SHA-256 over every field of a commit, the pages of its own record through their leaves. (The root covers
/// all.)
Digest commit_hash(const Commit& commit);

/// First pages of a commit that takes a store back and is too large for one record. No effect without that
/// commit.
struct CommitPart {
    StoreId store;
    CommitSequence sequence = 0;  ///< of the commit
    std::uint32_t part = 0;       ///< 1, 2, 3 …
    std::vector<PageImage> pages;
};

/// The node's key slots as they stand now (docs/formats/key_slots.md): without them a log could never be
/// opened. The first record of every segment, and written again whenever they change.
struct NodeSlots {
    Bytes document;  ///< <= 64 KiB
};
/// A restore or promotion opened a new timeline: everything above `after` of the old one never happened.
struct Reset {
    TimelineId from;
    TimelineId to;
    Lsn after = 0;
};

using RecordBody = std::variant<Commit, NodeSlots, Reset, CommitPart>;
/// The pages that stand in the record itself.
std::span<const PageImage> own_pages(const RecordBody& body) noexcept;

struct Record {
    Lsn lsn = 0;
    Lsn durable = 0;  ///< newest LSN known durable when this was written
    WallTime wall;    ///< a label
    RecordBody body;
};

}  // namespace firedrill::store
