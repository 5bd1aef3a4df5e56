#include "store/page.h"

#include <gtest/gtest.h>

#include "store_world.h"

namespace firedrill::store {
namespace {

KeyRing ring_of(StoreId store, TimelineId timeline, std::initializer_list<KeyEpoch> epochs) {
    KeyRing ring;
    for (const KeyEpoch epoch : epochs) {
        KeyRing one = test_ring(store, timeline, static_cast<Byte>(epoch));
        one[0].epoch = epoch;
        ring.push_back(std::move(one[0]));
    }
    return ring;
}

struct SealedPageTest : testing::Test {
    StoreId store = store_id(7);
    SealedPage plain{};
    SealedPage sealed{};
    SealedPage opened{};
    crypto::Nonce nonce{};
    std::unique_ptr<PageCipher> cipher = make_page_cipher(store, ring_of(store, test_timeline(), {1}));

    void SetUp() override {
        for (std::size_t i = 0; i < kPlainSize; ++i) {
            plain[i] = static_cast<Byte>(i * 31);
        }
        nonce.fill(0x4e);
        cipher->seal(12, 345, nonce, plain, sealed);
    }
};

TEST_F(SealedPageTest, OpensAsItWasWithTheReservedBytesZero) {
    ASSERT_TRUE(cipher->open(12, sealed, opened).is_ok());
    EXPECT_EQ(opened, plain);
}

TEST_F(SealedPageTest, StandsInTheDocumentedLayout) {
    EXPECT_EQ(sealed[4032], 0);  // flags
    EXPECT_EQ(sealed[4033], 0);
    EXPECT_EQ(load_u32(&sealed[4034]), 1U);    // key epoch
    EXPECT_EQ(load_u64(&sealed[4038]), 345U);  // commit sequence
    EXPECT_TRUE(equal(ByteView(sealed).subspan(4046, 24), nonce));
    for (std::size_t i = 4086; i < kPageSize; ++i) {
        EXPECT_EQ(sealed[i], 0) << i;
    }
}

TEST_F(SealedPageTest, NeverOpensAsAnotherPageStoreOrTimeline) {
    TimelineId other_timeline;
    other_timeline.bytes.fill(9);
    const StoreId other = store_id(8);
    KeyRing same_key = ring_of(store, test_timeline(), {1});

    EXPECT_FALSE(cipher->open(13, sealed, opened).is_ok());
    EXPECT_FALSE(make_page_cipher(other, std::move(same_key))->open(12, sealed, opened).is_ok());
    EXPECT_FALSE(
        make_page_cipher(store, ring_of(store, other_timeline, {1}))->open(12, sealed, opened).is_ok());
    EXPECT_FALSE(
        make_page_cipher(store, ring_of(store, test_timeline(), {2}))->open(12, sealed, opened).is_ok());
}

TEST_F(SealedPageTest, EveryStoredByteCounts) {
    for (std::size_t i = 0; i < kPageSize; ++i) {
        SealedPage altered = sealed;
        altered[i] ^= 0x10;
        const Status status = cipher->open(12, altered, opened);
        ASSERT_FALSE(status.is_ok()) << "byte " << i;
        EXPECT_EQ(status.error().fault, Fault::damaged);
    }
}

TEST_F(SealedPageTest, OldEpochsOpenUnderARingThatSealsWithANewOne) {
    auto newer = make_page_cipher(store, ring_of(store, test_timeline(), {1, 4}));

    EXPECT_TRUE(newer->open(12, sealed, opened).is_ok());
    newer->seal(12, 346, nonce, plain, sealed);

    EXPECT_EQ(load_u32(&sealed[4034]), 4U);
    EXPECT_FALSE(cipher->open(12, sealed, opened).is_ok());
    EXPECT_TRUE(newer->open(12, sealed, opened).is_ok());
}

/// The worked example of docs/formats/sealed_page.md.
TEST(SealedPage, IsTheDocumentedExample) {
    StoreId store;
    store.bytes.fill(0xa1);
    TimelineId timeline;
    timeline.bytes.fill(0xb2);
    crypto::Secret key(32);
    crypto::Nonce nonce;
    for (std::size_t i = 0; i < 32; ++i) {
        key.mutable_view()[i] = static_cast<Byte>(i);
    }
    for (std::size_t i = 0; i < nonce.size(); ++i) {
        nonce[i] = static_cast<Byte>(0x40 + i);
    }
    KeyRing ring;
    ring.push_back({3, timeline, std::move(key)});
    const SealedPage plain{};
    SealedPage sealed;

    make_page_cipher(store, std::move(ring))->seal(2, 4, nonce, plain, sealed);

    EXPECT_EQ(to_hex(ByteView(sealed).first(16)), "7ec146d3e0f3657939a6238dbe3ae8ee");
    EXPECT_EQ(to_hex(ByteView(sealed).subspan(kPlainSize)),
              "0000030000000400000000000000404142434445464748494a4b4c4d4e4f5051525354555657"
              "ef5f7e6b2fc29ade224d3c1f39ed8e8e00000000000000000000");
    EXPECT_EQ(to_hex(page_leaf(2, sealed).view()),
              "dc8ab3119e80fbc74e4fe0a15f2b55747eb19cdef6c0fde1c1a0070c246b8b1a");
}

}  // namespace
}  // namespace firedrill::store
