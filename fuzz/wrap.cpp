// Wraps and sealed secrets: nothing but what was made opens. The first byte chooses the envelope, the rest is
// laid over a genuine one by exclusive or, or stands for itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/keypair.h"
#include "tests/support/test_entropy.h"

using namespace firedrill;

namespace {

struct Genuine {
    test::TestEntropy entropy;
    crypto::Secret key{Bytes(32, 9)};
    crypto::SealingPair pair = crypto::make_sealing_pair(entropy);
    Bytes wrapped = crypto::wrap(key, as_bytes("context"), as_bytes("a secret"), entropy);
    Bytes sealed = *crypto::seal_to(pair.public_key, as_bytes("context"), as_bytes("a secret"), entropy);
};

Bytes overlay(Bytes genuine, ByteView mask) {
    for (std::size_t i = 0; i < std::min(genuine.size(), mask.size()); ++i) {
        genuine[i] ^= mask[i];
    }
    return genuine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    static const Genuine genuine;
    const ByteView rest(data + 1, size - 1);
    const bool is_sealed = (data[0] & 1U) != 0;
    const Bytes& made = is_sealed ? genuine.sealed : genuine.wrapped;
    const Bytes input = (data[0] & 2U) != 0 ? overlay(made, rest) : Bytes(rest.begin(), rest.end());
    const Result<crypto::Secret> opened =
        is_sealed ? crypto::open_sealed(genuine.pair.private_key, genuine.pair.public_key,
                                        as_bytes("context"), input)
                  : crypto::unwrap(genuine.key, as_bytes("context"), input);
    CHECK(opened.is_ok() == (input == made));
    return 0;
}
