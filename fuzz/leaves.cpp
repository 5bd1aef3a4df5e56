// Property: no bytes in a leaves file make its reader do anything but refuse them, or serve pages that have
// the root.
#include "base/check.h"
#include "crypto/hash.h"
#include "sim/seams/disk.h"
#include "store/page_store.h"

using namespace firedrill;
using namespace firedrill::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kHeader = 116;
    Bytes input(data, data + size);
    if (size >= kHeader + 32) {  // lets mutations past the header's hash
        const Digest digest = crypto::sha256(ByteView(input).first(kHeader));
        std::copy(digest.bytes.begin(), digest.bytes.end(), input.begin() + kHeader);
    }
    sim::SimLoop loop;
    sim::CostMeter meter;
    sim::SimDisk disk("data", loop, meter, sim::Random(1));
    CHECK(replace_file(disk, leaves_file_name(StoreId{}), input).is_ok());
    CHECK(replace_file(disk, page_file_name(StoreId{}, 1), Bytes(2 * kPageSize, 1)).is_ok());
    if (const auto opened = PageStore::open(disk, StoreId{})) {
        (void)(*opened)->verify({}).is_ok();
        CHECK((*opened)->folded() == (*opened)->position());
    }
    return 0;
}
