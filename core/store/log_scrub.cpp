#include "store/log_scrub.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "store/log_resilver.h"

namespace firedrill::store {
namespace {

bool is_power(const Error& error) {
    return error.fault == Fault::powered_off;
}

}  // namespace

void LogScrubReport::add(const LogScrubReport& more) {
    bytes += more.bytes;
    found += more.found;
    repaired += more.repaired;
    not_repairable += more.not_repairable;
    for (const std::string& text : more.notes) {
        if (notes.size() < kNotes) {
            notes.push_back(text);
        }
    }
}

std::string LogScrub::where() const {
    return fmt::format("segment {} at byte {} (LSN {})", to_text(places_[at_place_].name), offset_, next_);
}

void LogScrub::note(std::string text) {
    if (report.notes.size() < LogScrubReport::kNotes) {
        report.notes.push_back(std::move(text));
    }
}

void LogScrub::lose(std::string text) {
    ++report.not_repairable;
    note(std::move(text));
}

Status LogScrub::list() {
    std::map<std::array<Byte, 4>, std::vector<SegmentName>> timelines;
    std::optional<Error> failure;
    bool is_any = false;
    for (Disk* disk : disks_) {
        const auto names = disk->list();
        if (!names) {
            if (is_power(names.error())) {
                return names.error();
            }
            failure = names.error();
            continue;
        }
        is_any = true;
        for (const std::string& text : *names) {
            if (const auto name = parse_segment_name(text)) {
                timelines[name->timeline].push_back(*name);
                const auto file = disk->open(text, Open::existing);
                const auto size = file ? (*file)->size_bytes() : Result<std::uint64_t>(std::uint64_t{0});
                total_bytes_ += size ? *size : 0;
            }
        }
    }
    if (!is_any && failure) {
        return *failure;
    }
    for (auto& [timeline, names] : timelines) {
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        for (std::size_t i = 0; i < names.size(); ++i) {
            const bool is_last = i + 1 == names.size();
            const Lsn next_first = is_last ? 0 : names[i + 1].first;
            if (is_last ? reads_open_ : next_first - 1 <= through_) {
                places_.push_back(
                    {names[i], is_last, !reads_open_ && next_first - 1 == through_, next_first});
            }
        }
    }
    is_listed_ = true;
    return {};
}

/// Opens the copies of the next segment; the first sound beginning is believed.
Status LogScrub::open() {
    const Place& place = places_[at_place_];
    copies_.clear();
    missing_.clear();
    is_whole_ = true;
    offset_ = 0;
    next_ = place.name.first;
    for (std::size_t i = 0; i < disks_.size(); ++i) {
        auto copy = SegmentReader::open(*disks_[i], place.name, i);
        if (copy) {
            copies_.push_back(std::move(*copy));
        } else if (copy.error().fault == Fault::not_found) {
            missing_.push_back(i);
        } else if (is_power(copy.error())) {
            return std::move(copy).error();
        }
    }
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        const auto start = copies_[i].start();
        if (!start && is_power(start.error())) {
            return start.error();
        }
        if (!start || !*start) {
            continue;
        }
        header_ = (*start)->header;
        is_open_ = true;
        TRY(compare(i, header_.records_offset(), "beginning"));
        offset_ = header_.records_offset();
        chain_ = header_.digest;
        last_chain_ = header_.previous;
        index_.clear();
        return {};
    }
    ++at_place_;
    if (place.is_last) {
        return {};  // a torn creation: the next start removes it
    }
    ++report.found;
    lose(fmt::format("Segment {} has no readable beginning on any log disk; restore it from a copy.",
                     to_text(place.name)));
    return {};
}

Status LogScrub::rewrite(std::size_t bad, ByteView bytes, std::string_view what) {
    ++report.found;
    Disk& disk = *disks_[copies_[bad].source()];
    const auto write = [&]() -> Status {
        const auto file = TRY(disk.open(to_text(places_[at_place_].name), Open::existing));
        TRY(file->write_at(offset_, bytes));
        return file->sync();
    };
    const Status written = write();
    if (!written && is_power(written.error())) {
        return written;
    }
    if (written) {
        ++report.repaired;
        note(fmt::format("The {} in {} was wrong on log disk {} and was rewritten from another.", what,
                         where(), disk.label()));
    } else {
        lose(fmt::format("The {} in {} is wrong on log disk {} and could not be rewritten ({}).", what,
                         where(), disk.label(), written.error().text));
    }
    return {};
}

Status LogScrub::compare(std::size_t good, std::uint64_t size, std::string_view what) {
    const ByteView right = TRY(copies_[good].view(offset_, size));
    report.bytes += size;
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        if (i == good) {
            continue;
        }
        report.bytes += size;
        const auto held = copies_[i].view(offset_, size);
        if (!held && is_power(held.error())) {
            return held.error();
        }
        if (!held || !equal(*held, right)) {
            TRY(rewrite(i, right, what));
        }
    }
    return {};
}

