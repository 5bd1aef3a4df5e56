// Records of the log: bytes to records and back, and what a segment's index counts of them.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "store/log_format.h"

namespace firedrill::store {
namespace {

constexpr std::uint32_t kRecordMagic = 0x43524446;  // "FDRC"
constexpr std::size_t kChainOffset = 72;
static_assert(kChainOffset + sizeof(Digest) == kRecordHeadSize);

/// Holes have no page: fewer pages than images.
bool fits_images(std::uint32_t description, std::size_t fixed, std::uint32_t pages) {
    return description >= fixed && (description - fixed) % kImageSize == 0 &&
           (description - fixed) / kImageSize <= kCommitPagesLimit &&
           pages <= (description - fixed) / kImageSize;
}

bool fits_type(RecordType type, std::uint32_t description, std::uint32_t pages) {
    switch (type) {
        case RecordType::commit:
            return pages >= 1 && pages <= kCommitPagesLimit &&
                   description == kCommitFixedSize + kImageSize * pages;
        case RecordType::slots: return pages == 0 && description <= kSlotsLimit;
        case RecordType::reset: return pages == 0 && description == 40;
        case RecordType::part: return fits_images(description, kPartFixedSize, pages);
        case RecordType::taken_back:
            return fits_images(description, kReturnFixedSize + kCommitFixedSize, pages);
    }
    return false;
}

/// A list of page numbers and leaves, a zero leaf for a hole, and the pages of the others.
bool are_images_sound(Reader& in, ByteView pages, std::uint32_t count, PageNumber highest) {
    PageNumber last = 0;
    SealedPage page;
    for (std::uint32_t i = 0; i < count; ++i) {
        const PageNumber number = in.u32();
        Digest leaf;
        in.fill(leaf.bytes);
        if (number <= last || number > highest) {
            return false;
        }
        last = number;
        if (leaf == Digest{}) {
            continue;
        }
        if (pages.size() < kPageSize) {
            return false;
        }
        std::memcpy(page.data(), pages.data(), kPageSize);
        pages = pages.subspan(kPageSize);
        if (page_leaf(number, page) != leaf) {
            return false;
        }
    }
    return in.is_done() && pages.empty();
}

bool is_commit_sound(const RecordView& view) {
    Reader in(view.description);
    if (view.head.type == RecordType::taken_back) {
        in.u32();
        const CommitSequence to = in.u64();
        if (to == 0) {
            return false;
        }
    }
    in.bytes(16);
    const CommitSequence sequence = in.u64();
    in.bytes(32);
    const PageNumber page_count = in.u32();
    const std::uint32_t stated = in.u32();
    in.bytes(32);
    const bool has_holes = view.head.type == RecordType::taken_back;
    return sequence != 0 && in.left() == std::size_t{stated} * kImageSize &&
           (has_holes || stated == view.head.pages) && are_images_sound(in, view.pages, stated, page_count);
}

bool is_part_sound(const RecordView& view) {
    Reader in(view.description);
    in.bytes(16);
    const CommitSequence sequence = in.u64();
    const std::uint32_t part = in.u32();
    const std::uint32_t stated = in.u32();
    return sequence != 0 && part != 0 && stated != 0 && in.left() == std::size_t{stated} * kImageSize &&
           are_images_sound(in, view.pages, stated, std::numeric_limits<PageNumber>::max());
}

bool is_body_sound(const RecordView& view) {
    switch (view.head.type) {
        case RecordType::commit:
        case RecordType::taken_back: return is_commit_sound(view);
        case RecordType::part: return is_part_sound(view);
        case RecordType::slots:
        case RecordType::reset: return true;
    }
    return false;
}

}  // namespace

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
    return is_body_sound(view) ? std::optional(view) : std::nullopt;
}

std::optional<CommitName> commit_of(const RecordView& view) {
    if (view.head.type == RecordType::slots || view.head.type == RecordType::reset) {
        return std::nullopt;
    }
    Reader in(view.description);
    in.bytes(view.head.type == RecordType::taken_back ? kReturnFixedSize : 0);
    CommitName name;
    in.fill(name.store.bytes);
    name.sequence = in.u64();
    return name;
}

namespace {

std::vector<PageImage> read_images(Reader& in, std::uint32_t count, ByteView pages) {
    std::vector<PageImage> images(count);
    const Byte* from = pages.data();
    for (PageImage& image : images) {
        image.number = in.u32();
        in.fill(image.leaf.bytes);
        if (image.leaf == Digest{}) {
            continue;
        }
        auto page = std::make_shared_for_overwrite<SealedPage>();
        std::memcpy(page->data(), from, kPageSize);
        image.page = std::move(page);
        from += kPageSize;
    }
    return images;
}

Commit read_commit(Reader& in, ByteView pages) {
    Commit commit;
    in.fill(commit.store.bytes);
    commit.sequence = in.u64();
    in.fill(commit.previous.bytes);
    commit.page_count = in.u32();
    const std::uint32_t count = in.u32();
    in.fill(commit.root.bytes);
    commit.pages = read_images(in, count, pages);
    return commit;
}

void write_images(Writer& writer, std::span<const PageImage> images) {
    for (const PageImage& image : images) {
        writer.u32(image.number);
        writer.bytes(image.leaf.view());
    }
}

}  // namespace

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
        case RecordType::commit: record.body = read_commit(in, view.pages); break;
        case RecordType::part: {
            CommitPart part;
            in.fill(part.store.bytes);
            part.sequence = in.u64();
            part.part = in.u32();
            const std::uint32_t count = in.u32();
            part.pages = read_images(in, count, view.pages);
            record.body = std::move(part);
            break;
        }
        case RecordType::taken_back: {
            Commit::Return back;
            back.parts = in.u32();
            back.to = in.u64();
            Commit commit = read_commit(in, view.pages);
            commit.taken_back = back;
            record.body = std::move(commit);
            break;
        }
    }
    return record;
}

