// How a Storage comes to be: an empty folder is made one, or recovery brings one back.
#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/check.h"
#include "store/data_folder.h"
#include "store/log_members.h"
#include "store/storage_loop.h"
#include "store/store_rebuild.h"

namespace firedrill::store {

namespace {

constexpr std::string_view kOwner = "firedrill node";

LogOptions log_options(const Seams& seams, const StorageOptions& options, LogIdentity identity,
                       std::shared_ptr<LogLocks> locks) {
    LogOptions made;
    made.identity = identity;
    made.disks = seams.logs;
    made.membership = &seams.data;
    made.signing_seed = options.signing_seed;
    made.former_seeds = options.former_seeds;
    made.accept_loss_after = options.accept_loss_after;
    made.owner = OwnerMark{draw_id<LogIncarnation>(seams.entropy), seams.clock.wall()};
    made.locks = std::move(locks);
    return made;
}

std::unique_ptr<LogWriter> wrap(const StorageOptions& options, std::unique_ptr<LogWriter> writer) {
    return options.parts.log_writer ? options.parts.log_writer(std::move(writer)) : std::move(writer);
}

/// Brings the stores to the end of the log. A store whose files are damaged or of another history is built
/// anew from the log; one that cannot be is set aside with its reason, and harms no other.
class StoreRecovery {
  public:
    StoreRecovery(const Seams& seams, const NodeId& node, std::uint64_t rebuild_bytes)
        : seams_(seams), node_(node), rebuild_bytes_(rebuild_bytes) {}

    /// Before the log is read: what the page files hold is evidence of what the log must hold.
    Status open_all(LogOptions& log) {
        StoreRebuild::clear(seams_.data);
        for (const StoreId& store : TRY(stores_on(seams_.data))) {
            const PageStore* pages = TRY(find(store));
            // A store that was set aside is built from a scan of its own.
            log.folded[store] =
                pages != nullptr ? pages->folded().sequence : std::numeric_limits<CommitSequence>::max();
            log.folded_through = std::max(log.folded_through, pages != nullptr ? pages->folded_lsn() : 0);
        }
        return {};
    }

    Status take(Record&& record) {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit == nullptr || rebuilt_.contains(commit->store)) {
            return {};
        }
        PageStore* pages = TRY(find(commit->store));
        if (pages == nullptr) {
            return {};
        }
        if (Status applied = pages->apply(*commit); !applied) {
            set_aside(commit->store, applied.error());
        } else if (pages->folded().sequence == 0 && pages->unfolded_bytes() > rebuild_bytes_) {
            // More than a node leaves unfolded: its files were taken away. It is read once more, and folded
            // in between.
            set_aside(commit->store, Error{Fault::damaged,
                                           fmt::format("store {} has no files on {}, and more pages than are "
                                                       "kept in memory",
                                                       to_hex(commit->store), seams_.data.label())});
        }
        return {};
    }

    /// `last`: where the log ends. Page files that hold more are of a loss that the operator accepted.
    Status finish(Lsn last) {
        for (auto& [store, slot] : stores) {
            if (slot.pages && slot.pages->folded_lsn() > last) {
                lost_.insert(store);
                set_aside(store,
                          Error{Fault::damaged,
                                fmt::format("store {}: its pages hold commits beyond LSN {}, whose loss "
                                            "was accepted",
                                            to_hex(store), last)});
            }
        }
        if (!rebuilt_.empty()) {
            TRY(rebuild());
        }
        return lost_.empty() ? Status() : forget_lost(last);
    }

    std::map<StoreId, RecoveredStore> stores;
    std::vector<std::string> notes;

  private:
    /// Null when it was set aside.
    Result<PageStore*> find(StoreId store) {
        RecoveredStore& slot = stores[store];
        if (!slot.pages) {
            auto opened = PageStore::open(seams_.data, store);
            if (!opened && is_of_this_store(opened.error().fault)) {
                set_aside(store, opened.error());
                return nullptr;
            }
            slot.pages = TRY(std::move(opened));
        }
        return slot.pages.get();
    }

