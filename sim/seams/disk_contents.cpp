// SimDisk, second part: what reads, writes and syncs do to one file, and what a loss of power leaves of it.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "sim/seams/disk.h"

namespace firedrill::sim {

namespace {

/// The sector can be stored whole without the file's new size being durable.
bool fits_durably(const Inode& file, std::uint64_t sector) {
    return std::min((sector + 1) * kSectorBytes, file.size_bytes) <= file.durable.size_bytes();
}

}  // namespace

Result<std::size_t> SimDisk::read_now(Inode& file, std::uint64_t offset, MutableBytes out) {
    if (offset >= file.size_bytes || out.empty()) {
        return std::size_t{0};
    }
    out = out.first(std::min<std::uint64_t>(out.size(), file.size_bytes - offset));
    const std::uint64_t first = offset / kSectorBytes;
    const std::uint64_t last = (offset + out.size() - 1) / kSectorBytes;
    for (auto at = file.broken.lower_bound(first); at != file.broken.end() && *at <= last; ++at) {
        if (!file.dirty.contains(*at)) {
            for (auto [mark, end] = file.marks.equal_range(*at); mark != end; ++mark) {
                ++fault(mark->second).read_count;
            }
            return failed_error(file.name);
        }
    }
    file.read(offset, out);
    for (auto at = file.stale.lower_bound(first); at != file.stale.end() && at->first <= last;) {
        if (!file.dirty.contains(at->first)) {
            const std::uint64_t start = at->first * kSectorBytes;
            const std::uint64_t from = std::max(start, offset);
            const std::uint64_t to = std::min(start + kSectorBytes, offset + out.size());
            std::memcpy(out.data() + (from - offset), at->second.bytes.data() + (from - start), to - from);
            FaultRecord& record = fault(at->second.fault);
            record.has_struck = true;
            ++record.read_count;
        }
        at = file.stale.erase(at);
    }
    for (auto at = file.marks.lower_bound(first); at != file.marks.end() && at->first <= last; ++at) {
        if (!file.dirty.contains(at->first)) {
            ++fault(at->second).read_count;
        }
    }
    if (out.size() > 1) {
        if (FaultRecord* record = strike(FaultKind::short_read, file)) {
            record->offset = offset;
            ++record->read_count;
            return static_cast<std::size_t>(random_.below(out.size()));
        }
    }
    return out.size();
}

Status SimDisk::write_now(Inode& file, std::uint64_t offset, std::span<const ByteView> pieces) {
    Bytes joined;
    ByteView all;
    if (pieces.size() == 1) {
        all = pieces.front();
    } else {
        for (const ByteView piece : pieces) {
            append(joined, piece);
        }
        all = joined;
    }
    if (all.empty()) {
        return {};
    }
    bool is_full = false;
    if (file.is_linked && offset + all.size() > file.size_bytes) {
        const std::uint64_t end = offset + all.size();
        const std::uint64_t reach = file.size_bytes + room_bytes();
        is_full = end > reach;
        if (is_full) {
            // A prefix may be written, as a kernel does that runs out of blocks half-way.
            all = all.first(reach > offset && random_.chance(1, 2) ? random_.below(reach - offset + 1) : 0);
        }
    }
    // Part of a sector that cannot be read cannot be written either: the rest of it is unknown.
    for (const std::uint64_t edge : {offset, offset + all.size()}) {
        const std::uint64_t index = edge / kSectorBytes;
        if (edge % kSectorBytes != 0 && file.broken.contains(index) && !file.dirty.contains(index)) {
            return failed_error(file.name);
        }
    }
    if (!all.empty()) {
        // The kernel may write a sector back at any time: what is overwritten now can be what a power loss
        // leaves.
        const std::uint64_t last = (offset + all.size() - 1) / kSectorBytes;
        for (auto at = file.dirty.lower_bound(offset / kSectorBytes);
             at != file.dirty.end() && at->first <= last; ++at) {
            if (!at->second.is_lost && fits_durably(file, at->first) && random_.chance(1, 8)) {
                overwrite(file, at->first, at->second.bytes);
            }
        }
        const std::uint64_t old_size = file.size_bytes;
        file.write(offset, all);
        used_bytes_ += file.is_linked ? file.size_bytes - old_size : 0;
        if (tap_) {
            tap_(file.name, offset, all);
        }
    }
    return is_full ? Status(full_error(file.name)) : Status{};
}

Status SimDisk::resize_now(Inode& file, std::uint64_t size_bytes) {
    if (file.is_linked && size_bytes > file.size_bytes && size_bytes - file.size_bytes > room_bytes()) {
        return full_error(file.name);
    }
    if (file.is_linked) {
        used_bytes_ = used_bytes_ - file.size_bytes + size_bytes;
    }
    file.resize(size_bytes);
    return {};
}

/// A fault that no sector of the file shows any more, and that nobody read, did no harm.
void SimDisk::end_if_harmless(std::uint32_t id, const Inode& file) {
    FaultRecord& record = fault(id);
    const bool is_left =
        std::any_of(file.marks.begin(), file.marks.end(), [id](const auto& m) { return m.second == id; });
    if (!is_left && record.read_count == 0 && record.end == FaultEnd::pending) {
        record.end = FaultEnd::harmless;
    }
}

/// Puts bytes on the medium: what was wrong with the sector is gone.
void SimDisk::overwrite(Inode& file, std::uint64_t sector, const Sector& bytes) {
    const std::uint64_t start = sector * kSectorBytes;
    if (start >= file.durable.size_bytes()) {
        return;
    }
    if (!file.marks.empty()) {
        std::vector<std::uint32_t> ids;
        for (auto [at, end] = file.marks.equal_range(sector); at != end; ++at) {
            ids.push_back(at->second);
        }
        file.marks.erase(sector);
        for (const std::uint32_t id : ids) {
            end_if_harmless(id, file);
        }
    }
    file.broken.erase(sector);
    file.stale.erase(sector);
    file.durable.write(start, bytes);
}

/// A sector on its way to the medium in a sync; armed faults strike here.
void SimDisk::store_sector(Inode& file, std::uint64_t sector, const Sector& bytes) {
    if (armed_.empty()) {
        overwrite(file, sector, bytes);
        return;
    }
    Sector old;
    file.durable.read(sector * kSectorBytes, old);
    if (old != bytes) {
        if (FaultRecord* record = strike(FaultKind::lost_write, file)) {
            record->offset = sector * kSectorBytes;
            record->size_bytes = kSectorBytes;
            record->pristine.assign(bytes.begin(), bytes.end());
            mark(file, *record);
            return;
        }
        const std::uint64_t sectors = (file.durable.size_bytes() + kSectorBytes - 1) / kSectorBytes;
        if (sectors > 1) {
            if (FaultRecord* record = strike(FaultKind::misdirected, file)) {
                const std::uint64_t elsewhere = (sector + 1 + random_.below(sectors - 1)) % sectors;
                Sector hit;
                file.durable.read(elsewhere * kSectorBytes, hit);
                record->offset = elsewhere * kSectorBytes;
                record->size_bytes = kSectorBytes;
                record->pristine.assign(hit.begin(), hit.end());
                overwrite(file, elsewhere, bytes);
                mark(file, *record);
                file.marks.emplace(sector, record->id);
                return;
            }
        }
    }
    overwrite(file, sector, bytes);
    if (old != bytes) {
        if (FaultRecord* record = strike(FaultKind::stale_read, file)) {
            record->has_struck = false;  // it does when somebody reads
            record->offset = sector * kSectorBytes;
            record->size_bytes = kSectorBytes;
            record->pristine.assign(bytes.begin(), bytes.end());
            file.stale.emplace(sector, Inode::Stale{old, record->id});
        }
    }
}

void SimDisk::sync_now(Inode& file) {
    if (file.durable.size_bytes() != file.size_bytes) {
        file.durable.resize(file.size_bytes);
    }
    for (auto at = file.dirty.begin(); at != file.dirty.end();) {
        if (at->second.is_lost) {
            ++at;
            continue;
        }
        // Erased first: a misdirected sector must not find it again.
        const auto node = file.dirty.extract(at++);
        store_sector(file, node.key(), node.mapped().bytes);
    }
}

void SimDisk::fail_sync_now(Inode& file) {
    if (random_.chance(1, 2)) {
        file.durable.resize(file.size_bytes);
    }
    for (auto at = file.dirty.begin(); at != file.dirty.end();) {
        if (!at->second.is_lost && fits_durably(file, at->first) && random_.chance(1, 2)) {
            const auto node = file.dirty.extract(at++);
            overwrite(file, node.key(), node.mapped().bytes);
        } else {
            at->second.is_lost = true;
            ++at;
        }
    }
}

/// What the medium holds of a file once power is gone.
void SimDisk::settle_file(Inode& file) {
    const std::uint64_t old_size = file.durable.size_bytes();
    if (old_size != file.size_bytes) {
        const auto [low, high] = std::minmax(old_size, file.size_bytes);
        switch (random_.below(3)) {
            case 0: break;
            case 1: file.durable.resize(file.size_bytes); break;
            default:
                file.durable.resize(std::max(low, random_.between(low, high) / kSectorBytes * kSectorBytes));
                break;
        }
    }
    // All and nothing are the outcomes that programs expect; the mixtures between are the ones that break
    // them.
    const std::uint64_t mood = random_.below(4);
    for (auto& [sector, dirty] : file.dirty) {
        const bool is_kept = mood == 0 || (mood >= 2 && random_.chance(1, 2));
        if (!is_kept || dirty.is_lost) {
            continue;
        }
        if (mood >= 2 && options_.can_tear && random_.chance(1, 8)) {
            Sector torn;
            if (random_.chance(1, 2)) {
                random_.fill(torn);
            } else {
                file.durable.read(sector * kSectorBytes, torn);
                std::memcpy(torn.data(), dirty.bytes.data(), 8 * random_.between(1, kSectorBytes / 8 - 1));
            }
            overwrite(file, sector, torn);
        } else {
            overwrite(file, sector, dirty.bytes);
        }
    }
    file.dirty.clear();
    file.stale.clear();
    file.size_bytes = file.durable.size_bytes();
}

void SimDisk::apply_name(Names& names, const NameChange& change) {
    switch (change.verb) {
        case NameVerb::create: names[change.name] = change.inode; return;
        case NameVerb::remove: names.erase(change.name); return;
        case NameVerb::rename:
            names.erase(change.name);
            names[change.to] = change.inode;
            return;
    }
}

/// Names that one operation ties together keep a prefix of their operations; groups are independent of each
/// other.
void SimDisk::settle_names() {
    std::map<std::string_view, std::size_t> group_of;
    std::vector<std::size_t> parent;
    const auto root = [&](std::size_t at) {
        while (parent[at] != at) {
            at = parent[at];
        }
        return at;
    };
    const auto group = [&](const std::string& name) {
        const auto [at, is_new] = group_of.try_emplace(name, parent.size());
        if (is_new) {
            parent.push_back(parent.size());
        }
        return root(at->second);
    };
    std::vector<std::size_t> sizes;
    for (const NameChange& change : name_changes_) {
        const std::size_t first = group(change.name);
        if (change.verb == NameVerb::rename) {
            parent[group(change.to)] = first;
        }
    }
    sizes.resize(parent.size());
    for (const NameChange& change : name_changes_) {
        ++sizes[group(change.name)];
    }
    std::vector<std::uint64_t> kept(parent.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
        kept[i] = sizes[i] == 0 ? 0 : random_.below(sizes[i] + 1);
    }
    for (const NameChange& change : name_changes_) {
        std::uint64_t& left = kept[group(change.name)];
        if (left > 0) {
            --left;
            apply_name(durable_names_, change);
        }
    }
}

void SimDisk::power_loss() {
    if (!powered_) {
        return;
    }
    powered_ = false;
    close_all();
    cut_after_ = 0;
    stall_ = 0s;
    if (!dead_) {
        settle_names();
    }
    name_changes_.clear();
    for (auto& [name, file] : durable_names_) {
        settle_file(*file);
    }
    restore_names();
    note_gone();
}

/// The durable names are the names.
void SimDisk::restore_names() {
    for (auto& [name, file] : names_) {
        file->is_linked = false;
    }
    names_ = durable_names_;
    used_bytes_ = 0;
    for (auto& [name, file] : names_) {
        file->name = name;
        file->is_linked = true;
        used_bytes_ += file->size_bytes;
    }
}

void SimDisk::close_all() {
    ++generation_;
    ++claim_number_;
    claimed_by_.clear();
}

}  // namespace firedrill::sim
