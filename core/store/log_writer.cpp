#include "store/log_writer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "crypto/keypair.h"
#include "store/log_resilver.h"

namespace firedrill::store {
namespace {

constexpr std::array<Byte, kSector> kZeroes{};

class DiskLogWriter final : public LogWriter {
  public:
    DiskLogWriter(WriterState state, WallTime wall) : state_(std::move(state)), last_wall_(wall) {
        count_time(state_.header.wall, wall);
    }

    Status append(std::span<const Record> batch, WallTime wall) override;
    Status reserve(std::uint64_t bytes) override;
    Status tick(WallTime wall) override;
    std::vector<LogScan::Member> members() const override;
    std::shared_ptr<LogResilver> begin_resilver(WallTime wall) override;
    Result<Rejoin> rejoin(LogResilver& filled, WallTime wall) override;
    Status remove_before(Lsn begin) override;
    /// Opens the segment after record `last`; the one before, if any, is closed already.
    Status open_segment(WallTime wall);

  private:
    struct NewSegment {
        SegmentHeader header;
        Bytes start;
        std::vector<std::unique_ptr<File>> files;  // per member
    };

    template <class Step>
    Status on_each(Step step);
    std::vector<Status> write_on_all(std::span<const ByteView> pieces);
    Status settle();
    Status write_down_smaller();
    Status stop(Fault fault, std::string text);
    Status allocate(std::uint64_t size);
    Status rotate(WallTime wall);
    Status look_for_files();
    Status create_files(NewSegment& fresh);
    Status discard(NewSegment& fresh);
    Status close_segment(WallTime wall);
    [[nodiscard]] Result<std::vector<SegmentName>> closed_segments() const;
    Status take_back(LogResilver& filled);
    void enter(NewSegment& fresh);
    void count_time(WallTime from, WallTime to);
    [[nodiscard]] bool is_due(std::uint64_t more) const;
    [[nodiscard]] bool is_empty() const { return state_.last + 1 == state_.header.first; }

