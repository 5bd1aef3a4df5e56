#include "store/log_writer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "crypto/keypair.h"
#include "store/disk_log_writer.h"

namespace firedrill::store {
namespace {

constexpr std::array<Byte, kSector> kZeroes{};

/// Where space was reserved, a full disk is a failed one: it may have taken a prefix.
Status must_fit(Status done, const Disk& disk) {
    if (!done && done.error().fault == Fault::disk_full) {
        return Error{Fault::disk_failed,
                     fmt::format("log disk {} has no space where it had reserved some", disk.label())};
    }
    return done;
}

}  // namespace

/// Makes the present membership durable if it is smaller than the one written down; again, when a disk failed
/// as it took its copy.
Status DiskLogWriter::settle() {
    const auto in_service = [this] {
        return static_cast<std::size_t>(
            std::count_if(state_.members.begin(), state_.members.end(),
                          [](const LogMember& member) { return member.is_in_service; }));
    };
    while (in_service() != state_.membership.disks.size()) {  // rarely: asked several times a commit
        TRY(write_down_smaller());
        TRY(copy_to_members(state_));
    }
    return {};
}

Status DiskLogWriter::write_down_smaller() {
    Membership now;
    std::string failures;
    for (const LogMember& member : state_.members) {
        if (member.is_in_service) {
            now.disks.push_back({member.id, member.disk->label()});
        } else {
            failures += (failures.empty() ? "" : "; ") + member.failure;
        }
    }
    now.generation = state_.membership.generation + 1;
    now.durable = std::max(state_.membership.durable, state_.last);
    now.begin = state_.membership.begin;
    const bool is_last = now.disks.empty();
    if (is_last) {
        // Nothing is left to write to. Leave word that the tail may look stored without being it.
        now.disks = state_.membership.disks;
        now.suspect = state_.last + 1;
    }
    const Status written = write_membership(*state_.data, state_.identity.node, now);
    if (is_last) {
        return stop(Fault::disk_failed,
                    fmt::format("the last log disk in service failed ({}); the node must stop; check or "
                                "replace the disk, then start again",
                                failures));
    }
    if (!written) {
        return stop(
            written.error().fault == Fault::powered_off ? Fault::powered_off : Fault::disk_failed,
            fmt::format(
                "a log disk failed ({}) and this could not be written down on the data disk ({}); the "
                "node must stop",
                failures, written.error().text));
    }
    state_.membership = std::move(now);
    return {};
}

Status DiskLogWriter::stop(Fault fault, std::string text) {
    fatal_ = Error{fault, std::move(text)};
    return *fatal_;
}

Status DiskLogWriter::allocate(std::uint64_t size) {
    return on_each([&](LogMember& member, std::size_t) -> Status {
        if (size <= member.allocated) {
            return {};
        }
        std::uint64_t rounded = (size + kAllocationStep - 1) / kAllocationStep * kAllocationStep;
        Status done = member.file->allocate(rounded);
        if (!done && done.error().fault == Fault::disk_full) {
            rounded = size;
            done = member.file->allocate(rounded);
        }
        if (done) {
            member.allocated = rounded;
        } else if (done.error().fault == Fault::disk_full) {
            return Error{Fault::disk_full, fmt::format("log disk {} is full; free space on it and try again",
                                                       member.disk->label())};
        }
        return done;
    });
}

Status DiskLogWriter::reserve(std::uint64_t bytes) {
    if (fatal_) {
        return *fatal_;
    }
    // The close mark must fit as well, and each record may bring a store that the index does not have yet.
    const std::size_t records =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes / kSector + 1, kBatchLimit));
    return allocate(state_.end + round_to_sector(bytes) + close_mark_size(state_.index.size() + records));
}

