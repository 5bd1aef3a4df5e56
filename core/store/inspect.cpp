#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "store/data_folder.h"
#include "store/log_catalogue.h"
#include "store/log_members.h"
#include "store/log_owner.h"
#include "store/log_walk.h"
#include "store/page_store.h"
#include "store/restore.h"

namespace firedrill::store {
namespace {

constexpr std::size_t kDamagedPagesShown = 100;
constexpr std::uint64_t kMostInMemory = 64ull << 20;  // of a store that has no files

/// One look at a data folder and its log.
class Inspector {
  public:
    Inspector(Disk& data, std::span<Disk* const> logs, const Progress& progress)
        : data_(data), logs_(logs), progress_(progress) {}
    Result<Inspection> run(bool verify);

  private:
    struct Look {
        std::unique_ptr<PageStore> pages;  // null when it cannot be opened
        Inspection::Store found;
        bool is_unreadable = false;       // its files tell nothing
        bool is_in_log_only = false;      // it has no files, and its pages were more than are kept
        CommitSequence first_logged = 0;  // of its commits in the log; 0: there are none
    };
    Result<LogCatalogue> catalogue();
    Soundness judge_log(const LogCatalogue& found, const WalkedLog& walked, bool is_whole);
    Status check_slots(const WalkedLog& walked);
    Status open_stores();
    Status take(const Commit& commit);
    Status finish(Look& look, const LogCatalogue& log, bool verify);
    void complain(Look& look, const std::string& text);
    bool is_mendable(const Look& look, const LogCatalogue& log);
    Result<std::uint64_t> file_bytes(const StoreId& store);

