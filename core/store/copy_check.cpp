#include "store/copy_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/log_catalogue.h"
#include "store/segment_reader.h"

namespace firedrill::store {
namespace {

constexpr std::size_t kUncountedShown = 20;

/// One look at a copy.
class CopyCheck {
  public:
    CopyCheck(Disk& disk, const CopyOwner& owner, const Progress& progress)
        : disk_(disk), owner_(owner), progress_(progress) {}
    Result<CopyReport> run();

  private:
    enum class Ended : std::uint8_t { closed, at_branch, open };

    Status find_segments();
    Status read_timeline(std::size_t step);
    Status check_header(const SegmentHeader& header);
    Result<Ended> read_segment(const SegmentHeader& header, Lsn limit);
    Result<bool> ends_with_mark(const SegmentName& name, const SegmentHeader& header);
    Result<bool> is_unfinished(const SegmentName& name);
    [[nodiscard]] bool has_later(std::size_t step, Lsn first) const;
    Error missing(const TimelineStep& step) const;
    Error wrong(const SegmentName& name, std::string_view what) const;
    void leave_out(const SegmentName& name, std::string_view why);
    void advance(std::uint64_t bytes);

    Disk& disk_;
    const CopyOwner& owner_;
    const Progress& progress_;
    LogCatalogue log_;
    std::vector<SegmentName> names_;
    CopyReport report_;
    Lsn next_ = 1;
    Digest chain_;  // of record next_ − 1
    std::uint64_t done_ = 0;
    std::uint64_t total_ = 0;
};

Error CopyCheck::wrong(const SegmentName& name, std::string_view what) const {
    return {Fault::damaged,
            fmt::format("the copy in {} does not count: segment {} {}; copy it again, nothing "
                        "was changed",
                        disk_.label(), to_text(name), what)};
}

Error CopyCheck::missing(const TimelineStep& step) const {
    return wrong(segment_name(step.id, next_),
                 next_ == 1 ? "is missing: a copy begins with the first record of the log, LSN 1"
                            : fmt::format("is missing: nothing goes on after LSN {}", next_ - 1));
}

void CopyCheck::leave_out(const SegmentName& name, std::string_view why) {
    if (report_.uncounted.size() < kUncountedShown) {
        report_.uncounted.push_back(fmt::format("Segment {} {}.", to_text(name), why));
    }
}

void CopyCheck::advance(std::uint64_t bytes) {
    const std::uint64_t before = done_;
    done_ += bytes;
    if (progress_ && before >> 23 != done_ >> 23) {  // every 8 MiB
        progress_(done_, std::max(done_, total_));
    }
}

Status CopyCheck::find_segments() {
    LogSource source;
    source.disk = &disk_;
    log_ = TRY(read_catalogue({source}, owner_.node));
    for (const std::string& text : TRY(disk_.list())) {
        if (const auto name = parse_segment_name(text)) {
            names_.push_back(*name);
            const auto file = TRY(disk_.open(text, Open::existing));
            total_ += TRY(file->size_bytes());
        }
    }
    if (names_.empty()) {
        return Error{Fault::not_found,
                     fmt::format("{} holds no log segment (files log.TTTTTTTT.FFFFFFFFFFFFFFFF); copy the "
                                 "node's log folder there",
                                 disk_.label())};
    }
    return {};
}

/// Is there a segment of the history after the one that begins with `first`?
bool CopyCheck::has_later(std::size_t step, Lsn first) const {
    for (std::size_t at = step; at < log_.path.size(); ++at) {
        const auto timeline = segment_name(log_.path[at].id, 0).timeline;
        for (const SegmentName& name : names_) {
            if (name.timeline == timeline && name.first > first && name.first <= log_.path[at].limit) {
                return true;
            }
        }
    }
    return false;
}

Status CopyCheck::check_header(const SegmentHeader& header) {
    const SegmentName name = segment_name(header.timeline, header.first);
    if (header.previous != chain_) {
        return wrong(name, fmt::format("does not go on where LSN {} ended", next_ - 1));
    }
    if (std::find(owner_.signers.begin(), owner_.signers.end(), header.signer) == owner_.signers.end()) {
        return Error{Fault::refused,
                     fmt::format("the copy in {} does not count: segment {} is signed by key {}, which node "
                                 "{} does not know",
                                 disk_.label(), to_text(name), to_hex(header.signer), to_hex(owner_.node))};
    }
    return {};
}

/// From the header to the close mark, or to the record with LSN `limit` when the history left it there.
Result<CopyCheck::Ended> CopyCheck::read_segment(const SegmentHeader& header, Lsn limit) {
    const SegmentName name = segment_name(header.timeline, header.first);
    const SegmentReading found =
        TRY(store::read_segment(disk_, name, limit, [this](std::uint64_t bytes) { advance(bytes); }));
    next_ = found.last + 1;
    chain_ = found.chain;
    switch (found.flaw) {
        case SegmentFlaw::header: return wrong(name, "has no readable header");
        case SegmentFlaw::slots: return wrong(name, "has other key slots than it says");
        case SegmentFlaw::record:
        case SegmentFlaw::close_mark:
            // Copied before it was closed, or harmed since? Its close mark tells.
            if (TRY(ends_with_mark(name, found.header))) {
                return wrong(name, fmt::format("is not what was written at byte {}, where LSN {} should be",
                                               found.end, next_));
            }
            return Ended::open;
        case SegmentFlaw::none: break;
    }
    if (found.state == SegmentState::closed) {
        report_.closed = found.closed;
        return Ended::closed;
    }
    return next_ > limit ? Ended::at_branch : Ended::open;
}

Result<bool> CopyCheck::ends_with_mark(const SegmentName& name, const SegmentHeader& header) {
    SegmentReader file = TRY(SegmentReader::open(disk_, name, 0));
    return TRY(file.last_close_mark(header)).has_value();
}

/// A file without a readable header that was perhaps only just made when it was copied.
Result<bool> CopyCheck::is_unfinished(const SegmentName& name) {
    SegmentReader file = TRY(SegmentReader::open(disk_, name, 0));
    return is_zero(TRY(file.view(0, kSegmentHeaderSize)));
}

Status CopyCheck::read_timeline(std::size_t step) {
    const TimelineStep& at = log_.path[step];
    while (next_ <= at.limit) {
        const SegmentName name = segment_name(at.id, next_);
        const CatalogueEntry* entry = log_.find(at.id, next_);
        const bool is_newest = !has_later(step, next_);
        if (entry == nullptr) {
            const bool is_there = std::find(names_.begin(), names_.end(), name) != names_.end();
            if (is_there && !(is_newest && TRY(is_unfinished(name)))) {
                return wrong(name, "has no readable header");
            }
            if (!is_there && !is_newest) {
                return missing(at);
            }
            if (is_there) {
                leave_out(name, "was only just begun when it was copied");
            }
            return {};
        }
        TRY(check_header(entry->header));
        const Lsn first = next_;
        const Digest before = chain_;
        const Ended ended = TRY(read_segment(entry->header, at.limit));
        if (ended == Ended::open) {
            if (!is_newest) {
                return wrong(name, fmt::format("has no sound close mark after LSN {}: it was copied before "
                                               "it was closed, or cut short",
                                               next_ - 1));
            }
            leave_out(name,
                      "is not closed in the copy (it was open when it was copied, or is harmed since) and "
                      "does not count; copy it again once it is closed");
            next_ = first;
            chain_ = before;
            return {};
        }
        ++report_.segments;
        report_.timeline = at.id;
        report_.through = next_ - 1;
        report_.chain = chain_;
        report_.bytes = done_;
    }
    return {};
}

Result<CopyReport> CopyCheck::run() {
    TRY(find_segments());
    if (log_.path.empty()) {
        return wrong(names_.front(), "has no readable header");
    }
    for (std::size_t step = 0; step < log_.path.size(); ++step) {
        TRY(read_timeline(step));
    }
    if (report_.through == 0) {
        return Error{Fault::refused,
                     fmt::format("nothing in {} counts yet: its only segment is not closed; a segment is "
                                 "closed after an hour, copy it again then",
                                 disk_.label())};
    }
    if (progress_) {
        progress_(total_, total_);
    }
    return std::move(report_);
}

}  // namespace

Result<CopyReport> check_log_copy(Disk& copy, const CopyOwner& owner, const Progress& progress) {
    return CopyCheck(copy, owner, progress).run();
}

}  // namespace firedrill::store
