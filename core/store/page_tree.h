// PageTree: a Merkle tree over the stored pages of one store; its root stands in every commit record.
//
// leaf = page_leaf and the page's tag, all zero for a hole and for SQLite's lock page; a group = SHA-256(0x02
// | up to eight leaves); node = SHA-256(0x01 | left | right); an odd last node is carried up unchanged; the
// root of no pages is 32 zero bytes. 56 bytes of memory a page, 1/32 of slack and a constant. One thread at a
// time, but for what freeze() gives. Format: docs/formats/page_tree.md.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "store/leaf_table.h"

namespace firedrill::store {

class PageTree {
  public:
    /// Writes the leaves of pages `first` … into `out`.
    using Fill = std::function<Status(PageNumber first, std::span<Leaf> out)>;
    /// Replaces everything by what `fill` gives, a run at a time in ascending order. Empty when it fails.
    Status load(PageNumber page_count, const Fill& fill);
    void clear();
    void resize(PageNumber page_count);           ///< new leaves are holes
    void set(PageNumber page, const Leaf& leaf);  ///< 1 <= page <= page_count()
    [[nodiscard]] const Leaf& leaf(PageNumber page) const;
    [[nodiscard]] PageNumber page_count() const noexcept { return leaves_.size(); }
    /// The leaves as they are now, for another thread, while this goes on. One at a time, until thaw().
    std::shared_ptr<FrozenLeaves> freeze() { return leaves_.freeze(); }
    void thaw() { leaves_.thaw(); }
    [[nodiscard]] std::uint64_t memory_bytes() const;
    /// Recomputes what changed since the last call: O(changed × log pages).
    const Digest& root();
    /// What root() would be if there were only the first `page_count` of the pages.
    [[nodiscard]] Digest root_of_first(PageNumber page_count);

  private:
    [[nodiscard]] Digest hash_group(std::size_t group, PageNumber page_count) const;
    void shape();
    void mark_groups(PageNumber first_leaf, PageNumber end_leaf);
    LeafTable leaves_;
    std::vector<std::vector<Digest>> levels_;  // levels_[0] = groups of leaves
    std::vector<std::uint32_t> dirty_;         // groups changed since root(), repeats allowed
    Digest root_{};
};

}  // namespace firedrill::store
