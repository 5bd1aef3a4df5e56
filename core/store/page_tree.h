// PageTree: a Merkle tree over the stored pages of one store; its root stands in every commit record.
//
// leaf = page_leaf and the page's tag, all zero for a hole and for SQLite's lock page; a group = SHA-256(0x02
// | up to eight leaves); node = SHA-256(0x01 | left | right); an odd last node is carried up unchanged; the
// root of no pages is 32 zero bytes. 56 bytes of memory a page, 1/32 of slack and a constant. One thread at a
// time. Format: docs/formats/page_tree.md.
#pragma once

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

class PageTree {
  public:
    /// Replaces everything by these leaves.
    void assign(std::vector<Leaf> leaves);
    void resize(PageNumber page_count);           ///< new leaves are holes
    void set(PageNumber page, const Leaf& leaf);  ///< 1 <= page <= page_count()
    [[nodiscard]] const Leaf& leaf(PageNumber page) const;
    [[nodiscard]] std::span<const Leaf> leaves() const noexcept { return leaves_; }
    [[nodiscard]] PageNumber page_count() const noexcept { return static_cast<PageNumber>(leaves_.size()); }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
    /// Recomputes what changed since the last call: O(changed × log pages).
    const Digest& root();

  private:
    void shape();
    void mark_groups(PageNumber first_leaf, PageNumber end_leaf);
    std::vector<Leaf> leaves_;
    std::vector<std::vector<Digest>> levels_;  // levels_[0] = groups of leaves
    std::vector<std::uint32_t> dirty_;         // groups changed since root(), repeats allowed
    Digest root_{};
};

}  // namespace firedrill::store
