#include "store/log_members.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "crypto/hash.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kMembershipMagic = "FDLOGMEM";
constexpr std::string_view kDiskMagic = "FDLOGDSK";
constexpr std::uint16_t kDiskVersion = 1;
constexpr std::uint16_t kMembershipVersion = 3;  // 2 added `begin`, 3 the two slots
constexpr std::size_t kLabelLimit = 256;
constexpr std::uint64_t kFileLimit = 4096;
constexpr std::size_t kDigestSize = 32;

void begin(Writer& out, std::string_view magic, std::uint16_t version, const NodeId& node) {
    out.bytes(as_bytes(magic));
    out.u16(version);
    out.u16(version);
    out.u32(0);
    out.bytes(node.view());
}

void seal_with_digest(Bytes& document) {
    const Digest digest = crypto::sha256(document);
    append(document, digest.view());
}

struct OpenedDocument {
    std::uint16_t version = 0;
    ByteView body;  // what follows the node
};

/// Checks digest, magic, version and node.
Result<OpenedDocument> open_document(ByteView document, std::string_view magic, std::uint16_t known_version,
                                     const NodeId& node, std::string_view where) {
    const Error damaged{Fault::damaged, fmt::format("{} is not what was written", where)};
    if (document.size() < 32 + kDigestSize) {
        return damaged;
    }
    const ByteView body = document.first(document.size() - kDigestSize);
    if (!equal(crypto::sha256(body).view(), document.last(kDigestSize)) ||
        !equal(body.first(8), as_bytes(magic))) {
        return damaged;
    }
    Reader in(body.subspan(8));
    const std::uint16_t version = in.u16();
    const std::uint16_t minimum_reader = in.u16();
    const std::uint32_t features = in.u32();
    if (version == 0 || minimum_reader > known_version || features != 0) {
        return Error{Fault::newer_format,
                     fmt::format("{} needs a reader of version {} (this program: {}); upgrade the "
                                 "program, nothing was changed",
                                 where, minimum_reader, known_version)};
    }
    if (!equal(in.bytes(16), node.view())) {
        return Error{Fault::refused,
                     fmt::format("{} belongs to another node; attach this node's own disk", where)};
    }
    return OpenedDocument{version, body.subspan(32)};
}

}  // namespace

bool Membership::has(const LogDiskId& id) const {
    return std::any_of(disks.begin(), disks.end(), [&](const Disk& disk) { return disk.id == id; });
}

namespace {

/// What follows the node in a document.
Result<Membership> parse_membership(const OpenedDocument& opened, std::string_view where) {
    Reader in(opened.body);
    Membership membership;
    membership.generation = in.u64();
    membership.durable = in.u64();
    membership.suspect = in.u64();
    membership.begin = opened.version >= 2 ? in.u64() : 0;
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && i < kLogDisksLimit; ++i) {
        Membership::Disk disk;
        in.fill(disk.id.bytes);
        disk.label = as_text(in.sized(kLabelLimit));
        membership.disks.push_back(std::move(disk));
    }
    bool is_padded = true;
    if (opened.version >= 3 && in.is_ok()) {
        const ByteView padding = in.bytes(in.left());
        is_padded = std::all_of(padding.begin(), padding.end(), [](Byte byte) { return byte == 0; });
    }
    if (!in.is_done() || !is_padded || count == 0 || count > kLogDisksLimit) {
        return Error{Fault::damaged, fmt::format("{} is not what was written", where)};
    }
    return membership;
}

/// A file as it is read, in slots; of an older format in one piece.
struct Slots {
    std::unique_ptr<File> file;
    std::uint64_t size_bytes = 0;
    bool is_old_format = false;
    std::array<Bytes, 2> bytes;
    std::array<std::optional<Membership>, 2> found;
    std::optional<Error> error;  ///< why one was not found
    [[nodiscard]] const Membership* newest() const {
        const bool is_second = found[1] && (!found[0] || found[1]->generation > found[0]->generation);
        return is_second ? &*found[1] : found[0] ? &*found[0] : nullptr;
    }
};

Status read_slot(Slots& slots, std::size_t place, std::size_t size, const NodeId& node,
                 std::string_view where) {
    Bytes& bytes = slots.bytes[place];
    bytes.resize(size);
    const auto got = slots.file->read_at(place * kMembershipSlotSize, bytes);
    if (!got) {
        slots.error = got.error();
        return got.error().fault == Fault::powered_off ? Status(got.error()) : Status();
    }
    bytes.resize(*got);
    auto opened = open_document(bytes, kMembershipMagic, kMembershipVersion, node, where);
    auto parsed = opened ? parse_membership(*opened, where) : Result<Membership>(opened.error());
    if (parsed) {
        slots.found[place] = std::move(*parsed);
        return {};
    }
    slots.error = parsed.error();
    // A document that is whole and of somebody else, or of a newer program, decides.
    return parsed.error().fault == Fault::damaged ? Status() : Status(parsed.error());
}

