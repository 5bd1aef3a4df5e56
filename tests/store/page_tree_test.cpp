#include "store/page_tree.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/hash.h"

namespace firedrill::store {
namespace {

Digest digest_of(std::uint32_t number) {
    Digest made;
    store_u32(made.bytes.data(), number);
    return made;
}

Digest node_of(const Digest& left, const Digest& right) {
    constexpr Byte kPrefix = 1;
    return crypto::sha256({ByteView(&kPrefix, 1), left.view(), right.view()});
}

Digest naive_root(std::vector<Digest> level) {
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
    tree.set(1, digest_of(1));
    EXPECT_EQ(tree.root(), digest_of(1));
    tree.resize(3);
    tree.set(2, digest_of(2));
    tree.set(3, digest_of(3));
    EXPECT_EQ(tree.root(), node_of(node_of(digest_of(1), digest_of(2)), digest_of(3)));
    // docs/formats/page_tree.md, worked example
    EXPECT_EQ(to_hex(tree.root().view()), "efb53272aba5076301ff9c441ac0109ee6bfc269c290b239527ca436f06ef051");
}

TEST(PageTree, HolesAndTheLockPageAreZeroLeaves) {
    PageTree tree;
    tree.resize(kLockPage + 1);
    tree.set(1, digest_of(1));
    tree.set(kLockPage + 1, digest_of(2));

    EXPECT_EQ(tree.leaf(2), Digest{});
    EXPECT_EQ(tree.leaf(kLockPage), Digest{});
    EXPECT_EQ(tree.root(), naive_root(std::vector<Digest>(tree.leaves().begin(), tree.leaves().end())));
    EXPECT_LE(tree.memory_bytes(), std::uint64_t{kLockPage} * 67 + 65536);
}

RC_GTEST_PROP(PageTree, RootEqualsNaiveRecomputation, ()) {
    PageTree tree;
    std::vector<Digest> model;
    const auto steps = *rc::gen::inRange<int>(1, 60);
    for (int i = 0; i < steps; ++i) {
        if (*rc::gen::inRange<int>(0, 3) == 0 || model.empty()) {
            const auto size = static_cast<PageNumber>(*rc::gen::inRange<int>(0, 70));
            tree.resize(size);
            model.resize(size);
        } else {
            const auto page =
                static_cast<PageNumber>(*rc::gen::inRange<int>(1, static_cast<int>(model.size()) + 1));
            const Digest leaf = digest_of(static_cast<std::uint32_t>(*rc::gen::inRange<int>(0, 1000)));
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
