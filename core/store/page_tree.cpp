#include "store/page_tree.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {

namespace {

constexpr Byte kNodePrefix = 0x01;
constexpr Byte kGroupPrefix = 0x02;
constexpr PageNumber kGroup = 8;  // leaves hashed together: no level of nodes for the lowest three
static_assert(LeafTable::kRun % kGroup == 0);  // a group lies together in memory

// Exact growth would copy everything for every page that is added; doubling would break the memory promise.
template <class T>
void resize_with_slack(std::vector<T>& level, std::size_t size) {
    if (size > level.capacity()) {
        level.reserve(size + size / 32 + 16);
    }
    level.resize(size);
}

crypto::Sha256& hasher() {
    thread_local crypto::Sha256 hash;  // making one costs more than many uses of it
    return hash;
}

}  // namespace

void PageTree::shape() {
    std::size_t size = (std::size_t{leaves_.size()} + kGroup - 1) / kGroup;
    std::size_t depth = 0;
    while (true) {
        if (levels_.size() <= depth) {
            levels_.emplace_back();
        }
        resize_with_slack(levels_[depth], size);
        if (size <= 1) {
            break;
        }
        size = (size + 1) / 2;
        ++depth;
    }
    levels_.resize(depth + 1);
}

void PageTree::mark_groups(PageNumber first_leaf, PageNumber end_leaf) {
    for (PageNumber group = first_leaf / kGroup; group * kGroup < end_leaf; ++group) {
        dirty_.push_back(group);
    }
}

void PageTree::clear() {
    leaves_.clear();
    levels_.clear();
    dirty_.clear();
    shape();
    root();
}

Status PageTree::load(PageNumber count, const Fill& fill) {
    clear();
    while (page_count() < count) {
        const PageNumber first = page_count();
        leaves_.resize(std::min(count, first + LeafTable::kRun));
        if (Status filled = fill(first + 1, leaves_.fill(first)); !filled) {
            clear();
            return filled;
        }
    }
    shape();
    dirty_.reserve(levels_[0].size());
    mark_groups(0, count);
    root();
    return {};
}

void PageTree::resize(PageNumber count) {
    const PageNumber before = page_count();
    if (count == before) {
        return;
    }
    leaves_.resize(count);
    shape();
    std::erase_if(dirty_, [count](std::uint32_t group) { return group * kGroup >= count; });
    // Growing changes the group of the old last leaf, or its parents, and makes new ones; shrinking changes
    // only the right edge, and the path of the last group is the right edge.
    const PageNumber first = count > before ? (before == 0 ? 0 : before - 1) : (count == 0 ? 0 : count - 1);
    mark_groups(first, count);
}

void PageTree::set(PageNumber page, const Leaf& leaf) {
    CHECK(page >= 1);
    CHECK(page <= page_count());
    leaves_.set(page - 1, leaf);
    dirty_.push_back((page - 1) / kGroup);
}

const Leaf& PageTree::leaf(PageNumber page) const {
    CHECK(page >= 1);
    CHECK(page <= page_count());
    return leaves_[page - 1];
}

std::uint64_t PageTree::memory_bytes() const {
    std::uint64_t bytes = dirty_.capacity() * sizeof(std::uint32_t) + leaves_.memory_bytes();
    for (const auto& level : levels_) {
        bytes += level.capacity() * sizeof(Digest);
    }
    return bytes;
}

Digest PageTree::hash_group(std::size_t group, PageNumber page_count) const {
    const auto first = static_cast<PageNumber>(group * kGroup);
    const PageNumber count = std::min(kGroup, page_count - first);
    crypto::Sha256& hash = hasher();
    hash.update(ByteView(&kGroupPrefix, 1));
    if (const Leaf* together = leaves_.together(first); together != nullptr) {
        hash.update(ByteView(reinterpret_cast<const Byte*>(together), count * sizeof(Leaf)));
        return hash.finish();
    }
    for (PageNumber i = 0; i < count; ++i) {
        hash.update(ByteView(reinterpret_cast<const Byte*>(&leaves_[first + i]), sizeof(Leaf)));
    }
    return hash.finish();
}

/// The nodes that stand left of the new edge are as they are.
Digest PageTree::root_of_first(PageNumber count) {
    CHECK(count <= page_count());
    root();
    if (count == 0) {
        return {};
    }
    std::size_t size = (std::size_t{count} + kGroup - 1) / kGroup;
    Digest edge = hash_group(size - 1, count);
    for (std::size_t depth = 0; size > 1; ++depth) {
        if (size % 2 == 0) {
            crypto::Sha256& hash = hasher();
            hash.update(ByteView(&kNodePrefix, 1));
            hash.update(levels_[depth][size - 2].view());
            hash.update(edge.view());
            edge = hash.finish();
        }
        size = (size + 1) / 2;
    }
    return edge;
}

const Digest& PageTree::root() {
    if (leaves_.size() == 0) {
        dirty_.clear();
        root_ = Digest{};
        return root_;
    }
    std::sort(dirty_.begin(), dirty_.end());
    dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
    crypto::Sha256& hash = hasher();
    for (const std::uint32_t group : dirty_) {
        levels_[0][group] = hash_group(group, page_count());
    }
    for (std::size_t depth = 0; depth + 1 < levels_.size() && !dirty_.empty(); ++depth) {
        const std::vector<Digest>& below = levels_[depth];
        std::size_t kept = 0;
        for (const std::uint32_t index : dirty_) {
            const std::uint32_t parent = index / 2;
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
            static_assert(sizeof(Digest) == 32);
            hash.update(ByteView(reinterpret_cast<const Byte*>(&below[left]), 2 * sizeof(Digest)));
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