Status DiskLogWriter::append(std::span<const Record> batch, WallTime wall) {
    CHECK(!batch.empty());
    CHECK(batch.size() <= kBatchLimit);
    if (fatal_) {
        return *fatal_;
    }
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        CHECK(batch[i].lsn == state_.last + 1 + i);
        TRY(check_limits(batch[i]));
        size += record_size(batch[i]);
    }
    TRY(check_owner(Look::at_open_file));
    count_time(last_wall_, wall);
    if (is_due(size)) {
        const Status rotated = rotate(wall);
        if (!rotated && rotated.error().fault != Fault::disk_full) {
            return rotated;
        }
    }
    TRY(reserve(size));

    std::vector<EncodedRecord> encoded;
    std::vector<ByteView> pieces;
    encoded.reserve(batch.size());
    Digest chain = state_.chain;
    for (const Record& record : batch) {
        encoded.push_back(encode_record(record, state_.last, chain));
        const EncodedRecord& each = encoded.back();
        chain = each.chain;
        pieces.emplace_back(each.start);
        for (const PageImage& image : own_pages(record.body)) {
            if (image.page) {
                pieces.emplace_back(*image.page);
            }
        }
        if (each.padding > 0) {
            pieces.push_back(ByteView(kZeroes).first(each.padding));
        }
    }
    std::vector<Status> written = write_on_all(pieces);
    TRY(on_each(
        [&](LogMember& member, std::size_t i) { return must_fit(std::move(written[i]), *member.disk); }));
    TRY(check_owner(Look::by_name));  // a start that took the disks before this reads what was just written

    for (const Record& record : batch) {
        add_to_index(state_.index, record);
        if (const auto* slots = std::get_if<NodeSlots>(&record.body)) {
            state_.node_slots = slots->document;
        }
    }
    state_.end += size;
    state_.last = batch.back().lsn;
    state_.chain = chain;
    state_.last_chain = chain;
    return {};
}

/// All disks at once: a commit waits for the slowest of them. Yields what each came to.
std::vector<Status> DiskLogWriter::write_on_all(std::span<const ByteView> pieces) {
    std::vector<Status> outcomes(state_.members.size());
    File* last = nullptr;
    for (const LogMember& member : state_.members) {
        if (last != nullptr && member.is_in_service) {
            last->begin_write_durable(state_.end, pieces);
        }
        last = member.is_in_service ? member.file.get() : last;
    }
    for (std::size_t i = state_.members.size(); i-- > 0;) {
        File* file = state_.members[i].is_in_service ? state_.members[i].file.get() : nullptr;
        if (file != nullptr) {
            outcomes[i] = file == last ? file->write_durable(state_.end, pieces) : file->end_write_durable();
        }
    }
    return outcomes;
}

void DiskLogWriter::count_time(WallTime from, WallTime to) {
    last_wall_ = to;
    if (to.ns <= from.ns) {
        return;  // a step back is no time passed: the segment is closed when an hour was seen to pass
    }
    const auto passed = static_cast<std::uint64_t>(to.ns) - static_cast<std::uint64_t>(from.ns);
    const auto missing = static_cast<std::uint64_t>((kSegmentPeriod - elapsed_).count());
    elapsed_ = passed >= missing ? kSegmentPeriod : elapsed_ + Duration(passed);
}

bool DiskLogWriter::is_due(std::uint64_t more) const {
    const std::uint64_t mark = close_mark_size(state_.index.size());
    const bool is_long = more > 0 && state_.end + more + mark > kSegmentLimit;
    return !is_empty() && (elapsed_ >= kSegmentPeriod || is_long);
}

Status DiskLogWriter::tick(WallTime wall) {
    if (fatal_) {
        return *fatal_;
    }
    count_time(last_wall_, wall);
    TRY(check_owner(Look::by_name));
    TRY(renew_mark());
    TRY(look_for_files());
    return is_due(0) ? rotate(wall) : Status{};
}

/// A disk whose open segment is gone is noticed although nothing is written; an append notices it by itself.
Status DiskLogWriter::look_for_files() {
    const std::string open = to_text(segment_name(state_.header.timeline, state_.header.first));
    return on_each([&](LogMember& member, std::size_t) -> Status {
        const auto names = member.disk->list();
        if (!names && names.error().fault != Fault::disk_failed &&
            names.error().fault != Fault::powered_off) {
            return {};  // the process lacks something, not the disk
        }
        if (!names) {
            return names.error();
        }
        if (std::find(names->begin(), names->end(), open) != names->end()) {
            return {};
        }
        return Error{Fault::disk_failed,
                     fmt::format("log disk {} no longer has the segment {} that is being written; somebody "
                                 "removed it",
                                 member.disk->label(), open)};
    });
}

Status DiskLogWriter::rotate(WallTime wall) {
    NewSegment fresh;
    fresh.header = state_.header;
    fresh.header.signer = crypto::ed25519_public(*state_.signing_seed);
    fresh.header.first = state_.last + 1;
    fresh.header.previous = state_.last_chain;
    fresh.header.wall = wall;
    TRY(create_files(fresh));
    TRY(close_segment(wall));
    enter(fresh);
    return {};
}

