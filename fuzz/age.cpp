// age files and keys from anybody: whatever opens was sealed to us, and every text that parses is the
// canonical one.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/keypair.h"

using namespace firedrill;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    static const crypto::AgeIdentity identity =
        crypto::age_identity_from(crypto::Secret(Bytes(32, 7))).value();
    const Result<crypto::Secret> opened = crypto::age_open(identity, input);
    if (!opened.is_ok()) {
        const Fault fault = opened.error().fault;
        CHECK(fault == Fault::bad_input || fault == Fault::wrong_secret || fault == Fault::limit);
    } else {
        CHECK(opened->size_bytes() < size);
    }
    if (const auto recipient = crypto::parse_age_recipient(as_text(input))) {
        CHECK(crypto::age_recipient_text(*recipient) == as_text(input));
    }
    if (const auto parsed = crypto::parse_age_identity(as_text(input))) {
        CHECK(equal(crypto::age_identity_text(*parsed).view(), input));
    }
    return 0;
}
