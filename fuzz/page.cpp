// Property: of all pages only the one that was sealed opens: whatever differs from it by a bit, or stands in
// another place, is refused.
#include <algorithm>

#include "base/check.h"
#include "store/page.h"

using namespace firedrill;
using namespace firedrill::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    KeyRing ring;
    ring.push_back({1, TimelineId{}, crypto::Secret(32)});
    const auto cipher = make_page_cipher(StoreId{}, std::move(ring));
    SealedPage sealed{};
    Bytes plain(kPageSize);
    cipher->seal(7, 3, crypto::Nonce{}, plain, sealed);
    CHECK(cipher->open(7, sealed, plain).is_ok());
    SealedPage other = sealed;
    for (std::size_t i = 0; i < std::min(size, kPageSize); ++i) {
        other[kPageSize - 1 - i] ^= data[i];  // the trailer first
    }
    const PageNumber place = size > kPageSize ? 7U + data[kPageSize] : 7U;
    CHECK(cipher->open(place, other, plain).is_ok() == (other == sealed && place == 7));
    return 0;
}
