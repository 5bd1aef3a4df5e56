// SimDisk, third part: injecting faults and looking from outside.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sim/seams/disk.h"

namespace firedrill::sim {

std::string_view fault_kind_name(FaultKind kind) noexcept {
    switch (kind) {
        case FaultKind::bit_rot: return "bit_rot";
        case FaultKind::latent_error: return "latent_error";
        case FaultKind::corruption: return "corruption";
        case FaultKind::lying_sync: return "lying_sync";
        case FaultKind::failed_sync: return "failed_sync";
        case FaultKind::lost_write: return "lost_write";
        case FaultKind::misdirected: return "misdirected";
        case FaultKind::stale_read: return "stale_read";
        case FaultKind::short_read: return "short_read";
        case FaultKind::failed_call: return "failed_call";
        case FaultKind::stalled: return "stalled";
        case FaultKind::dead: return "dead";
        case FaultKind::swapped: return "swapped";
    }
    CHECK(false);
}

FaultRecord& SimDisk::add_fault(FaultKind kind, std::string_view file) {
    FaultRecord record;
    record.id = static_cast<std::uint32_t>(faults_.size() + 1);
    record.kind = kind;
    record.file = file;
    record.at = loop_.now();
    faults_.push_back(std::move(record));
    return faults_.back();
}

std::uint32_t SimDisk::arm(FaultKind kind, std::string_view file) {
    const std::uint32_t id = add_fault(kind, file).id;
    armed_.push_back(id);
    return id;
}

FaultRecord* SimDisk::strike(FaultKind kind, const Inode& file) {
    for (auto at = armed_.begin(); at != armed_.end(); ++at) {
        FaultRecord& record = fault(*at);
        if (record.kind == kind && (record.file.empty() || record.file == file.name)) {
            armed_.erase(at);
            record.file = file.name;
            record.has_struck = true;
            return &record;
        }
    }
    return nullptr;
}

/// Remembers which sectors the fault changed, so that reads of them are counted and overwriting ends it.
void SimDisk::mark(Inode& file, FaultRecord& record) {
    const std::uint64_t end = record.offset + std::max<std::uint64_t>(record.size_bytes, 1);
    for (std::uint64_t sector = record.offset / kSectorBytes; sector * kSectorBytes < end; ++sector) {
        file.marks.emplace(sector, record.id);
    }
}

std::optional<std::uint32_t> SimDisk::rot_bit(std::string_view file, std::uint64_t offset, unsigned bit) {
    Inode* inode = find(file);
    if (inode == nullptr || offset >= inode->durable.size_bytes()) {
        return std::nullopt;
    }
    CHECK(bit < 8);
    FaultRecord& record = add_fault(FaultKind::bit_rot, file);
    record.offset = offset;
    record.size_bytes = 1;
    record.has_struck = true;
    Byte rotten = 0;
    inode->durable.read(offset, {&rotten, 1});
    record.pristine = {rotten};
    rotten = static_cast<Byte>(rotten ^ (1U << bit));
    inode->durable.write(offset, {&rotten, 1});
    mark(*inode, record);
    return record.id;
}

std::optional<std::uint32_t> SimDisk::corrupt(std::string_view file, std::uint64_t offset, ByteView bytes) {
    Inode* inode = find(file);
    if (inode == nullptr || offset >= inode->size_bytes || bytes.empty()) {
        return std::nullopt;
    }
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), inode->size_bytes - offset));
    FaultRecord& record = add_fault(FaultKind::corruption, file);
    record.offset = offset;
    record.size_bytes = bytes.size();
    record.has_struck = true;
    record.pristine.resize(bytes.size());
    inode->read(offset, record.pristine);
    // Durable at once, and seen at once: whole sectors of what was pending go with it.
    inode->durable.write(offset, bytes);
    const std::uint64_t end = offset + bytes.size();
    for (auto at = inode->dirty.lower_bound(offset / kSectorBytes);
         at != inode->dirty.end() && at->first * kSectorBytes < end; ++at) {
        const std::uint64_t start = at->first * kSectorBytes;
        const std::uint64_t from = std::max(start, offset);
        const std::uint64_t to = std::min(start + kSectorBytes, end);
        std::memcpy(at->second.bytes.data() + (from - start), bytes.data() + (from - offset), to - from);
    }
    mark(*inode, record);
    return record.id;
}

