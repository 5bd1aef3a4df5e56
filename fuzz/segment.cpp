// Property: no bytes that stand where a record, a close mark or a segment should make a reader do anything
// but refuse or read them; and a record that is accepted is written again as the same bytes.
#include "crypto/hash.h"
#include "sim/seams/disk.h"
#include "store/log.h"
#include "store/log_format.h"

using namespace firedrill;
using namespace firedrill::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input(data, data + size);
    SegmentHeader header;
    header.first = 1;
    Bytes file = encode_segment_start(header, as_bytes("slots"));
    (void)parse_segment_header(input);
    (void)parse_close_mark(input, file.size(), header);
    if (const auto head = parse_record_head(input); head && head->pages_offset() <= size) {
        const Digest chain = record_chain(ByteView(input).first(head->pages_offset()));
        std::copy(chain.bytes.begin(), chain.bytes.end(),
                  input.begin() + 72);  // lets mutations past the hash
        if (const auto view = check_record(input)) {
            const EncodedRecord again = encode_record(to_record(*view), head->durable, head->previous);
            CHECK(equal(again.start, ByteView(input).first(again.start.size())));
        }
    }
    append(file, input);
    sim::SimLoop loop;
    sim::CostMeter meter;
    sim::SimDisk disk("log", loop, meter, sim::Random(1));
    Disk* const disks[] = {&disk};
    CHECK(replace_file(disk, to_text(segment_name(header.timeline, 1)), file).is_ok());
    (void)scan_log(disks, 0, [](Record&&) { return Status(); }, nullptr);
    return 0;
}
