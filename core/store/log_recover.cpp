#include <algorithm>

#include <fmt/format.h>

#include "store/log_catalogue.h"
#include "store/log_members.h"
#include "store/log_repair.h"
#include "store/log_walk.h"
#include "store/log_writer.h"
#include "store/other_history.h"

namespace firedrill::store {
namespace {

/// One recovery, from the files to an open writer.
class Recovery {
  public:
    Recovery(const LogOptions& options, Lsn from, WallTime wall)
        : options_(options), from_(from), wall_(wall) {}
    Result<RecoveredLog> run(const RecordSink& sink);

  private:
    Status read_members();
    Status mark(std::size_t i);
    Status mark_disks();
    Status check_marks();
    Status choose_trusted();
    Status check_end(const WalkedLog& walked) const;
    Status fix_members(LogRepair& repair);
    Status fill_others(LogRepair& repair);
    Status write_down();
    Result<Membership> next_membership();
    Result<bool> copy_to_sound(const Membership& now);
    Result<WriterState> writer_state();
    [[nodiscard]] std::string labels() const { return labels_of(sources_); }

    const LogOptions& options_;
    Lsn from_;
    WallTime wall_;
    std::vector<LogSource> sources_;
    std::vector<std::optional<LogDiskId>> ids_;  // per source
    std::optional<Membership> membership_;
    bool is_from_copies_ = false;    // it: the data disk's own word is lost
    bool is_whole_ = false;          // the data disk's file
    bool is_accepted_loss_ = false;  // no proof; the operator's word instead
    std::vector<std::string> notes_;
    WalkedLog walked_;
    std::vector<bool> is_marked_;        // per source: this start's mark stands there
    std::vector<bool> is_sound_;         // per source: holds the whole log, durably
    std::vector<std::string> failures_;  // per source: why it is not in service
    Membership written_;
};

Status Recovery::read_members() {
    KnownMembership known =
        TRY(find_membership(*options_.membership, options_.disks, options_.identity.node));
    membership_ = std::move(known.membership);
    is_from_copies_ = known.is_from_copies;
    is_whole_ = known.is_whole;
    if (!known.note.empty() && (is_from_copies_ || !membership_)) {
        notes_.push_back(std::move(known.note));
    }
    for (Disk* disk : options_.disks) {
        LogSource source;
        source.disk = disk;
        source.begin = membership_ ? membership_->begin : 0;
        sources_.push_back(source);
        auto id = read_log_disk_id(*disk, options_.identity.node);
        if (!id && id.error().fault != Fault::disk_failed) {
            return std::move(id).error();
        }
        ids_.push_back(id ? *id : std::nullopt);
    }
    is_marked_.resize(sources_.size());
    is_sound_.resize(sources_.size());
    failures_.resize(sources_.size());
    return {};
}

/// What has no room for a first mark has none.
Status Recovery::mark(std::size_t i) {
    if (!options_.owner || is_marked_[i]) {
        return {};
    }
    Status marked = write_owner_mark(*sources_[i].disk, options_.identity.node, *options_.owner);
    is_marked_[i] = marked.is_ok();
    return !marked && marked.error().fault == Fault::disk_full ? Status() : marked;
}

/// Before the log is read: a node that writes it still, where no lock reaches it, tells nobody of what is
/// written after this. A disk that cannot be marked is read, and is out of service.
Status Recovery::mark_disks() {
    for (std::size_t i = 0; i < sources_.size() && options_.owner; ++i) {
        Disk& disk = *sources_[i].disk;
        const auto found = read_owner_mark(disk, options_.identity.node);
        const bool is_foreign =
            !found && (found.error().fault == Fault::refused || found.error().fault == Fault::newer_format);
        if (is_foreign || (!found && found.error().fault == Fault::powered_off)) {
            return found.error();
        }
        if (!ids_[i] && !(found && *found)) {
            continue;  // not known to be this node's yet
        }
        const Status marked = mark(i);
        if (!marked && marked.error().fault == Fault::powered_off) {
            return marked;
        }
        failures_[i] = marked ? "" : marked.error().text;
    }
    return {};
}

/// Before anything but a mark is written.
Status Recovery::check_marks() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        const auto stands = is_marked_[i]
                                ? stands_there(*sources_[i].disk, options_.identity.node, *options_.owner)
                                : Result<bool>(true);
        if (!stands && stands.error().fault != Fault::disk_failed) {
            return stands.error();
        }
        if (!stands) {
            failures_[i] = stands.error().text;
        }
    }
    return {};
}

