#include "store/log_owner.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/hash.h"

namespace firedrill::store {
namespace {

constexpr std::string_view kMagic = "FDLOGOWN";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kBodySize = kLogOwnerSize - kDigestSize;

Bytes encode(const NodeId& node, const OwnerMark& mark) {
    Bytes document;
    Writer out(document);
    out.bytes(as_bytes(kMagic));
    out.u16(kVersion);
    out.u16(kVersion);
    out.u32(0);
    out.bytes(node.view());
    out.bytes(mark.incarnation.view());
    out.u64(static_cast<std::uint64_t>(mark.started.ns));
    document.resize(kBodySize);
    append(document, crypto::sha256(document).view());
    return document;
}

Result<std::optional<OwnerMark>> parse(ByteView document, const NodeId& node, std::string_view label) {
    const std::string where = fmt::format("{}/{}", label, kLogOwnerFile);
    if (document.size() != kLogOwnerSize ||
        !equal(crypto::sha256(document.first(kBodySize)).view(), document.last(kDigestSize))) {
        return std::optional<OwnerMark>();
    }
    Reader in(document.first(kBodySize));
    const bool is_ours = as_text(in.bytes(kMagic.size())) == kMagic;
    const std::uint16_t version = in.u16();
    const std::uint16_t minimum_reader = in.u16();
    const std::uint32_t features = in.u32();
    if (!is_ours || version == 0) {
        return std::optional<OwnerMark>();
    }
    if (minimum_reader > kVersion || features != 0) {
        return Error{Fault::newer_format,
                     fmt::format("{} needs a reader of version {} (this program: {}); upgrade the program, "
                                 "nothing was changed",
                                 where, minimum_reader, kVersion)};
    }
    NodeId owner;
    OwnerMark mark;
    in.fill(owner.bytes);
    in.fill(mark.incarnation.bytes);
    mark.started.ns = static_cast<std::int64_t>(in.u64());
    const ByteView padding = in.bytes(in.left());
    if (!std::all_of(padding.begin(), padding.end(), [](Byte byte) { return byte == 0; })) {
        return std::optional<OwnerMark>();
    }
    if (owner != node) {
        return Error{
            Fault::refused,
            fmt::format("{} belongs to another node, {}; attach this node's own disk", where, to_hex(owner))};
    }
    return std::optional(mark);
}

Status create(Disk& disk, ByteView document) {
    auto file = TRY(disk.open(kLogOwnerFile, Open::create));
    Status written = file->write_at(0, document);
    if (written) {
        written = file->sync();
    }
    if (written) {
        return disk.sync_names();
    }
    file.reset();
    if (written.error().fault == Fault::disk_full) {
        TRY(disk.remove(kLogOwnerFile));  // an empty one is none
    }
    return written;
}

Status overwrite(File& file, ByteView document) {
    if (TRY(file.size_bytes()) > kLogOwnerSize) {
        TRY(file.truncate(kLogOwnerSize));
    }
    TRY(file.write_at(0, document));
    return file.sync();
}

}  // namespace

namespace {

Result<std::optional<OwnerMark>> read_mark(Disk& disk, const NodeId& node, std::unique_ptr<File>* opened) {
    auto file = disk.open(kLogOwnerFile, Open::existing);
    if (!file) {
        return file.error().fault == Fault::not_found ? Result<std::optional<OwnerMark>>(std::nullopt)
                                                      : Result<std::optional<OwnerMark>>(file.error());
    }
    Bytes document(kLogOwnerSize + 1);
    document.resize(TRY((*file)->read_at(0, document)));
    if (opened != nullptr) {
        *opened = std::move(*file);
    }
    return parse(document, node, disk.label());
}

}  // namespace

Result<std::optional<OwnerMark>> read_owner_mark(Disk& disk, const NodeId& node) {
    return read_mark(disk, node, nullptr);
}

Result<std::string> judge_owner_mark(Disk& disk, const NodeId& node) {
    const auto mark = read_owner_mark(disk, node);
    if (!mark) {
        return mark.error().fault == Fault::powered_off ? Result<std::string>(mark.error())
                                                        : Result<std::string>(mark.error().text + ".");
    }
    const auto file = disk.open(kLogOwnerFile, Open::existing);
    return *mark || !file ? std::string()
                          : fmt::format("{}/{} is not what was written; the next start writes it again.",
                                        disk.label(), kLogOwnerFile);
}

Status write_owner_mark(Disk& disk, const NodeId& node, const OwnerMark& mark) {
    const Bytes document = encode(node, mark);
    auto file = disk.open(kLogOwnerFile, Open::existing);
    if (!file && file.error().fault == Fault::not_found) {
        return create(disk, document);
    }
    Status written = file ? overwrite(**file, document) : Status(file.error());
    if (written || written.error().fault == Fault::powered_off || written.error().fault == Fault::bad_input) {
        return written;
    }
    if (written.error().fault == Fault::disk_full) {
        TRY(disk.remove(kLogOwnerFile));  // an older one would say that another start has the disk
        return written;
    }
    if (file) {  // the place may be bad: another one may do. Who has the old file open sees that it is gone
        (void)(*file)->truncate(0);
        file->reset();
    }
    return replace_file(disk, kLogOwnerFile, document);
}

bool still_stands(File& opened, const NodeId& node, const OwnerMark& mine) {
    Bytes document(kLogOwnerSize);
    const auto got = opened.read_at(0, document);
    return got && *got == kLogOwnerSize && equal(document, encode(node, mine));
}

Result<bool> stands_there(Disk& disk, const NodeId& node, const OwnerMark& mine,
                          std::unique_ptr<File>* opened) {
    const auto found = read_mark(disk, node, opened);
    if (found && (!*found || (*found)->incarnation == mine.incarnation)) {
        return found->has_value();
    }
    const Fault fault = found ? Fault::in_use : found.error().fault;
    if (fault == Fault::unavailable) {
        return false;
    }
    if (fault != Fault::in_use && fault != Fault::refused && fault != Fault::newer_format) {
        return found.error();
    }
    const std::string who =
        found ? fmt::format("another start of this node, or a copy of it, took it over ({})",
                            format_utc((*found)->started))
              : found.error().text;
    return Error{Fault::in_use,
                 fmt::format("log disk {} is written by somebody else now: {}; this node stops before it "
                             "confirms anything more, since the two would overwrite each other: let only the "
                             "one that was started last run, it has all that this one confirmed",
                             disk.label(), who)};
}

Status LogLocks::take(std::span<Disk* const> disks) {
    std::map<Disk*, std::unique_ptr<Claim>> held;
    for (Disk* disk : disks) {
        auto claim = disk->claim(owner_);
        if (claim) {
            held.emplace(disk, std::move(*claim));
            continue;
        }
        const Fault fault = claim.error().fault;
        if (fault != Fault::disk_failed) {
            return std::move(claim).error();
        }
    }
    held_ = std::move(held);
    return {};
}

Status LogLocks::take_again(Disk& disk) {
    held_.erase(&disk);  // the folder that is there may be the one that is locked
    held_.emplace(&disk, TRY(disk.claim(owner_)));
    return {};
}

}  // namespace firedrill::store