    /// Files that are damaged, that their disk cannot read, or that are no files: other stores' may be sound.
    static bool is_of_this_store(Fault fault) {
        return fault == Fault::damaged || fault == Fault::disk_failed || fault == Fault::bad_input;
    }

    void set_aside(StoreId store, const Error& error) {
        rebuilt_.emplace(store, error.text);
        stores[store].pages.reset();
    }

    /// One way for all that were set aside. What the log does not give back stands aside with its reason.
    Status rebuild() {
        StoreRebuild rebuild(seams_.data, node_, seams_.logs, rebuild_bytes_);
        for (const auto& [store, why] : rebuilt_) {
            rebuild.want(store);
        }
        TRY(rebuild.run());
        for (const auto& [store, why] : rebuilt_) {
            RecoveredStore& slot = stores[store];
            auto made = rebuild.take(store);
            if (made) {
                slot.pages = std::move(*made);
                slot.is_rebuilt = !lost_.contains(store);
                notes.push_back(fmt::format("{}; built anew from the log", why));
                continue;
            }
            slot.is_unknown = made.error().fault == Fault::not_found;
            const bool is_final = slot.is_unknown || made.error().fault == Fault::damaged;
            slot.damage =
                fmt::format("{}, and it could not be built anew from the log: {}; {}", why, made.error().text,
                            is_final ? "restore the store from a copy"
                                     : "mend that and restart the node, which tries it again");
            notes.push_back(slot.damage);
        }
        return {};
    }

    /// The page files must not tell of the lost commits once the log goes on with other ones.
    Status forget_lost(Lsn last) {
        for (const StoreId& store : lost_) {
            RecoveredStore& slot = stores[store];
            if (slot.pages && slot.pages->position().sequence > 0) {
                TRY(slot.pages->fold(last));
                continue;
            }
            // All its commits were lost, or it cannot be had: then nothing of it counts.
            const Status removed = seams_.data.remove(leaves_file_name(store));
            if (!removed && removed.error().fault != Fault::not_found) {
                return removed;
            }
            if (slot.is_unknown) {
                stores.erase(store);
            }
        }
        return seams_.data.sync_names();
    }

    const Seams& seams_;
    NodeId node_;
    std::uint64_t rebuild_bytes_;
    std::map<StoreId, std::string> rebuilt_;  // and why
    std::set<StoreId> lost_;                  // of the rebuilt ones
};

/// What the data disk says of copies, and whether the log agrees. A cover that cannot be believed keeps every
/// segment, and nothing else.
Status read_old_cover(const Seams& seams, const NodeId& node, StorageStart& start) {
    auto read = read_cover(seams.data, node);
    Status checked = read ? Status() : Status(read.error());
    if (read && *read) {
        checked = check_cover(seams.data, node, seams.logs, **read);
    }
    if (!checked && checked.error().fault == Fault::powered_off) {
        return checked;
    }
    if (!checked) {
        start.cover_doubt = fmt::format(
            "What {}/{} says of a copy of the log does not count: {}. No segment is removed until "
            "a copy is verified again (firedrill store cover).",
            seams.data.label(), kCoverFile, checked.error().text);
    } else {
        start.cover = std::move(*read);
    }
    return {};
}

/// The log is what counts; the file beside the data follows it.
Status reconcile_slots(Disk& data, const Bytes& document) {
    auto stored = read_node_slots(data);
    if (!stored && stored.error().fault != Fault::not_found && stored.error().fault != Fault::limit) {
        return std::move(stored).error();
    }
    return stored && *stored == document ? Status() : write_node_slots(data, document);
}

}  // namespace