/// Rule: a disk's end of the log counts only if the data disk says that it is in service. A stale mirror
/// never boots in silence.
Status Recovery::choose_trusted() {
    bool is_any = false;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        sources_[i].is_trusted = membership_ && ids_[i] && membership_->has(*ids_[i]);
        sources_[i].is_in_service = sources_[i].is_trusted;
        is_any = is_any || sources_[i].is_trusted;
    }
    // A copy of a disk says what that disk says, and may be read like it. But it gets an id of its own: when
    // one of the two leaves, it must not be taken for the other.
    for (std::size_t i = 1; i < ids_.size(); ++i) {
        if (ids_[i] && std::find(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(i), ids_[i]) !=
                           ids_.begin() + static_cast<std::ptrdiff_t>(i)) {
            ids_[i].reset();
        }
    }
    if (is_any) {
        return {};
    }
    bool has_segments = false;
    for (LogSource& source : sources_) {
        const auto names = source.disk->list();
        if (!names && names.error().fault == Fault::powered_off) {
            return names.error();
        }
        const bool has = names && std::any_of(names->begin(), names->end(), [](const std::string& name) {
                             return parse_segment_name(name).has_value();
                         });
        source.is_trusted = has;
        has_segments = has_segments || has;
    }
    if (!membership_ && !has_segments && notes_.empty()) {
        return Error{Fault::not_found, fmt::format("log disks {} hold no transaction log", labels())};
    }
    if (options_.accept_loss_after != 0 && has_segments) {
        is_accepted_loss_ = true;
        notes_.push_back("The log was started without proof that it is complete, as the operator accepted.");
        return {};
    }
    std::string in_service;
    for (const Membership::Disk& disk : membership_ ? membership_->disks : std::vector<Membership::Disk>{}) {
        in_service += (in_service.empty() ? "" : ", ") + disk.label;
    }
    return Error{
        Fault::refused,
        membership_
            ? fmt::format(
                  "none of the log disks {} can show by its file {} that it is in service; in service "
                  "was {}, which may hold newer records: attach it, or say after which LSN a loss is "
                  "accepted (store verify says how far these reach)",
                  labels(), kLogDiskFile, in_service)
            : fmt::format("the data disk {} does not say which log disks are in service, so {} may be "
                          "stale: restore from the log, or say after which LSN a loss is accepted",
                          options_.membership->label(), labels())};
}

Status Recovery::check_end(const WalkedLog& walked) const {
    if (from_ > 0 && from_ < walked.scan.first) {
        return Error{Fault::damaged,
                     fmt::format("the log on {} begins at LSN {}, but the page files need it from LSN {}; "
                                 "attach a disk that has the older segments, or restore from a copy",
                                 labels(), walked.scan.first, from_)};
    }
    if (options_.accept_loss_after > walked.scan.last) {
        return Error{Fault::refused,
                     fmt::format("the log on {} reaches only LSN {}, less than the loss accepted after LSN "
                                 "{}; attach a newer disk, or accept the loss after LSN {}",
                                 labels(), walked.scan.last, options_.accept_loss_after, walked.scan.last)};
    }
    return {};
}

