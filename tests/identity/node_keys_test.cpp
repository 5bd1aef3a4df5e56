#include "identity/node_keys.h"

#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "tests/support/test_entropy.h"

namespace firedrill::identity {
namespace {

const TimelineId kTimeline{{7}};

crypto::Secret secret(std::string_view text) {
    return crypto::Secret(as_bytes(text));
}

NodeKeys sample_keys(Entropy& entropy) {
    NodeKeys keys = make_node_keys(kTimeline, entropy);
    keys.authority_pem = "authority";
    keys.chain_pem = "chain";
    keys.tls_key_pem = secret("tls key");
    return keys;
}

void expect_same(const NodeKeys& a, const NodeKeys& b) {
    EXPECT_EQ(a.node, b.node);
    EXPECT_TRUE(crypto::equal_secret(a.node_key.view(), b.node_key.view()));
    EXPECT_TRUE(crypto::equal_secret(a.signing_seed.view(), b.signing_seed.view()));
    EXPECT_EQ(a.authority_pem, b.authority_pem);
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
    newer[8] = 2;
    EXPECT_EQ(open_node_keys(newer, passphrase_).error().fault, Fault::newer_format);
    newer[8] = 0;
    EXPECT_EQ(open_node_keys(newer, passphrase_).error().fault, Fault::bad_input);
}

TEST_F(NodeKeysTest, ResealingKeepsThePassphrase) {
    ASSERT_TRUE(ensure_epoch(keys_, TimelineId{{8}}, entropy_));
    EXPECT_FALSE(ensure_epoch(keys_, TimelineId{{8}}, entropy_));
    EXPECT_EQ(keys_.directory.back().epoch, 2u);
    const auto resealed = reseal_node_keys(keys_, document_, entropy_);
    ASSERT_TRUE(resealed.is_ok());
    EXPECT_TRUE(equal(ByteView(*resealed).first(156), ByteView(document_).first(156)));
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
    Bytes spliced(document_.begin(), document_.begin() + 156);
    append(spliced, ByteView(second).subspan(156));
    EXPECT_EQ(open_node_keys(spliced, passphrase_).error().fault, Fault::damaged);
}

// A change here is a change of docs/formats/key_slots.md and needs a new version number.
TEST(NodeKeysGolden, BytesAreAsDocumented) {
    test::TestEntropy entropy(42);
    const NodeKeys keys = sample_keys(entropy);
    const Bytes document = seal_node_keys(keys, secret("worked example"), crypto::kToyCost, entropy);
    EXPECT_EQ(document.size(), 353u);
    EXPECT_EQ(to_hex(ByteView(document).first(52)),
              "46444e4f444b455901000000956eeb2f2632d7bd03f166b233e3ef280800000001000000dc8ee7021ce347aaf2337c"
              "4dc5521434");
    EXPECT_EQ(to_hex(ByteView(document).subspan(156, 24)),
              "c10000008323983769541fc99c57bd4941ad0005c0e00748");
    EXPECT_EQ(to_hex(crypto::sha256(document).view()),
              "9eaaf486b9042693613858ecfbd27fdb4d18350e7e2ed7c2a792697e0a8ed3a6");
}

}  // namespace
}  // namespace firedrill::identity
