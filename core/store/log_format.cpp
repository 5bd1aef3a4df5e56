#include "store/log_format.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "crypto/keypair.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kSegmentMagic = "FDLOGSEG";
constexpr std::uint32_t kCloseMagic = 0x4D434446;  // "FDCM"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kDigestOffset = 480;
constexpr std::size_t kCloseFixedSize = 64;
constexpr std::size_t kIndexEntrySize = 64;
constexpr std::size_t kSignatureSize = 64;
constexpr std::size_t kTrailerSize = 8;
static_assert(kDigestOffset + sizeof(Digest) == kSegmentHeaderSize);

void pad(Bytes& out, std::size_t size) {
    out.resize(size);
}

Error damaged_header(std::string_view what) {
    return Error{Fault::damaged, fmt::format("a segment header has {}", what)};
}

Digest close_message(const SegmentHeader& header, ByteView mark) {
    return crypto::sha256({header.digest.view(), mark});
}

Bytes signed_text(const Digest& digest) {
    Bytes text;
    append(text, as_bytes("firedrill segment close v1"));
    append(text, digest.view());
    return text;
}

}  // namespace

bool is_zero(ByteView bytes) {
    // Every byte equals the one before it, and the first is zero: megabytes of unused log are looked through.
    return bytes.empty() ||
           (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

SegmentName segment_name(const TimelineId& timeline, Lsn first) {
    SegmentName name;
    std::copy_n(timeline.bytes.begin(), name.timeline.size(), name.timeline.begin());
    name.first = first;
    return name;
}

std::string to_text(const SegmentName& name) {
    return fmt::format("log.{}.{:016x}", to_hex(name.timeline), name.first);
}

std::optional<SegmentName> parse_segment_name(std::string_view text) {
    if (text.size() != 29 || text.substr(0, 4) != "log." || text[12] != '.') {
        return std::nullopt;
    }
    const auto timeline = from_hex(text.substr(4, 8));
    const auto first = from_hex(text.substr(13));
    if (!timeline || !first) {
        return std::nullopt;
    }
    SegmentName name;
    std::copy(timeline->begin(), timeline->end(), name.timeline.begin());
    for (const Byte b : *first) {
        name.first = name.first << 8 | b;
    }
    if (name.first == 0 || to_text(name) != text) {  // upper-case digits name another file
        return std::nullopt;
    }
    return name;
}

Bytes encode_segment_start(SegmentHeader& header, ByteView slots) {
    CHECK(slots.size() <= kSlotsLimit);
    header.slots_size = static_cast<std::uint32_t>(slots.size());
    header.slots_digest = crypto::sha256(slots);
    Bytes out;
    out.reserve(header.records_offset());
    Writer writer(out);
    writer.bytes(as_bytes(kSegmentMagic));
    writer.u16(kVersion);
    writer.u16(kVersion);
    writer.u32(0);
    writer.bytes(header.node.view());
    writer.bytes(header.timeline.view());
    writer.bytes(header.parent.view());
    writer.u64(header.branch);
    writer.u64(header.first);
    writer.u64(static_cast<std::uint64_t>(header.wall.ns));
    writer.bytes(header.previous.view());
    writer.bytes(header.signer);
    writer.u32(header.slots_size);
    writer.bytes(header.slots_digest.view());
    pad(out, kDigestOffset);
    header.digest = crypto::sha256(out);
    writer.bytes(header.digest.view());
    writer.bytes(slots);
    pad(out, header.records_offset());
    return out;
}

Result<SegmentHeader> parse_segment_header(ByteView sector) {
    if (sector.size() < kSegmentHeaderSize || !equal(sector.first(8), as_bytes(kSegmentMagic))) {
        return damaged_header("no magic");
    }
    SegmentHeader header;
    header.digest = crypto::sha256(sector.first(kDigestOffset));
    if (!equal(header.digest.view(), sector.subspan(kDigestOffset, 32))) {
        return damaged_header("a wrong digest");
    }
    Reader in(sector.first(kDigestOffset).subspan(8));
    const std::uint16_t version = in.u16();
    const std::uint16_t minimum_reader = in.u16();
    const std::uint32_t features = in.u32();
    if (minimum_reader > kVersion || features != 0) {
        return Error{
            Fault::newer_format,
            fmt::format("the log is of version {} and needs a reader of version {} (this program: {}); "
                        "upgrade the program, nothing was changed",
                        version, minimum_reader, kVersion)};
    }
    in.fill(header.node.bytes);
    in.fill(header.timeline.bytes);
    in.fill(header.parent.bytes);
    header.branch = in.u64();
    header.first = in.u64();
    header.wall.ns = static_cast<std::int64_t>(in.u64());
    in.fill(header.previous.bytes);
    in.fill(header.signer);
    header.slots_size = in.u32();
    in.fill(header.slots_digest.bytes);
    if (version == 0 || header.first == 0 || header.slots_size > kSlotsLimit ||
        header.branch >= header.first || !is_zero(in.bytes(in.left()))) {
        return damaged_header("fields out of range");
    }
    return header;
}

std::uint64_t close_mark_size(std::size_t stores) {
    return round_to_sector(kCloseFixedSize + kIndexEntrySize * stores + kSignatureSize + kTrailerSize);
}

std::uint64_t CloseMark::size() const {
    return close_mark_size(index.size());
}

bool looks_like_close_mark(ByteView bytes) {
    return Reader(bytes).u32() == kCloseMagic;
}

Bytes encode_close_mark(const CloseMark& mark, const SegmentHeader& header,
                        const crypto::Secret& signing_seed) {
    CHECK(mark.index.size() <= kIndexLimit);
    Bytes out;
    out.reserve(mark.size());
    Writer writer(out);
    writer.u32(kCloseMagic);
    writer.u32(static_cast<std::uint32_t>(mark.index.size()));
    writer.u64(mark.offset);
    writer.u64(mark.last);
    writer.u64(static_cast<std::uint64_t>(mark.wall.ns));
    writer.bytes(mark.chain.view());
    for (const auto& [store, entry] : mark.index) {
        writer.bytes(store.view());
        writer.u64(entry.commits);
        writer.u64(entry.pages);
        writer.u64(entry.first_lsn);
        writer.u64(entry.last_lsn);
        writer.u64(entry.first_sequence);
        writer.u64(entry.last_sequence);
    }
    const auto signature = crypto::ed25519_sign(signing_seed, signed_text(close_message(header, out)));
    writer.bytes(signature);
    pad(out, mark.size() - kTrailerSize);
    writer.u64(mark.offset);
    return out;
}

const crypto::Secret& SegmentSigner::seed_of(const SegmentHeader& header) const {
    if (former != nullptr) {
        for (const crypto::Secret& seed : *former) {
            if (crypto::ed25519_public(seed) == header.signer) {
                return seed;
            }
        }
    }
    return *present;
}

std::optional<CloseMark> parse_close_mark(ByteView rest, std::uint64_t offset, const SegmentHeader& header) {
    Reader in(rest);
    const std::uint32_t magic = in.u32();
    const std::uint32_t stores = in.u32();
    CloseMark mark;
    mark.offset = in.u64();
    mark.last = in.u64();
    mark.wall.ns = static_cast<std::int64_t>(in.u64());
    in.fill(mark.chain.bytes);
    if (!in.is_ok() || magic != kCloseMagic || stores > kIndexLimit ||
        rest.size() != close_mark_size(stores) || mark.offset != offset) {
        return std::nullopt;
    }
    std::optional<StoreId> last;
    for (std::uint32_t i = 0; i < stores; ++i) {
        StoreId store;
        in.fill(store.bytes);
        IndexEntry entry;
        entry.commits = in.u64();
        entry.pages = in.u64();
        entry.first_lsn = in.u64();
        entry.last_lsn = in.u64();
        entry.first_sequence = in.u64();
        entry.last_sequence = in.u64();
        if (last && store <= *last) {
            return std::nullopt;
        }
        last = store;
        mark.index.emplace(store, entry);
    }
    const std::size_t signed_size = kCloseFixedSize + kIndexEntrySize * stores;
    const ByteView signature = in.bytes(kSignatureSize);
    const ByteView padding = in.bytes(in.left() - kTrailerSize);
    if (in.u64() != offset || !in.is_done() || !is_zero(padding)) {
        return std::nullopt;
    }
    const Bytes message = signed_text(close_message(header, rest.first(signed_size)));
    if (!crypto::ed25519_verify(header.signer, message, signature)) {
        return std::nullopt;
    }
    return mark;
}

}  // namespace firedrill::store
