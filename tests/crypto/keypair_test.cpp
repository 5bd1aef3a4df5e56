#include "crypto/keypair.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/aead.h"
#include "tests/crypto/crypto_test_support.h"

namespace firedrill::crypto {
namespace {

using test::drawn;
using test::drawn_secret;
using test::hex;
using test::TestEntropy;

constexpr std::size_t kHead = 32 + 1088;

TEST(SealTo, HasTheDeclaredSizes) {
    TestEntropy entropy(1);
    const SealingPair pair = make_sealing_pair(entropy);
    EXPECT_EQ(pair.public_key.size(), 1216U);
    EXPECT_EQ(pair.private_key.size_bytes(), 96U);
    const auto sealed = seal_to(pair.public_key, as_bytes("context"), as_bytes("secret"), entropy);
    ASSERT_TRUE(sealed.is_ok());
    EXPECT_EQ(sealed->size(), kHead + kWrapOverhead + 6);
}

TEST(SealTo, OpensForTheRecipient) {
    TestEntropy entropy(2);
    const SealingPair pair = make_sealing_pair(entropy);
    for (const std::size_t size : {0UL, 1UL, 32UL, 4096UL}) {
        const Bytes secret = drawn(entropy, size);
        const auto sealed = seal_to(pair.public_key, as_bytes("context"), secret, entropy);
        ASSERT_TRUE(sealed.is_ok());
        const auto opened = open_sealed(pair.private_key, pair.public_key, as_bytes("context"), *sealed);
        ASSERT_TRUE(opened.is_ok());
        EXPECT_TRUE(equal(opened->view(), secret));
    }
    EXPECT_EQ(seal_to(pair.public_key, {}, drawn(entropy, 4097), entropy).error().fault, Fault::limit);
}

TEST(SealTo, DrawsEverythingFromTheEntropyGiven) {
    TestEntropy one(9);
    TestEntropy two(9);
    const SealingPair a = make_sealing_pair(one);
    const SealingPair b = make_sealing_pair(two);
    EXPECT_EQ(a.public_key, b.public_key);
    EXPECT_TRUE(equal(a.private_key.view(), b.private_key.view()));
    EXPECT_EQ(*seal_to(a.public_key, {}, as_bytes("x"), one), *seal_to(b.public_key, {}, as_bytes("x"), two));
    EXPECT_NE(*seal_to(a.public_key, {}, as_bytes("x"), one), *seal_to(a.public_key, {}, as_bytes("x"), one));
}

TEST(SealTo, SaysWrongSecretForSomebodyElseOrAnotherContext) {
    TestEntropy entropy(3);
    const SealingPair pair = make_sealing_pair(entropy);
    const SealingPair other = make_sealing_pair(entropy);
    const Bytes sealed = *seal_to(pair.public_key, as_bytes("context"), as_bytes("secret"), entropy);
    EXPECT_EQ(open_sealed(other.private_key, other.public_key, as_bytes("context"), sealed).error().fault,
              Fault::wrong_secret);
    EXPECT_EQ(open_sealed(pair.private_key, other.public_key, as_bytes("context"), sealed).error().fault,
              Fault::wrong_secret);
    EXPECT_EQ(open_sealed(pair.private_key, pair.public_key, as_bytes("other"), sealed).error().fault,
              Fault::wrong_secret);
}

// One bit of every byte: each of the curve share, the ML-KEM ciphertext and the wrap is bound.
TEST(SealTo, RefusesAnAlteredByteAnywhere) {
    TestEntropy entropy(4);
    const SealingPair pair = make_sealing_pair(entropy);
    const Bytes sealed = *seal_to(pair.public_key, {}, as_bytes("secret"), entropy);
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        Bytes altered = sealed;
        altered[at] ^= static_cast<Byte>(1U << (at % 8));
        const auto opened = open_sealed(pair.private_key, pair.public_key, {}, altered);
        ASSERT_FALSE(opened.is_ok()) << at;
        EXPECT_EQ(opened.error().fault, at < kHead + 32 ? Fault::wrong_secret : Fault::damaged) << at;
    }
}

TEST(SealTo, SaysBadInputForMalformedKeysAndSizes) {
    TestEntropy entropy(5);
    const SealingPair pair = make_sealing_pair(entropy);
    const Bytes sealed = *seal_to(pair.public_key, {}, as_bytes("secret"), entropy);
    for (const std::size_t size : {0UL, 32UL, kHead, kHead + kWrapOverhead - 1}) {
        EXPECT_EQ(
            open_sealed(pair.private_key, pair.public_key, {}, ByteView(sealed).first(size)).error().fault,
            Fault::bad_input);
    }
    EXPECT_EQ(open_sealed(drawn_secret(entropy, 95), pair.public_key, {}, sealed).error().fault,
              Fault::bad_input);
    EXPECT_EQ(seal_to(ByteView(pair.public_key).first(1215), {}, as_bytes("x"), entropy).error().fault,
              Fault::bad_input);

    Bytes small_order = pair.public_key;
    std::fill_n(small_order.begin(), 32, Byte{0});
    EXPECT_EQ(seal_to(small_order, {}, as_bytes("x"), entropy).error().fault, Fault::bad_input);
    Bytes above_modulus = pair.public_key;
    above_modulus[32] = 0xff;
    above_modulus[33] = 0xff;
    EXPECT_EQ(seal_to(above_modulus, {}, as_bytes("x"), entropy).error().fault, Fault::bad_input);
    Bytes small_share = sealed;
    std::fill_n(small_share.begin(), 32, Byte{0});
    EXPECT_EQ(open_sealed(pair.private_key, pair.public_key, {}, small_share).error().fault,
              Fault::bad_input);
}

// RFC 8032, section 7.1, tests 1-3.
TEST(Ed25519, AnswersAsPublished) {
    struct Case {
        std::string_view seed;
        std::string_view public_key;
        std::string_view message;
        std::string_view signature;
    };
    const std::array<Case, 3> cases{{
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25"
         "bf5f059"
         "5bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387"
         "b2eaeb4"
         "302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7"
         "c15e971"
         "6ed28dc027beceea1ec40a"},
    }};
    for (const Case& c : cases) {
        const Secret seed = test::secret_of(hex(c.seed));
        EXPECT_EQ(to_hex(ed25519_public(seed)), c.public_key);
        EXPECT_EQ(to_hex(ed25519_sign(seed, hex(c.message))), c.signature);
        EXPECT_TRUE(ed25519_verify(hex(c.public_key), hex(c.message), hex(c.signature)));
    }
}

TEST(Ed25519, RefusesEveryFlippedBit) {
    TestEntropy entropy(6);
    const Secret seed = drawn_secret(entropy, 32);
    const auto public_key = ed25519_public(seed);
    const Bytes message = drawn(entropy, 20);
    const auto signature = ed25519_sign(seed, message);
    ASSERT_TRUE(ed25519_verify(public_key, message, signature));
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
        auto altered = signature;
        altered[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
        EXPECT_FALSE(ed25519_verify(public_key, message, altered)) << bit;
    }
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
        Bytes altered = message;
        altered[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
        EXPECT_FALSE(ed25519_verify(public_key, altered, signature)) << bit;
    }
    for (std::size_t bit = 0; bit < public_key.size() * 8; ++bit) {
        auto altered = public_key;
        altered[bit / 8] ^= static_cast<Byte>(1U << (bit % 8));
        EXPECT_FALSE(ed25519_verify(altered, message, signature)) << bit;
    }
    EXPECT_FALSE(ed25519_verify({}, message, signature));
    EXPECT_FALSE(ed25519_verify(public_key, message, ByteView(signature).first(63)));
}

}  // namespace
}  // namespace firedrill::crypto
