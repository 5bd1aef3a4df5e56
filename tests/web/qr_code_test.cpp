// QR codes: matrices as another encoder (libqrencode 4.1.1) draws them, and the structure that every reader
// looks for.
#include "web/qr_code.h"

#include <gtest/gtest.h>

#include <string>

#include "crypto/hash.h"

namespace firedrill::web {
namespace {

std::string rows_of(const QrCode& code) {
    std::string out;
    for (int y = 0; y < code.size(); ++y) {
        for (int x = 0; x < code.size(); ++x) {
            out += code.is_dark(x, y) ? '1' : '0';
        }
        out += '\n';
    }
    return out;
}

std::string text_of(std::size_t size) {
    std::string out;
    while (out.size() < size) {
        out += "otpauth://totp/harbor:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=harbor";
    }
    return out.substr(0, size);
}

TEST(QrCode, IsWhatAnotherEncoderDraws) {
    struct Vector {
        std::size_t size;
        int side;
        std::string_view digest;  // of the rows, made with `qrencode -8 -l L -m 0 -t ASCII`
    };
    for (const Vector& one :
         {Vector{1, 21, "a207f6ff10e9a82d6e98d11e1f56704a3b7434142a7b6e0a4e140eaee16a8311"},
          Vector{33, 29, "9dbc20f74588a1aa282e652805c871a23ea9f6c465bb95a6dab8b6dbb9fefc76"},
          Vector{106, 37, "6d57cacc0c1b0cf3624e9af6363f356b31adfcecea1f43bef716bbdb46ba7b98"},
          Vector{135, 45, "37acbc7b1bb7b52eea782a5c6f43817d81cb53f303e11bfbd704c28df0b2ef5d"},
          Vector{231, 57, "9a57abc49d7561b1774338750b59e1786e253d87290841f4e1acf5e3fe8deb43"}}) {
        const auto code = QrCode::create(text_of(one.size));
        ASSERT_TRUE(code);
        EXPECT_EQ(code->size(), one.side);
        EXPECT_EQ(to_hex(crypto::sha256(as_bytes(rows_of(*code))).view()), one.digest) << one.size;
    }
}

TEST(QrCode, GrowsWithTheTextAndEndsAtVersionEleven) {
    const std::pair<std::size_t, int> sides[] = {{0, 21},   {17, 21},
                                                 {18, 25},  {32, 25},
                                                 {33, 29},  {53, 29},
                                                 {54, 33},  {78, 33},
                                                 {79, 37},  {106, 37},
                                                 {107, 41}, {134, 41},
                                                 {135, 45}, {154, 45},
                                                 {155, 49}, {192, 49},
                                                 {193, 53}, {230, 53},
                                                 {231, 57}, {271, 57},
                                                 {272, 61}, {kLongestQrText, 61}};
    for (const auto& [size, side] : sides) {
        const auto code = QrCode::create(text_of(size));
        ASSERT_TRUE(code) << size;
        EXPECT_EQ(code->size(), side) << size;
    }
    EXPECT_FALSE(QrCode::create(text_of(kLongestQrText + 1)));
}

TEST(QrCode, HasFindersTimingAndTheDarkModule) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{300}}) {
        const QrCode code = *QrCode::create(text_of(size));
        const int last = code.size() - 1;
        for (int i = 0; i < 7; ++i) {
            EXPECT_TRUE(code.is_dark(i, 0) && code.is_dark(last - i, 0) && code.is_dark(0, last - i));
            EXPECT_FALSE(code.is_dark(i, 7) || code.is_dark(last - i, 7) || code.is_dark(7, last - i));
        }
        for (int i = 8; i < code.size() - 8; ++i) {
            EXPECT_EQ(code.is_dark(i, 6), i % 2 == 0);
            EXPECT_EQ(code.is_dark(6, i), i % 2 == 0);
        }
        EXPECT_TRUE(code.is_dark(8, code.size() - 8));
    }
}

}  // namespace
}  // namespace firedrill::web