Result<std::unique_ptr<Storage>> Storage::create(Seams seams, StorageOptions options, ByteView node_slots) {
    CHECK(options.signing_seed != nullptr);
    CHECK(!seams.logs.empty());
    if (node_slots.empty() || node_slots.size() > kNodeSlotsLimit) {
        return Error{Fault::bad_usage,
                     fmt::format("a node slots document has 1 to {} bytes", kNodeSlotsLimit)};
    }
    StorageStart start;
    start.claim = TRY(seams.data.claim(kOwner));
    start.locks = std::make_shared<LogLocks>(std::string(kOwner));
    TRY(start.locks->take(seams.logs));
    TRY(begin_data_folder(seams.data, seams.logs, {options.node, options.first_timeline}));
    const LogIdentity identity{options.node, options.first_timeline};
    auto writer =
        TRY(create_log(log_options(seams, options, identity, start.locks), node_slots, seams.clock.wall()));
    TRY(write_node_slots(seams.data, node_slots));
    TRY(write_data_folder(seams.data, {options.node, options.first_timeline}));
    start.writer = wrap(options, std::move(writer));
    start.members = start.writer->members();
    start.timeline = options.first_timeline;
    start.durable = 1;
    start.node_slots.assign(node_slots.begin(), node_slots.end());
    return std::unique_ptr<Storage>(
        std::make_unique<LoopStorage>(std::move(seams), std::move(options), std::move(start)));
}

Result<std::unique_ptr<Storage>> Storage::open(Seams seams, StorageOptions options) {
    CHECK(options.signing_seed != nullptr);
    CHECK(!seams.logs.empty());
    StorageStart start;
    start.claim = TRY(seams.data.claim(kOwner));
    start.locks = std::make_shared<LogLocks>(std::string(kOwner));
    TRY(start.locks->take(seams.logs));
    FolderIdentity identity = TRY(identify_data_folder(seams.data, seams.logs));
    const DataFolder& folder = identity.folder;
    if (options.node != NodeId{} && options.node != folder.node) {
        return Error{Fault::bad_usage,
                     fmt::format("data folder {} belongs to node {}, not {}", seams.data.label(),
                                 to_hex(folder.node), to_hex(options.node))};
    }
    options.node = folder.node;
    StoreRecovery recovery(seams, folder.node, options.rebuild_bytes);
    const auto sink = [&recovery](Record&& record) { return recovery.take(std::move(record)); };
    LogOptions log = log_options(seams, options, {folder.node, TimelineId{}}, start.locks);
    TRY(recovery.open_all(log));
    const KnownMembership known = TRY(find_membership(seams.data, seams.logs, folder.node));
    options.files_replaced += known.is_from_copies ? 1 : 0;
    auto recovered = TRY(recover_log(log, 0, sink, seams.clock.wall()));
    TRY(recovery.finish(recovered.scan.last));
    TRY(reconcile_slots(seams.data, recovered.scan.node_slots));
    if (!identity.lost.empty()) {  // last: before, everything else on the disk was found to agree
        TRY(write_data_folder(seams.data, {folder.node, recovered.scan.identity.timeline}));
        ++options.files_replaced;
        start.notes.push_back(fmt::format("{}; it was written again", identity.lost));
    }
    start.stores = std::move(recovery.stores);
    start.notes.insert(start.notes.end(), recovered.scan.notes.begin(), recovered.scan.notes.end());
    start.notes.insert(start.notes.end(), recovery.notes.begin(), recovery.notes.end());
    start.writer = wrap(options, std::move(recovered.writer));
    start.members = start.writer->members();
    start.timeline = recovered.scan.identity.timeline;
    start.log_begin = recovered.scan.first;
    TRY(read_old_cover(seams, folder.node, start));
    start.durable = recovered.scan.last;
    start.node_slots = std::move(recovered.scan.node_slots);
    return std::unique_ptr<Storage>(
        std::make_unique<LoopStorage>(std::move(seams), std::move(options), std::move(start)));
}

}  // namespace firedrill::store
