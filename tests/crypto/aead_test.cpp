#include "crypto/aead.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <botan/xof.h>

#include "crypto/hash.h"
#include "tests/crypto/crypto_test_support.h"

namespace firedrill::crypto {
namespace {

using test::drawn;
using test::drawn_secret;
using test::TestEntropy;

Nonce draw_nonce(Entropy& entropy) {
    Nonce nonce;
    entropy.fill(nonce);
    return nonce;
}

// The two known answers of the specification: the first subkey's top bit is 0 in one and 1 in the other.
TEST(Xaes256Gcm, AnswersAsPublished) {
    struct Case {
        Byte key;
        std::string_view associated;
        std::string_view sealed_and_tag;
    };
    Nonce nonce;
    std::memcpy(nonce.data(), "ABCDEFGHIJKLMNOPQRSTUVWX", nonce.size());
    for (const Case& c :
         {Case{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
          Case{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"}}) {
        Xaes256Gcm cipher(test::secret_of(test::repeated(32, c.key)));
        Bytes sealed(12);
        Tag tag;
        cipher.seal(nonce, as_bytes(c.associated), as_bytes("XAES-256-GCM"), sealed, tag);
        append(sealed, tag);
        EXPECT_EQ(to_hex(sealed), c.sealed_and_tag);
    }
}

// The specification's accumulated test: 10,000 messages drawn from SHAKE-128, their ciphertexts hashed with
// SHAKE-128.
TEST(Xaes256Gcm, AgreesWithTheAccumulatedTestOfTheSpecification) {
    const auto source = Botan::XOF::create_or_throw("SHAKE-128");
    const auto sink = Botan::XOF::create_or_throw("SHAKE-128");
    for (int i = 0; i < 10000; ++i) {
        Xaes256Gcm cipher(test::secret_of(source->output_stdvec(32)));
        Nonce nonce;
        source->output(nonce);
        const Bytes plain = source->output_stdvec(source->output_next_byte());
        const Bytes associated = source->output_stdvec(source->output_next_byte());
        Bytes sealed(plain.size());
        Tag tag;
        cipher.seal(nonce, associated, plain, sealed, tag);
        sink->update(sealed);
        sink->update(tag);
        ASSERT_TRUE(cipher.open(nonce, associated, sealed, tag, sealed));
        ASSERT_EQ(sealed, plain);
    }
    EXPECT_EQ(to_hex(sink->output_stdvec(32)),
              "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

RC_GTEST_PROP(Xaes256Gcm, OpensWhatItSealed,
              (const Bytes& plain, const Bytes& associated, std::uint64_t seed)) {
    TestEntropy entropy(seed);
    Xaes256Gcm sealer(drawn_secret(entropy, kKeySize));
    TestEntropy again(seed);
    Xaes256Gcm opener(drawn_secret(again, kKeySize));
    const Nonce nonce = draw_nonce(entropy);
    Bytes sealed(plain.size());
    Tag tag;
    sealer.seal(nonce, associated, plain, sealed, tag);

    Bytes opened(plain.size());
    RC_ASSERT(opener.open(nonce, associated, sealed, tag, opened));
    RC_ASSERT(opened == plain);
    Bytes in_place = plain;
    Tag tag_in_place;
    sealer.seal(nonce, associated, in_place, in_place, tag_in_place);
    RC_ASSERT(in_place == sealed);
    RC_ASSERT(tag_in_place == tag);
}

// Every single flipped bit of nonce, associated data, sealed bytes and tag is refused, and the output is
// zeroes.
TEST(Xaes256Gcm, RefusesEveryFlippedBit) {
    TestEntropy entropy(3);
    Xaes256Gcm cipher(drawn_secret(entropy, kKeySize));
    Nonce nonce = draw_nonce(entropy);
    Bytes associated = drawn(entropy, 21);
    const Bytes plain = drawn(entropy, 50);
    Bytes sealed(plain.size());
    Tag tag;
    cipher.seal(nonce, associated, plain, sealed, tag);

    const auto refuses = [&](MutableBytes part) {
        for (std::size_t bit = 0; bit < part.size() * 8; ++bit) {
            part[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
            Bytes out = test::repeated(plain.size(), 0xee);
            EXPECT_FALSE(cipher.open(nonce, associated, sealed, tag, out)) << bit;
            EXPECT_EQ(out, test::repeated(plain.size(), 0)) << bit;
            out = test::repeated(plain.size(), 0xee);
            EXPECT_FALSE(cipher.open_evenly(nonce, associated, sealed, tag, out)) << bit;
            EXPECT_EQ(out, test::repeated(plain.size(), 0)) << bit;
            part[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
        }
    };
    refuses(nonce);
    refuses(associated);
    refuses(sealed);
    refuses(tag);

    Bytes out(plain.size());
    EXPECT_TRUE(cipher.open(nonce, associated, sealed, tag, out));  // still usable after all the refusals
    EXPECT_EQ(out, plain);
    EXPECT_TRUE(cipher.open_evenly(nonce, associated, sealed, tag, sealed));
    EXPECT_EQ(sealed, plain);
}

TEST(Xaes256Gcm, RefusesAnotherKey) {
    TestEntropy entropy(4);
    Xaes256Gcm cipher(drawn_secret(entropy, kKeySize));
    Xaes256Gcm other(drawn_secret(entropy, kKeySize));
    const Nonce nonce = draw_nonce(entropy);
    Bytes sealed = drawn(entropy, 4032);
    Tag tag;
    cipher.seal(nonce, {}, sealed, sealed, tag);
    EXPECT_FALSE(other.open(nonce, {}, sealed, tag, sealed));
    EXPECT_EQ(sealed, test::repeated(4032, 0));
}

TEST(KeyCommitment, DependsOnKeyAndContext) {
    TestEntropy entropy(5);
    const Secret key = drawn_secret(entropy, kKeySize);
    const Secret other = drawn_secret(entropy, kKeySize);
    EXPECT_EQ(key_commitment(key, as_bytes("a")), key_commitment(key, as_bytes("a")));
    EXPECT_NE(key_commitment(key, as_bytes("a")), key_commitment(key, as_bytes("b")));
    EXPECT_NE(key_commitment(key, as_bytes("a")), key_commitment(other, as_bytes("a")));
}

RC_GTEST_PROP(Wrap, OpensUnderTheSameKeyAndContext,
              (const Bytes& secret, const Bytes& context, std::uint64_t seed)) {
    TestEntropy entropy(seed);
    const Secret under = drawn_secret(entropy, kKeySize);
    const Bytes wrapped = wrap(under, context, secret, entropy);
    RC_ASSERT(wrapped.size() == secret.size() + kWrapOverhead);
    const auto opened = unwrap(under, context, wrapped);
    RC_ASSERT(opened.is_ok());
    RC_ASSERT(equal(opened->view(), secret));
}

TEST(Wrap, SaysWrongSecretForAnotherKeyOrContext) {
    TestEntropy entropy(6);
    const Secret under = drawn_secret(entropy, kKeySize);
    const Secret other = drawn_secret(entropy, kKeySize);
    const Bytes wrapped = wrap(under, as_bytes("context"), as_bytes("a key"), entropy);
    EXPECT_EQ(unwrap(other, as_bytes("context"), wrapped).error().fault, Fault::wrong_secret);
    EXPECT_EQ(unwrap(under, as_bytes("contexT"), wrapped).error().fault, Fault::wrong_secret);
}

// The first 32 bytes are the commitment: flipped there it is the wrong secret, elsewhere it is damage.
TEST(Wrap, RefusesEveryFlippedBitAndEveryTruncation) {
    TestEntropy entropy(7);
    const Secret under = drawn_secret(entropy, kKeySize);
    const Bytes wrapped = wrap(under, as_bytes("context"), as_bytes("a key of some size"), entropy);
    for (std::size_t bit = 0; bit < wrapped.size() * 8; ++bit) {
        Bytes altered = wrapped;
        altered[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
        const auto opened = unwrap(under, as_bytes("context"), altered);
        ASSERT_FALSE(opened.is_ok()) << bit;
        EXPECT_EQ(opened.error().fault, bit / 8 < 32 ? Fault::wrong_secret : Fault::damaged) << bit;
    }
    for (std::size_t size = 0; size < wrapped.size(); ++size) {
        EXPECT_EQ(unwrap(under, as_bytes("context"), ByteView(wrapped).first(size)).error().fault,
                  Fault::damaged);
    }
}

}  // namespace
}  // namespace firedrill::crypto
