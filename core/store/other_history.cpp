#include "store/other_history.h"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "store/segment_reader.h"

namespace firedrill::store {
namespace {

Result<std::optional<SegmentHeader>> header_of(SegmentReader& file) {
    auto header = file.header();
    const bool is_over = !header && header.error().fault == Fault::powered_off;
    return header || is_over ? std::move(header) : Result<std::optional<SegmentHeader>>(std::nullopt);
}

/// One comparison of two disks.
class Comparison {
  public:
    Comparison(Disk& ours, Disk& other) : ours_(ours), other_(other) {}

    Result<std::optional<OtherHistory>> run() {
        TRY(list_ours());
        for (const std::string& text : TRY(other_.list())) {
            if (const auto name = parse_segment_name(text)) {
                TRY(look_at(*name));
            }
        }
        return found_.first == 0 ? std::optional<OtherHistory>() : std::optional(found_);
    }

  private:
    Status list_ours() {
        for (const std::string& text : TRY(ours_.list())) {
            const auto name = parse_segment_name(text);
            if (!name) {
                continue;
            }
            timelines_.insert(name->timeline);
            SegmentReader file = TRY(SegmentReader::open(ours_, *name, 0));
            if (const auto header = TRY(header_of(file)); header && name->first >= newest_) {
                newest_ = name->first;
                found_.ours = header->timeline;
            }
            begin_ = std::min(begin_, name->first);
        }
        return {};
    }

    Status look_at(const SegmentName& name) {
        auto opened = SegmentReader::open(other_, name, 0);
        if (!opened) {
            return opened.error().fault == Fault::powered_off ? Status(opened.error()) : Status();
        }
        if (timelines_.contains(name.timeline) || name.first < begin_) {
            return {};  // of our history, whatever rotted in it; or removed on purpose, from all disks
        }
        const auto header = TRY(header_of(*opened));
        Run run;
        TRY(read_all(*opened, header ? header->records_offset() : kSegmentHeaderSize, run));
        if (run.first != 0) {
            note(run, header ? header->timeline : TimelineId{});
        }
        return {};
    }

    /// The sound records of a segment.
    struct Run {
        Lsn first = 0;  // 0: none
        Lsn last = 0;
        WallTime newest;
    };

    Status read_all(SegmentReader& copy, std::uint64_t offset, Run& run) {
        while (offset + kRecordHeadSize <= copy.size_bytes()) {
            const auto record = copy.record_at(offset);
            if (!record && record.error().fault == Fault::powered_off) {
                return record.error();
            }
            if (!record || !*record) {
                offset += kSector;
                continue;
            }
            const RecordHead& head = (*record)->head;
            run.first = run.first == 0 ? head.lsn : std::min(run.first, head.lsn);
            run.last = std::max(run.last, head.lsn);
            run.newest = head.wall;
            offset += head.size();
        }
        return {};
    }

    void note(const Run& run, const TimelineId& timeline) {
        found_.first = found_.first == 0 ? run.first : std::min(found_.first, run.first);
        if (run.last > found_.last) {
            found_.last = run.last;
            found_.newest = run.newest;
            found_.timeline = timeline;
        }
    }

    Disk& ours_;
    Disk& other_;
    std::set<std::array<Byte, 4>> timelines_;  // of the segments of ours, by their names
    Lsn newest_ = 0;
    Lsn begin_ = std::numeric_limits<Lsn>::max();
    OtherHistory found_;
};

}  // namespace

Result<std::optional<OtherHistory>> find_other_history(Disk& ours, Disk& other) {
    return Comparison(ours, other).run();
}

Error refuse_other_history(const OtherHistory& found, Disk& ours, Disk& other) {
    const std::string of = fmt::format("of timeline {}, while {} is on timeline {}", to_hex(found.timeline),
                                       ours.label(), to_hex(found.ours));
    return {
        Fault::refused,
        fmt::format("log disk {} holds records that no disk of this node has, LSN {} to {} ({}) {}: a "
                    "node that was restored went on with it, and filling it up would delete them; start the "
                    "folder that wrote them, restore from it (firedrill restore --from {} --to NEW), or, "
                    "to give them up, empty it",
                    other.label(), found.first, found.last, format_utc(found.newest), of, other.label())};
}

}  // namespace firedrill::store
