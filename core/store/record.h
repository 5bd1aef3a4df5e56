// Log records: the only form in which a change becomes durable. Keyless: no field needs a key to be checked
// or applied.
//
// Format and worked example: docs/formats/transaction_log.md.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace firedrill::store {

struct PageImage {
    PageNumber number = 0;
    SealedPagePtr page;
    Digest leaf;  ///< page_leaf(number, *page)
};

/// One committed transaction of one store.
struct Commit {
    StoreId store;
    CommitSequence sequence = 0;
    Digest previous;               ///< commit_hash of this store's previous commit; zero for the first
    PageNumber page_count = 0;     ///< pages in the database after this commit; pages beyond it are gone
    Digest root;                   ///< page tree root after this commit
    std::vector<PageImage> pages;  ///< ascending page numbers, 1–65536 of them
};
/// SHA-256 over every field of a commit, its pages through their leaves.
Digest commit_hash(const Commit& commit);

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

struct Record {
    Lsn lsn = 0;
    Lsn durable = 0;  ///< newest LSN known durable when this was written
    WallTime wall;    ///< a label
    std::variant<Commit, NodeSlots, Reset> body;
};

}  // namespace firedrill::store
