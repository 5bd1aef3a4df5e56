// Property: no bytes in the files that say whose disks these are, and which of them are in service, make
// their readers do anything but refuse them, or give what is written again as the same.
#include "base/check.h"
#include "crypto/hash.h"
#include "sim/seams/disk.h"
#include "store/data_folder.h"
#include "store/log_members.h"

using namespace firedrill;
using namespace firedrill::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    Bytes input(data + 1, data + size);
    if (data[0] % 2 == 0) {  // lets mutations past the digest
        append(input, crypto::sha256(input).view());
    }
    sim::SimLoop loop;
    sim::CostMeter meter;
    sim::SimDisk disk("data", loop, meter, sim::Random(1));
    NodeId node;
    node.bytes.fill(0x11);
    for (const std::string_view name : {kMembershipFile, kLogDiskFile, std::string_view("firedrill.node")}) {
        CHECK(replace_file(disk, name, input).is_ok());
    }
    if (const auto folder = read_data_folder(disk)) {
        CHECK(write_data_folder(disk, *folder).is_ok());
        const auto again = read_data_folder(disk);
        CHECK(again && again->node == folder->node && again->timeline == folder->timeline);
    }
    if (const auto read = read_membership(disk, node); read && *read) {
        CHECK(write_membership(disk, node, **read).is_ok());
        const auto again = read_membership(disk, node);
        CHECK(again && *again && (*again)->generation == (*read)->generation &&
              (*again)->begin == (*read)->begin && (*again)->disks.size() == (*read)->disks.size());
    }
    if (const auto id = read_log_disk_id(disk, node); id && *id) {
        CHECK(write_log_disk_id(disk, node, **id).is_ok());
        const auto again = read_log_disk_id(disk, node);
        CHECK(again && *again && **again == **id);
    }
    return 0;
}
