#include "crypto/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/hash_primitives.h"
#include "tests/crypto/crypto_test_support.h"

namespace firedrill::crypto {
namespace {

using test::hex;
using test::repeated;

// FIPS 180-4 examples.
TEST(Sha256, AnswersAsPublished) {
    EXPECT_EQ(to_hex(sha256(ByteView()).view()),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256(as_bytes("abc")).view()),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Sha256 context;
    for (int i = 0; i < 1000; ++i) {
        context.update(repeated(1000, 'a'));
    }
    EXPECT_EQ(to_hex(context.finish().view()),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

RC_GTEST_PROP(Sha256, PiecesHashLikeTheirConcatenation, (const Bytes& a, const Bytes& b, const Bytes& c)) {
    Bytes whole;
    append(whole, a);
    append(whole, b);
    append(whole, c);
    Sha256 context;
    for (int round = 0; round < 2; ++round) {  // a finished context is as new
        context.update(a);
        context.update(b);
        context.update(c);
        RC_ASSERT(context.finish() == sha256(whole));
    }
    RC_ASSERT(sha256({a, b, c}) == sha256(whole));
}

// RFC 4231, section 4, test cases 1-4, 6 and 7.
TEST(HmacSha256, AnswersAsPublished) {
    struct Case {
        Bytes key;
        Bytes data;
        std::string_view mac;
    };
    Bytes counting;
    for (Byte i = 1; i <= 25; ++i) {
        counting.push_back(i);
    }
    const auto text = [](std::string_view t) { return Bytes(t.begin(), t.end()); };
    const std::vector<Case> cases{
        {repeated(20, 0x0b), text("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {text("Jefe"), text("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {repeated(20, 0xaa), repeated(50, 0xdd),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {counting, repeated(50, 0xcd), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {repeated(131, 0xaa), text("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {repeated(131, 0xaa),
         text("This is a test using a larger than block-size key and a larger than block-size data. The key "
              "needs to "
              "be hashed before being used by the HMAC algorithm."),
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(to_hex(hmac_sha256(c.key, {c.data}).view()), c.mac);
        const std::size_t half = c.data.size() / 2;
        EXPECT_EQ(
            to_hex(hmac_sha256(c.key, {ByteView(c.data).first(half), ByteView(c.data).subspan(half)}).view()),
            c.mac);
    }
}

// RFC 5869, appendix A, test cases 1-3.
TEST(HkdfSha256, AnswersAsPublished) {
    const Secret first = hkdf_sha256(repeated(22, 0x0b), hex("000102030405060708090a0b0c"),
                                     as_text(hex("f0f1f2f3f4f5f6f7f8f9")), 42);
    EXPECT_EQ(to_hex(first.view()),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");

    Bytes key;
    Bytes salt;
    Bytes info;
    for (unsigned i = 0; i < 80; ++i) {
        key.push_back(static_cast<Byte>(i));
        salt.push_back(static_cast<Byte>(0x60 + i));
        info.push_back(static_cast<Byte>(0xb0 + i));
    }
    EXPECT_EQ(
        to_hex(hkdf_sha256(key, salt, as_text(info), 82).view()),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");

    EXPECT_EQ(to_hex(hkdf_sha256(repeated(22, 0x0b), {}, "", 42).view()),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(HkdfSha256, MakesTheLongestOutputThatItAllows) {
    const Secret longest = hkdf_sha256(as_bytes("key"), {}, "info", 8160);
    const Secret short_one = hkdf_sha256(as_bytes("key"), {}, "info", 32);
    EXPECT_TRUE(equal(longest.view().first(32), short_one.view()));
}

// RFC 9106, section 5.3: four lanes, a secret and associated data, which only this vector uses.
TEST(Argon2id, AnswersAsPublished) {
    const Secret out =
        argon2id_with(repeated(32, 1), repeated(16, 2), {32, 3}, 4, repeated(8, 3), repeated(12, 4), 32);
    EXPECT_EQ(to_hex(out.view()), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

TEST(Argon2id, DependsOnEveryArgument) {
    const Bytes salt = repeated(16, 9);
    const Secret base = argon2id(as_bytes("password"), salt, kToyCost, 32);
    EXPECT_TRUE(equal(base.view(), argon2id(as_bytes("password"), salt, kToyCost, 32).view()));
    EXPECT_FALSE(equal(base.view(), argon2id(as_bytes("passwore"), salt, kToyCost, 32).view()));
    EXPECT_FALSE(equal(base.view(), argon2id(as_bytes("password"), repeated(16, 8), kToyCost, 32).view()));
    EXPECT_FALSE(equal(base.view(), argon2id(as_bytes("password"), salt, {16, 1}, 32).view()));
    EXPECT_FALSE(equal(base.view(), argon2id(as_bytes("password"), salt, {8, 2}, 32).view()));
}

}  // namespace
}  // namespace firedrill::crypto