Status Recovery::fix_members(LogRepair& repair) {
    // Whether a sync had failed last, a copy does not know.
    const bool must_move = membership_ && (membership_->suspect != 0 || is_from_copies_);
    std::string failures;
    bool is_any = false;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!sources_[i].is_trusted) {
            continue;
        }
        const Status fixed =
            failures_[i].empty() ? repair.fix(i, must_move) : Status(Error{Fault::disk_failed, failures_[i]});
        if (!fixed && fixed.error().fault == Fault::powered_off) {
            return fixed;
        }
        is_sound_[i] = fixed.is_ok();
        is_any = is_any || fixed.is_ok();
        if (!fixed) {
            failures_[i] = fixed.error().text;
            failures += (failures.empty() ? "" : "; ") + fixed.error().text;
            notes_.push_back(
                fmt::format("Log disk {} could not be brought in order and is out of service: {}.",
                            sources_[i].disk->label(), fixed.error().text));
        }
    }
    if (!is_any) {
        return Error{Fault::disk_failed,
                     fmt::format("no log disk in service could be brought in order ({}); replace the "
                                 "disk, or free space on it",
                                 failures)};
    }
    return {};
}

/// Brings back disks that are not in service: stale mirrors and new empty disks.
Status Recovery::fill_others(LogRepair& repair) {
    const auto good =
        static_cast<std::size_t>(std::find(is_sound_.begin(), is_sound_.end(), true) - is_sound_.begin());
    const std::uint64_t generation = (membership_ ? membership_->generation : 0) + 1;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!is_sound_[i] && !sources_[i].is_present) {
            failures_[i] = "it could not be read when the node started";
        }
        if (is_sound_[i] || sources_[i].is_trusted || !sources_[i].is_present || !failures_[i].empty()) {
            continue;
        }
        Disk& from = *sources_[good].disk;
        const auto other = find_other_history(from, *sources_[i].disk);
        if (!other && other.error().fault == Fault::powered_off) {
            return other.error();
        }
        if (other && *other) {
            return refuse_other_history(**other, from, *sources_[i].disk);
        }
        // A new id first: as long as it is not in `log.members`, the disk stays out of service.
        const LogDiskId id =
            make_log_disk_id(options_.identity.node, generation, walked_.scan.last, wall_, i);
        Status filled =
            other ? write_log_disk_id(*sources_[i].disk, options_.identity.node, id) : Status(other.error());
        if (filled) {
            filled = mark(i);
        }
        if (filled) {
            filled = repair.fill(i, good);
        }
        if (!filled && filled.error().fault == Fault::powered_off) {
            return filled;
        }
        is_sound_[i] = filled.is_ok();
        failures_[i] = filled ? "" : filled.error().text;
        ids_[i] = id;
        notes_.push_back(filled
                             ? fmt::format("Log disk {} was filled up from {} and is in service again.",
                                           sources_[i].disk->label(), sources_[good].disk->label())
                             : fmt::format("Log disk {} could not be filled up and stays out of service: {}.",
                                           sources_[i].disk->label(), filled.error().text));
    }
    return {};
}

/// What the disks that are sound make together, and whether that is news.
Result<Membership> Recovery::next_membership() {
    Membership now;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (is_sound_[i]) {
            if (!ids_[i]) {
                ids_[i] =
                    make_log_disk_id(options_.identity.node, (membership_ ? membership_->generation : 0) + 1,
                                     walked_.scan.last, wall_, i);
                TRY(write_log_disk_id(*sources_[i].disk, options_.identity.node, *ids_[i]));
            }
            TRY(mark(i));
            now.disks.push_back({*ids_[i], sources_[i].disk->label()});
        }
    }
    for (const Membership::Disk& disk : membership_ ? membership_->disks : std::vector<Membership::Disk>{}) {
        if (!now.has(disk.id)) {
            notes_.push_back(
                fmt::format("Log disk {} is missing or failed and was taken out of service.", disk.label));
        }
    }
    now.begin = membership_ ? membership_->begin : walked_.scan.first;
    const bool is_same = membership_ && membership_->suspect == 0 && !is_from_copies_ &&
                         membership_->disks.size() == now.disks.size() &&
                         std::all_of(now.disks.begin(), now.disks.end(),
                                     [&](const Membership::Disk& disk) { return membership_->has(disk.id); });
    now.generation = (membership_ ? membership_->generation : 0) + (is_same ? 0 : 1);
    now.durable = is_same ? membership_->durable : walked_.scan.last;
    return now;
}

