// The NodeSlots document as the log has it, for a folder that lost its own.
#include "store/data_folder.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "store/log_catalogue.h"

namespace firedrill::store {

Result<Bytes> read_logged_slots(Disk& data, std::span<Disk* const> logs) {
    const DataFolder folder = TRY(read_data_folder(data));
    std::vector<std::string> notes;
    auto sources = TRY(sources_in_service(data, folder.node, logs, notes));
    const LogCatalogue found = TRY(read_catalogue(std::move(sources), folder.node));
    std::vector<const SegmentHeader*> newest_first;
    for (const auto& [name, entry] : found.segments) {
        newest_first.push_back(&entry.header);
    }
    std::sort(newest_first.begin(), newest_first.end(),
              [](const SegmentHeader* one, const SegmentHeader* two) { return one->first > two->first; });
    for (const SegmentHeader* header : newest_first) {
        const SegmentName name = segment_name(header->timeline, header->first);
        for (const LogSource& source : found.sources) {
            if (!source.is_trusted || !source.names.contains(name)) {
                continue;
            }
            const auto file = source.disk->open(to_text(name), Open::existing);
            Bytes document(header->slots_size);
            const auto got =
                file ? (*file)->read_at(kSegmentHeaderSize, document) : Result<std::size_t>(std::size_t{0});
            if (got && *got == document.size() && crypto::sha256(document) == header->slots_digest) {
                return document;
            }
        }
    }
    return Error{Fault::not_found, fmt::format("no segment on log disks {} has the node's key slots",
                                               labels_of(found.sources))};
}

}  // namespace firedrill::store
