#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sim/canary.h"
#include "sim/judge_secrecy.h"
#include "sim/pattern_search.h"

namespace firedrill::sim {
namespace {

Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}
const std::string kCanary = make_canary({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});

std::vector<std::size_t> naive_ends(const Bytes& text, const Bytes& pattern) {
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i + pattern.size() <= text.size(); ++i) {
        if (std::equal(pattern.begin(), pattern.end(), text.begin() + static_cast<std::ptrdiff_t>(i))) {
            ends.push_back(i + pattern.size());
        }
    }
    return ends;
}

// Against plain searching, over a small alphabet so that patterns overlap, and cut into two chunks anywhere.
RC_GTEST_PROP(PatternSearch, FindsWhatPlainSearchingFindsAcrossChunks, ()) {
    const auto small = rc::gen::inRange<Byte>('a', 'd');
    const auto patterns = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<Bytes>>(rc::gen::nonEmpty(rc::gen::container<Bytes>(small))));
    const auto text = *rc::gen::container<Bytes>(small);
    const std::size_t cut = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
    std::vector<std::vector<std::size_t>> found(patterns.size());

    const PatternSearch search(patterns);
    const auto state = search.scan(0, ByteView(text).first(cut), [&](std::size_t pattern, std::size_t end) {
        found[pattern].push_back(end);
    });
    search.scan(state, ByteView(text).subspan(cut),
                [&](std::size_t pattern, std::size_t end) { found[pattern].push_back(end + cut); });

    for (std::size_t i = 0; i < patterns.size(); ++i) {
        RC_ASSERT(found[i] == naive_ends(text, patterns[i]));
    }
}

TEST(Canary, IsFoundWholeInPlaintextAndOnlyThere) {
    const std::string cut_short = kCanary.substr(0, kCanarySize - 1);
    EXPECT_EQ(find_canaries("name=" + kCanary + "&x=" + kCanary),
              (std::vector<std::string>{kCanary, kCanary}));
    EXPECT_TRUE(find_canaries(cut_short).empty());
    EXPECT_EQ(kCanary.size(), kCanarySize);
}

// Method: whatever stands around it, an encoded text holds one of the encoded patterns.
TEST(Canary, IsFoundInBase64AtEveryAlignment) {
    for (std::string before : {"", "x", "xy", "xyz", "xyzw"}) {
        const std::string text = to_base64(as_bytes(before + kCanary + "tail"));
        std::size_t hits = 0;
        for (const Encoded& one : encode_all_ways(as_bytes(kCanaryPrefix))) {
            hits += one.encoding.starts_with("base64") && text.find(as_text(one.bytes)) != std::string::npos
                        ? 1
                        : 0;
        }
        EXPECT_EQ(hits, 1u) << before;
    }
}

class Encodings : public testing::TestWithParam<std::string> {};

TEST_P(Encodings, LeaksAreFoundOnDisksInPacketsAndInTheJournal) {
    for (const Encoded& one : encode_all_ways(as_bytes(kCanary))) {
        if (one.encoding != GetParam()) {
            continue;
        }
        SecrecyJudge judge;
        judge.sector(Medium::data_disk, "d", "f", 0, one.bytes, {});
        judge.sector(Medium::log_disk, "d", "g", 0, one.bytes, {});
        judge.packet("a to b", 1, one.bytes, {});
        judge.journal(as_text(one.bytes), {});
        for (std::size_t medium = 0; medium < kMediumCount; ++medium) {
            EXPECT_GE(judge.summary().leaks[medium], 1u) << medium;  // UTF-16 looks alike either way round
        }
    }
}
INSTANTIATE_TEST_SUITE_P(All, Encodings,
                         testing::Values("raw", "utf-16le", "utf-16be", "hex", "HEX", "percent", "PERCENT"));

TEST(SecrecyJudge, FindsACanaryThatStraddlesTwoWritesAndTwoPackets) {
    const Bytes all = bytes_of("...." + kCanary);
    for (std::size_t cut = 5; cut + 1 < 4 + kCanaryPrefix.size(); ++cut) {
        SecrecyJudge judge;
        judge.sector(Medium::data_disk, "d", "f", 512, ByteView(all).first(cut), {});
        judge.sector(Medium::data_disk, "d", "other", 0, bytes_of("between"), {});
        judge.sector(Medium::data_disk, "d", "f", 512 + cut, ByteView(all).subspan(cut), {});
        judge.packet("a to b", 7, ByteView(all).first(cut), {});
        judge.packet("a to b", 8, bytes_of("between"), {});
        judge.packet("a to b", 7, ByteView(all).subspan(cut), {});
        EXPECT_EQ(judge.summary().total_leaks(), 2u) << cut;
    }
}

TEST(SecrecyJudge, WatchesKeysThatHoldNoCanary) {
    const Bytes key{0x10, 0x80, 0xff, 0x00, 1,  2,  3,  4,  5, 6, 7, 8, 9, 10, 11, 12,
                    13,   14,   15,   16,   17, 18, 19, 20, 1, 2, 3, 4, 5, 6,  7,  8};
    SecrecyJudge judge;
    judge.watch("practice key", key);

    judge.sector(Medium::data_disk, "d", "f", 0, key, {});
    judge.journal(to_hex(key), {});

    EXPECT_EQ(judge.summary().total_leaks(), 2u);
    EXPECT_EQ(judge.summary().first_leaks.front().secret, "practice key");
}

TEST(SecrecyJudge, FindsNothingInSealedLookingBytes) {
    SecrecyJudge judge;
    Bytes noise(1 << 16);
    for (std::size_t i = 0; i < noise.size(); ++i) {
        noise[i] = static_cast<Byte>((i * 2654435761u) >> 13);
    }
    judge.sector(Medium::log_disk, "d", "f", 0, noise, {});
    EXPECT_EQ(judge.summary().total_leaks(), 0u);
    EXPECT_EQ(judge.summary().bytes[static_cast<std::size_t>(Medium::log_disk)], noise.size());
}

TEST(SecrecyJudge, CountsOnlyPlantedCanariesThatTheirClientSaw) {
    SecrecyJudge judge;
    judge.plant(kCanary);
    judge.plant(make_canary({9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}));

    judge.saw_plaintext(as_bytes("name=" + kCanary));
    judge.saw_plaintext(as_bytes("name=" + kCanary));

    EXPECT_EQ(judge.summary().planted, 2u);
    EXPECT_EQ(judge.summary().seen, 1u);
}

}  // namespace
}  // namespace firedrill::sim