/// Nothing may stand behind a close mark.
Status LogScrub::cut_behind(std::uint64_t end) {
    for (const SegmentReader& copy : copies_) {
        if (copy.size_bytes() <= end) {
            continue;
        }
        ++report.found;
        Disk& disk = *disks_[copy.source()];
        const std::string name = to_text(places_[at_place_].name);
        const auto cut = [&]() -> Status {
            const auto file = TRY(disk.open(name, Open::existing));
            TRY(file->truncate(end));
            return file->sync();
        };
        const Status done = cut();
        if (!done && is_power(done.error())) {
            return done;
        }
        if (done) {
            ++report.repaired;
            note(fmt::format("Segment {} had bytes behind its end on log disk {}; they were cut off.", name,
                             disk.label()));
        } else {
            lose(fmt::format("Segment {} has bytes behind its end on log disk {} and could not be cut ({}).",
                             name, disk.label(), done.error().text));
        }
    }
    return {};
}

Result<bool> LogScrub::read_record() {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        const auto found = copies_[i].next_record({offset_, next_, chain_});
        if (!found) {
            if (is_power(found.error())) {
                return found.error();
            }
            continue;
        }
        if (!*found) {
            continue;
        }
        add_to_index(index_, **found);
        const RecordHead head = (*found)->head;
        TRY(compare(i, head.size(), "record"));
        chain_ = head.chain;
        last_chain_ = head.chain;
        offset_ += head.size();
        ++next_;
        return true;
    }
    return false;
}

Result<bool> LogScrub::read_close_mark() {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        const auto mark = copies_[i].close_mark(header_, {offset_, next_ - 1, last_chain_, &index_});
        if (!mark) {
            if (is_power(mark.error())) {
                return mark.error();
            }
            continue;
        }
        if (*mark) {
            const std::uint64_t size = (*mark)->size();
            TRY(compare(i, size, "close mark"));
            TRY(cut_behind(offset_ + size));
            return true;
        }
    }
    return false;
}

/// Does the next segment go on where the records of this one end? Then only the close mark is gone.
Result<bool> LogScrub::is_followed_soundly() {
    const Place& place = places_[at_place_];
    if (place.next_first != next_) {
        return false;
    }
    for (Disk* disk : disks_) {
        auto copy = SegmentReader::open(*disk, segment_name(header_.timeline, next_), 0);
        if (!copy) {
            continue;
        }
        const auto header = copy->header();
        if (header && *header && (*header)->previous == last_chain_) {
            return true;
        }
    }
    return false;
}

/// A disk whose copy is sound: what was wrong with another may not have let itself be rewritten.
Result<std::size_t> LogScrub::best_copy() {
    for (const SegmentReader& copy : copies_) {
        if (TRY(is_sound_segment(*disks_[copy.source()], places_[at_place_].name))) {
            return copy.source();
        }
    }
    return copies_.front().source();
}

Status LogScrub::copy_missing() {
    for (const std::size_t disk : missing_) {
        ++report.found;
        const std::size_t from = TRY(best_copy());
        LogResilver copier(*disks_[from], *disks_[disk], {}, {}, disk);
        const Status copied = copier.copy_one(places_[at_place_].name);
        if (!copied && is_power(copied.error())) {
            return copied;
        }
        const std::string name = to_text(places_[at_place_].name);
        if (copied) {
            ++report.repaired;
            note(fmt::format("Segment {} was missing on log disk {} and was copied there.", name,
                             disks_[disk]->label()));
        } else {
            lose(fmt::format("Segment {} is missing on log disk {} and could not be copied there ({}).", name,
                             disks_[disk]->label(), copied.error().text));
        }
    }
    return {};
}

Status LogScrub::end_segment() {
    if (is_whole_ && !places_[at_place_].is_last) {
        TRY(copy_missing());
    }
    copies_.clear();
    is_open_ = false;
    ++at_place_;
    return {};
}

Status LogScrub::move_on() {
    if (!is_open_) {
        return open();
    }
    if (TRY(read_record())) {
        return {};
    }
    if (places_[at_place_].is_closing || TRY(read_close_mark()) || places_[at_place_].is_last) {
        return end_segment();
    }
    ++report.found;
    is_whole_ = false;
    if (TRY(is_followed_soundly())) {
        lose(fmt::format("Segment {} has lost its close mark; the next start of the node writes it again.",
                         to_text(places_[at_place_].name)));
    } else {
        lose(fmt::format(
            "The log is damaged in {} on every log disk: attach a good mirror or restore from a copy; "
            "nothing was overwritten.",
            where()));
    }
    return end_segment();
}

void LogScrub::forget_before(Lsn begin) {
    begin_ = std::max(begin_, begin);
    if (is_open_ && places_[at_place_].name.first < begin_) {
        copies_.clear();
        is_open_ = false;
        ++at_place_;
    }
}

Result<bool> LogScrub::step(std::uint64_t budget) {
    if (!is_listed_) {
        TRY(list());
    }
    const std::uint64_t until = report.bytes + budget;
    while (at_place_ < places_.size() && report.bytes < until) {
        if (places_[at_place_].name.first < begin_) {
            ++at_place_;
        } else {
            TRY(move_on());
        }
    }
    return at_place_ >= places_.size();
}

}  // namespace firedrill::store
