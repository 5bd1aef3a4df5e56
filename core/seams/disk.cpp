#include "seams/disk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace firedrill {

bool is_disk_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 100 || name.front() == '.') {
        return false;
    }
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    });
}

Status File::write_durable(std::uint64_t offset, std::span<const ByteView> pieces) {
    TRY(write_at(offset, pieces));
    return sync();
}

void File::begin_write_durable(std::uint64_t offset, std::span<const ByteView> pieces) {
    begun_ = write_durable(offset, pieces);
}

Status File::end_write_durable() {
    return std::exchange(begun_, Status());
}

Result<Bytes> read_file(Disk& disk, std::string_view name, std::uint64_t limit) {
    auto file = TRY(disk.open(name, Open::existing));
    const std::uint64_t size = TRY(file->size_bytes());
    if (size > limit) {
        return Error{Fault::limit, fmt::format("{}/{} has {} bytes, more than the limit of {}", disk.label(),
                                               name, size, limit)};
    }
    Bytes out(size);
    const std::size_t got = TRY(file->read_at(0, out));
    out.resize(got);
    return out;
}

Status replace_file(Disk& disk, std::string_view name, ByteView contents) {
    const std::string fresh = std::string(name) + ".new";
    auto file = TRY(disk.open(fresh, Open::any));
    TRY(file->truncate(0));
    TRY(file->write_at(0, contents));
    TRY(file->sync());
    file.reset();
    TRY(disk.rename(fresh, name));
    return disk.sync_names();
}

}  // namespace firedrill
