#include "store/cover.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "store/log_catalogue.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kMagic = "FDLOGCOV";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kFileLimit = 4096;
constexpr std::size_t kDigestSize = 32;

Status check_place(std::string_view where) {
    const bool is_printable = std::none_of(where.begin(), where.end(), [](char each) {
        const auto byte = static_cast<unsigned char>(each);
        return byte < 0x20 || byte == 0x7f;
    });
    if (where.empty() || where.size() > kCoverPlaceLimit || !is_printable) {
        return Error{Fault::bad_usage,
                     fmt::format("the place of a copy is a text of 1 to {} bytes without control characters",
                                 kCoverPlaceLimit)};
    }
    return {};
}

/// The segment that begins with the record after the covered one: its header names that record's chain hash.
const CatalogueEntry* follower(const LogCatalogue& log, std::size_t step, Lsn through) {
    const bool is_at_branch = through == log.path[step].limit && step + 1 < log.path.size();
    return log.find(log.path[is_at_branch ? step + 1 : step].id, through + 1);
}

}  // namespace

Result<std::optional<Cover>> read_cover(Disk& data, const NodeId& node) {
    const auto document = read_file(data, kCoverFile, kFileLimit);
    if (!document) {
        return document.error().fault == Fault::not_found ? Result<std::optional<Cover>>(std::nullopt)
                                                          : Result<std::optional<Cover>>(document.error());
    }
    const std::string where = fmt::format("{}/{}", data.label(), kCoverFile);
    const Error damaged{Fault::damaged, fmt::format("{} is not what was written", where)};
    if (document->size() < kDigestSize) {
        return damaged;
    }
    const ByteView body = ByteView(*document).first(document->size() - kDigestSize);
    if (!equal(crypto::sha256(body).view(), ByteView(*document).last(kDigestSize))) {
        return damaged;
    }
    Reader in(body);
    const bool is_ours = as_text(in.bytes(kMagic.size())) == kMagic;
    const std::uint16_t version = in.u16();
    const std::uint16_t minimum_reader = in.u16();
    const std::uint32_t features = in.u32();
    if (is_ours && in.is_ok() && (minimum_reader > kVersion || features != 0)) {
        return Error{Fault::newer_format,
                     fmt::format("{} needs a reader of version {} (this program: {}); upgrade the program",
                                 where, minimum_reader, kVersion)};
    }
    NodeId owner;
    Cover cover;
    in.fill(owner.bytes);
    in.fill(cover.timeline.bytes);
    cover.through = in.u64();
    in.fill(cover.chain.bytes);
    cover.at.ns = static_cast<std::int64_t>(in.u64());
    cover.where = as_text(in.sized(kCoverPlaceLimit));
    if (!is_ours || version == 0 || !in.is_done() || cover.through == 0 || !check_place(cover.where)) {
        return damaged;
    }
    if (owner != node) {
        return Error{Fault::refused, fmt::format("{} belongs to another node", where)};
    }
    return std::optional(std::move(cover));
}

Status write_cover(Disk& data, const NodeId& node, const Cover& cover) {
    TRY(check_place(cover.where));
    Bytes document;
    Writer out(document);
    out.bytes(as_bytes(kMagic));
    out.u16(kVersion);
    out.u16(kVersion);
    out.u32(0);
    out.bytes(node.view());
    out.bytes(cover.timeline.view());
    out.u64(cover.through);
    out.bytes(cover.chain.view());
    out.u64(static_cast<std::uint64_t>(cover.at.ns));
    out.sized(as_bytes(cover.where));
    append(document, crypto::sha256(document).view());
    return replace_file(data, kCoverFile, document);
}

Status check_cover(const LogCatalogue& log, const Cover& cover) {
    const auto step = std::find_if(log.path.begin(), log.path.end(),
                                   [&](const TimelineStep& each) { return each.id == cover.timeline; });
    if (step == log.path.end()) {
        return Error{Fault::refused,
                     fmt::format("the copy is of timeline {}, which is none of this log's; copy this node's "
                                 "own log folder",
                                 to_hex(cover.timeline))};
    }
    if (cover.through > step->limit) {
        return Error{Fault::refused,
                     fmt::format("the copy goes through LSN {}, but of timeline {} only what is through LSN "
                                 "{} counts since the node was restored; copy its log as it is now",
                                 cover.through, to_hex(cover.timeline), step->limit)};
    }
    const auto* next = follower(log, static_cast<std::size_t>(step - log.path.begin()), cover.through);
    if (next == nullptr) {
        const CatalogueEntry* oldest = log.oldest();
        const Lsn begin = oldest == nullptr ? 0 : oldest->header.first;
        return Error{
            Fault::refused,
            cover.through + 1 < begin
                ? fmt::format("the copy ends with LSN {}, but this log begins with LSN {}: what is between "
                              "is in neither; use the copy that has it",
                              cover.through, begin)
                : fmt::format("no segment of this log ends with LSN {} where the copy's last one does; copy "
                              "this node's own log folder",
                              cover.through)};
    }
    if (next->header.previous != cover.chain) {
        return Error{
            Fault::refused,
            fmt::format("the record with LSN {} has chain digest {} in this log and {} in the copy: "
                        "they tell two histories; copy this node's own log folder",
                        cover.through, to_hex(next->header.previous.view()), to_hex(cover.chain.view()))};
    }
    return {};
}

Status check_cover(Disk& data, const NodeId& node, std::span<Disk* const> logs, const Cover& cover) {
    std::vector<std::string> notes;
    auto sources = TRY(sources_in_service(data, node, logs, notes));
    return check_cover(TRY(read_catalogue(std::move(sources), node)), cover);
}

}  // namespace firedrill::store
