// Property: no bytes in log.covered are believed but those that the writer makes of what they say, and no
// bytes in a copy of a log count for a node that signed none of them.
#include "store/cover.h"
#include "base/check.h"
#include "crypto/hash.h"
#include "sim/seams/disk.h"
#include "store/copy_check.h"

using namespace firedrill;
using namespace firedrill::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kNodeAt = 16;
    constexpr std::size_t kDigest = 32;
    Bytes input(data, data + size);
    if (size >= kDigest) {  // lets mutations past the file's hash
        const Digest digest = crypto::sha256(ByteView(input).first(size - kDigest));
        std::copy(digest.bytes.begin(), digest.bytes.end(), input.end() - kDigest);
    }
    NodeId node;
    if (size >= kNodeAt + node.bytes.size()) {
        std::copy_n(input.begin() + kNodeAt, node.bytes.size(), node.bytes.begin());
    }
    sim::SimLoop loop;
    sim::CostMeter meter;
    sim::SimDisk disk("disk", loop, meter, sim::Random(1));
    CHECK(replace_file(disk, kCoverFile, input).is_ok());
    if (const auto cover = read_cover(disk, node); cover && *cover) {
        CHECK(write_cover(disk, node, **cover).is_ok());
        const auto again = read_cover(disk, node);
        CHECK(again.is_ok() && *again == *cover);
    }
    CHECK(replace_file(disk, "log.22222222.0000000000000001", ByteView(data, size)).is_ok());
    CHECK(!check_log_copy(disk, {node, {}}, {}).is_ok());
    return 0;
}
