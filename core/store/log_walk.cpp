#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "store/log_walker.h"

namespace firedrill::store {

Result<WalkedLog> Walker::run() {
    const Status walked = walk();
    if (!walked && (walked.error().fault != Fault::damaged || options_.until_damage == nullptr)) {
        return walked.error();
    }
    finish_members();
    if (!walked) {
        *options_.until_damage = std::move(out_);
        return walked.error();
    }
    return std::move(out_);
}

Status Walker::walk() {
    TRY(start());
    for (bool is_over = false; !is_over;) {
        is_over = TRY(step());
    }
    return {};
}

Result<bool> Walker::step() {
    while (step_ + 1 < catalogue_.path.size() && next_ > catalogue_.path[step_].limit) {
        ++step_;
    }
    if (options_.until != 0 && next_ > options_.until) {
        return true;
    }
    return TRY(walk_segment(catalogue_.find(catalogue_.path[step_].id, next_))) == Next::end;
}

Status Walker::start() {
    good_through_.resize(catalogue_.sources.size());
    bad_ranges_.resize(catalogue_.sources.size());
    out_.scan.notes = catalogue_.notes;
    if (catalogue_.path.empty()) {
        if (!catalogue_.headless.empty()) {
            return Error{Fault::damaged,
                         fmt::format("no segment on log disks {} has a readable header; attach a mirror "
                                     "or restore from a copy",
                                     labels_of(catalogue_.sources))};
        }
        return Error{Fault::not_found,
                     fmt::format("log disks {} hold no transaction log", labels_of(catalogue_.sources))};
    }
    const CatalogueEntry* first = catalogue_.oldest();
    CHECK(first != nullptr);
    for (const auto& [name, entry] : catalogue_.segments) {
        Disk& disk = *catalogue_.sources[entry.header_source].disk;
        if (const auto file = disk.open(to_text(name), Open::existing)) {
            const auto size = (*file)->size_bytes();
            total_bytes_ += size ? *size : 0;
        }
    }
    next_ = first->header.first;
    chain_ = first->header.previous;
    out_.scan.first = next_;
    out_.scan.last = next_ - 1;
    out_.scan.identity = {first->header.node, catalogue_.path.back().id};
    for (const SegmentName& name : catalogue_.headless) {
        if (name.timeline == segment_name(catalogue_.path.front().id, 1).timeline && name.first < next_) {
            return Error{Fault::damaged,
                         fmt::format("segment {} has no readable header on any log disk; attach a mirror "
                                     "or restore from a copy",
                                     to_text(name))};
        }
    }
    return {};
}

Lsn Walker::later_segment() const {
    Lsn later = 0;
    const auto consider = [&](Lsn first) { later = later == 0 ? first : std::min(later, first); };
    if (step_ + 1 < catalogue_.path.size()) {
        consider(catalogue_.path[step_].limit + 1);
    }
    const SegmentName from = segment_name(catalogue_.path[step_].id, next_ + 1);
    const auto is_later = [&](const SegmentName& name) {
        return name.timeline == from.timeline && name.first >= from.first &&
               name.first <= catalogue_.path[step_].limit;
    };
    for (const LogSource& source : catalogue_.sources) {
        for (const SegmentName& name : source.names) {
            if (source.is_trusted && is_later(name)) {
                consider(name.first);
            }
        }
    }
    return later;
}

/// Which store the damaged record seems to belong to: its first bytes, unverified, are the only witness.
std::string Walker::store_hint(std::uint64_t offset) {
    for (SegmentReader& copy : copies_) {
        const auto bytes = copy.view(offset, kRecordHeadSize + sizeof(StoreId));
        if (!bytes || bytes->size() != kRecordHeadSize + sizeof(StoreId)) {
            continue;
        }
        const auto head = parse_record_head(*bytes);
        if (head && head->type == RecordType::commit) {
            return "it seems of store " + to_hex(bytes->subspan(kRecordHeadSize));
        }
    }
    return "of a store that can no longer be told";
}

Error Walker::damage(Lsn next_sound, const SegmentName& name, std::uint64_t offset) {
    const std::string hint = store_hint(offset);
    out_.damage = WalkDamage{to_text(name), offset, next_, next_sound > next_ ? next_sound - 1 : 0};
    std::string range = fmt::format("LSN {} and later", next_);
    if (next_sound > next_) {
        range = next_sound == next_ + 1 ? fmt::format("LSN {}", next_)
                                        : fmt::format("LSNs {}–{}", next_, next_sound - 1);
    }
    const std::string last_resort =
        next_ > 1 ? fmt::format(", or give up everything after LSN {} (--accept-loss-after {})", next_ - 1,
                                next_ - 1)
                  : "";
    const std::string put_back = later_segment() != 0
                                     ? "put this file back from any copy of the log that was made after it "
                                       "was closed (a closed segment never changes, so nothing is lost), "
                                     : "";
    return Error{
        Fault::damaged,
        fmt::format("the log is damaged in segment {} at byte {}: {} ({}) cannot be read from any of "
                    "the log disks {}; {}attach a good mirror, restore from a copy{}; nothing was "
                    "overwritten",
                    to_text(name), offset, range, hint, labels_of(catalogue_.sources), put_back,
                    last_resort)};
}

Status Walker::open_copies(const SegmentName& name) {
    copies_.clear();
    for (const bool trusted : {true, false}) {
        for (std::size_t i = 0; i < catalogue_.sources.size(); ++i) {
            const LogSource& source = catalogue_.sources[i];
            if (source.is_trusted != trusted || !source.names.contains(name)) {
                continue;
            }
            auto copy = SegmentReader::open(*source.disk, name, i);
            if (copy) {
                copies_.push_back(std::move(copy).value());
            } else if (copy.error().fault == Fault::powered_off) {
                return std::move(copy).error();
            }
        }
    }
    return {};
}

Result<Walker::Verdict> Walker::judge(std::uint64_t offset, const SegmentHeader& header) {
    Verdict verdict;
    Lsn proven = std::max(options_.proven, later_segment() == 0 ? 0 : next_);
    bool is_any_readable = false;
    for (SegmentReader& copy : copies_) {
        if (!is_trusted(copy)) {
            continue;
        }
        auto beyond = copy.look_beyond(offset, header);
        if (!beyond) {
            if (beyond.error().fault == Fault::powered_off) {
                return std::move(beyond).error();
            }
            verdict.unreadable = beyond.error().text;
            continue;
        }
        is_any_readable = true;
        proven = std::max(proven, beyond->proven);
        verdict.torn_bytes = std::max(verdict.torn_bytes, beyond->end - std::min(offset, beyond->end));
        if (beyond->next_sound > next_ &&
            (verdict.next_sound == 0 || beyond->next_sound < verdict.next_sound)) {
            verdict.next_sound = beyond->next_sound;
        }
    }
    if (is_any_readable) {
        verdict.unreadable.clear();
    }
    if (verdict.next_sound == 0) {
        verdict.next_sound = later_segment();
    }
    verdict.is_damage = proven >= next_;
    return verdict;
}

Result<Walker::Next> Walker::end_here(const Verdict& verdict, const SegmentName& name, std::uint64_t offset) {
    if (!verdict.unreadable.empty()) {
        return Error{Fault::disk_failed,
                     fmt::format("segment {} cannot be read from byte {} on any log disk ({}); replace "
                                 "the disk, or attach a good mirror",
                                 to_text(name), offset, verdict.unreadable)};
    }
    if (verdict.is_damage) {
        if (options_.accept_loss_after == 0 || next_ <= options_.accept_loss_after) {
            return damage(verdict.next_sound, name, offset);
        }
        out_.scan.notes.push_back(
            fmt::format("The records from LSN {} on were given up, as the operator accepted.", next_));
    } else if (verdict.torn_bytes > 0) {
        out_.scan.notes.push_back(
            fmt::format("After LSN {} stand {} bytes that are no whole record: a write that was interrupted "
                        "(by power loss, or a crash), or bytes that something else than the node appended. "
                        "Nothing that was confirmed is in them.",
                        next_ - 1, verdict.torn_bytes));
    }
    out_.scan.torn_bytes += verdict.torn_bytes;
    for (const LogSource& source : catalogue_.sources) {
        for (const SegmentName& other : source.names) {
            const bool is_kept =
                !out_.segments.empty() && name == other && next_ == out_.segments.back().last + 1;
            if (source.is_trusted && !is_kept && other.timeline == name.timeline && other.first >= next_ &&
                other.first <= catalogue_.path[step_].limit &&
                std::find(out_.abandoned.begin(), out_.abandoned.end(), other) == out_.abandoned.end()) {
                out_.abandoned.push_back(other);
            }
        }
    }
    return Next::end;
}

Result<Walker::Next> Walker::walk_segment(const CatalogueEntry* entry) {
    const SegmentName name = segment_name(catalogue_.path[step_].id, next_);
    TRY(open_copies(name));
    WalkedSegment segment;
    if (entry != nullptr && entry->header.previous == chain_) {
        segment.header = entry->header;
        if (TRY(read_start(segment))) {
            chain_ = segment.header.digest;
            segment.last = next_ - 1;
            segment.chain = segment.header.previous;
            out_.segments.push_back(std::move(segment));
            return read_records(out_.segments.back());
        }
    }
    // No good beginning of a segment here. Whatever stands in a file of this name was never finished, or is
    // damage.
    Verdict verdict = TRY(judge(0, segment.header));
    const bool was_begun = options_.is_own_log && !out_.segments.empty() && out_.segments.back().is_closed;
    verdict.is_damage = verdict.is_damage || was_begun;
    return end_here(verdict, name, 0);
}

Result<bool> Walker::read_start(WalkedSegment& segment) {
    const std::uint64_t size = segment.header.records_offset();
    std::optional<bool> is_damage;
    for (SegmentReader& copy : copies_) {
        if (!is_trusted(copy)) {
            if (!is_damage) {
                is_damage = TRY(judge(0, segment.header)).is_damage;
            }
            if (!*is_damage) {
                return false;
            }
        }
        const auto start = copy.start();
        if (!start && start.error().fault == Fault::powered_off) {
            return start.error();
        }
        if (!start || !*start || (*start)->header != segment.header) {
            continue;
        }
        const ByteView slots = (*start)->slots();
        segment.base_source = copy.source();
        out_.scan.node_slots.assign(slots.begin(), slots.end());
        --next_;  // what was compared is good through the record before
        const Status compared = compare(segment, copy, (*start)->bytes, 0);
        ++next_;
        TRY(compared);
        advance(size);
        return true;
    }
    return false;
}

Result<Walker::Next> Walker::read_records(WalkedSegment& segment) {
    segment.end = segment.header.records_offset();
    if (options_.may_skip && TRY(skip_segment(segment))) {
        return Next::segment;
    }
    for (;;) {
        if (next_ > limit()) {
            segment.is_whole = false;
            return Next::segment;
        }
        if (TRY(read_record(segment, false))) {
            continue;
        }
        if (TRY(read_close_mark(segment))) {
            return Next::segment;
        }
        const CatalogueEntry* following = catalogue_.find(segment.header.timeline, next_);
        if (segment.last >= segment.header.first && following != nullptr &&
            following->header.previous == chain_ && catalogue_.sources[following->header_source].is_trusted) {
            return Next::segment;  // its close mark is missing; recovery writes it again
        }
        const Verdict verdict = TRY(judge(segment.end, segment.header));
        if (verdict.is_damage && TRY(read_record(segment, true))) {
            continue;
        }
        const SegmentName name = segment_name(segment.header.timeline, segment.header.first);
        return end_here(verdict, name, segment.end);
    }
}

void Walker::advance(std::uint64_t bytes) {
    const std::uint64_t before = done_bytes_;
    done_bytes_ += bytes;
    if (progress_ && before >> 23 != done_bytes_ >> 23) {  // every 8 MiB
        progress_(done_bytes_, std::max(done_bytes_, total_bytes_));
    }
}

void Walker::finish_members() {
    for (std::size_t i = 0; i < catalogue_.sources.size(); ++i) {
        const LogSource& source = catalogue_.sources[i];
        LogScan::Member member;
        member.label = source.disk->label();
        member.is_present = source.is_present;
        member.last = good_through_[i];
        member.is_stale = source.is_present && good_through_[i] < out_.scan.last;
        member.segments = static_cast<std::uint32_t>(source.names.size());
        for (const SegmentName& name : source.names) {
            if (const auto file = source.disk->open(to_text(name), Open::existing)) {
                const auto size = (*file)->size_bytes();
                member.bytes += size ? *size : 0;
            }
        }
        if (bad_ranges_[i] > 0) {
            out_.scan.notes.push_back(
                fmt::format("Log disk {} lacks or has wrong {} parts of the log that another disk has "
                            "right.",
                            member.label, bad_ranges_[i]));
        }
        out_.scan.members.push_back(std::move(member));
    }
    if (progress_) {
        progress_(done_bytes_, done_bytes_);
    }
    out_.bytes_read = done_bytes_;
}

Result<WalkedLog> walk_log(const LogCatalogue& catalogue, const WalkOptions& options, const RecordSink& sink,
                           const Progress& progress) {
    return Walker(catalogue, options, sink, progress).run();
}

}  // namespace firedrill::store