/// No: one of them failed, and is sound no longer.
Result<bool> Recovery::copy_to_sound(const Membership& now) {
    bool is_done = true;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!is_sound_[i]) {
            continue;
        }
        const auto stored = read_stored_membership(*sources_[i].disk, options_.identity.node);
        if (stored && *stored && (*stored)->is_whole && (*stored)->membership.generation == now.generation &&
            (*stored)->membership.has(*ids_[i])) {
            continue;
        }
        const Status copied = copy_membership(*sources_[i].disk, options_.identity.node, now);
        if (!copied && copied.error().fault == Fault::powered_off) {
            return copied.error();
        }
        if (!copied) {
            is_done = false;
            is_sound_[i] = false;
            failures_[i] = copied.error().text;
        }
    }
    return is_done;
}

/// The membership from now on, durable before anything is acknowledged under it: on the data disk, then on
/// each of its disks.
Status Recovery::write_down() {
    for (;;) {
        Membership now = TRY(next_membership());
        if (now.disks.empty()) {
            return Error{Fault::disk_failed,
                         fmt::format("no log disk on {} stayed in service until the start was over; replace "
                                     "the disk",
                                     labels())};
        }
        const bool is_same = membership_ && membership_->generation == now.generation;
        if (!is_same || !is_whole_) {
            const Status written = write_membership(*options_.membership, options_.identity.node, now);
            // A file of an older format says all there is to say until there is room for the new one.
            if (!written && !(is_same && written.error().fault == Fault::disk_full)) {
                return written;
            }
            is_whole_ = written.is_ok();
        }
        membership_ = now;
        is_from_copies_ = false;
        if (TRY(copy_to_sound(now))) {
            written_ = std::move(now);
            return {};
        }
    }
}

Result<WriterState> Recovery::writer_state() {
    WriterState state;
    state.identity = walked_.scan.identity;
    state.data = options_.membership;
    state.signing_seed = options_.signing_seed;
    state.former_seeds = options_.former_seeds;
    state.owner = options_.owner;
    state.locks = options_.locks;
    state.membership = written_;
    state.node_slots = walked_.scan.node_slots;
    const WalkedSegment& last = walked_.segments.back();
    state.parent = last.header.parent;
    state.branch = last.header.branch;
    state.header = last.header;
    state.last = last.last;
    state.last_chain = last.chain;
    if (!last.is_closed) {
        state.end = last.end;
        state.chain = last.last < last.header.first ? last.header.digest : last.chain;
        state.index = last.index;
    }
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        LogMember member;
        member.disk = sources_[i].disk;
        if (!is_sound_[i]) {
            member.is_in_service = false;
            member.failure = failures_[i];
            state.members.push_back(std::move(member));
            continue;
        }
        member.id = *ids_[i];
        member.segments = static_cast<std::uint32_t>(walked_.segments.size());
        for (const WalkedSegment& segment : walked_.segments) {
            member.closed_bytes += &segment == &last && !last.is_closed ? 0 : segment.end;
        }
        if (!last.is_closed) {
            const SegmentName name = segment_name(last.header.timeline, last.header.first);
            member.file = TRY(member.disk->open(to_text(name), Open::existing));
            member.allocated = last.end;
        }
        state.members.push_back(std::move(member));
    }
    return state;
}