void describe_commit(const Commit& commit, Bytes& out) {
    const std::span<const PageImage> own =
        std::span(commit.pages).subspan(commit.taken_back ? commit.taken_back->in_parts : 0);
    out.reserve(out.size() + kReturnFixedSize + kCommitFixedSize + kImageSize * own.size());
    Writer writer(out);
    if (commit.taken_back) {
        writer.u32(commit.taken_back->parts);
        writer.u64(commit.taken_back->to);
    }
    writer.bytes(commit.store.view());
    writer.u64(commit.sequence);
    writer.bytes(commit.previous.view());
    writer.u32(commit.page_count);
    writer.u32(static_cast<std::uint32_t>(own.size()));
    writer.bytes(commit.root.view());
    write_images(writer, own);
}

namespace {

/// Ascending, within the limit, each with its page unless holes may stand there.
bool are_writable(std::span<const PageImage> images, PageNumber highest, bool may_have_holes) {
    PageNumber last = 0;
    for (const PageImage& image : images) {
        const bool is_hole = may_have_holes && image.page == nullptr && image.leaf == Digest{};
        if ((image.page == nullptr && !is_hole) || image.number <= last || image.number > highest) {
            return false;
        }
        last = image.number;
    }
    return images.size() <= kCommitPagesLimit;
}

std::uint32_t count_pages(std::span<const PageImage> images) {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(images, [](const PageImage& image) { return image.page != nullptr; }));
}

}  // namespace

Status check_limits(const Record& record) {
    if (const auto* slots = std::get_if<NodeSlots>(&record.body)) {
        if (slots->document.size() > kSlotsLimit) {
            return Error{Fault::bad_usage, fmt::format("node slots of {} bytes exceed the log's limit of {}",
                                                       slots->document.size(), kSlotsLimit)};
        }
    }
    const auto* commit = std::get_if<Commit>(&record.body);
    const std::span<const PageImage> own = own_pages(record.body);
    if (commit != nullptr && (commit->sequence == 0 || (own.empty() && !commit->taken_back) ||
                              !are_writable(own, commit->page_count, commit->taken_back.has_value()))) {
        return Error{
            Fault::bad_usage,
            fmt::format("commit {} of store {} must have 1–{} pages in ascending order within the database",
                        commit->sequence, to_hex(commit->store), kCommitPagesLimit)};
    }
    const auto* part = std::get_if<CommitPart>(&record.body);
    if (part != nullptr && (part->sequence == 0 || part->part == 0 || own.empty() ||
                            !are_writable(own, std::numeric_limits<PageNumber>::max(), true))) {
        return Error{Fault::bad_usage,
                     fmt::format("part {} of commit {} of store {} must have 1–{} pages in ascending order",
                                 part->part, part->sequence, to_hex(part->store), kCommitPagesLimit)};
    }
    return {};
}

std::uint64_t record_size(const Record& record) {
    const std::span<const PageImage> own = own_pages(record.body);
    std::uint64_t size =
        kRecordHeadSize + own.size() * kImageSize + std::uint64_t{count_pages(own)} * kPageSize;
    if (const auto* commit = std::get_if<Commit>(&record.body)) {
        size += kCommitFixedSize + (commit->taken_back ? kReturnFixedSize : 0);
    } else if (const auto* slots = std::get_if<NodeSlots>(&record.body)) {
        size += slots->document.size();
    } else {
        size += std::holds_alternative<CommitPart>(record.body) ? kPartFixedSize : 40;
    }
    return round_to_sector(size);
}

EncodedRecord encode_record(const Record& record, Lsn durable, const Digest& previous) {
    EncodedRecord out;
    Bytes description;
    RecordType type = RecordType::reset;
    const std::span<const PageImage> own = own_pages(record.body);
    const std::uint32_t pages = count_pages(own);
    if (const auto* commit = std::get_if<Commit>(&record.body)) {
        type = commit->taken_back ? RecordType::taken_back : RecordType::commit;
        describe_commit(*commit, description);
    } else if (const auto* part = std::get_if<CommitPart>(&record.body)) {
        type = RecordType::part;
        Writer writer(description);
        writer.bytes(part->store.view());
        writer.u64(part->sequence);
        writer.u32(part->part);
        writer.u32(static_cast<std::uint32_t>(own.size()));
        write_images(writer, own);
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

namespace {

void add_to_index(SegmentIndex& index, Lsn lsn, const CommitName& commit, std::uint64_t pages, bool is_part) {
    IndexEntry& entry = index[commit.store];
    if (entry.first_lsn == 0) {
        entry.first_lsn = lsn;
        entry.first_sequence = commit.sequence;
    }
    entry.commits += is_part ? 0 : 1;
    entry.pages += pages;
    entry.last_lsn = lsn;
    entry.last_sequence = commit.sequence;
}

}  // namespace

void add_to_index(SegmentIndex& index, const Record& record) {
    const std::uint32_t pages = count_pages(own_pages(record.body));
    if (const auto* commit = std::get_if<Commit>(&record.body)) {
        add_to_index(index, record.lsn, {commit->store, commit->sequence}, pages, false);
    } else if (const auto* part = std::get_if<CommitPart>(&record.body)) {
        add_to_index(index, record.lsn, {part->store, part->sequence}, pages, true);
    }
}

void add_to_index(SegmentIndex& index, const RecordView& view) {
    if (const auto commit = commit_of(view)) {
        add_to_index(index, view.head.lsn, *commit, view.head.pages, view.head.type == RecordType::part);
    }
}

}  // namespace firedrill::store