/// not_found, refused, newer_format, powered_off; what is merely damaged is not found in it.
Result<Slots> read_slots(firedrill::Disk& disk, const NodeId& node) {
    const std::string where = fmt::format("{}/{}", disk.label(), kMembershipFile);
    Slots slots;
    slots.file = TRY(disk.open(kMembershipFile, Open::existing));
    slots.size_bytes = TRY(slots.file->size_bytes());
    slots.is_old_format = slots.size_bytes < kMembershipSlotSize;
    if (slots.is_old_format) {
        TRY(read_slot(slots, 0, static_cast<std::size_t>(slots.size_bytes), node, where));
        return slots;
    }
    for (const std::size_t place : {0, 1}) {
        TRY(read_slot(slots, place, kMembershipSlotSize, node, where));
    }
    return slots;
}

Bytes encode_membership(const NodeId& node, const Membership& membership) {
    Bytes document;
    Writer out(document);
    begin(out, kMembershipMagic, kMembershipVersion, node);
    out.u64(membership.generation);
    out.u64(membership.durable);
    out.u64(membership.suspect);
    out.u64(membership.begin);
    out.u32(static_cast<std::uint32_t>(membership.disks.size()));
    for (const Membership::Disk& disk : membership.disks) {
        out.bytes(disk.id.view());
        out.sized(as_bytes(std::string_view(disk.label).substr(0, kLabelLimit)));
    }
    CHECK(document.size() <= kMembershipSlotSize - kDigestSize);
    document.resize(kMembershipSlotSize - kDigestSize);
    seal_with_digest(document);
    return document;
}

/// Whatever is written second is whole until the first one is durable.
Status overwrite_slots(Slots& slots, ByteView document) {
    const bool is_second_older =
        slots.found[0] && (!slots.found[1] || slots.found[1]->generation < slots.found[0]->generation);
    for (const std::size_t place : {is_second_older ? 1 : 0, is_second_older ? 0 : 1}) {
        TRY(slots.file->write_at(place * kMembershipSlotSize, document));
        TRY(slots.file->sync());
    }
    return {};
}

}  // namespace

Result<std::optional<StoredMembership>> read_stored_membership(firedrill::Disk& disk, const NodeId& node) {
    auto slots = read_slots(disk, node);
    if (!slots) {
        return slots.error().fault == Fault::not_found ? Result<std::optional<StoredMembership>>(std::nullopt)
                                                       : std::move(slots).error();
    }
    const Membership* newest = slots->newest();
    if (newest == nullptr) {
        return slots->error.value_or(Error{
            Fault::damaged, fmt::format("{}/{} is not what was written", disk.label(), kMembershipFile)});
    }
    StoredMembership out;
    out.membership = *newest;
    out.is_whole = slots->size_bytes == kMembershipFileSize && slots->found[0] && slots->found[1] &&
                   equal(slots->bytes[0], slots->bytes[1]);
    // Two that differ and are both valid are what a power cut between them leaves.
    out.is_harmed = !slots->is_old_format &&
                    (!slots->found[0] || !slots->found[1] || slots->size_bytes != kMembershipFileSize);
    return std::optional(std::move(out));
}

Result<std::optional<Membership>> read_membership(firedrill::Disk& disk, const NodeId& node) {
    auto stored = TRY(read_stored_membership(disk, node));
    return stored ? std::optional(std::move(stored->membership)) : std::nullopt;
}

Status write_membership(firedrill::Disk& disk, const NodeId& node, const Membership& membership) {
    CHECK(!membership.disks.empty());
    CHECK(membership.disks.size() <= kLogDisksLimit);
    const Bytes document = encode_membership(node, membership);
    auto slots = read_slots(disk, node);
    if (!slots && slots.error().fault == Fault::powered_off) {
        return std::move(slots).error();
    }
    if (slots && !slots->is_old_format && slots->newest() != nullptr) {
        const Status written = overwrite_slots(*slots, document);
        if (written || written.error().fault == Fault::powered_off) {
            return written;
        }
        slots->file.reset();  // the place may be bad: another one may do
    }
    Bytes both = document;
    append(both, document);
    return replace_file(disk, kMembershipFile, both);
}

Status copy_membership(firedrill::Disk& log, const NodeId& node, const Membership& membership) {
    const Status written = write_membership(log, node, membership);
    if (written || written.error().fault != Fault::disk_full) {
        return written;
    }
    const Status removed = log.remove(kMembershipFile);
    if (!removed) {
        return removed.error().fault == Fault::not_found ? Status() : removed;
    }
    return log.sync_names();
}