Result<RecoveredLog> Recovery::run(const RecordSink& sink) {
    TRY(check_log_options(options_));
    TRY(read_members());
    TRY(mark_disks());
    TRY(choose_trusted());
    const LogCatalogue catalogue = TRY(read_catalogue(sources_, options_.identity.node));
    sources_ = catalogue.sources;
    WalkOptions walk;
    walk.from = from_;
    walk.proven = std::max(
        {membership_ ? membership_->durable : 0, from_ > 0 ? from_ - 1 : 0, options_.folded_through});
    walk.accept_loss_after = options_.accept_loss_after;
    walk.is_own_log = true;
    walk.folded = &options_.folded;
    walk.may_skip =
        std::all_of(sources_.begin(), sources_.end(), [](const LogSource& s) { return s.is_trusted; });
    auto walked = walk_log(catalogue, walk, sink, nullptr);
    if (!walked) {
        Error error = std::move(walked).error();
        if (error.fault == Fault::damaged && options_.folded_through > 0) {
            error.text +=
                fmt::format("; the page files hold the records through LSN {}", options_.folded_through);
        }
        return error;
    }
    walked_ = std::move(*walked);
    TRY(check_end(walked_));
    if (walked_.segments.empty()) {
        return Error{Fault::damaged,
                     fmt::format("no segment on log disks {} can be read; attach a mirror or restore from "
                                 "a copy",
                                 labels())};
    }
    const TimelineId wanted = options_.identity.timeline;
    if (wanted != TimelineId{} && wanted != walked_.scan.identity.timeline) {
        return Error{Fault::refused,
                     fmt::format("the log on {} is on timeline {}, not on {}; attach this node's own disks",
                                 labels(), to_hex(walked_.scan.identity.timeline), to_hex(wanted))};
    }

    const Lsn begin = std::max<Lsn>(1, membership_ ? membership_->begin : 0);
    if (walked_.scan.first > begin) {
        notes_.push_back(missing_beginning(catalogue, begin));
    }
    LogRepair repair(catalogue, walked_, {options_.signing_seed, options_.former_seeds}, wall_);
    TRY(check_marks());
    TRY(fix_members(repair));
    TRY(fill_others(repair));
    TRY(write_down());
    RecoveredLog out;
    WriterState state = TRY(writer_state());
    out.writer = TRY(open_writer(std::move(state), wall_));
    out.scan = std::move(walked_.scan);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        out.scan.members[i].is_present = is_sound_[i];
        out.scan.members[i].last = is_sound_[i] ? out.scan.last : out.scan.members[i].last;
    }
    out.scan.notes.insert(out.scan.notes.end(), notes_.begin(), notes_.end());
    return out;
}

}  // namespace

Result<RecoveredLog> recover_log(const LogOptions& options, Lsn from, const RecordSink& sink, WallTime wall) {
    return Recovery(options, from, wall).run(sink);
}

Result<LogScan> scan_node_log(Disk& data, const NodeId& node, std::span<Disk* const> disks,
                              const RecordSink& sink) {
    constexpr int kTries = 3;
    for (int tries = 1;; ++tries) {
        std::vector<std::string> notes;
        auto sources = TRY(sources_in_service(data, node, disks, notes));
        const Lsn begin = sources.front().begin;
        const LogCatalogue catalogue = TRY(read_catalogue(std::move(sources), node));
        auto walked = walk_log(catalogue, {}, sink, nullptr);
        if (walked) {
            return std::move(walked->scan);
        }
        // Did segments go while they were read?
        const auto known = find_membership(data, disks, node);
        const bool has_moved = known && known->membership && known->membership->begin != begin;
        if (!has_moved || tries == kTries || walked.error().fault == Fault::powered_off) {
            return std::move(walked).error();
        }
    }
}

Result<LogScan> scan_log(std::span<Disk* const> disks, Lsn from, const RecordSink& sink,
                         const Progress& progress) {
    std::vector<LogSource> sources;
    for (Disk* disk : disks) {
        LogSource source;
        source.disk = disk;
        sources.push_back(source);
    }
    const LogCatalogue catalogue = TRY(read_catalogue(std::move(sources), std::nullopt));
    WalkOptions options;
    options.from = from;
    return TRY(walk_log(catalogue, options, sink, progress)).scan;
}

}  // namespace firedrill::store
