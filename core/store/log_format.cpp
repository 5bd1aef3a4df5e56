#include "store/log_format.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "crypto/keypair.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kSegmentMagic = "FDLOGSEG";
constexpr std::uint32_t kRecordMagic = 0x43524446;  // "FDRC"
constexpr std::uint32_t kCloseMagic = 0x4D434446;   // "FDCM"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kChainOffset = 72;
constexpr std::size_t kDigestOffset = 480;
constexpr std::size_t kCloseFixedSize = 64;
constexpr std::size_t kIndexEntrySize = 64;
constexpr std::size_t kSignatureSize = 64;
constexpr std::size_t kTrailerSize = 8;
static_assert(kDigestOffset + sizeof(Digest) == kSegmentHeaderSize);
static_assert(kChainOffset + sizeof(Digest) == kRecordHeadSize);

void pad(Bytes& out, std::size_t size) {
    out.resize(size);
}

Error damaged_header(std::string_view what) {
    return Error{Fault::damaged, fmt::format("a segment header has {}", what)};
}

bool fits_type(RecordType type, std::uint32_t description, std::uint32_t pages) {
    switch (type) {
        case RecordType::commit:
            return pages >= 1 && pages <= kCommitPagesLimit &&
                   description == kCommitFixedSize + kImageSize * pages;
        case RecordType::slots: return pages == 0 && description <= kSlotsLimit;
        case RecordType::reset: return pages == 0 && description == 40;
    }
    return false;
}