std::optional<std::uint32_t> SimDisk::break_sector(std::string_view file, std::uint64_t offset) {
    Inode* inode = find(file);
    if (inode == nullptr || offset >= inode->durable.size_bytes()) {
        return std::nullopt;
    }
    FaultRecord& record = add_fault(FaultKind::latent_error, file);
    record.offset = offset / kSectorBytes * kSectorBytes;
    record.size_bytes = kSectorBytes;
    record.has_struck = true;
    inode->broken.insert(offset / kSectorBytes);
    mark(*inode, record);
    return record.id;
}

std::uint32_t SimDisk::lie_about_syncs(bool is_lying) {
    lying_ = is_lying;
    FaultRecord& record = add_fault(FaultKind::lying_sync, "");
    record.has_struck = true;
    return record.id;
}

std::uint32_t SimDisk::fail_next_sync(std::string_view file) {
    return arm(FaultKind::failed_sync, file);
}
std::uint32_t SimDisk::lose_next_write(std::string_view file) {
    return arm(FaultKind::lost_write, file);
}
std::uint32_t SimDisk::misdirect_next_write(std::string_view file) {
    return arm(FaultKind::misdirected, file);
}
std::uint32_t SimDisk::serve_stale_read(std::string_view file) {
    return arm(FaultKind::stale_read, file);
}
std::uint32_t SimDisk::shorten_next_read(std::string_view file) {
    return arm(FaultKind::short_read, file);
}

std::uint32_t SimDisk::fail_operation(std::uint64_t k, CallOutcome outcome, Times times) {
    CHECK(k >= 1);
    const std::uint32_t id = add_fault(FaultKind::failed_call, "").id;
    call_failure_ = CallFailure{k, outcome, times, id};
    return id;
}

std::uint32_t SimDisk::stall(Duration extra) {
    stall_ += extra;
    FaultRecord& record = add_fault(FaultKind::stalled, "");
    record.has_struck = true;
    return record.id;
}

std::uint32_t SimDisk::die() {
    dead_ = true;
    FaultRecord& record = add_fault(FaultKind::dead, "");
    record.has_struck = true;
    return record.id;
}

DiskImage SimDisk::image() const {
    DiskImage image;
    for (const auto& [name, file] : durable_names_) {
        image.files.emplace(name, std::make_shared<const SparseBytes>(file->durable));
    }
    return image;
}

std::uint32_t SimDisk::put_back(const DiskImage& image) {
    replace();
    for (const auto& [name, contents] : image.files) {
        auto file = std::make_shared<Inode>();
        file->durable.copy(*contents);
        file->size_bytes = file->durable.size_bytes();
        durable_names_.emplace(name, std::move(file));
    }
    restore_names();
    FaultRecord& record = add_fault(FaultKind::swapped, "");
    record.has_struck = true;
    return record.id;
}

void SimDisk::disarm() {
    call_failure_.reset();
    armed_.clear();
    cut_after_ = 0;
}

void SimDisk::replace() {
    ++generation_;
    ++claim_number_;
    claimed_by_.clear();
    dead_ = false;
    lying_ = false;
    call_failure_.reset();
    armed_.clear();
    slowness_ = 1;
    name_changes_.clear();
    durable_names_.clear();
    restore_names();
    note_gone();
}

void SimDisk::set_fault_end(std::uint32_t id, FaultEnd end) {
    fault(id).end = end;
}

/// Faults in files that are gone, and that nobody read while they were there, did no harm.
void SimDisk::note_gone() {
    for (FaultRecord& record : faults_) {
        const bool is_in_bytes = !record.pristine.empty() || record.kind == FaultKind::latent_error;
        if (is_in_bytes && record.end == FaultEnd::pending && record.read_count == 0 && !holds(record.id)) {
            record.end = FaultEnd::harmless;
        }
    }
}

bool SimDisk::holds(std::uint32_t id) const {
    const auto has = [id](const Names& names) {
        return std::any_of(names.begin(), names.end(), [id](const auto& entry) {
            const Inode& file = *entry.second;
            return std::any_of(file.marks.begin(), file.marks.end(),
                               [id](const auto& m) { return m.second == id; }) ||
                   std::any_of(file.stale.begin(), file.stale.end(),
                               [id](const auto& s) { return s.second.fault == id; });
        });
    };
    return has(names_) || has(durable_names_);
}

std::optional<Bytes> SimDisk::peek(std::string_view file) const {
    const Inode* inode = find(file);
    if (inode == nullptr) {
        return std::nullopt;
    }
    Bytes out(inode->size_bytes);
    inode->read(0, out);
    return out;
}

std::vector<std::string> SimDisk::peek_names() const {
    std::vector<std::string> out;
    out.reserve(names_.size());
    for (const auto& [name, file] : names_) {
        out.push_back(name);
    }
    return out;
}

}  // namespace firedrill::sim
