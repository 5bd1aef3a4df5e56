#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "store/data_folder.h"
#include "store/log_catalogue.h"
#include "store/log_members.h"
#include "store/log_walk.h"
#include "store/page_store.h"
#include "store/restore.h"

namespace firedrill::store {
namespace {

constexpr std::size_t kDamagedPagesShown = 100;

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
    };
    Result<LogCatalogue> catalogue();
    Status open_stores();
    Status take(const Commit& commit);
    Status finish(Look& look, bool verify);
    void complain(Look& look, const std::string& text);
    Result<std::uint64_t> file_bytes(const StoreId& store);

    Disk& data_;
    std::span<Disk* const> logs_;
    const Progress& progress_;
    std::map<StoreId, Look> looks_;
    std::vector<std::string> notes_;
    std::uint64_t done_bytes_ = 0;
};

Result<LogCatalogue> Inspector::catalogue() {
    const DataFolder folder = TRY(read_data_folder(data_));
    return read_catalogue(TRY(sources_in_service(data_, folder.node, logs_, notes_)), folder.node);
}

void Inspector::complain(Look& look, const std::string& text) {
    look.found.is_sound = false;
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
        } else if (pages.error().fault == Fault::damaged) {
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
    if (look.pages == nullptr) {
        return {};
    }
    const Status applied = look.pages->apply(commit);
    if (!applied && applied.error().fault == Fault::damaged) {
        complain(look, applied.error().text);
        return {};
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

Status Inspector::finish(Look& look, bool verify) {
    look.found.file_bytes = TRY(file_bytes(look.found.store));
    if (look.pages == nullptr) {
        return {};
    }
    look.found.sequence = look.pages->position().sequence;
    look.found.pages = look.pages->position().page_count;
    if (!verify) {
        return {};
    }
    const std::uint64_t before = done_bytes_;
    look.found.damaged = TRY(look.pages->verify([&](PageNumber done) {
        done_bytes_ = before + std::uint64_t{done} * kPageSize;
        if (progress_) {
            progress_(done_bytes_, before + look.found.file_bytes);
        }
    }));
    look.found.is_sound = look.found.damaged.empty();
    look.found.damaged.resize(std::min(look.found.damaged.size(), kDamagedPagesShown));
    return {};
}

Result<Inspection> Inspector::run(bool verify) {
    const LogCatalogue found = TRY(catalogue());
    TRY(open_stores());
    const RecordSink sink = [this](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        return commit != nullptr ? take(*commit) : Status{};
    };
    const std::size_t remarks = notes_.size();
    WalkedLog walked;
    WalkOptions how;
    how.until_damage = &walked;
    // What a page file holds was durable in the log once: a log that ends below it has lost records.
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
    const Lsn begin = std::max<Lsn>(1, found.sources.front().begin);
    const bool has_beginning = walked.scan.first <= begin;
    if (!has_beginning) {
        notes_.push_back(missing_beginning(found, begin));
    }
    out.is_sound = whole.is_ok() && has_beginning && remarks == 0 && walked.scan.repaired_records == 0;
    for (const LogScan::Member& member : walked.scan.members) {
        out.is_sound = out.is_sound && member.is_present && (!member.is_stale || !whole);
    }
    for (auto& [store, look] : looks_) {
        TRY(finish(look, verify));
        out.is_sound = out.is_sound && look.found.is_sound;
        out.stores.push_back(std::move(look.found));
        look.pages.reset();
    }
    out.log = std::move(walked.scan);
    out.log.notes.insert(out.log.notes.end(), notes_.begin(), notes_.end());
    return out;
}

}  // namespace

Result<Inspection> inspect(Disk& data, std::span<Disk* const> logs, bool verify, const Progress& progress) {
    return Inspector(data, logs, progress).run(verify);
}

}  // namespace firedrill::store
