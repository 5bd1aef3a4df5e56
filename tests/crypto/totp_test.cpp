// One-time codes: the vectors of RFC 4226 and RFC 6238, the window, and what is read as a code.
#include "crypto/totp.h"

#include <gtest/gtest.h>

#include "tests/support/authenticator.h"

namespace firedrill::crypto {
namespace {

constexpr std::string_view kSecret = "12345678901234567890";  // RFC 6238, appendix B

WallTime at_second(std::int64_t seconds) {
    return WallTime{seconds * 1'000'000'000};
}

TEST(Totp, AgreesWithTheVectorsOfRfc4226) {
    const std::uint32_t expected[] = {755224, 287082, 359152, 969429, 338314,
                                      254676, 287922, 162583, 399871, 520489};
    for (std::uint64_t step = 0; step < 10; ++step) {
        EXPECT_EQ(totp_code(as_bytes(kSecret), step), expected[step]) << step;
    }
}

TEST(Totp, AgreesWithTheVectorsOfRfc6238) {
    // The RFC prints eight digits; six are the last six of them.
    const std::pair<std::int64_t, std::uint32_t> expected[] = {{59, 94287082},
                                                               {1111111109, 7081804},
                                                               {1111111111, 14050471},
                                                               {1234567890, 89005924},
                                                               {2000000000, 69279037}};
    for (const auto& [second, code] : expected) {
        EXPECT_EQ(totp_code(as_bytes(kSecret), totp_step(at_second(second))), code % 1'000'000) << second;
    }
    // Beyond the year 2262 a WallTime does not reach; the step is the RFC's own.
    EXPECT_EQ(totp_code(as_bytes(kSecret), 0x27BC86AA), 65353130U % 1'000'000);
}

TEST(Totp, StepsAreThirtySecondsLong) {
    EXPECT_EQ(totp_step(at_second(29)), 0U);
    EXPECT_EQ(totp_step(at_second(30)), 1U);
    EXPECT_EQ(totp_step(at_second(59)), 1U);
    EXPECT_EQ(totp_step(at_second(-1)), 0U);
}

TEST(Totp, AcceptsTheStepBeforeTheStepAfterAndNoOther) {
    const ByteView secret = as_bytes(kSecret);
    const std::uint64_t now = 41152263;
    for (const std::uint64_t step : {now - 1, now, now + 1}) {
        EXPECT_EQ(match_totp(secret, totp_code(secret, step), now, 0), step);
    }
    EXPECT_EQ(match_totp(secret, totp_code(secret, now - 2), now, 0), std::nullopt);
    EXPECT_EQ(match_totp(secret, totp_code(secret, now + 2), now, 0), std::nullopt);
}

TEST(Totp, AStepIsNotTakenAgainNorAnEarlierOne) {
    const ByteView secret = as_bytes(kSecret);
    const std::uint64_t now = 41152263;
    EXPECT_EQ(match_totp(secret, totp_code(secret, now), now, now), std::nullopt);
    EXPECT_EQ(match_totp(secret, totp_code(secret, now - 1), now, now), std::nullopt);
    EXPECT_EQ(match_totp(secret, totp_code(secret, now + 1), now, now), now + 1);
}

TEST(Totp, AnotherSecretsCodeDoesNotMatch) {
    const std::uint64_t now = 41152263;
    EXPECT_EQ(match_totp(as_bytes("12345678901234567891"), totp_code(as_bytes(kSecret), now), now, 0),
              std::nullopt);
}

TEST(Totp, ReadsSixDigitsAndNothingElse) {
    EXPECT_EQ(read_totp_code("012345"), 12345U);
    EXPECT_EQ(read_totp_code(" 012 345 "), 12345U);
    EXPECT_EQ(read_totp_code("999-999"), 999999U);
    for (const std::string_view bad : {"", "12345", "1234567", "12345a", "+12345", "0x1234", "１２３４５６",
                                       "12345\n6", "1 2 3 4 5 6 7"}) {
        EXPECT_EQ(read_totp_code(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(read_totp_code(std::string(1000, ' ') + "123456"), std::nullopt);
    EXPECT_EQ(read_totp_code(std::string("12345\0", 6)), std::nullopt);
    EXPECT_EQ(write_totp_code(7), "000007");
}

TEST(Totp, Base32IsThatOfRfc4648) {
    const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                     {"f", "MY"},
                                                                     {"fo", "MZXQ"},
                                                                     {"foo", "MZXW6"},
                                                                     {"foob", "MZXW6YQ"},
                                                                     {"fooba", "MZXW6YTB"},
                                                                     {"foobar", "MZXW6YTBOI"}};
    for (const auto& [plain, text] : vectors) {
        EXPECT_EQ(to_base32(as_bytes(plain)), text);
        const auto back = test::from_base32(text);
        ASSERT_TRUE(back);
        EXPECT_EQ(as_text(*back), plain);
    }
    EXPECT_EQ(to_base32(as_bytes(kSecret)), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

TEST(Totp, AnAppReadsBackWhatTheAddressSays) {
    const std::string address = write_otpauth("Harbor & Sons", "ada@x:y", as_bytes(kSecret));
    EXPECT_EQ(address,
              "otpauth://totp/Harbor%20%26%20Sons:ada%40x%3Ay?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
              "&issuer=Harbor%20%26%20Sons");
    const auto read = test::read_otpauth(address);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->issuer, "Harbor & Sons");
    EXPECT_EQ(read->account, "ada@x:y");
    EXPECT_EQ(as_text(read->secret), kSecret);
}

}  // namespace
}  // namespace firedrill::crypto
