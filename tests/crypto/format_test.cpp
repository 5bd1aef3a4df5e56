// The worked examples of docs/formats: what is printed there is what the code makes.
#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "crypto/keypair.h"
#include "tests/crypto/crypto_test_support.h"

namespace firedrill::crypto {
namespace {

/// Yields 00 01 02 …, over all calls.
class CountingEntropy final : public Entropy {
  public:
    void fill(MutableBytes out) override {
        for (Byte& byte : out) {
            byte = next_++;
        }
    }

  private:
    Byte next_ = 0;
};

TEST(FormatExample, WrapIsAsPrinted) {
    Bytes key;
    for (Byte i = 0; i < 32; ++i) {
        key.push_back(static_cast<Byte>(0x40 + i));
    }
    CountingEntropy entropy;
    EXPECT_EQ(to_hex(wrap(test::secret_of(key), as_bytes("example"), as_bytes("secret"), entropy)),
              "2a58d11f6c42c5f352f532b79bc76d5f473b1e4016fd8851a5daeb98929871e6"
              "000102030405060708090a0b0c0d0e0f1011121314151617"
              "59b03dda130e5e1ba6ff28ec9919e2f41b863dd187bc");
}

TEST(FormatExample, InboxFileIsAsPrinted) {
    CountingEntropy entropy;
    const AgeIdentity identity = make_age_identity(entropy);
    EXPECT_EQ(as_text(age_identity_text(identity).view()),
              "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG");
    EXPECT_EQ(age_recipient_text(identity.public_key),
              "age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh");

    Bytes file =
        *age_seal(std::vector<std::array<Byte, 32>>{identity.public_key}, as_bytes("hello\n"), entropy);
    const ByteView payload = ByteView(file).last(16 + 6 + 16);
    EXPECT_EQ(to_hex(payload),
              "505152535455565758595a5b5c5d5e5fedbcb85ac22a1066fed2342d01c2bebf6d774e72f4ec");
    EXPECT_EQ(as_text(ByteView(file).first(file.size() - payload.size())),
              "age-encryption.org/v1\n"
              "-> X25519 NOQtSvXvlKB6OoQgG4idTNGnQ8snsRtqEEOKj+uOWEc\n"
              "/zSIXFcMFk3Pvt5riSHKVCL5Twg8AgzWH6IZEq9tI9g\n"
              "--- tIKMLHYn1l29CBDI94A+I36ppesAAHjO+lJb39hLjuU\n");
}

}  // namespace
}  // namespace firedrill::crypto
