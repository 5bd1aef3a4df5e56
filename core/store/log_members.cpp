#include "store/log_members.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/hash.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kMembershipMagic = "FDLOGMEM";
constexpr std::string_view kDiskMagic = "FDLOGDSK";
constexpr std::uint16_t kDiskVersion = 1;
constexpr std::uint16_t kMembershipVersion = 2;  // 2 added `begin`
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

Result<std::optional<Membership>> read_membership(firedrill::Disk& data, const NodeId& node) {
    auto document = read_file(data, kMembershipFile, kFileLimit);
    if (!document) {
        if (document.error().fault == Fault::not_found) {
            return std::optional<Membership>{};
        }
        return std::move(document).error();
    }
    const std::string where = fmt::format("{}/{}", data.label(), kMembershipFile);
    const OpenedDocument opened =
        TRY(open_document(*document, kMembershipMagic, kMembershipVersion, node, where));
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
    if (!in.is_done() || count == 0 || count > kLogDisksLimit) {
        return Error{Fault::damaged, fmt::format("{} is not what was written", where)};
    }
    return std::optional(std::move(membership));
}

Status write_membership(firedrill::Disk& data, const NodeId& node, const Membership& membership) {
    CHECK(!membership.disks.empty());
    CHECK(membership.disks.size() <= kLogDisksLimit);
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
    seal_with_digest(document);
    return replace_file(data, kMembershipFile, document);
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
