#include "store/data_folder.h"

#include <fmt/format.h>

#include "crypto/hash.h"

namespace firedrill::store {

namespace {

constexpr std::string_view kMarkerName = "firedrill.node";
constexpr std::string_view kSlotsName = "node.slots";
constexpr std::string_view kMagic = "FDNODE\r\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kBodySize = 8 + 4 + 16 + 16;

}  // namespace

Result<DataFolder> read_data_folder(Disk& data) {
    auto read = read_file(data, kMarkerName, 4096);
    if (!read) {
        if (read.error().fault == Fault::not_found) {
            return Error{Fault::not_found, fmt::format("{} is not a data folder: it has no file {}; create or restore one",
                                                       data.label(), kMarkerName)};
        }
        return std::move(read).error();
    }
    Reader in(*read);
    const bool is_ours = as_text(in.bytes(kMagic.size())) == kMagic;
    const std::uint32_t version = in.u32();
    if (is_ours && in.is_ok() && version > kVersion) {
        return Error{Fault::newer_format, fmt::format("data folder {} has format {}, this program knows {}; upgrade the "
                                                      "program, nothing was changed",
                                                      data.label(), version, kVersion)};
    }
    DataFolder folder;
    Digest stated;
    in.fill(folder.node.bytes);
    in.fill(folder.timeline.bytes);
    in.fill(stated.bytes);
    if (!is_ours || !in.is_done() || version != kVersion ||
        crypto::sha256(ByteView(*read).first(kBodySize)) != stated) {
        return Error{Fault::damaged, fmt::format("{}/{} is not what was written; restore the node from its log",
                                                 data.label(), kMarkerName)};
    }
    return folder;
}

Status write_data_folder(Disk& data, const DataFolder& folder) {
    Bytes document;
    Writer out(document);
    out.bytes(as_bytes(kMagic));
    out.u32(kVersion);
    out.bytes(folder.node.view());
    out.bytes(folder.timeline.view());
    append(document, crypto::sha256(document).view());
    return replace_file(data, kMarkerName, document);
}

Status check_no_data_folder(Disk& data) {
    for (const std::string& name : TRY(data.list())) {
        // Page files and slots without the marker are what an interrupted creation left: nothing was promised yet,
        // but what they hold is decided by the log, which create_log refuses to overwrite.
        if (name == kMarkerName) {
            return Error{Fault::exists, fmt::format("{} is a data folder already; choose an empty folder", data.label())};
        }
    }
    return {};
}

Result<Bytes> read_node_slots(Disk& data) { return read_file(data, kSlotsName, kNodeSlotsLimit); }

Status write_node_slots(Disk& data, ByteView document) { return replace_file(data, kSlotsName, document); }

}  // namespace firedrill::store
