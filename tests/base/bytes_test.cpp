#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace firedrill {
namespace {

Bytes to_bytes(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

TEST(Hex, KnowsItsAlphabet) {
    EXPECT_EQ(to_hex(to_bytes(std::string_view("\x00\x7f\xff", 3))), "007fff");
    EXPECT_EQ(from_hex("007FfF"), to_bytes(std::string_view("\x00\x7f\xff", 3)));
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
    for (const char* text : {"0", "0g", " 0", "0x", "00 ", "\xc3\xa4"}) {
        EXPECT_EQ(from_hex(text), std::nullopt) << text;
    }
}

RC_GTEST_PROP(Hex, RoundTrips, (const Bytes& bytes)) {
    RC_ASSERT(from_hex(to_hex(bytes)) == bytes);
}

// RFC 4648 section 10 gives these.
TEST(Base64, MatchesTheVectorsOfTheRfc) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : vectors) {
        EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    }
}

TEST(Base64, UrlAlphabetHasNoPlusSlashOrPadding) {
    const Bytes bytes{0xfb, 0xff, 0xfe, 0xff};
    EXPECT_EQ(to_base64(bytes), "+//+/w==");
    EXPECT_EQ(to_base64url(bytes), "-__-_w");
    EXPECT_EQ(to_base64_raw(bytes), "+//+/w");
}

TEST(Base64, RefusesPaddingForeignCharactersAndLooseTrailingBits) {
    for (const char* text : {"Zg==", "Zm9v\n", "Zm+v", "Zm/v", "Z", "Zm9vY", "Zh", "Zm9"}) {
        EXPECT_EQ(from_base64url(text), std::nullopt) << text;
    }
    EXPECT_EQ(from_base64_raw("Zm-v"), std::nullopt);
    EXPECT_EQ(from_base64url("Zg"), to_bytes("f"));
    EXPECT_EQ(from_base64_raw("Zm8"), to_bytes("fo"));
}

RC_GTEST_PROP(Base64, RoundTripsInBothAlphabets, (const Bytes& bytes)) {
    RC_ASSERT(from_base64url(to_base64url(bytes)) == bytes);
    RC_ASSERT(from_base64_raw(to_base64_raw(bytes)) == bytes);
    RC_ASSERT(to_base64(bytes).size() == (bytes.size() + 2) / 3 * 4);
}

// Strict decoding: a text that decodes is the one text of those bytes, so nobody can spell an id in two ways.
RC_GTEST_PROP(Base64, OnlyOneTextDecodesToGivenBytes, ()) {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("AQgw_-09z")));
    const auto bytes = from_base64url(text);
    if (bytes) {
        RC_ASSERT(to_base64url(*bytes) == text);
    }
}

RC_GTEST_PROP(Codec, ReaderReadsWhatWriterWrote,
              (std::uint8_t a, std::uint16_t b, std::uint32_t c, std::uint64_t d, const Bytes& raw,
               const Bytes& sized)) {
    Bytes out;
    Writer writer(out);
    writer.u8(a);
    writer.u16(b);
    writer.u32(c);
    writer.u64(d);
    writer.bytes(raw);
    writer.sized(sized);

    Reader reader(out);
    RC_ASSERT(reader.u8() == a);
    RC_ASSERT(reader.u16() == b);
    RC_ASSERT(reader.u32() == c);
    RC_ASSERT(reader.u64() == d);
    RC_ASSERT(equal(reader.bytes(raw.size()), raw));
    RC_ASSERT(equal(reader.sized(sized.size()), sized));
    RC_ASSERT(reader.is_done());
}

RC_GTEST_PROP(Codec, EveryCutOfTheInputIsNoticed, (std::uint64_t value, const Bytes& tail)) {
    Bytes out;
    Writer writer(out);
    writer.u64(value);
    writer.sized(tail);
    const auto cut = *rc::gen::inRange<std::size_t>(0, out.size());

    Reader reader(ByteView(out).first(cut));
    (void)reader.u64();
    (void)reader.sized(tail.size());
    RC_ASSERT(!reader.is_ok());
    RC_ASSERT(!reader.is_done());
}

TEST(Codec, IntegersAreLittleEndian) {
    Bytes out;
    Writer(out).u32(0x01020304);
    EXPECT_EQ(out, (Bytes{4, 3, 2, 1}));
    EXPECT_EQ(load_u32(out.data()), 0x01020304u);
}

TEST(Codec, ReadsPastTheEndYieldZeroesForGood) {
    const Bytes three{1, 2, 3};
    Reader reader(three);
    EXPECT_EQ(reader.u32(), 0u);
    EXPECT_FALSE(reader.is_ok());
    EXPECT_EQ(reader.u8(), 0u);
    EXPECT_FALSE(reader.is_done());
}

TEST(Codec, TrailingBytesAreNotDone) {
    const Bytes two{1, 2};
    Reader reader(two);
    (void)reader.u8();
    EXPECT_TRUE(reader.is_ok());
    EXPECT_FALSE(reader.is_done());
}

TEST(Codec, SizedRefusesALengthAboveTheLimitEvenWhenTheBytesAreThere) {
    Bytes out;
    Writer(out).sized(Bytes(10, 7));
    Reader reader(out);
    EXPECT_TRUE(reader.sized(9).empty());
    EXPECT_FALSE(reader.is_ok());
}

TEST(Codec, SizedRefusesALengthThatWouldOverflow) {
    Reader reader(Bytes{0xff, 0xff, 0xff, 0xff, 1, 2, 3});
    EXPECT_TRUE(reader.sized(0xffffffff).empty());
    EXPECT_FALSE(reader.is_ok());
}

RC_GTEST_PROP(Codec, LoadAndStoreAreInverse, (std::uint32_t small, std::uint64_t large)) {
    std::array<Byte, 8> bytes{};
    store_u32(bytes.data(), small);
    RC_ASSERT(load_u32(bytes.data()) == small);
    store_u64(bytes.data(), large);
    RC_ASSERT(load_u64(bytes.data()) == large);
}

TEST(Id, ParsesExactlyThirtyTwoDigits) {
    const std::string text = "000102030405060708090a0b0c0d0e0f";
    const auto id = parse_id<PersonId>(text);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(to_hex(*id), text);
    EXPECT_EQ(parse_id<PersonId>(text.substr(2)), std::nullopt);
    EXPECT_EQ(parse_id<PersonId>(text + "00"), std::nullopt);
    EXPECT_EQ(parse_id<PersonId>(""), std::nullopt);
}

}  // namespace
}  // namespace firedrill
