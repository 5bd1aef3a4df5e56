#include "store/scrub.h"

#include <limits>

#include <fmt/format.h>

#include "store/data_folder.h"
#include "store/log_catalogue.h"
#include "store/log_owner.h"
#include "store/log_scrub.h"
#include "store/page_store.h"

namespace firedrill::store {
namespace {

constexpr std::uint64_t kStep = 8 << 20;
constexpr std::string_view kOwner = "firedrill store scrub";

Status scrub_log(std::span<Disk* const> disks, Lsn begin, const Progress& progress, ScrubReport& out) {
    LogScrub scrub({disks.begin(), disks.end()}, std::numeric_limits<Lsn>::max(), true);
    scrub.forget_before(begin);
    for (bool is_over = false; !is_over;) {
        is_over = TRY(scrub.step(kStep));
        if (progress) {
            progress(scrub.done_bytes(), std::max(scrub.total_bytes(), scrub.done_bytes()));
        }
    }
    out.log_bytes += scrub.report.bytes;
    out.found += scrub.report.found;
    out.repaired += scrub.report.repaired;
    out.not_repairable += scrub.report.not_repairable;
    out.notes.insert(out.notes.end(), scrub.report.notes.begin(), scrub.report.notes.end());
    return {};
}

/// Takes the newest versions of the bad pages from the log, as far as it can be read, and writes them.
Status mend(PageStore& pages, Disk& data, const NodeId& node, std::span<Disk* const> logs) {
    const auto sink = [&pages](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit != nullptr && commit->store == pages.store()) {
            for (const PageImage& image : commit->pages) {
                if (pages.wants(image.number, image.leaf)) {
                    TRY(pages.repair(image.number, image.page));
                }
            }
        }
        return {};
    };
    const auto scanned = scan_node_log(data, node, logs, sink);
    if (!scanned && scanned.error().fault == Fault::powered_off) {
        return scanned.error();
    }
    return pages.unfolded_bytes() > 0 ? pages.fold(pages.folded_lsn()) : Status{};
}

Status scrub_store(Disk& data, const NodeId& node, std::span<Disk* const> logs, StoreId store,
                   const Progress& progress, ScrubReport& out) {
    auto opened = PageStore::open(data, store);
    if (!opened) {
        if (opened.error().fault != Fault::damaged) {
            return std::move(opened).error();
        }
        ++out.found;
        ++out.not_repairable;
        out.notes.push_back(opened.error().text + ".");
        return {};
    }
    PageStore& pages = **opened;
    const std::uint64_t total = std::uint64_t{pages.position().page_count} * kPageSize;
    const auto tell = [&](PageNumber done) {
        if (progress) {
            progress(std::uint64_t{done} * kPageSize, total);
        }
    };
    const std::size_t bad = TRY(pages.verify(tell)).size();
    out.pages += pages.position().page_count;
    if (bad == 0) {
        return {};
    }
    TRY(mend(pages, data, node, logs));
    opened->reset();  // two trees would be twice the memory
    const auto again = TRY(PageStore::open(data, store));
    const std::size_t left = TRY(again->verify({})).size();
    out.found += bad;
    out.repaired += bad - std::min(bad, left);
    out.not_repairable += left;
    out.notes.push_back(fmt::format(
        "Store {}: {} damaged pages found, {} of them written again from the log{}.", to_hex(store), bad,
        bad - std::min(bad, left), left == 0 ? "" : "; restore the others from a copy"));
    return {};
}

}  // namespace

Result<ScrubReport> scrub_folder(Disk& data, std::span<Disk* const> logs, const Progress& progress) {
    const DataFolder folder = TRY(read_data_folder(data));
    const auto claim = TRY(data.claim(kOwner));
    LogLocks locks{std::string(kOwner)};
    TRY(locks.take(logs));
    ScrubReport out;
    std::vector<Disk*> disks;
    Lsn begin = 0;
    for (const LogSource& source : TRY(sources_in_service(data, folder.node, logs, out.notes))) {
        begin = source.begin;
        if (source.is_trusted) {
            disks.push_back(source.disk);
        }
    }
    // A disk that is missing or stale is filled up by the next start, not from here.
    out.found = out.notes.size();
    out.not_repairable = out.notes.size();
    for (Disk* disk : disks) {  // a rotten mark proves nothing: none at all is as good until the next start
        if (!TRY(judge_owner_mark(*disk, folder.node)).empty()) {
            ++out.found;
            const auto mark = read_owner_mark(*disk, folder.node);
            const Status removed = mark ? disk->remove(kLogOwnerFile) : Status(mark.error());
            removed ? ++out.repaired : ++out.not_repairable;
            out.notes.push_back(fmt::format(
                "{}/{} was not what was written{}.", disk->label(), kLogOwnerFile,
                removed ? " and was removed; the next start writes it" : ": " + removed.error().text));
        }
    }
    TRY(scrub_log(disks, begin, progress, out));
    for (const StoreId& store : TRY(stores_on(data))) {
        TRY(scrub_store(data, folder.node, logs, store, progress, out));
    }
    return out;
}

}  // namespace firedrill::store
