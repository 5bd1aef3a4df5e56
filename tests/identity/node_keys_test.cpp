#include "identity/node_keys.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "crypto/aead.h"
#include "tests/support/test_entropy.h"

namespace firedrill::identity {
namespace {

const TimelineId kTimeline{{7}};
constexpr WallTime kMade{1'700'000'000'000'000'000};
constexpr WallTime kLater{1'750'000'000'000'000'000};

crypto::Secret secret(std::string_view text) {
    return crypto::Secret(as_bytes(text));
}

NodeKeys sample_keys(Entropy& entropy) {
    NodeKeys keys = make_node_keys(kTimeline, entropy, kMade);
    keys.authority_pem = "authority";
    keys.authority_key_pem = secret("authority key");
    keys.chain_pem = "chain";
    keys.tls_key_pem = secret("tls key");
    return keys;
}

void expect_same(const NodeKeys& a, const NodeKeys& b) {
    EXPECT_EQ(a.node, b.node);
    EXPECT_TRUE(crypto::equal_secret(a.node_key.view(), b.node_key.view()));
    EXPECT_TRUE(crypto::equal_secret(a.signing_seed.view(), b.signing_seed.view()));
    EXPECT_EQ(a.passphrase_number, b.passphrase_number);
    EXPECT_EQ(a.made, b.made);
    ASSERT_EQ(a.former_signing.size(), b.former_signing.size());
    for (std::size_t i = 0; i < a.former_signing.size(); ++i) {
        EXPECT_TRUE(crypto::equal_secret(a.former_signing[i].view(), b.former_signing[i].view()));
    }
    EXPECT_EQ(a.authority_pem, b.authority_pem);
    EXPECT_TRUE(crypto::equal_secret(a.authority_key_pem.view(), b.authority_key_pem.view()));
    EXPECT_EQ(a.chain_pem, b.chain_pem);
    EXPECT_TRUE(crypto::equal_secret(a.tls_key_pem.view(), b.tls_key_pem.view()));
    ASSERT_EQ(a.directory.size(), b.directory.size());
    for (std::size_t i = 0; i < a.directory.size(); ++i) {
        EXPECT_EQ(a.directory[i].epoch, b.directory[i].epoch);
        EXPECT_EQ(a.directory[i].timeline, b.directory[i].timeline);
        EXPECT_TRUE(crypto::equal_secret(a.directory[i].key.view(), b.directory[i].key.view()));
    }
}

class NodeKeysTest : public testing::Test {
  protected:
    test::TestEntropy entropy_{1};
    NodeKeys keys_ = sample_keys(entropy_);
    crypto::Secret passphrase_ = secret("correct horse battery staple");
    Bytes document_ = seal_node_keys(keys_, passphrase_, crypto::kToyCost, entropy_);
};

TEST_F(NodeKeysTest, OpenWithThePassphraseTheyWereSealedWith) {
    const auto opened = open_node_keys(document_, passphrase_);
    ASSERT_TRUE(opened.is_ok()) << opened.error().text;
    expect_same(keys_, *opened);
}

TEST_F(NodeKeysTest, AnotherPassphraseIsAWrongSecret) {
    for (const char* other :
         {"", "correct horse battery stapl", "correct horse battery staple ", "CORRECT"}) {
        const auto opened = open_node_keys(document_, secret(other));
        ASSERT_FALSE(opened.is_ok());
        EXPECT_EQ(opened.error().fault, Fault::wrong_secret);
        EXPECT_EQ(opened.error().text.find("horse"), std::string::npos);
    }
}

TEST_F(NodeKeysTest, EveryAlteredByteIsRefused) {
    for (std::size_t at = 0; at < document_.size(); ++at) {
        Bytes bad = document_;
        bad[at] ^= 1;
        EXPECT_FALSE(open_node_keys(bad, passphrase_).is_ok()) << at;
    }
}

TEST_F(NodeKeysTest, EveryCutAndEveryExtraByteIsRefused) {
    for (std::size_t size = 0; size < document_.size(); ++size) {
        EXPECT_FALSE(open_node_keys(ByteView(document_).first(size), passphrase_).is_ok()) << size;
    }
    Bytes longer = document_;
    longer.push_back(0);
    EXPECT_EQ(open_node_keys(longer, passphrase_).error().fault, Fault::bad_input);
    EXPECT_EQ(open_node_keys(Bytes(70000, 0), passphrase_).error().fault, Fault::bad_input);
}

TEST_F(NodeKeysTest, AHostileCostIsRefusedBeforeItIsPaid) {
    for (const auto& [memory_kib, passes] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
             {0, 1}, {7, 1}, {1024 * 1024 + 1, 1}, {0xFFFFFFFF, 1}, {8, 0}, {8, 17}, {8, 0xFFFFFFFF}}) {
        Bytes bad = document_;
        store_u32(bad.data() + 28, memory_kib);
        store_u32(bad.data() + 32, passes);
        const auto opened = open_node_keys(bad, passphrase_);
        ASSERT_FALSE(opened.is_ok());
        EXPECT_EQ(opened.error().fault, Fault::bad_input);
    }
}

TEST_F(NodeKeysTest, ANewerFormatIsSaidToBeNewer) {
    Bytes newer = document_;
    newer[8] = 3;
    EXPECT_EQ(open_node_keys(newer, passphrase_).error().fault, Fault::newer_format);
    for (const Byte never : {0, 1}) {
        newer[8] = never;
        EXPECT_EQ(open_node_keys(newer, passphrase_).error().fault, Fault::bad_input);
    }
}

TEST_F(NodeKeysTest, ResealingKeepsThePassphrase) {
    ASSERT_TRUE(ensure_epoch(keys_, TimelineId{{8}}, entropy_));
    EXPECT_FALSE(ensure_epoch(keys_, TimelineId{{8}}, entropy_));
    EXPECT_EQ(keys_.directory.back().epoch, 2u);
    const auto resealed = reseal_node_keys(keys_, document_, entropy_);
    ASSERT_TRUE(resealed.is_ok());
    EXPECT_TRUE(equal(ByteView(*resealed).first(160), ByteView(document_).first(160)));
    const auto opened = open_node_keys(*resealed, passphrase_);
    ASSERT_TRUE(opened.is_ok());
    expect_same(keys_, *opened);
}

TEST_F(NodeKeysTest, AnotherNodesDocumentIsNotResealed) {
    const NodeKeys other = sample_keys(entropy_);
    EXPECT_EQ(reseal_node_keys(other, document_, entropy_).error().fault, Fault::bad_input);
}

TEST_F(NodeKeysTest, TheSealedPartOfAnotherDocumentDoesNotFit) {
    const Bytes second = seal_node_keys(keys_, passphrase_, crypto::kToyCost, entropy_);
    Bytes spliced(document_.begin(), document_.begin() + 160);
    append(spliced, ByteView(second).subspan(160));
    EXPECT_EQ(open_node_keys(spliced, passphrase_).error().fault, Fault::damaged);
}

TEST_F(NodeKeysTest, CopiesAreEqualAndApart) {
    ASSERT_TRUE(renew_signing(keys_, entropy_, kLater));
    NodeKeys copy = copy_node_keys(keys_);
    expect_same(keys_, copy);
    copy.node_key.mutable_view()[0] ^= 1;
    EXPECT_FALSE(crypto::equal_secret(keys_.node_key.view(), copy.node_key.view()));
}

TEST_F(NodeKeysTest, ANewPassphraseMakesTheOldOneUselessForWhatFollows) {
    const NodeKeys before = copy_node_keys(keys_);
    const crypto::Secret next = secret("another passphrase");
    renew_node_key(keys_, entropy_, kLater);
    const Bytes document = seal_node_keys(keys_, next, crypto::kToyCost, entropy_);

    EXPECT_EQ(passphrase_number_of(document_).value(), 1U);
    EXPECT_EQ(passphrase_number_of(document).value(), 2U);
    EXPECT_EQ(open_node_keys(document, passphrase_).error().fault, Fault::wrong_secret);
    const auto opened = open_node_keys(document, next);
    ASSERT_TRUE(opened.is_ok()) << opened.error().text;
    expect_same(keys_, *opened);
    EXPECT_EQ(opened->made.passphrase, kLater);
    EXPECT_EQ(opened->made.signing, kMade);
    // Who had the old passphrase had the old node key: it must not be the new one.
    EXPECT_FALSE(crypto::equal_secret(before.node_key.view(), opened->node_key.view()));
    EXPECT_EQ(reseal_node_keys(before, document, entropy_).error().fault, Fault::bad_input);
}

TEST_F(NodeKeysTest, AnAlteredPassphraseNumberIsFound) {
    Bytes bad = document_;
    store_u32(bad.data() + 52, 2);
    EXPECT_FALSE(open_node_keys(bad, passphrase_).is_ok());
    store_u32(bad.data() + 52, 0);
    EXPECT_EQ(open_node_keys(bad, passphrase_).error().fault, Fault::bad_input);
}

TEST_F(NodeKeysTest, RenewalsKeepWhatOpensAndClosesOlderBytes) {
    const NodeKeys before = copy_node_keys(keys_);
    ASSERT_TRUE(renew_directory(keys_, kTimeline, entropy_, kLater));
    ASSERT_TRUE(renew_signing(keys_, entropy_, kLater));
    const auto document = reseal_node_keys(keys_, document_, entropy_);
    ASSERT_TRUE(document.is_ok());
    const auto opened = open_node_keys(*document, passphrase_);
    ASSERT_TRUE(opened.is_ok()) << opened.error().text;
    expect_same(keys_, *opened);
    ASSERT_EQ(opened->directory.size(), 2U);
    EXPECT_EQ(opened->directory.back().epoch, 2U);
    EXPECT_TRUE(
        crypto::equal_secret(opened->directory.front().key.view(), before.directory.front().key.view()));
    ASSERT_EQ(opened->former_signing.size(), 1U);
    EXPECT_TRUE(crypto::equal_secret(opened->former_signing.front().view(), before.signing_seed.view()));
    EXPECT_FALSE(crypto::equal_secret(opened->signing_seed.view(), before.signing_seed.view()));
}

TEST_F(NodeKeysTest, RenewalsEndAtTheirLimits) {
    Status last;
    int seeds = 1;
    while ((last = renew_signing(keys_, entropy_, kLater))) {
        ++seeds;
        ASSERT_LE(seeds, 64);
    }
    EXPECT_EQ(last.error().fault, Fault::limit);
    EXPECT_EQ(seeds, 64);
    int epochs = 1;
    while ((last = renew_directory(keys_, kTimeline, entropy_, kLater))) {
        ++epochs;
        ASSERT_LE(epochs, 512);
    }
    EXPECT_EQ(last.error().fault, Fault::limit);
    EXPECT_TRUE(
        open_node_keys(seal_node_keys(keys_, passphrase_, crypto::kToyCost, entropy_), passphrase_).is_ok());
}

/// The bytes of the example in the document: each line is an offset, the bytes, and what they are.
Bytes documented_example() {
    std::ifstream in(FIREDRILL_SOURCE_ROOT "/docs/formats/key_slots.md");
    Bytes out;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::size_t offset = 0;
        std::string hex;
        if (!line.starts_with(' ') || !(words >> offset >> hex)) {
            continue;
        }
        const auto bytes = from_hex(hex);
        if (bytes && offset == out.size()) {
            append(out, *bytes);
        }
    }
    return out;
}

// A change here is a change of docs/formats/key_slots.md and needs a new version number.
TEST(NodeKeysGolden, BytesAreAsDocumented) {
    test::TestEntropy entropy(42);
    const NodeKeys keys = sample_keys(entropy);
    const Bytes document = seal_node_keys(keys, secret("worked example"), crypto::kToyCost, entropy);
    EXPECT_EQ(to_hex(documented_example()), to_hex(document));
    const auto opened = open_node_keys(documented_example(), secret("worked example"));
    ASSERT_TRUE(opened.is_ok());
    expect_same(keys, *opened);
}

}  // namespace
}  // namespace firedrill::identity
