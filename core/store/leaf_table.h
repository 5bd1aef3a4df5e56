// LeafTable: the leaves of one store's pages, and how they stay readable as they stood while they change.
//
// Within store only. One thread uses the table; one other may read what freeze() gave it, at the same time.
// Invariants:
//  1. Memory: 48 bytes a leaf, never twice: growing moves at most one run of kRun leaves.
//  2. What is frozen costs nothing but the leaves that change while it is (about 100 bytes each, and each
//  has a page in memory anyway), and the runs that a shrinking would have given back.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
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

class FrozenLeaves;

class LeafTable {
  public:
    /// Leaves that lie together; a multiple of the tree's groups.
    static constexpr PageNumber kRun = 1024;

    LeafTable() : state_(std::make_shared<State>()) {}
    LeafTable(const LeafTable&) = delete;
    LeafTable& operator=(const LeafTable&) = delete;

    [[nodiscard]] PageNumber size() const noexcept { return state_->size; }
    [[nodiscard]] const Leaf& operator[](PageNumber index) const noexcept {
        return state_->runs[index / kRun][index % kRun];
    }
    void set(PageNumber index, const Leaf& leaf);
    void resize(PageNumber count);  ///< new leaves are zero
    /// Becomes empty; what was frozen stays as it was.
    void clear() { state_ = std::make_shared<State>(); }
    /// From `index` to the end of its run, to be filled. Not while something is frozen.
    std::span<Leaf> fill(PageNumber index);
    /// One at a time; the one before must be gone.
    std::shared_ptr<FrozenLeaves> freeze();
    [[nodiscard]] std::uint64_t memory_bytes() const;

  private:
    friend class FrozenLeaves;
    struct State {
        std::vector<std::vector<Leaf>> runs;  // all but the last one have room for kRun
        PageNumber size = 0;                  // while something is frozen, the runs may hold more
        std::uint64_t run_bytes = 0;
        std::mutex mutex;  // while something is frozen, of all that changes
        std::atomic<bool> is_frozen = false;
        PageNumber frozen_size = 0;
        std::map<PageNumber, Leaf> before;  // frozen leaves that changed since
    };
    static void change(State& state, PageNumber count);
    static void make_room(State& state, PageNumber count);
    static void give_back(State& state);

    std::shared_ptr<State> state_;  // owners: this and what is frozen
};

/// A table's leaves as they stood. It may outlive the table; the thread that uses it ends it.
class FrozenLeaves {
  public:
    ~FrozenLeaves();
    FrozenLeaves(const FrozenLeaves&) = delete;
    FrozenLeaves& operator=(const FrozenLeaves&) = delete;

    [[nodiscard]] PageNumber size() const noexcept { return size_; }
    /// Leaves `index` … as many as there are, at most out.size(). The table's owner waits meanwhile: ask for
    /// at most a few thousand.
    std::size_t copy(PageNumber index, std::span<Leaf> out) const;

  private:
    friend class LeafTable;
    explicit FrozenLeaves(std::shared_ptr<LeafTable::State> state);
    std::shared_ptr<LeafTable::State> state_;
    PageNumber size_;
};

}  // namespace firedrill::store
