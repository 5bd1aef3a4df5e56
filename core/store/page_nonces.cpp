#include "store/page_nonces.h"

#include <algorithm>

#include "base/check.h"

namespace firedrill::store {

namespace {
constexpr std::size_t kHalf = crypto::kNonceSize / 2;
}  // namespace

crypto::Nonce PageNonces::begin_record(std::size_t pages, Entropy& entropy) {
    CHECK(pages >= 1);
    CHECK(pages <= kPages);
    if (records_left_ == 0 || pages_left_ == 0) {
        entropy.fill(MutableBytes(nonce_).first(kHalf));
        records_left_ = kRecords;
        pages_left_ = kPages;
    }
    --records_left_;
    pages_left_ -= std::min(pages_left_, static_cast<std::uint32_t>(pages));
    entropy.fill(MutableBytes(nonce_).subspan(kHalf));
    return nonce_;
}

void PageNonces::step(crypto::Nonce& nonce) {
    Byte* low = nonce.data() + nonce.size() - 8;
    store_u64(low, load_u64(low) + 1);
}

}  // namespace firedrill::store