namespace {

/// What the log disks say together; nullopt when it is not enough.
Result<std::optional<Membership>> read_copies(std::span<firedrill::Disk* const> logs, const NodeId& node) {
    std::vector<std::pair<LogDiskId, Membership>> copies;
    for (firedrill::Disk* disk : logs) {
        auto id = read_log_disk_id(*disk, node);
        auto copy =
            id && *id ? read_membership(*disk, node) : Result<std::optional<Membership>>(std::nullopt);
        if (!id || !copy) {
            const Fault fault = id ? copy.error().fault : id.error().fault;
            if (fault == Fault::powered_off) {
                return id ? std::move(copy).error() : std::move(id).error();
            }
            continue;
        }
        if (*id && *copy && (*copy)->has(**id)) {
            copies.emplace_back(**id, std::move(**copy));
        }
    }
    const auto newest = std::max_element(
        copies.begin(), copies.end(),
        [](const auto& one, const auto& other) { return one.second.generation < other.second.generation; });
    if (newest == copies.end()) {
        return std::optional<Membership>();
    }
    const bool is_complete = std::all_of(
        newest->second.disks.begin(), newest->second.disks.end(), [&](const Membership::Disk& disk) {
            return std::any_of(copies.begin(), copies.end(), [&](const auto& copy) {
                return copy.first == disk.id && copy.second.generation == newest->second.generation;
            });
        });
    return is_complete ? std::optional(newest->second) : std::nullopt;
}

}  // namespace

Result<KnownMembership> find_membership(firedrill::Disk& data, std::span<firedrill::Disk* const> logs,
                                        const NodeId& node) {
    KnownMembership out;
    auto stored = read_stored_membership(data, node);
    if (stored && *stored) {
        out.is_whole = (*stored)->is_whole;
        if ((*stored)->is_harmed) {
            out.note = fmt::format(
                "One of the two slots of {}/{} is not what was written (power may have "
                "gone while it was changed); the next start writes it again.",
                data.label(), kMembershipFile);
        }
        out.membership = std::move((*stored)->membership);
        return out;
    }
    if (!stored && stored.error().fault != Fault::damaged && stored.error().fault != Fault::disk_failed) {
        return std::move(stored).error();
    }
    const bool is_missing = stored.is_ok();
    const std::string why =
        is_missing ? fmt::format("{}/{} is missing", data.label(), kMembershipFile) : stored.error().text;
    out.membership = TRY(read_copies(logs, node));
    out.is_from_copies = out.membership.has_value();
    if (out.is_from_copies) {
        out.note = fmt::format("{}; the log disks in service agree in what it said.", why);
    } else if (!is_missing) {
        out.note = fmt::format("{}, and the log disks do not say it together.", why);
    }
    return out;
}

Result<std::optional<LogDiskId>> read_log_disk_id(firedrill::Disk& disk, const NodeId& node) {
    auto document = read_file(disk, kLogDiskFile, kFileLimit);
    if (!document) {
        switch (document.error().fault) {
            case Fault::not_found:
            case Fault::limit:
            case Fault::bad_input:   // something else than a file stands there
            case Fault::permission:  // or a link
                return std::optional<LogDiskId>{};
            default: return std::move(document).error();
        }
    }
    auto body = open_document(*document, kDiskMagic, kDiskVersion, node,
                              fmt::format("{}/{}", disk.label(), kLogDiskFile));
    if (!body) {
        if (body.error().fault == Fault::damaged) {
            return std::optional<LogDiskId>{};
        }
        return std::move(body).error();
    }
    LogDiskId id;
    Reader in(body->body);
    in.fill(id.bytes);
    return in.is_done() ? std::optional(id) : std::nullopt;
}

Status write_log_disk_id(firedrill::Disk& disk, const NodeId& node, const LogDiskId& id) {
    Bytes document;
    Writer out(document);
    begin(out, kDiskMagic, kDiskVersion, node);
    out.bytes(id.view());
    seal_with_digest(document);
    return replace_file(disk, kLogDiskFile, document);
}

LogDiskId make_log_disk_id(const NodeId& node, std::uint64_t generation, Lsn last, WallTime wall,
                           std::size_t place) {
    Bytes text;
    Writer out(text);
    out.bytes(as_bytes("firedrill log disk v1"));
    out.bytes(node.view());
    out.u64(generation);
    out.u64(last);
    out.u64(static_cast<std::uint64_t>(wall.ns));
    out.u64(place);
    LogDiskId id;
    const Digest digest = crypto::sha256(text);
    std::copy_n(digest.bytes.begin(), id.bytes.size(), id.bytes.begin());
    return id;
}

}  // namespace firedrill::store