    Disk& data_;
    std::span<Disk* const> logs_;
    const Progress& progress_;
    NodeId node_;
    std::map<StoreId, Look> looks_;
    std::vector<std::string> notes_;
    std::uint64_t done_bytes_ = 0;
};

Soundness worse(Soundness one, Soundness two) {
    return std::max(one, two);
}

Result<LogCatalogue> Inspector::catalogue() {
    FolderIdentity identity = TRY(identify_data_folder(data_, logs_));
    node_ = identity.folder.node;
    if (!identity.lost.empty()) {
        notes_.push_back(std::move(identity.lost));
    }
    std::vector<LogSource> sources = TRY(sources_in_service(data_, node_, logs_, notes_));
    for (const LogSource& source : sources) {
        std::string wrong = source.is_in_service ? TRY(judge_owner_mark(*source.disk, node_)) : "";
        if (!wrong.empty()) {
            notes_.push_back(std::move(wrong));
        }
    }
    return read_catalogue(std::move(sources), node_);
}

void Inspector::complain(Look& look, const std::string& text) {
    look.found.soundness = Soundness::damaged;
    look.pages.reset();
    notes_.push_back(text);
}

Status Inspector::open_stores() {
    for (const StoreId& store : TRY(stores_on(data_))) {
        Look& look = looks_[store];
        look.found.store = store;
        auto pages = PageStore::open(data_, store);
        if (pages) {
            look.pages = std::move(*pages);
            look.found.folded_sequence = look.pages->folded().sequence;
        } else if (const Fault fault = pages.error().fault;
                   fault == Fault::damaged || fault == Fault::disk_failed || fault == Fault::bad_input) {
            look.is_unreadable = true;
            complain(look, pages.error().text);
        } else {
            return std::move(pages).error();
        }
    }
    return {};
}

Status Inspector::take(const Commit& commit) {
    const auto [at, is_new] = looks_.try_emplace(commit.store);
    Look& look = at->second;
    if (is_new) {
        look.found.store = commit.store;
        look.pages = PageStore::make_empty(data_, commit.store, 1);
    }
    look.found.sequence = commit.sequence;
    look.found.pages = commit.page_count;
    look.first_logged = look.first_logged == 0 ? commit.sequence : look.first_logged;
    if (look.pages == nullptr) {
        return {};
    }
    const Status applied = look.pages->apply(commit);
    if (!applied && applied.error().fault == Fault::damaged) {
        complain(look, applied.error().text);
        return {};
    }
    if (look.pages->folded().sequence == 0 && look.pages->unfolded_bytes() > kMostInMemory) {
        look.pages->forget_unfolded();  // nothing but the tree is wanted of them
        look.is_in_log_only = true;
    }
    return applied;
}

Result<std::uint64_t> Inspector::file_bytes(const StoreId& store) {
    std::uint64_t total = 0;
    const std::string prefix = "pages." + to_hex(store) + ".";
    for (const std::string& name : TRY(data_.list())) {
        if (name.starts_with(prefix)) {
            const auto file = TRY(data_.open(name, Open::existing));
            total += TRY(file->size_bytes());
        }
    }
    return total;
}

/// Does the log hold every one of the bad pages as the tree remembers it? It is read once more for that, as
/// far as it can be.
bool Inspector::is_mendable(const Look& look, const LogCatalogue& log) {
    const std::vector<PageNumber>& bad = look.found.damaged;
    std::vector<bool> is_there(bad.size());
    const RecordSink sink = [&](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit == nullptr || commit->store != look.found.store) {
            return {};
        }
        for (const PageImage& image : commit->pages) {
            const auto at = std::lower_bound(bad.begin(), bad.end(), image.number);
            if (at != bad.end() && *at == image.number &&
                look.pages->tree().leaf(image.number).digest == image.leaf) {
                is_there[static_cast<std::size_t>(at - bad.begin())] = true;
            }
        }
        return {};
    };
    WalkOptions how;
    how.is_own_log = true;
    (void)walk_log(log, how, sink, nullptr).is_ok();  // what is wrong with it was told already
    return std::find(is_there.begin(), is_there.end(), false) == is_there.end();
}

Status Inspector::finish(Look& look, const LogCatalogue& log, bool verify) {
    look.found.file_bytes = TRY(file_bytes(look.found.store));
    if (look.pages == nullptr) {
        // A start builds it anew when the log has all of it.
        look.found.soundness =
            look.is_unreadable && look.first_logged == 1 ? Soundness::repairable : Soundness::damaged;
        return {};
    }
    look.found.sequence = look.pages->position().sequence;
    look.found.pages = look.pages->position().page_count;
    if (!verify || look.is_in_log_only) {
        return {};
    }
    const std::uint64_t before = done_bytes_;
    look.found.damaged = TRY(look.pages->verify([&](PageNumber done) {
        done_bytes_ = before + std::uint64_t{done} * kPageSize;
        if (progress_) {
            progress_(done_bytes_, before + look.found.file_bytes);
        }
    }));
    if (!look.found.damaged.empty()) {
        look.found.soundness = is_mendable(look, log) ? Soundness::repairable : Soundness::damaged;
    }
    look.found.damaged.resize(std::min(look.found.damaged.size(), kDamagedPagesShown));
    return {};
}

/// The folder's copy of the key slots: it is tried first, and a start follows the log's when they differ.
Status Inspector::check_slots(const WalkedLog& walked) {
    const auto stored = read_node_slots(data_);
    if (stored && *stored == walked.scan.node_slots) {
        return {};
    }
    if (!stored &&
        (stored.error().fault == Fault::powered_off || stored.error().fault == Fault::disk_failed)) {
        return stored.error();
    }
    notes_.push_back(fmt::format(
        "{}/node.slots is missing or differs from the log's; the next start brings them together.",
        data_.label()));
    return {};
}

/// `is_whole`: the walk came to the end. Remarks that were made so far speak against soundness.
Soundness Inspector::judge_log(const LogCatalogue& found, const WalkedLog& walked, bool is_whole) {
    bool is_sound = notes_.empty();
    for (const WalkedSegment& segment : walked.segments) {
        is_sound = is_sound && segment.repairs.empty();
        if (segment.is_whole && !segment.is_closed && &segment != &walked.segments.back()) {
            notes_.push_back(fmt::format(
                "Segment {} has no sound close mark on any log disk; the next start that reads it writes it "
                "again.",
                to_text(segment_name(segment.header.timeline, segment.header.first))));
            is_sound = false;
        }
    }
    for (const LogScan::Member& member : walked.scan.members) {
        is_sound = is_sound && member.is_present && (!member.is_stale || !is_whole);
    }
    const Lsn begin = std::max<Lsn>(1, found.sources.front().begin);
    const bool has_beginning = walked.scan.first <= begin;
    if (!has_beginning) {
        notes_.push_back(missing_beginning(found, begin));
    }
    const bool is_proven = std::any_of(found.sources.begin(), found.sources.end(),
                                       [](const LogSource& source) { return source.is_in_service; });
    if (!is_proven) {
        notes_.push_back(fmt::format(
            "Nothing proves that the log on {} is the newest, and a start refuses it: attach the disks that "
            "were in service, restore from the log, or accept a loss after LSN {} (--accept-loss-after {}).",
            labels_of(found.sources), walked.scan.last, walked.scan.last));
    }
    if (!is_whole || !has_beginning || !is_proven) {
        return Soundness::damaged;
    }
    return is_sound ? Soundness::sound : Soundness::repairable;
}

Result<Inspection> Inspector::run(bool verify) {
    const LogCatalogue found = TRY(catalogue());
    TRY(open_stores());
    const RecordSink sink = [this](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        return commit != nullptr ? take(*commit) : Status{};
    };
    WalkedLog walked;
    WalkOptions how;
    how.until_damage = &walked;
    how.is_own_log = true;
    // What a page file holds was durable in the log once: a log that ends below it has lost records.
    // So was the first record, before the folder became a data folder, and what `log.members` says.
    const auto known = find_membership(data_, logs_, node_);
    how.proven = std::max<Lsn>(1, known && known->membership ? known->membership->durable : 0);
    for (const auto& [store, look] : looks_) {
        how.proven = std::max(how.proven, look.pages ? look.pages->folded_lsn() : 0);
    }
    auto whole = walk_log(found, how, sink, progress_);
    Inspection out;
    if (whole) {
        walked = std::move(*whole);
    } else if (walked.damage) {
        out.log_damage = {walked.damage->segment, walked.damage->offset, walked.damage->first,
                          walked.damage->last, whole.error().text};
    } else {
        return std::move(whole).error();
    }
    done_bytes_ = walked.bytes_read;
    if (whole) {
        TRY(check_slots(walked));
    }
    out.soundness = judge_log(found, walked, whole.is_ok());
    for (auto& [store, look] : looks_) {
        TRY(finish(look, found, verify));
        out.soundness = worse(out.soundness, look.found.soundness);
        out.stores.push_back(std::move(look.found));
        look.pages.reset();
    }
    out.log = std::move(walked.scan);
    out.log.notes.insert(out.log.notes.end(), notes_.begin(), notes_.end());
    return out;
}

}  // namespace

std::string_view soundness_name(Soundness soundness) noexcept {
    switch (soundness) {
        case Soundness::sound: return "sound";
        case Soundness::repairable: return "repairable";
        case Soundness::damaged: return "damaged";
    }
    return "";
}

Result<Inspection> inspect(Disk& data, std::span<Disk* const> logs, bool verify, const Progress& progress) {
    return Inspector(data, logs, progress).run(verify);
}

}  // namespace firedrill::store
