#include "store/page_tree.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {

namespace {

constexpr Byte kNodePrefix = 0x01;

// Exact growth would copy everything for every page that is added; doubling would break the memory promise.
void resize_with_slack(std::vector<Digest>& level, std::size_t size) {
    if (size > level.capacity()) {
        level.reserve(size + size / 32 + 16);
    }
    level.resize(size);
}

}  // namespace

void PageTree::shape() {
    std::size_t size = levels_.empty() ? 0 : levels_[0].size();
    std::size_t depth = 0;
    while (size > 1) {
        size = (size + 1) / 2;
        ++depth;
        if (levels_.size() <= depth) {
            levels_.emplace_back();
        }
        resize_with_slack(levels_[depth], size);
    }
    levels_.resize(std::max<std::size_t>(depth + 1, 1));
}

void PageTree::assign(std::vector<Digest> leaves) {
    levels_.clear();
    levels_.push_back(std::move(leaves));
    shape();
    dirty_.resize(levels_[0].size());
    for (PageNumber index = 0; index < dirty_.size(); ++index) {
        dirty_[index] = index;
    }
    root();
}

void PageTree::resize(PageNumber count) {
    const PageNumber before = page_count();
    if (count == before) {
        return;
    }
    if (levels_.empty()) {
        levels_.emplace_back();
    }
    resize_with_slack(levels_[0], count);
    shape();
    std::erase_if(dirty_, [count](PageNumber index) { return index >= count; });
    // Growing changes the parents of the old last leaf and makes new leaves; shrinking changes only the right
    // edge, and the path of the last leaf is the right edge.
    const PageNumber first = count > before ? (before == 0 ? 0 : before - 1) : (count == 0 ? 0 : count - 1);
    for (PageNumber index = first; index < count; ++index) {
        dirty_.push_back(index);
    }
}

void PageTree::set(PageNumber page, const Digest& leaf) {
    CHECK(page >= 1);
    CHECK(page <= page_count());
    levels_[0][page - 1] = leaf;
    dirty_.push_back(page - 1);
}

const Digest& PageTree::leaf(PageNumber page) const {
    CHECK(page >= 1);
    CHECK(page <= page_count());
    return levels_[0][page - 1];
}

std::span<const Digest> PageTree::leaves() const noexcept {
    return levels_.empty() ? std::span<const Digest>() : std::span<const Digest>(levels_[0]);
}

PageNumber PageTree::page_count() const noexcept {
    return levels_.empty() ? 0 : static_cast<PageNumber>(levels_[0].size());
}

std::uint64_t PageTree::memory_bytes() const noexcept {
    std::uint64_t bytes = dirty_.capacity() * sizeof(PageNumber);
    for (const auto& level : levels_) {
        bytes += level.capacity() * sizeof(Digest);
    }
    return bytes;
}

const Digest& PageTree::root() {
    if (page_count() == 0) {
        dirty_.clear();
        root_ = Digest{};
        return root_;
    }
    std::sort(dirty_.begin(), dirty_.end());
    crypto::Sha256 hash;
    for (std::size_t depth = 0; depth + 1 < levels_.size() && !dirty_.empty(); ++depth) {
        const std::vector<Digest>& below = levels_[depth];
        std::size_t kept = 0;
        for (const PageNumber index : dirty_) {
            const PageNumber parent = index / 2;
            if (kept > 0 && dirty_[kept - 1] == parent) {
                continue;
            }
            dirty_[kept++] = parent;  // never ahead of the iteration: one entry is kept for at least one read
            const std::size_t left = std::size_t{parent} * 2;
            if (left + 1 == below.size()) {
                levels_[depth + 1][parent] = below[left];
                continue;
            }
            hash.update(ByteView(&kNodePrefix, 1));
            hash.update(below[left].view());
            hash.update(below[left + 1].view());
            levels_[depth + 1][parent] = hash.finish();
        }
        dirty_.resize(kept);
    }
    dirty_.clear();
    if (dirty_.capacity() > 1024) {
        dirty_.shrink_to_fit();
    }
    root_ = levels_.back()[0];
    return root_;
}

}  // namespace firedrill::store
