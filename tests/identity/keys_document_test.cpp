// Goal: the worked example of docs/formats/keys.md is what the program computes. Method: each row of its last
// table is computed from the inputs that the text names, with the texts that the document lists.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace firedrill::identity {
namespace {

std::map<std::string, std::string> documented() {
    std::ifstream in(FIREDRILL_SOURCE_ROOT "/docs/formats/keys.md");
    std::map<std::string, std::string> rows;
    bool is_example = false;
    for (std::string line; std::getline(in, line);) {
        is_example = is_example || line == "## Worked example";
        const std::size_t bar = line.find(" | `");
        if (is_example && line.starts_with("| ") && bar != std::string::npos && line.ends_with("` |")) {
            rows[line.substr(2, bar - 2)] = line.substr(bar + 4, line.size() - bar - 7);
        }
    }
    return rows;
}

Bytes counting(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<Byte>(i);
    }
    return out;
}

crypto::Secret filled(Byte value) {
    return crypto::Secret(Bytes(32, value));
}

Bytes context(std::string_view text, std::initializer_list<ByteView> bound) {
    Bytes out(text.begin(), text.end());
    for (const ByteView piece : bound) {
        append(out, piece);
    }
    return out;
}

std::string hkdf(const Bytes& code, std::string_view info, std::size_t size) {
    return to_hex(crypto::hkdf_sha256(code, {}, info, size).view());
}

TEST(KeysDocument, ItsWorkedExampleIsWhatTheProgramComputes) {
    const Bytes practice(16, 0xa1);
    const Bytes person(16, 0xb2);
    Bytes epoch(4);
    store_u32(epoch.data(), 3);
    const Bytes timeline(16, 0xe5);
    const crypto::Secret kek = crypto::argon2id(as_bytes("worked example password"), counting(16),
                                                crypto::kToyCost, crypto::kKeySize);
    const Bytes page_key_context = context("firedrill page key v1", {practice, epoch, timeline});
    const std::map<std::string, std::string> computed{
        {"KEK of the password", to_hex(kek.view())},
        {"commitment of the wrapped private half",
         to_hex(crypto::key_commitment(kek, context("firedrill person key v1", {practice, person})).view())},
        {"KEK of the recovery code", hkdf(counting(20), "firedrill recovery code v1", 32)},
        {"KEK of the invitation code", hkdf(counting(16), "firedrill invitation key v1", 32)},
        {"id of the invitation", hkdf(counting(16), "firedrill invitation id v1", 16)},
        {"commitment of the wrapped page key",
         to_hex(crypto::key_commitment(filled(0xc3), page_key_context).view())},
        {"commitment in `practice_epoch`",
         to_hex(crypto::key_commitment(filled(0xd4), page_key_context).view())},
        {"slot list key",
         to_hex(crypto::hkdf_sha256(filled(0xc3).view(), {}, "firedrill slot list v1", 32).view())},
    };
    EXPECT_EQ(documented(), computed);
}

}  // namespace
}  // namespace firedrill::identity