    WriterState state_;
    WallTime last_wall_;
    Duration elapsed_{0};  // wall time since the segment was opened; steps back count as none
    std::optional<Error> fatal_;
};

/// Where space was reserved, a full disk is a failed one: it may have taken a prefix.
Status must_fit(Status done, const Disk& disk) {
    if (!done && done.error().fault == Fault::disk_full) {
        return Error{Fault::disk_failed,
                     fmt::format("log disk {} has no space where it had reserved some", disk.label())};
    }
    return done;
}

/// Does `step` for every member in service. powered_off ends everything at once; disk_full is passed on after
/// the others had their turn; any other failure takes the member out of service, which settle() makes
/// durable.
template <class Step>
Status DiskLogWriter::on_each(Step step) {
    std::optional<Error> full;
    for (std::size_t i = 0; i < state_.members.size(); ++i) {
        LogMember& member = state_.members[i];
        if (!member.is_in_service) {
            continue;
        }
        Status done = step(member, i);
        if (done) {
            continue;
        }
        if (done.error().fault == Fault::powered_off) {
            fatal_ = done.error();
            return done;
        }
        if (done.error().fault == Fault::disk_full) {
            full = done.error();
            continue;
        }
        member.is_in_service = false;
        member.failure = done.error().text;
        member.file.reset();
    }
    TRY(settle());
    return full ? Status(*full) : Status{};
}

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

std::vector<LogScan::Member> DiskLogWriter::members() const {
    std::vector<LogScan::Member> out;
    for (const LogMember& member : state_.members) {
        LogScan::Member health;
        health.label = member.disk->label();
        health.is_present = member.is_in_service;
        health.is_stale = !member.is_in_service;
        health.last = member.is_in_service ? state_.last : 0;
        health.bytes = member.closed_bytes + (member.is_in_service ? state_.end : 0);
        health.segments = member.segments;
        health.failure = member.is_in_service ? "" : member.failure;
        out.push_back(std::move(health));
    }
    return out;
}

/// What the first member in service holds, except the open segment.
Result<std::vector<SegmentName>> DiskLogWriter::closed_segments() const {
    const auto from = std::find_if(state_.members.begin(), state_.members.end(),
                                   [](const LogMember& member) { return member.is_in_service; });
    CHECK(from != state_.members.end());
    const SegmentName open = segment_name(state_.header.timeline, state_.header.first);
    std::vector<SegmentName> closed;
    for (const std::string& text : TRY(from->disk->list())) {
        const auto name = parse_segment_name(text);
        if (name && *name != open) {
            closed.push_back(*name);
        }
    }
    return closed;
}

std::shared_ptr<LogResilver> DiskLogWriter::begin_resilver(WallTime wall) {
    if (fatal_) {
        return nullptr;
    }
    const auto from = std::find_if(state_.members.begin(), state_.members.end(),
                                   [](const LogMember& member) { return member.is_in_service; });
    for (std::size_t i = 0; i < state_.members.size(); ++i) {
        LogMember& member = state_.members[i];
        if (member.is_in_service) {
            continue;
        }
        // Does it answer, and is it ours?
        if (Status attached = member.disk->attach(); !attached) {
            member.failure = attached.error().text;
            continue;
        }
        const auto id = read_log_disk_id(*member.disk, state_.identity.node);
        const auto names = member.disk->list();
        if (!id || !names) {
            member.failure = id ? names.error().text : id.error().text;
            continue;
        }
        const bool has_segments = std::any_of(names->begin(), names->end(), [](const std::string& name) {
            return parse_segment_name(name).has_value();
        });
        if (has_segments && !*id) {
            member.failure =
                fmt::format("log disk {} holds a log and does not say whose; empty it, or attach another",
                            member.disk->label());
            continue;
        }
        const auto closed = closed_segments();
        if (!closed) {
            return nullptr;
        }
        auto made = std::make_shared<LogResilver>(
            *from->disk, *member.disk, state_.identity.node,
            make_log_disk_id(state_.identity.node, state_.membership.generation + 1, state_.last, wall, i),
            i);
        made->want(*closed);
        return made;
    }
    return nullptr;
}

Result<Rejoin> DiskLogWriter::rejoin(LogResilver& filled, WallTime wall) {
    if (fatal_) {
        return *fatal_;
    }
    if (state_.end > kJoinBytes && !is_empty()) {
        TRY(rotate(wall));
    }
    if (filled.want(TRY(closed_segments())) > 0) {
        return Rejoin::more;
    }
    TRY(take_back(filled));
    return Rejoin::joined;
}

Status DiskLogWriter::take_back(LogResilver& filled) {
    LogMember& member = state_.members[filled.member()];
    CHECK(!member.is_in_service);
    const SegmentName open = segment_name(state_.header.timeline, state_.header.first);
    TRY(filled.finish(open, state_.end));
    auto file = TRY(member.disk->open(to_text(open), Open::existing));
    std::uint64_t allocated = state_.end;
    for (const LogMember& other : state_.members) {
        allocated = std::max(allocated, other.is_in_service ? other.allocated : 0);
    }
    TRY(file->allocate(allocated));
    // The membership first, then the first acknowledgement under it. Whether a failed write of it took effect
    // cannot be known, and a stale disk that it names would be believed: the node stops.
    Membership now = state_.membership;
    now.generation += 1;
    now.durable = std::max(now.durable, state_.last);
    now.disks.push_back({filled.id(), member.disk->label()});
    const Status written = write_membership(*state_.data, state_.identity.node, now);
    if (!written && written.error().fault == Fault::disk_full) {
        const auto stands = read_membership(*state_.data, state_.identity.node);
        if (stands && *stands && (*stands)->generation == state_.membership.generation) {
            return written;  // the new one got no name: the disk stays out of service, and nobody believes it
        }
    }
    if (!written) {
        return stop(
            written.error().fault == Fault::powered_off ? Fault::powered_off : Fault::disk_failed,
            fmt::format(
                "log disk {} was filled up, and this could not be written down on the data disk ({}); "
                "the node must stop",
                member.disk->label(), written.error().text));
    }
    state_.membership = std::move(now);
    const auto other = std::find_if(state_.members.begin(), state_.members.end(),
                                    [](const LogMember& each) { return each.is_in_service; });
    member.closed_bytes = other->closed_bytes;
    member.segments = other->segments;
    member.id = filled.id();
    member.file = std::move(file);
    member.allocated = allocated;
    member.is_in_service = true;
    member.failure.clear();
    TRY(copy_to_members(state_));
    return settle();
}

/// The first durable word of it is in `log.members`: power may go between any two disks, and a disk that
/// lacks the oldest segments is then as good as one that still has them.
Status DiskLogWriter::remove_before(Lsn begin) {
    CHECK(begin <= state_.header.first);
    if (fatal_) {
        return *fatal_;
    }
    if (begin > state_.membership.begin) {
        Membership now = state_.membership;
        now.generation += 1;
        now.durable = std::max(now.durable, state_.last);
        now.begin = begin;
        const Status written = write_membership(*state_.data, state_.identity.node, now);
        if (!written) {
            // Whether it took effect does not matter: nothing was removed, and what it allows may be.
            return written.error().fault == Fault::powered_off
                       ? stop(Fault::powered_off, written.error().text)
                       : written;
        }
        state_.membership = std::move(now);
        TRY(copy_to_members(state_));
        TRY(settle());
    }
    return on_each([begin](LogMember& member, std::size_t) -> Status {
        std::vector<SegmentName> old;
        for (const std::string& text : TRY(member.disk->list())) {
            const auto name = parse_segment_name(text);
            if (name && name->first < begin) {
                old.push_back(*name);
            }
        }
        std::sort(old.begin(), old.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const SegmentName& name : old) {  // oldest first: what is left has no hole
            const auto file = TRY(member.disk->open(to_text(name), Open::existing));
            const std::uint64_t size = TRY(file->size_bytes());
            TRY(member.disk->remove(to_text(name)));
            member.closed_bytes -= std::min(member.closed_bytes, size);
            member.segments -= std::min(member.segments, 1U);
        }
        return member.disk->sync_names();
    });
}

}  // namespace

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
