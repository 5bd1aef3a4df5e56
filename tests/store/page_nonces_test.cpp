// Nonces of sealed pages: what is drawn when, and that nothing a copied process holds can repeat one.
#include "store/page_nonces.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/hash.h"

namespace firedrill::store {
namespace {

/// Yields the digest of seed and count, cut to what is asked for.
class TestEntropy final : public Entropy {
  public:
    explicit TestEntropy(std::uint64_t seed) : seed_(seed) {}
    void fill(MutableBytes out) override {
        ++draws;
        std::array<Byte, 16> of{};
        store_u64(of.data(), seed_);
        store_u64(of.data() + 8, draws);
        const Digest digest = crypto::sha256(of);
        ASSERT_LE(out.size(), digest.bytes.size());
        std::copy_n(digest.bytes.begin(), out.size(), out.begin());
    }
    std::uint64_t draws = 0;

  private:
    std::uint64_t seed_;
};

Bytes first_half(const crypto::Nonce& nonce) {
    return {nonce.begin(), nonce.begin() + 12};
}
Bytes second_half(const crypto::Nonce& nonce) {
    return {nonce.begin() + 12, nonce.end()};
}

TEST(PageNonces, DrawTheSecondHalfForEveryRecordAndTheFirstOnceForManyRecords) {
    TestEntropy entropy(1);
    PageNonces nonces;
    std::set<Bytes> firsts;
    std::set<Bytes> seconds;

    for (std::uint32_t i = 0; i < PageNonces::kRecords; ++i) {
        const crypto::Nonce nonce = nonces.begin_record(3, entropy);
        firsts.insert(first_half(nonce));
        seconds.insert(second_half(nonce));
    }

    EXPECT_EQ(firsts.size(), 1U);
    EXPECT_EQ(seconds.size(), PageNonces::kRecords);
    EXPECT_EQ(entropy.draws, PageNonces::kRecords + 1);
    firsts.insert(first_half(nonces.begin_record(3, entropy)));
    EXPECT_EQ(firsts.size(), 2U);
}

TEST(PageNonces, DrawTheFirstHalfAnewOnceItsPagesAreUsedUp) {
    TestEntropy entropy(1);
    PageNonces nonces;
    const Bytes before = first_half(nonces.begin_record(PageNonces::kPages - 1, entropy));

    EXPECT_EQ(first_half(nonces.begin_record(PageNonces::kPages, entropy)), before);
    EXPECT_NE(first_half(nonces.begin_record(1, entropy)), before);
}

TEST(PageNonces, CountOnWithinARecordAndWrapWithoutTouchingTheRest) {
    crypto::Nonce nonce;
    nonce.fill(0xff);

    PageNonces::step(nonce);

    EXPECT_EQ(to_hex(nonce), "ffffffffffffffffffffffffffffffff0000000000000000");
    PageNonces::step(nonce);
    EXPECT_EQ(to_hex(nonce), "ffffffffffffffffffffffffffffffff0100000000000000");
}

/// A machine copied while it runs: both copies hold the same first half and the same counts.
int repeats_of_a_copied_process(std::uint64_t one_pool, std::uint64_t other_pool) {
    TestEntropy common(9);
    PageNonces one;
    (void)one.begin_record(2, common);
    PageNonces other = one;
    TestEntropy of_one(one_pool);
    TestEntropy of_other(other_pool);
    std::set<crypto::Nonce> seen;
    int repeats = 0;
    for (int i = 0; i < 2000; ++i) {
        repeats += seen.insert(one.begin_record(1, of_one)).second ? 0 : 1;
        repeats += seen.insert(other.begin_record(1, of_other)).second ? 0 : 1;
    }
    return repeats;
}

TEST(PageNonces, OfAProcessCopiedWhileItRunsAreNeverTheSame) {
    EXPECT_EQ(repeats_of_a_copied_process(1, 2), 0);
}

/// What would be seen if a pool of entropy, too, were held in the process.
TEST(PageNonces, OfTwoCopiesThatShareTheirEntropyAreSeenToRepeat) {
    EXPECT_EQ(repeats_of_a_copied_process(1, 1), 2000);
}

}  // namespace
}  // namespace firedrill::store
