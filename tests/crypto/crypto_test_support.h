// Short helpers of the crypto tests.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/secret.h"
#include "tests/support/test_entropy.h"

namespace firedrill::test {

inline Bytes hex(std::string_view text) {
    auto raw = from_hex(text);
    CHECK(raw.has_value());
    return std::move(*raw);
}
inline Bytes repeated(std::size_t count, Byte value) {
    return Bytes(count, value);
}

inline Bytes drawn(Entropy& entropy, std::size_t count) {
    Bytes out(count);
    entropy.fill(out);
    return out;
}
inline crypto::Secret drawn_secret(Entropy& entropy, std::size_t count) {
    crypto::Secret out(count);
    entropy.fill(out.mutable_view());
    return out;
}
inline crypto::Secret secret_of(ByteView bytes) {
    return crypto::Secret(bytes);
}

}  // namespace firedrill::test
