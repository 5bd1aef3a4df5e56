// LeafTable: the leaves of one store's pages, and how they stay readable as they stood while they change.
//
// Within store only. One thread at a time uses the table; one other may read what freeze() gave it, until
// thaw(): nothing of that is written meanwhile. Invariants:
//  1. Memory: 48 bytes a leaf, never twice: growing moves at most one run of kRun leaves.
//  2. What is frozen costs nothing but the leaves that change while it is (about 100 bytes each, and each
//  has a page in memory anyway), and the runs that a shrinking would have given back.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "store/page.h"

namespace firedrill::store {

/// What the tree remembers of one stored page. The root covers both.
struct Leaf {
    Digest digest;      ///< page_leaf: all that keyless work needs
    crypto::Tag tag{};  ///< of the page's AEAD: what a read with the key compares instead of hashing
    bool operator==(const Leaf&) const = default;
};
static_assert(sizeof(Leaf) == 48);  // as it stands in files

/// A table's leaves as they stood. It may outlive the table.
class FrozenLeaves {
  public:
    FrozenLeaves(const FrozenLeaves&) = delete;
    FrozenLeaves& operator=(const FrozenLeaves&) = delete;

    [[nodiscard]] PageNumber size() const noexcept { return size_; }
    /// Leaves `index` … as many as there are, at most out.size().
    std::size_t copy(PageNumber index, std::span<Leaf> out) const;

  private:
    friend class LeafTable;
    FrozenLeaves(std::vector<std::shared_ptr<Leaf[]>> runs, PageNumber size)
        : runs_(std::move(runs)), size_(size) {}
    std::vector<std::shared_ptr<Leaf[]>> runs_;
    PageNumber size_;
};

class LeafTable {
  public:
    /// Leaves that lie together; a multiple of the tree's groups.
    static constexpr PageNumber kRun = 1024;

    LeafTable() = default;
    LeafTable(const LeafTable&) = delete;
    LeafTable& operator=(const LeafTable&) = delete;

    [[nodiscard]] PageNumber size() const noexcept { return size_; }
    [[nodiscard]] const Leaf& operator[](PageNumber index) const noexcept {
        if (index < frozen_size_ && !changed_.empty()) {
            if (const auto found = changed_.find(index); found != changed_.end()) {
                return found->second;
            }
        }
        return at(index);
    }
    /// A group of the tree, as it lies in memory; null: some of it changed while it is frozen.
    [[nodiscard]] const Leaf* together(PageNumber index) const noexcept {
        return changed_.empty() ? &at(index) : nullptr;
    }
    void set(PageNumber index, const Leaf& leaf);
    void resize(PageNumber count);  ///< new leaves are zero
    /// Becomes empty; what was frozen stays as it was.
    void clear();
    /// From `index` to the end of its run, to be filled. Not while something is frozen.
    std::span<Leaf> fill(PageNumber index);
    /// One at a time; thaw() when nobody reads it any more.
    std::shared_ptr<FrozenLeaves> freeze();
    void thaw();
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

  private:
    Leaf& at(PageNumber index) const noexcept { return runs_[index / kRun][index % kRun]; }
    void make_room(PageNumber count);
    void give_back();

    std::vector<std::shared_ptr<Leaf[]>> runs_;  // all but the last one have room for kRun
    PageNumber last_room_ = 0;                   // of the last one
    PageNumber size_ = 0;                        // while something is frozen, the runs may hold more
    bool is_frozen_ = false;
    PageNumber frozen_size_ = 0;
    std::map<PageNumber, Leaf> changed_;  // of the frozen leaves, since then
};

}  // namespace firedrill::store
