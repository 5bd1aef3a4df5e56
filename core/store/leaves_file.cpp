#include "store/leaves_file.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {

namespace {

// docs/formats/page_file.md
constexpr std::string_view kMagic = "FDLEAVES";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 8 + 4 + 16 + 4 + 8 + 32 + 4 + 32 + 8;
constexpr std::size_t kLeavesAt = kHeaderSize + 32;  // the header's hash stands between
constexpr PageNumber kMaxPages = 1u << 24;
constexpr PageNumber kLeavesAtOnce = 2048;  // 96 KiB: what a fold has of them in memory

}  // namespace

Error bad_leaves(Disk& data, StoreId store, std::string_view what) {
    return {Fault::damaged,
            fmt::format("{}/{} {}; it is rebuilt from the log if the log goes back to its beginning",
                        data.label(), leaves_file_name(store), what)};
}

Status write_leaves_file(Disk& data, const LeavesHeader& header, const FrozenLeaves& leaves) {
    CHECK(leaves.size() == header.position.page_count);
    Bytes bytes;
    bytes.reserve(kLeavesAt);
    Writer out(bytes);
    out.bytes(as_bytes(kMagic));
    out.u32(kVersion);
    out.bytes(header.store.view());
    out.u32(header.generation);
    out.u64(header.position.sequence);
    out.bytes(header.position.last_hash.view());
    out.u32(header.position.page_count);
    out.bytes(header.position.root.view());
    out.u64(header.through);
    CHECK(bytes.size() == kHeaderSize);
    append(bytes, crypto::sha256(bytes).view());

    const std::string name = leaves_file_name(header.store);
    const std::string fresh = name + ".new";
    // A file left by an attempt whose sync failed proves nothing about what it holds: begin with another one.
    if (Status removed = data.remove(fresh); !removed && removed.error().fault != Fault::not_found) {
        return removed;
    }
    auto file = TRY(data.open(fresh, Open::create));
    std::vector<Leaf> some(std::min(leaves.size(), kLeavesAtOnce));
    std::uint64_t at = 0;
    PageNumber done = 0;
    do {
        const std::size_t count = leaves.copy(done, some);
        const std::array<ByteView, 2> pieces{
            ByteView(bytes), ByteView(reinterpret_cast<const Byte*>(some.data()), count * sizeof(Leaf))};
        TRY(file->write_at(at, pieces));
        done += static_cast<PageNumber>(count);
        bytes.clear();  // the header stands before the first of them only
        at = kLeavesAt + std::uint64_t{done} * sizeof(Leaf);
    } while (done < leaves.size());
    TRY(file->sync());
    file.reset();
    TRY(data.rename(fresh, name));
    return data.sync_names();
}

Result<LeavesHeader> read_leaves_header(Disk& data, StoreId store, File& file) {
    Bytes bytes(kLeavesAt);
    if (TRY(file.read_at(0, bytes)) != kLeavesAt) {
        return bad_leaves(data, store, "is too short");
    }
    Reader in(bytes);
    const bool is_ours = as_text(in.bytes(kMagic.size())) == kMagic;
    const std::uint32_t version = in.u32();
    // The digest keeps its place in every version: a rotten number must not pass for a newer program's.
    const Digest digest = crypto::sha256(ByteView(bytes).first(kHeaderSize));
    const bool is_whole = equal(digest.view(), ByteView(bytes).subspan(kHeaderSize, digest.view().size()));
    if (is_ours && is_whole && version > kVersion) {
        return Error{Fault::newer_format,
                     fmt::format("{}/{} has format {}, this program knows {}; upgrade the program",
                                 data.label(), leaves_file_name(store), version, kVersion)};
    }
    LeavesHeader header;
    Digest stated;
    in.fill(header.store.bytes);
    header.generation = in.u32();
    header.position.sequence = in.u64();
    in.fill(header.position.last_hash.bytes);
    header.position.page_count = in.u32();
    in.fill(header.position.root.bytes);
    header.through = in.u64();
    in.fill(stated.bytes);
    const bool is_sound = is_ours && in.is_done() && version == kVersion && header.store == store &&
                          header.generation != 0 && header.position.sequence != 0 &&
                          header.position.page_count <= kMaxPages && digest == stated;
    return is_sound ? Result<LeavesHeader>(header)
                    : bad_leaves(data, store, "is not a sound leaves file of this store");
}

Result<bool> read_leaves(File& file, PageNumber count, PageTree& tree) {
    if (TRY(file.size_bytes()) != kLeavesAt + std::uint64_t{count} * sizeof(Leaf)) {
        return false;
    }
    bool is_short = false;
    const auto fill = [&](PageNumber first, std::span<Leaf> out) -> Status {
        const MutableBytes bytes(reinterpret_cast<Byte*>(out.data()), out.size_bytes());
        const std::uint64_t at = kLeavesAt + std::uint64_t{first - 1} * sizeof(Leaf);
        is_short = TRY(file.read_at(at, bytes)) != bytes.size() || is_short;
        return {};
    };
    TRY(tree.load(count, fill));
    return !is_short;
}

}  // namespace firedrill::store
