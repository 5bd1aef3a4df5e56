#include "store/page_tree.h"

#include <algorithm>

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

std::vector<Leaf> leaves_of(const PageTree& tree) {
    std::vector<Leaf> out;
    for (PageNumber page = 1; page <= tree.page_count(); ++page) {
        out.push_back(tree.leaf(page));
    }
    return out;
}

std::vector<Leaf> leaves_of(const FrozenLeaves& frozen) {
    std::vector<Leaf> out(frozen.size());
    for (PageNumber index = 0; index < frozen.size(); index += 100) {
        frozen.copy(index, std::span(out).subspan(index, std::min<std::size_t>(100, out.size() - index)));
    }
    return out;
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
    EXPECT_EQ(tree.root(), naive_root(leaves_of(tree)));
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
        const auto first = *rc::gen::inRange<std::size_t>(0, model.size() + 1);
        RC_ASSERT(tree.root_of_first(static_cast<PageNumber>(first)) ==
                  naive_root(std::span(model).first(first)));
    }
    RC_ASSERT(tree.root() == naive_root(model));
    PageTree again;
    RC_ASSERT(again
                  .load(static_cast<PageNumber>(model.size()),
                        [&](PageNumber first, std::span<Leaf> out) -> Status {
                            std::copy_n(model.begin() + first - 1, out.size(), out.begin());
                            return {};
                        })
                  .is_ok());
    RC_ASSERT(again.root() == tree.root());
}

TEST(PageTree, IsEmptyAfterALoadThatFailed) {
    PageTree tree;
    const Status loaded = tree.load(3000, [](PageNumber first, std::span<Leaf> out) -> Status {
        std::fill(out.begin(), out.end(), leaf_of(first));
        return first == 1 ? Status() : Status(Error{Fault::disk_failed, "no more"});
    });

    EXPECT_FALSE(loaded.is_ok());
    EXPECT_EQ(tree.page_count(), 0U);
    EXPECT_EQ(tree.root(), Digest{});
}

// Sizes around the runs in which leaves lie together, shrunk and grown while they are frozen.
RC_GTEST_PROP(PageTree, FrozenLeavesStayAsTheyStood, ()) {
    PageTree tree;
    std::vector<Leaf> model;
    std::vector<Leaf> frozen_model;
    std::shared_ptr<FrozenLeaves> frozen;
    const auto steps = *rc::gen::inRange<int>(5, 80);
    for (int i = 0; i < steps; ++i) {
        const int kind = *rc::gen::inRange<int>(0, 8);
        if (kind == 0 || model.empty()) {
            const auto size = static_cast<PageNumber>(*rc::gen::inRange<int>(0, 3 * LeafTable::kRun));
            tree.resize(size);
            model.resize(size);
        } else if (kind == 1) {
            tree.thaw();
            frozen = tree.freeze();
            frozen_model = model;
        } else if (kind == 2 && frozen) {
            RC_ASSERT(leaves_of(*frozen) == frozen_model);
            frozen.reset();
            tree.thaw();
        } else {
            const auto page =
                static_cast<PageNumber>(*rc::gen::inRange<int>(1, static_cast<int>(model.size()) + 1));
            model[page - 1] = leaf_of(static_cast<std::uint32_t>(*rc::gen::inRange<int>(1, 1000)));
            tree.set(page, model[page - 1]);
        }
        if (frozen) {
            RC_ASSERT(leaves_of(*frozen) == frozen_model);
        }
        if (*rc::gen::inRange<int>(0, 4) == 0) {
            RC_ASSERT(leaves_of(tree) == model);
            RC_ASSERT(tree.root() == naive_root(model));
        }
    }
    RC_ASSERT(leaves_of(tree) == model);
    RC_ASSERT(tree.root() == naive_root(model));
}

TEST(PageTree, FrozenLeavesOutliveTheirTree) {
    auto tree = std::make_unique<PageTree>();
    tree->resize(10);
    tree->set(3, leaf_of(3));
    const auto frozen = tree->freeze();
    tree->set(3, leaf_of(4));
    tree.reset();

    EXPECT_EQ(leaves_of(*frozen)[2], leaf_of(3));
}

}  // namespace
}  // namespace firedrill::store
