#include "store/page_tree.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/hash.h"

namespace firedrill::store {
namespace {

Leaf leaf_of(std::uint32_t number) {
    Leaf made;
    store_u32(made.digest.bytes.data(), number);
    made.tag[0] = static_cast<Byte>(number >> 3);
    return made;
}

Digest node_of(const Digest& left, const Digest& right) {
    constexpr Byte kPrefix = 1;
    return crypto::sha256({ByteView(&kPrefix, 1), left.view(), right.view()});
}

Digest group_of(std::span<const Leaf> leaves) {
    Bytes all{2};
    for (const Leaf& leaf : leaves) {
        append(all, leaf.digest.view());
        append(all, leaf.tag);
    }
    return crypto::sha256(all);
}

Digest naive_root(std::span<const Leaf> leaves) {
    std::vector<Digest> level;
    for (std::size_t at = 0; at < leaves.size(); at += 8) {
        level.push_back(group_of(leaves.subspan(at, std::min<std::size_t>(8, leaves.size() - at))));
    }
    while (level.size() > 1) {
        std::vector<Digest> next;
        for (std::size_t i = 0; i < level.size(); i += 2) {
            next.push_back(i + 1 < level.size() ? node_of(level[i], level[i + 1]) : level[i]);
        }
        level = std::move(next);
    }
    return level.empty() ? Digest{} : level[0];
}

TEST(PageTree, RootsOfFewPagesAreAsDocumented) {
    PageTree tree;
    EXPECT_EQ(tree.root(), Digest{});
    tree.resize(1);
    tree.set(1, leaf_of(1));
    EXPECT_EQ(tree.root(), group_of({{leaf_of(1)}}));
    tree.resize(17);
    std::vector<Leaf> leaves;
    for (PageNumber page = 1; page <= 17; ++page) {
        leaves.push_back(leaf_of(page));
        tree.set(page, leaves.back());
    }
    const std::span<const Leaf> all(leaves);
    EXPECT_EQ(tree.root(), node_of(node_of(group_of(all.first(8)), group_of(all.subspan(8, 8))),
                                   group_of(all.subspan(16))));
    // docs/formats/page_tree.md, worked example
    EXPECT_EQ(to_hex(tree.root().view()), "5c4f61d9ca771065d56c391e35a265fec2dec4ded3298c413c412c781710c516");
}

TEST(PageTree, HolesAndTheLockPageAreZeroLeaves) {
    PageTree tree;
    tree.resize(kLockPage + 1);
    tree.set(1, leaf_of(1));
    tree.set(kLockPage + 1, leaf_of(2));

    EXPECT_EQ(tree.leaf(2), Leaf{});
    EXPECT_EQ(tree.leaf(kLockPage), Leaf{});
    EXPECT_EQ(tree.root(), naive_root(tree.leaves()));
    EXPECT_LE(tree.memory_bytes(), std::uint64_t{kLockPage} * 58 + 65536);
}

RC_GTEST_PROP(PageTree, RootEqualsNaiveRecomputation, ()) {
    PageTree tree;
    std::vector<Leaf> model;
    const auto steps = *rc::gen::inRange<int>(1, 60);
    for (int i = 0; i < steps; ++i) {
        if (*rc::gen::inRange<int>(0, 3) == 0 || model.empty()) {
            const auto size = static_cast<PageNumber>(*rc::gen::inRange<int>(0, 70));
            tree.resize(size);
            model.resize(size);
        } else {
            const auto page =
                static_cast<PageNumber>(*rc::gen::inRange<int>(1, static_cast<int>(model.size()) + 1));
            const Leaf leaf = leaf_of(static_cast<std::uint32_t>(*rc::gen::inRange<int>(0, 1000)));
            tree.set(page, leaf);
            model[page - 1] = leaf;
        }
        if (*rc::gen::inRange<int>(0, 3) != 0) {
            RC_ASSERT(tree.root() == naive_root(model));
        }
    }
    RC_ASSERT(tree.root() == naive_root(model));
    PageTree again;
    again.assign(model);
    RC_ASSERT(again.root() == tree.root());
}

}  // namespace
}  // namespace firedrill::store
