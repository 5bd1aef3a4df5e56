#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/crypto/crypto_test_support.h"

namespace firedrill::crypto {
namespace {

TEST(Secret, IsEmptyByDefaultAndZeroWhenSized) {
    const Secret empty;
    EXPECT_TRUE(empty.is_empty());
    EXPECT_EQ(empty.size_bytes(), 0U);

    for (const std::size_t size : {1UL, 31UL, 32UL, 33UL, 4096UL, 8192UL, 8193UL, 300000UL}) {
        const Secret zero(size);
        ASSERT_EQ(zero.size_bytes(), size);
        for (const Byte byte : zero.view()) {
            ASSERT_EQ(byte, 0);
        }
    }
}

TEST(Secret, MovesWithoutCopyingAndLeavesTheSourceEmpty) {
    Secret first{as_bytes("a key")};
    const Byte* where = first.view().data();
    Secret second(std::move(first));
    EXPECT_EQ(second.view().data(), where);
    EXPECT_TRUE(first.is_empty());  // NOLINT(bugprone-use-after-move): the state is specified

    Secret third{as_bytes("another")};
    third = std::move(second);
    EXPECT_EQ(as_text(third.view()), "a key");
    EXPECT_TRUE(second.is_empty());  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, CopyIsIndependent) {
    Secret original{as_bytes("one")};
    Secret copy = original.copy();
    copy.mutable_view()[0] = 'X';
    EXPECT_EQ(as_text(original.view()), "one");
}

// A released block is handed out again at once; whatever it held must be gone.
TEST(Secret, MemoryHandedOutAgainHoldsNothingOfTheFormerOwner) {
    for (const std::size_t size : {32UL, 64UL, 4000UL}) {
        const Byte* where = nullptr;
        {
            const Secret former{test::repeated(size, 0xa5)};
            where = former.view().data();
        }
        const Secret later(size);
        ASSERT_EQ(later.view().data(), where);
        for (const Byte byte : later.view()) {
            ASSERT_EQ(byte, 0);
        }
    }
}

TEST(Secret, ObjectsNeverOverlap) {
    std::vector<Secret> held;
    for (std::size_t i = 0; i < 3000; ++i) {
        held.emplace_back(test::repeated(1 + i % 200, static_cast<Byte>(i)));
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
        for (const Byte byte : held[i].view()) {
            ASSERT_EQ(byte, static_cast<Byte>(i));
        }
    }
}

TEST(Secret, ThreadsShareTheArena) {
    std::vector<std::thread> threads;
    std::array<int, 4> wrong{};
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&wrong, t] {
            for (int i = 0; i < 2000; ++i) {
                const Secret mine{test::repeated(48, static_cast<Byte>(t + 1))};
                for (const Byte byte : mine.view()) {
                    wrong[t] += byte == static_cast<Byte>(t + 1) ? 0 : 1;
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

TEST(Secret, CountsItsMemory) {
    const LockedMemory before = locked_memory();
    {
        const Secret large(1U << 20U);
        const LockedMemory during = locked_memory();
        EXPECT_EQ(during.unlocked_bytes, before.unlocked_bytes + (1U << 20U));
    }
    EXPECT_EQ(locked_memory().unlocked_bytes, before.unlocked_bytes);
    EXPECT_EQ(locked_memory().locked_bytes, before.locked_bytes);
}

TEST(Secret, ComparesContentsAndSizes) {
    EXPECT_TRUE(equal_secret(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_secret(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_secret(as_bytes("abc"), as_bytes("abcd")));
    EXPECT_TRUE(equal_secret({}, {}));
}

TEST(Zeroise, ClearsBytesAndText) {
    Bytes bytes = test::repeated(100, 7);
    zeroise(bytes);
    EXPECT_EQ(bytes, test::repeated(100, 0));
    std::string text = "a password";
    zeroise(text);
    EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace firedrill::crypto
