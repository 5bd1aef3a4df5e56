// PageTree: a Merkle tree over the stored pages of one store; its root stands in every commit record.
//
// leaf(i) = page_leaf, 32 zero bytes for a hole and for SQLite's lock page; node = SHA-256(0x01 | left |
// right); an odd last node is carried up unchanged; the root of no pages is 32 zero bytes. 64 bytes of memory
// a page, 1/32 of slack and a constant. One thread at a time. Format: docs/formats/page_tree.md.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "store/page.h"

namespace firedrill::store {

class PageTree {
  public:
    /// Replaces everything by these leaves.
    void assign(std::vector<Digest> leaves);
    void resize(PageNumber page_count);             ///< new leaves are holes
    void set(PageNumber page, const Digest& leaf);  ///< 1 <= page <= page_count()
    [[nodiscard]] const Digest& leaf(PageNumber page) const;
    [[nodiscard]] std::span<const Digest> leaves() const noexcept;
    [[nodiscard]] PageNumber page_count() const noexcept;
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
    /// Recomputes what changed since the last call: O(changed × log pages).
    const Digest& root();

  private:
    void shape();
    std::vector<std::vector<Digest>> levels_;  // levels_[0] = leaves
    std::vector<PageNumber> dirty_;            // leaf indices changed since root(), repeats allowed
    Digest root_{};
};

}  // namespace firedrill::store
