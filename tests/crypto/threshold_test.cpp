// Threshold shares: any m open, any m - 1 do not; and what was altered, mixed or given twice is refused.
#include "crypto/threshold.h"

#include <gtest/gtest.h>

#include <bit>

#include "crypto/hash.h"
#include "tests/support/test_entropy.h"

namespace firedrill::crypto {
namespace {

constexpr ShareIdentifier kIdentifier{0x46, 0x44, 7};

// Arithmetic of draft-mcgrew-tss-03, written a second time: GF(256) over x^8 + x^4 + x^3 + x + 1.
Byte times(Byte a, Byte b) {
    unsigned product = 0;
    unsigned shifted = a;
    for (unsigned bits = b; bits != 0; bits >>= 1U) {
        product ^= (bits & 1U) != 0 ? shifted : 0U;
        shifted = (shifted << 1U) ^ ((shifted & 0x80U) != 0 ? 0x11bU : 0U);
    }
    return static_cast<Byte>(product);
}
Byte inverse(Byte a) {
    Byte out = 1;
    for (int i = 0; i < 254; ++i) {
        out = times(out, a);
    }
    return out;
}
/// The value at zero of the polynomial through the points (number, byte).
Byte at_zero(const std::vector<std::pair<Byte, Byte>>& points) {
    Byte out = 0;
    for (const auto& [x, y] : points) {
        Byte weight = 1;
        for (const auto& [other, unused] : points) {
            if (other != x) {
                weight = times(weight, times(other, inverse(other ^ x)));
            }
        }
        out ^= times(y, weight);
    }
    return out;
}
Bytes interpolate(const std::vector<ByteView>& shares) {
    Bytes out;
    for (std::size_t i = 21; i < kShareSize; ++i) {
        std::vector<std::pair<Byte, Byte>> points;
        for (const ByteView share : shares) {
            points.emplace_back(share[20], share[i]);
        }
        out.push_back(at_zero(points));
    }
    return out;
}

struct Split {
    test::TestEntropy entropy{11};
    Secret secret = [this] {
        Secret out(kSharedSecretSize);
        entropy.fill(out.mutable_view());
        return out;
    }();
};

std::vector<Secret> chosen(const std::vector<Secret>& shares, unsigned mask) {
    std::vector<Secret> out;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if ((mask >> i & 1U) != 0) {
            out.push_back(shares[i].copy());
        }
    }
    return out;
}

TEST(Threshold, ThePublishedVectorChecksTheArithmeticOfThisTest) {
    const Bytes secret{0x74, 0x65, 0x73, 0x74, 0x00};
    const Bytes one{0xb9, 0xfa, 0x07, 0xe1, 0x85};
    const Bytes two{0xf5, 0x40, 0x9b, 0x45, 0x11};
    for (std::size_t i = 0; i < secret.size(); ++i) {
        EXPECT_EQ(at_zero({{1, one[i]}, {2, two[i]}}), secret[i]);
    }
}

TEST(Threshold, EverySubsetOfEnoughOpensAndNoSmallerOneDoes) {
    Split world;
    for (std::uint8_t count = 2; count <= 6; ++count) {
        for (std::uint8_t needed = 2; needed <= count; ++needed) {
            const auto shares = split_secret(world.secret, needed, count, kIdentifier, world.entropy);
            ASSERT_EQ(shares.size(), count);
            for (unsigned mask = 0; mask < (1U << count); ++mask) {
                const auto joined = join_shares(chosen(shares, mask));
                if (std::popcount(mask) >= needed) {
                    ASSERT_TRUE(joined.is_ok()) << joined.error().text;
                    EXPECT_TRUE(equal_secret(joined->view(), world.secret.view()));
                } else {
                    ASSERT_FALSE(joined.is_ok());
                    EXPECT_EQ(joined.error().fault, Fault::bad_input);
                }
            }
        }
    }
    const auto most = split_secret(world.secret, 10, 10, kIdentifier, world.entropy);
    EXPECT_TRUE(join_shares(most).is_ok());
    EXPECT_FALSE(join_shares(std::span(most).first(9)).is_ok());
}

TEST(Threshold, OurInterpolationOfTheBytesAgreesAndTooFewGiveNoise) {
    Split world;
    const auto shares = split_secret(world.secret, 3, 5, kIdentifier, world.entropy);
    Bytes expected(world.secret.view().begin(), world.secret.view().end());
    append(expected, sha256(world.secret.view()).view());

    EXPECT_EQ(interpolate({shares[4].view(), shares[0].view(), shares[2].view()}), expected);
    EXPECT_NE(interpolate({shares[4].view(), shares[0].view()}), expected);
    // A head that lies about how many are needed does not help: two points do not give the secret.
    auto two = chosen(shares, 3);
    for (Secret& share : two) {
        share.mutable_view()[17] = 2;
    }
    EXPECT_EQ(join_shares(two).error().text, "the shares do not fit together: one of them was altered");
}

TEST(Threshold, HeadsSayWhichShareItIs) {
    Split world;
    const auto shares = split_secret(world.secret, 2, 3, kIdentifier, world.entropy);
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const auto head = read_share_head(shares[i].view());
        ASSERT_TRUE(head.is_ok());
        EXPECT_EQ(head->identifier, kIdentifier);
        EXPECT_EQ(head->needed, 2);
        EXPECT_EQ(head->number, i + 1);
    }
    EXPECT_FALSE(read_share_head(shares[0].view().first(kShareSize - 1)).is_ok());
    EXPECT_FALSE(read_share_head({}).is_ok());
    for (const auto& [at, value] :
         {std::pair<std::size_t, Byte>{16, 1}, {17, 1}, {17, 11}, {18, 1}, {19, 64}, {20, 0}, {20, 11}}) {
        Bytes wrong(shares[0].view().begin(), shares[0].view().end());
        wrong[at] = value;
        EXPECT_FALSE(read_share_head(wrong).is_ok()) << at;
    }
}

TEST(Threshold, AlteredMixedAndRepeatedSharesAreRefusedByName) {
    Split world;
    const auto shares = split_secret(world.secret, 2, 3, kIdentifier, world.entropy);
    const auto others = split_secret(world.secret, 2, 3, ShareIdentifier{9}, world.entropy);
    const auto again = split_secret(world.secret, 2, 3, kIdentifier, world.entropy);
    const auto text_of = [](const Secret& a, const Secret& b) {
        std::vector<Secret> pair;
        pair.push_back(a.copy());
        pair.push_back(b.copy());
        return join_shares(pair).error().text;
    };
    EXPECT_EQ(text_of(shares[0], others[1]), "share 2 is of another set than share 1");
    EXPECT_EQ(text_of(shares[2], shares[2]), "share 3 was given twice");
    EXPECT_EQ(text_of(shares[0], again[1]), "the shares do not fit together: one of them was altered");
    for (std::size_t i = 21; i < kShareSize; ++i) {
        for (const Byte bit : {Byte{1}, Byte{0x80}}) {
            Secret altered = shares[0].copy();
            altered.mutable_view()[i] ^= bit;
            EXPECT_EQ(text_of(altered, shares[1]), "the shares do not fit together: one of them was altered");
        }
    }
}

}  // namespace
}  // namespace firedrill::crypto