bool is_commit_sound(ByteView description, ByteView pages, std::uint32_t count) {
    Reader in(description);
    in.bytes(16);
    const CommitSequence sequence = in.u64();
    in.bytes(32);
    const PageNumber page_count = in.u32();
    const std::uint32_t stated = in.u32();
    in.bytes(32);
    if (sequence == 0 || stated != count) {
        return false;
    }
    PageNumber last = 0;
    SealedPage page;
    for (std::uint32_t i = 0; i < count; ++i) {
        const PageNumber number = in.u32();
        Digest leaf;
        in.fill(leaf.bytes);
        if (number <= last || number > page_count) {
            return false;
        }
        last = number;
        std::memcpy(page.data(), pages.data() + std::size_t{i} * kPageSize, kPageSize);
        if (page_leaf(number, page) != leaf) {
            return false;
        }
    }
    return in.is_done();
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

std::optional<RecordHead> parse_record_head(ByteView bytes) {
    Reader in(bytes);
    if (in.u32() != kRecordMagic) {
        return std::nullopt;
    }
    RecordHead head;
    head.type = static_cast<RecordType>(in.u8());
    const bool is_padding_zero = is_zero(in.bytes(3));
    head.description_size = in.u32();
    head.pages = in.u32();
    head.lsn = in.u64();
    head.durable = in.u64();
    head.wall.ns = static_cast<std::int64_t>(in.u64());
    in.fill(head.previous.bytes);
    in.fill(head.chain.bytes);
    if (!in.is_ok() || !is_padding_zero || head.lsn == 0 || head.durable >= head.lsn ||
        !fits_type(head.type, head.description_size, head.pages)) {
        return std::nullopt;
    }
    return head;
}

Digest record_chain(ByteView head_and_description) {
    return crypto::sha256(
        {head_and_description.first(kChainOffset), head_and_description.subspan(kRecordHeadSize)});
}

std::optional<RecordView> check_record(ByteView bytes) {
    const auto head = parse_record_head(bytes);
    if (!head || head->size() != bytes.size()) {
        return std::nullopt;
    }
    if (record_chain(bytes.first(head->pages_offset())) != head->chain) {
        return std::nullopt;
    }
    const RecordView view{*head, bytes.subspan(kRecordHeadSize, head->description_size),
                          bytes.subspan(head->pages_offset(), std::size_t{head->pages} * kPageSize)};
    if (!is_zero(bytes.subspan(head->used_size()))) {
        return std::nullopt;
    }
    if (head->type == RecordType::commit && !is_commit_sound(view.description, view.pages, head->pages)) {
        return std::nullopt;
    }
    return view;
}

std::optional<StoreId> store_of(const RecordView& view) {
    if (view.head.type != RecordType::commit) {
        return std::nullopt;
    }
    StoreId store;
    Reader(view.description).fill(store.bytes);
    return store;
}

Record to_record(const RecordView& view) {
    Record record{view.head.lsn, view.head.durable, view.head.wall, NodeSlots{}};
    Reader in(view.description);
    switch (view.head.type) {
        case RecordType::slots:
            record.body = NodeSlots{Bytes(view.description.begin(), view.description.end())};
            break;
        case RecordType::reset: {
            Reset reset;
            in.fill(reset.from.bytes);
            in.fill(reset.to.bytes);
            reset.after = in.u64();
            record.body = reset;
            break;
        }
        case RecordType::commit: {
            Commit commit;
            in.fill(commit.store.bytes);
            commit.sequence = in.u64();
            in.fill(commit.previous.bytes);
            commit.page_count = in.u32();
            commit.pages.resize(in.u32());
            in.fill(commit.root.bytes);
            const Byte* from = view.pages.data();
            for (PageImage& image : commit.pages) {
                image.number = in.u32();
                in.fill(image.leaf.bytes);
                auto page = std::make_shared<SealedPage>();
                std::memcpy(page->data(), from, kPageSize);
                image.page = std::move(page);
                from += kPageSize;
            }
            record.body = std::move(commit);
            break;
        }
    }
    return record;
}

void describe_commit(const Commit& commit, Bytes& out) {
    out.reserve(out.size() + kCommitFixedSize + kImageSize * commit.pages.size());
    Writer writer(out);
    writer.bytes(commit.store.view());
    writer.u64(commit.sequence);
    writer.bytes(commit.previous.view());
    writer.u32(commit.page_count);
    writer.u32(static_cast<std::uint32_t>(commit.pages.size()));
    writer.bytes(commit.root.view());
    for (const PageImage& image : commit.pages) {
        writer.u32(image.number);
        writer.bytes(image.leaf.view());
    }
}

Status check_limits(const Record& record) {
    if (const auto* slots = std::get_if<NodeSlots>(&record.body)) {
        if (slots->document.size() > kSlotsLimit) {
            return Error{Fault::bad_usage, fmt::format("node slots of {} bytes exceed the log's limit of {}",
                                                       slots->document.size(), kSlotsLimit)};
        }
    }
    if (const auto* commit = std::get_if<Commit>(&record.body)) {
        bool is_sound =
            commit->sequence > 0 && !commit->pages.empty() && commit->pages.size() <= kCommitPagesLimit;
        PageNumber last = 0;
        for (const PageImage& image : commit->pages) {
            is_sound = is_sound && image.page != nullptr && image.number > last &&
                       image.number <= commit->page_count;
            last = image.number;
        }
        if (!is_sound) {
            return Error{
                Fault::bad_usage,
                fmt::format(
                    "commit {} of store {} must have 1–{} pages in ascending order within the database",
                    commit->sequence, to_hex(commit->store), kCommitPagesLimit)};
        }
    }
    return {};
}

EncodedRecord encode_record(const Record& record, Lsn durable, const Digest& previous) {
    EncodedRecord out;
    Bytes description;
    RecordType type = RecordType::reset;
    std::uint32_t pages = 0;
    if (const auto* commit = std::get_if<Commit>(&record.body)) {
        type = RecordType::commit;
        pages = static_cast<std::uint32_t>(commit->pages.size());
        describe_commit(*commit, description);
    } else if (const auto* slots = std::get_if<NodeSlots>(&record.body)) {
        type = RecordType::slots;
        description = slots->document;
    } else {
        const auto& reset = std::get<Reset>(record.body);
        Writer writer(description);
        writer.bytes(reset.from.view());
        writer.bytes(reset.to.view());
        writer.u64(reset.after);
    }
    out.start.reserve(kRecordHeadSize + description.size());
    Writer writer(out.start);
    writer.u32(kRecordMagic);
    writer.u8(static_cast<std::uint8_t>(type));
    writer.bytes(std::array<Byte, 3>{});
    writer.u32(static_cast<std::uint32_t>(description.size()));
    writer.u32(pages);
    writer.u64(record.lsn);
    writer.u64(durable);
    writer.u64(static_cast<std::uint64_t>(record.wall.ns));
    writer.bytes(previous.view());
    out.chain = crypto::sha256({out.start, description});
    writer.bytes(out.chain.view());
    writer.bytes(description);
    const std::uint64_t used = out.start.size() + std::uint64_t{pages} * kPageSize;
    out.size = round_to_sector(used);
    out.padding = static_cast<std::size_t>(out.size - used);
    return out;
}

void add_to_index(SegmentIndex& index, Lsn lsn, const StoreId& store, CommitSequence sequence,
                  std::uint64_t pages) {
    IndexEntry& entry = index[store];
    if (entry.commits == 0) {
        entry.first_lsn = lsn;
        entry.first_sequence = sequence;
    }
    entry.commits += 1;
    entry.pages += pages;
    entry.last_lsn = lsn;
    entry.last_sequence = sequence;
}

void add_to_index(SegmentIndex& index, const RecordView& view) {
    if (const auto store = store_of(view)) {
        add_to_index(index, view.head.lsn, *store, load_u64(view.description.data() + 16), view.head.pages);
    }
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
