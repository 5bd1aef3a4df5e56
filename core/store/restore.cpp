#include "store/restore.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "store/data_folder.h"
#include "store/log_catalogue.h"
#include "store/log_members.h"
#include "store/log_owner.h"
#include "store/log_walk.h"
#include "store/page_store.h"
#include "store/segment_reader.h"
#include "store/timelines.h"

namespace firedrill::store {
namespace {

constexpr std::uint64_t kUnfoldedLimit = 64 << 20;  // bytes of pages held in memory before they are folded
constexpr std::uint64_t kChunk = 1 << 20;
constexpr std::string_view kOwner = "firedrill restore";

/// One restore, from log disks to a data folder.
class Restore {
  public:
    Restore(std::span<Disk* const> sources, Disk& data, std::span<Disk* const> logs,
            const RestoreOptions& options)
        : sources_(sources), data_(data), logs_(logs), options_(options) {}
    Result<RestoreReport> run();
    Status check_targets();
    /// After a failure: what was written is removed as far as that is possible.
    void clean_up();

  private:
    static Status remove_all(Disk& disk);
    Status plan();
    Status choose_history();
    Status replay();
    Status take(Record&& record);
    Status fold_all();
    Status verify();
    Status copy_segments();
    Status copy_segment(const WalkedSegment& segment, Disk& to);
    Status open_timeline();
    Status check_logs();
    Status make_data_folder();
    void tell(RestorePhase phase, std::uint64_t done, std::uint64_t total) const {
        if (options_.progress) {
            options_.progress(phase, done, total);
        }
    }