Status DiskLogWriter::open_segment(WallTime wall) {
    NewSegment fresh;
    fresh.header.node = state_.identity.node;
    fresh.header.timeline = state_.identity.timeline;
    fresh.header.parent = state_.parent;
    fresh.header.branch = state_.branch;
    fresh.header.signer = crypto::ed25519_public(*state_.signing_seed);
    fresh.header.first = state_.last + 1;
    fresh.header.previous = state_.last_chain;
    fresh.header.wall = wall;
    TRY(create_files(fresh));
    enter(fresh);
    return {};
}

/// Creates the files of a new segment on every member: written, synced, named. On disk_full none is left.
Status DiskLogWriter::create_files(NewSegment& fresh) {
    fresh.start = encode_segment_start(fresh.header, state_.node_slots);
    fresh.files.resize(state_.members.size());
    const std::string name = to_text(segment_name(fresh.header.timeline, fresh.header.first));
    const Status created = on_each([&](LogMember& member, std::size_t i) -> Status {
        fresh.files[i] = TRY(member.disk->open(name, Open::any));
        File& file = *fresh.files[i];
        TRY(file.truncate(0));
        TRY(file.allocate(
            std::max(kAllocationStep, round_to_sector(fresh.start.size() + close_mark_size(0)))));
        TRY(file.write_at(0, fresh.start));
        TRY(file.sync());
        return member.disk->sync_names();
    });
    if (!created && created.error().fault == Fault::disk_full) {
        TRY(discard(fresh));
    }
    return created;
}

/// A segment that was not entered must be gone before the one before it goes on: its header would end that
/// one.
Status DiskLogWriter::discard(NewSegment& fresh) {
    const std::string name = to_text(segment_name(fresh.header.timeline, fresh.header.first));
    fresh.files.clear();
    return on_each([&](LogMember& member, std::size_t) -> Status {
        const Status removed = member.disk->remove(name);
        if (!removed && removed.error().fault != Fault::not_found) {
            return removed;
        }
        return member.disk->sync_names();
    });
}

Status DiskLogWriter::close_segment(WallTime wall) {
    const CloseMark mark{state_.end, state_.last, wall, state_.last_chain, state_.index};
    const Bytes bytes = encode_close_mark(
        mark, state_.header, SegmentSigner{state_.signing_seed, state_.former_seeds}.seed_of(state_.header));
    return on_each([&](LogMember& member, std::size_t) -> Status {
        TRY(must_fit(member.file->write_at(state_.end, bytes), *member.disk));
        TRY(must_fit(member.file->truncate(state_.end + bytes.size()), *member.disk));
        TRY(must_fit(member.file->sync(), *member.disk));
        member.closed_bytes += state_.end + bytes.size();
        return {};
    });
}

void DiskLogWriter::enter(NewSegment& fresh) {
    for (std::size_t i = 0; i < state_.members.size(); ++i) {
        LogMember& member = state_.members[i];
        if (member.is_in_service) {
            member.file = std::move(fresh.files[i]);
            member.allocated =
                std::max(kAllocationStep, round_to_sector(fresh.start.size() + close_mark_size(0)));
            ++member.segments;
        }
    }
    state_.header = fresh.header;
    state_.end = fresh.start.size();
    state_.chain = fresh.header.digest;
    state_.index.clear();
    elapsed_ = Duration(0);
}

Status LogWriter::remove_before(Lsn) {
    return Error{Fault::refused, "this log keeps all its segments"};
}

std::shared_ptr<LogResilver> LogWriter::begin_resilver(WallTime) {
    return nullptr;
}

Result<Rejoin> LogWriter::rejoin(LogResilver&, WallTime) {
    return Error{Fault::refused, "this log takes no disk back while it is written"};
}

Result<std::unique_ptr<LogWriter>> open_writer(WriterState state, WallTime wall) {
    const bool has_segment = state.end != 0;
    auto writer = std::make_unique<DiskLogWriter>(std::move(state), wall);
    if (!has_segment) {
        TRY(writer->open_segment(wall));
    }
    return std::unique_ptr<LogWriter>(std::move(writer));
}

}  // namespace firedrill::store
