// Shares on paper: they come back however they are typed, and every slip is found in its line.
#include "identity/shares.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "identity/codes.h"
#include "tests/support/test_entropy.h"

namespace firedrill::identity {
namespace {

crypto::Secret sample(std::uint64_t seed = 5) {
    test::TestEntropy entropy(seed);
    crypto::Secret secret(crypto::kSharedSecretSize);
    entropy.fill(secret.mutable_view());
    return std::move(crypto::split_secret(secret, 2, 3, crypto::ShareIdentifier{1, 2, 3}, entropy)[1]);
}

std::string joined(const ShareLines& lines) {
    std::string out;
    for (const std::string& line : lines) {
        out += line + "\r\n";
    }
    return out;
}

TEST(Shares, ComeBackHoweverTheyAreTyped) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        const crypto::Secret share = sample(seed);
        std::string text = joined(write_share(share));
        ASSERT_TRUE(read_share(text).is_ok()) << read_share(text).error().text;
        std::string shouted;
        for (const char c : text) {
            shouted += c == '-' ? '\t' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
        ASSERT_TRUE(read_share(shouted).is_ok());
        EXPECT_TRUE(crypto::equal_secret(read_share(shouted)->view(), share.view()));
    }
}

TEST(Shares, EveryWrongLetterIsFoundInItsLine) {
    const ShareLines lines = write_share(sample());
    for (std::size_t line = 0; line < lines.size(); ++line) {
        for (std::size_t i = 0; i < lines[line].size(); ++i) {
            if (lines[line][i] == '-') {
                continue;
            }
            for (const char letter : kCodeLetters) {
                ShareLines slip = lines;
                slip[line][i] = letter;
                const auto read = read_share(joined(slip));
                ASSERT_EQ(read.is_ok(), letter == lines[line][i]);
                if (!read) {
                    EXPECT_EQ(read.error().text,
                              "line " + std::to_string(line + 1) + " is mistyped; compare it with the paper");
                }
            }
        }
    }
}

TEST(Shares, TwoLettersExchangedAreFound) {
    const ShareLines lines = write_share(sample());
    for (std::size_t line = 0; line < lines.size(); ++line) {
        for (std::size_t i = 0; i < lines[line].size(); ++i) {
            for (std::size_t j = i + 1; j < lines[line].size(); ++j) {
                if (lines[line][i] == '-' || lines[line][j] == '-' || lines[line][i] == lines[line][j]) {
                    continue;
                }
                ShareLines slip = lines;
                std::swap(slip[line][i], slip[line][j]);
                EXPECT_FALSE(read_share(joined(slip)).is_ok()) << line << " " << i << " " << j;
            }
        }
    }
    ShareLines swapped = lines;
    std::swap(swapped[0], swapped[1]);
    EXPECT_FALSE(read_share(joined(swapped)).is_ok());
}

TEST(Shares, WhatIsMissingOrTooMuchIsSaid) {
    const std::string text = joined(write_share(sample()));
    EXPECT_EQ(read_share("").error().text,
              "a share has 6 lines of 24 letters and digits; 0 were given in all");
    EXPECT_EQ(read_share(text.substr(0, text.size() - 3)).error().text,
              "a share has 6 lines of 24 letters and digits; 143 were given in all");
    EXPECT_EQ(read_share(text + "a").error().text,
              "a share has 6 lines of 24 letters and digits; 145 were given in all");
    EXPECT_EQ(read_share("abcd?").error().text,
              "line 1 holds a character that no share has; compare it with the paper");
}

// Typed text of any kind: refused with bad_input, or exactly a share that writes itself so.
RC_GTEST_PROP(Shares, OnlyWhatASharesWritesIsAShare, (std::uint64_t seed)) {
    ShareLines lines = write_share(sample(seed));
    std::string text = joined(lines);
    const auto changes = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, text.size()), rc::gen::arbitrary<char>()));
    for (const auto& [at, letter] : changes) {
        text[at] = letter;
    }
    const auto read = read_share(text);
    if (!read) {
        RC_ASSERT(read.error().fault == Fault::bad_input);
        return;
    }
    RC_ASSERT(read->size_bytes() == crypto::kShareSize);
    const auto again = read_share(joined(write_share(*read)));
    RC_ASSERT(again.is_ok());
    RC_ASSERT(crypto::equal_secret(again->view(), read->view()));
}

// The example of docs/formats/key_slots.md; computed there by other code.
TEST(Shares, AreWrittenAsDocumented) {
    Bytes bytes;
    for (Byte i = 0; i < 16; ++i) {
        bytes.push_back(static_cast<Byte>(0xa0 + i));
    }
    append(bytes, Bytes{2, 2, 0, 65, 3});
    for (Byte i = 0; i < 64; ++i) {
        bytes.push_back(i);
    }
    const crypto::Secret share{ByteView(bytes)};

    EXPECT_EQ(write_share(share),
              (ShareLines{"agsk-dixd-wuu4-pj7i-xgxk-zmfk", "px4z-seas-aieb-saai-canc-akbc",
                          "shba-eswc-2nbw-ha8e-atci-jti8", "fiyc-6nbu-gs5d-sqt6-h3ae-etc4",
                          "gjbf-e2vu-skjk-fnyc-4mtr-ga27", "ven3-wgw5-dqqb-3hi7-v2rj-8h6i"}));
    EXPECT_EQ(to_hex(ByteView(share_fingerprint(share))), "fa13dda2be9f885d153e4d6d5cbcc0bd");
    EXPECT_EQ(write_checksum(share_checksum(share)), "w6ed-yxx4");
}

TEST(Shares, AChecksumIsEightLettersAndSaysNothingElse) {
    const ShareChecksum checksum = share_checksum(sample());
    const std::string text = write_checksum(checksum);
    EXPECT_EQ(text.size(), 9u);
    EXPECT_EQ(*read_checksum(text), checksum);
    EXPECT_EQ(*read_checksum(" " + text + " "), checksum);
    EXPECT_NE(share_checksum(sample(6)), checksum);
    for (const char* wrong : {"", "abcd", "abcd-efgh2", "abcd-ef!h"}) {
        EXPECT_EQ(read_checksum(wrong).error().fault, Fault::bad_input) << wrong;
    }
    const ShareFingerprint fingerprint = share_fingerprint(sample());
    EXPECT_FALSE(std::equal(checksum.begin(), checksum.end(), fingerprint.begin()));
}

}  // namespace
}  // namespace firedrill::identity