    std::span<Disk* const> sources_;
    Disk& data_;
    std::span<Disk* const> logs_;
    const RestoreOptions& options_;
    std::unique_ptr<Claim> claim_;  // nobody else restores to, or serves, these folders meanwhile
    LogLocks locks_{std::string(kOwner)};
    LogCatalogue catalogue_;
    WalkedLog walked_;
    std::vector<std::string> left_out_;
    std::map<StoreId, std::unique_ptr<PageStore>> stores_;
    std::uint64_t unfolded_ = 0;
    RestoreReport report_;
    std::uint64_t copied_bytes_ = 0;
    std::uint64_t copy_total_ = 0;
};

std::string name_of(const SegmentHeader& header) {
    return to_text(segment_name(header.timeline, header.first));
}

Status Restore::check_targets() {
    if (options_.new_timeline == TimelineId{} || logs_.empty() || logs_.size() > kLogDisksLimit) {
        return Error{
            Fault::bad_usage,
            fmt::format("a restore needs a new timeline and 1–{} log disks to restore to", kLogDisksLimit)};
    }
    claim_ = TRY(data_.claim(kOwner));
    TRY(locks_.take(logs_));
    std::vector<Disk*> targets(logs_.begin(), logs_.end());
    targets.push_back(&data_);
    for (Disk* disk : targets) {
        if (!TRY(disk->list()).empty()) {
            return Error{Fault::exists,
                         fmt::format("{} is not empty; choose an empty folder to restore to", disk->label())};
        }
    }
    return {};
}

/// Which of the timelines is followed, and a note of those that went on and are left out.
Status Restore::choose_history() {
    const auto timelines = TRY(list_timelines(catalogue_));
    const TimelineId chosen =
        TRY(choose_timeline(timelines, options_.until, options_.timeline, labels_of(catalogue_.sources)));
    TRY(follow_timeline(catalogue_, chosen));
    for (const TimelineFacts& each : timelines) {
        if (each.goes_on && each.id != chosen) {
            left_out_.push_back(fmt::format("Not restored: what timeline {} has alone.", describe(each)));
        }
    }
    return {};
}

Status Restore::plan() {
    tell(RestorePhase::plan, 0, 0);
    std::vector<LogSource> sources;
    for (Disk* disk : sources_) {
        LogSource source;
        source.disk = disk;
        sources.push_back(source);
    }
    catalogue_ = TRY(read_segments(std::move(sources), std::nullopt));
    TRY(choose_history());
    const CatalogueEntry* first = catalogue_.oldest();
    if (first != nullptr && first->header.first != 1) {
        return Error{
            Fault::damaged,
            fmt::format("the log on {} begins at LSN {}, so that older pages are missing; add a disk "
                        "that has the older segments",
                        labels_of(catalogue_.sources), first->header.first)};
    }
    for (const auto& [name, entry] : catalogue_.segments) {
        if (entry.header.timeline == options_.new_timeline) {
            return Error{Fault::bad_usage, fmt::format("timeline {} is one of the log's own; draw a new one",
                                                       to_hex(options_.new_timeline))};
        }
    }
    return {};
}

Status Restore::take(Record&& record) {
    report_.restored_through = record.lsn;
    report_.newest = record.wall;
    const auto* commit = std::get_if<Commit>(&record.body);
    if (commit == nullptr) {
        return {};
    }
    auto& pages = stores_[commit->store];
    if (pages == nullptr) {
        pages = PageStore::make_empty(data_, commit->store, 1);
    }
    TRY(pages->apply(*commit));
    ++report_.commits;
    report_.pages += commit->pages.size();
    unfolded_ += commit->pages.size() * kPageSize;
    return unfolded_ > kUnfoldedLimit ? fold_all() : Status{};
}

Status Restore::fold_all() {
    for (auto& [store, pages] : stores_) {
        if (pages->unfolded_bytes() > 0 || pages->folded() != pages->position()) {
            TRY(pages->fold(report_.restored_through));
        }
    }
    unfolded_ = 0;
    return {};
}

Status Restore::replay() {
    WalkOptions walk;
    walk.until = options_.until;
    const Progress progress = [this](std::uint64_t done, std::uint64_t total) {
        tell(RestorePhase::replay, done, total);
    };
    tell(RestorePhase::fetch, 0, 0);
    auto walked =
        walk_log(catalogue_, walk, [this](Record&& record) { return take(std::move(record)); }, progress);
    if (!walked) {
        Error error = std::move(walked).error();
        if (error.fault == Fault::damaged && report_.restored_through > 0) {
            error.text += fmt::format("; a restore can reach LSN {}", report_.restored_through);
        }
        return error;
    }
    walked_ = std::move(*walked);
    if (report_.restored_through == 0) {
        return Error{Fault::damaged,
                     fmt::format("no record of the log on {} can be read; add a disk that has them",
                                 labels_of(catalogue_.sources))};
    }
    if (options_.until > report_.restored_through) {
        return Error{
            Fault::not_found,
            fmt::format("there is no LSN {} in the log on {}, which ends at LSN {}; name that one or "
                        "an earlier one, or none to restore everything",
                        options_.until, labels_of(catalogue_.sources), report_.restored_through)};
    }
    return fold_all();
}

/// Reads every page file back and compares it with the root that the log recorded.
Status Restore::verify() {
    std::uint64_t total = 0;
    for (const auto& [store, pages] : stores_) {
        total += std::uint64_t{pages->position().page_count} * kPageSize;
    }
    std::uint64_t before = 0;
    for (auto& [store, pages] : stores_) {
        const StorePosition wanted = pages->position();
        pages.reset();
        const auto again = TRY(PageStore::open(data_, store));
        const auto bad = TRY(again->verify([&](PageNumber done) {
            tell(RestorePhase::verify, before + std::uint64_t{done} * kPageSize, total);
        }));
        if (again->position() != wanted || !bad.empty()) {
            return Error{
                Fault::damaged,
                fmt::format("store {} reads back from {} differently than it was written; replace the "
                            "disk and restore again",
                            to_hex(store), data_.label())};
        }
        before += std::uint64_t{wanted.page_count} * kPageSize;
    }
    report_.stores = static_cast<std::uint32_t>(stores_.size());
    return {};
}

/// Copies a segment up to where the restore ends, each range from a copy that has it right.
Status Restore::copy_segment(const WalkedSegment& segment, Disk& to) {
    const std::string name = name_of(segment.header);
    const std::size_t base = segment.base_source;
    std::vector<std::unique_ptr<File>> files(catalogue_.sources.size());
    const auto target = TRY(to.open(name, Open::create));
    TRY(target->allocate(segment.end));
    Bytes chunk;
    std::uint64_t at = 0;
    auto repair = segment.repairs.begin();
    while (at < segment.end) {
        while (repair != segment.repairs.end() &&
               (repair->bad_source != base || repair->offset + repair->size <= at)) {
            ++repair;
        }
        std::size_t source = base;
        std::uint64_t size = segment.end - at;
        if (repair != segment.repairs.end()) {
            const bool is_inside = repair->offset <= at;
            source = is_inside ? repair->good_source : base;
            size = is_inside ? repair->offset + repair->size - at : repair->offset - at;
        }
        if (files[source] == nullptr) {
            files[source] = TRY(catalogue_.sources[source].disk->open(name, Open::existing));
        }
        chunk.resize(static_cast<std::size_t>(std::min({size, kChunk, segment.end - at})));
        const std::size_t got = TRY(files[source]->read_at(at, chunk));
        if (got == 0) {
            return Error{Fault::disk_failed, fmt::format("{}/{} became shorter while it was copied",
                                                         catalogue_.sources[source].disk->label(), name)};
        }
        TRY(target->write_at(at, ByteView(chunk).first(got)));
        at += got;
        copied_bytes_ += got;
        tell(RestorePhase::ready, copied_bytes_, copy_total_);
    }
    return target->sync();
}

Status Restore::copy_segments() {
    for (const WalkedSegment& segment : walked_.segments) {
        copy_total_ += segment.end * logs_.size();
    }
    for (Disk* disk : logs_) {
        for (const WalkedSegment& segment : walked_.segments) {
            TRY(copy_segment(segment, *disk));
        }
    }
    return {};
}

/// The first segment of the new timeline, with the RESET record.
Status Restore::open_timeline() {
    const WalkedSegment& last = walked_.segments.back();
    SegmentHeader header;
    header.node = last.header.node;
    header.timeline = options_.new_timeline;
    header.parent = last.header.timeline;
    header.branch = report_.restored_through;
    header.first = report_.restored_through + 1;
    header.wall = options_.wall;
    header.previous = last.chain;
    header.signer = last.header.signer;
    Bytes bytes = encode_segment_start(header, walked_.scan.node_slots);
    const Record reset{header.first, 0, options_.wall, Reset{header.parent, header.timeline, header.branch}};
    const EncodedRecord encoded = encode_record(reset, header.branch, header.digest);
    append(bytes, encoded.start);
    bytes.resize(bytes.size() + encoded.padding);
    for (Disk* disk : logs_) {
        const auto file = TRY(disk->open(name_of(header), Open::create));
        TRY(file->write_at(0, bytes));
        TRY(file->sync());
        TRY(disk->sync_names());
    }
    report_.timeline = header.timeline;
    return {};
}

/// Reads the new log as a node will.
Status Restore::check_logs() {
    for (Disk* disk : logs_) {
        const LogScan scan = TRY(scan_log(std::span(&disk, 1), 0, nullptr, nullptr));
        if (scan.last != report_.restored_through + 1 || scan.identity.timeline != options_.new_timeline ||
            scan.torn_bytes != 0) {
            return Error{
                Fault::damaged,
                fmt::format("the log reads back from {} differently than it was written; replace the "
                            "disk and restore again",
                            disk->label())};
        }
    }
    return {};
}

Status Restore::make_data_folder() {
    const NodeId node = walked_.scan.identity.node;
    Membership membership;
    membership.generation = 1;
    membership.durable = report_.restored_through + 1;
    for (std::size_t i = 0; i < logs_.size(); ++i) {
        const LogDiskId id = make_log_disk_id(node, 1, membership.durable, options_.wall, i);
        TRY(write_log_disk_id(*logs_[i], node, id));
        membership.disks.push_back({id, logs_[i]->label()});
    }
    TRY(write_membership(data_, node, membership));
    for (Disk* log : logs_) {
        TRY(copy_membership(*log, node, membership));
    }
    TRY(write_node_slots(data_, walked_.scan.node_slots));
    return write_data_folder(data_, {node, options_.new_timeline});
}

Status Restore::remove_all(Disk& disk) {
    for (const std::string& name : TRY(disk.list())) {
        TRY(disk.remove(name));
    }
    return disk.sync_names();
}

void Restore::clean_up() {
    stores_.clear();
    // The data disk first: as long as its marker may be there, everything that it promises must be there too.
    bool is_gone = remove_all(data_).is_ok();
    for (Disk* disk : logs_) {
        is_gone = is_gone && remove_all(*disk).is_ok();
    }
}

Result<RestoreReport> Restore::run() {
    TRY(plan());
    TRY(replay());
    TRY(verify());
    TRY(copy_segments());
    TRY(open_timeline());
    TRY(check_logs());
    TRY(make_data_folder());
    report_.scan = std::move(walked_.scan);
    report_.scan.notes.insert(report_.scan.notes.end(), left_out_.begin(), left_out_.end());
    report_.bytes_read = walked_.bytes_read;
    tell(RestorePhase::ready, copy_total_, copy_total_);
    return std::move(report_);
}

}  // namespace

std::string_view restore_phase_name(RestorePhase phase) noexcept {
    switch (phase) {
        case RestorePhase::plan: return "plan";
        case RestorePhase::fetch: return "fetch";
        case RestorePhase::verify: return "verify";
        case RestorePhase::replay: return "replay";
        case RestorePhase::ready: return "ready";
    }
    return "";
}

Result<RestoreReport> restore_from_log(std::span<Disk* const> sources, Disk& data,
                                       std::span<Disk* const> logs, const RestoreOptions& options) {
    Restore restore(sources, data, logs, options);
    TRY(restore.check_targets());
    auto report = restore.run();
    if (!report) {
        restore.clean_up();
    }
    return report;
}

}  // namespace firedrill::store
