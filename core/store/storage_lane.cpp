#include "store/storage_lane.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "store/storage_limits.h"
#include "store/store_rebuild.h"

namespace firedrill::store {

LaneReport StoreLane::adopt(std::unique_ptr<PageStore> pages, std::string damage, bool is_rebuilt) {
    rebuilt_ = is_rebuilt ? 1 : 0;
    pages_ = std::move(pages);
    if (pages_) {
        pages_->set_repairer([this] { repair(); });
    }
    damage_ = std::move(damage);
    is_broken_ = !damage_.empty();
    LaneReport made = report({});
    unload_if_idle();
    return made;
}

Status StoreLane::load() {
    if (is_broken_) {
        return Error{Fault::damaged, damage_};
    }
    if (pages_) {
        return {};
    }
    auto opened = PageStore::open(data_, store_);
    if (opened && (*opened)->position() == position_) {
        pages_ = std::move(*opened);
    } else if (opened) {
        TRY(build_anew(fmt::format("store {}: its files on {} are not those that were written last",
                                   to_hex(store_), data_.label())));
    } else if (opened.error().fault == Fault::damaged) {
        TRY(build_anew(std::move(opened).error().text));
    } else {
        return std::move(opened).error();
    }
    pages_->set_repairer([this] { repair(); });
    return {};
}

/// Somebody or something took the files away, or put others in their place, since they were written: whatever
/// they say, the log has what was acknowledged, up to the position that is remembered.
Status StoreLane::build_anew(std::string why) {
    StoreRebuild rebuild(data_, node_, logs_, rebuild_bytes_);
    rebuild.want(store_, position_);
    TRY(rebuild.run());
    auto made = rebuild.take(store_);
    if (made) {
        pages_ = std::move(*made);
        note_ = fmt::format("{}; built anew from the log while the node serves", why);
        ++rebuilt_;
        return {};
    }
    if (made.error().fault != Fault::damaged) {
        return std::move(made).error();  // another try may do
    }
    damage_ = fmt::format("{}, and the log does not give them back: {}; restore the store from a copy", why,
                          made.error().text);
    may_heal_ = true;  // should the files be there again, or readable
    return Error{Fault::damaged, damage_};
}

void StoreLane::keep_files() {
    const auto lost = pages_->keep_files();
    if (lost && *lost) {
        ++rebuilt_;
        note_ = fmt::format(
            "store {}: its files on {} were taken away or changed while it was in use; what "
            "they held is written again",
            to_hex(store_), data_.label());
    }
}

void StoreLane::repair() {
    // One damaged page is seldom alone, and each look into the log costs as much as all of them together.
    if (!pages_->verify({})) {
        return;
    }
    const auto sink = [this](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        if (commit != nullptr && commit->store == store_) {
            for (const PageImage& image : commit->pages) {
                if (pages_->wants(image.number, image.leaf)) {
                    TRY(pages_->repair(image.number, image.page));
                }
            }
        }
        return {};
    };
    // What could not be read from the log stays damaged, and its reader is told so.
    (void)scan_node_log(data_, node_, logs_, sink).is_ok();
    if (!source_) {
        return;
    }
    const std::set<PageNumber> left = pages_->damaged_pages();
    for (const PageNumber page : left) {
        if (SealedPagePtr found = source_(store_, page, pages_->position().sequence)) {
            (void)pages_->repair(page, std::move(found)).is_ok();
        }
    }
}

Status StoreLane::reopen() {
    if (connection_ && !connection_->is_poisoned()) {
        return {};
    }
    connection_.reset();
    TRY(load());
    connection_ = TRY(Connection::open(*pages_, *cipher_, entropy_));
    return {};
}

void StoreLane::unload_if_idle() {
    if (pages_ && !connection_ && !preparation_ && pages_->is_folded()) {
        position_ = pages_->position();
        repaired_before_ += pages_->repaired_count();
        may_heal_ = false;  // which pages were damaged is forgotten now
        pages_.reset();
    }
}

LaneReport StoreLane::report(Status status, std::optional<Commit> commit) {
    LaneReport made;
    if (pages_) {
        const PageStore::Work work = pages_->take_work();
        workers_.charge(Work::seal_page, work.sealed);
        workers_.charge(Work::hash_page, work.hashed);
        made.unfolded_bytes = pages_->unfolded_bytes();
        made.damaged_pages = pages_->damaged_pages().size();
        made.repaired_pages = pages_->repaired_count();
        made.memory_bytes = pages_->memory_bytes() + (connection_ ? connection_->memory_bytes() : 0);
        position_ = pages_->position();
        folded_ = pages_->folded().sequence;
        made.wants_fold = pages_->wants_fold();
    }
    made.note = std::exchange(note_, {});
    const bool has_damaged_pages = pages_ && !pages_->damaged_pages().empty();
    if (!status && status.error().fault == Fault::damaged && damage_.empty()) {
        damage_ = status.error().text;
        may_heal_ = has_damaged_pages;
    } else if (may_heal_ && pages_ && !has_damaged_pages) {
        damage_.clear();  // the pages that were damaged are right again
        may_heal_ = false;
    }
    made.rebuilt = rebuilt_;
    made.repaired_pages += repaired_before_;
    made.status = std::move(status);
    made.commit = std::move(commit);
    made.position = position_;
    made.folded = folded_;
    made.damage = damage_;
    made.is_unlocked = cipher_ != nullptr;
    if (resealer_) {
        made.reseal = resealer_->progress();
    } else if (has_opened_) {
        made.reseal.state = ResealState::none;
    }
    return made;
}

LaneReport StoreLane::unlock(const MakeCipher& make_cipher, KeyRing ring,
                             const std::vector<Migration>& migrations) {
    if (Status loaded = load(); !loaded) {
        return report(std::move(loaded));
    }
    pages_->try_again(1, pages_->position().page_count);
    const KeyEpoch retired = retired_through(ring);
    std::unique_ptr<PageCipher> cipher = make_cipher(store_, std::move(ring));
    if (pages_->position().sequence > 0) {
        auto first = pages_->read(1);
        if (!first) {
            return report(std::move(first).error());
        }
        auto plain = std::make_unique<SealedPage>();
        const bool is_open = *first && cipher->open(1, **first, *plain).is_ok();
        crypto::zeroise(*plain);
        if (!is_open) {
            unload_if_idle();
            return report(
                Error{Fault::wrong_secret,
                      fmt::format("these keys do not open store {}; nothing was changed", to_hex(store_))});
        }
    }
    connection_.reset();
    cipher_ = std::move(cipher);
    auto migrated = migrate(migrations);
    if (!migrated) {
        connection_.reset();
        cipher_.reset();
        return report(std::move(migrated).error());
    }
    begin_reseal(retired, *migrated);
    return report({}, std::move(*migrated));
}

void StoreLane::begin_reseal(KeyEpoch retired, const std::optional<Commit>& migrated) {
    has_opened_ = true;
    const bool is_same = resealer_ && resealer_->retired() == retired &&
                         resealer_->progress().state != ResealState::unreadable;
    if (is_same && migrated) {
        resealer_->saw(*migrated);
    }
    if (!is_same) {
        resealer_.reset();
        if (retired > 0) {
            resealer_ = std::make_unique<Resealer>(retired, pages_->position().page_count);
        }
    }
}

LaneReport StoreLane::reseal() {
    if (!cipher_ || !resealer_ || resealer_->is_over()) {
        return report({});
    }
    if (Status loaded = load(); !loaded) {
        return report(std::move(loaded));
    }
    auto made = resealer_->step(*pages_, *cipher_, entropy_);
    LaneReport out = made ? report({}, std::move(*made)) : report(std::move(made).error());
    unload_if_idle();
    return out;
}

Result<std::optional<Commit>> StoreLane::migrate(const std::vector<Migration>& migrations) {
    TRY(reopen());
    const int version = TRY(connection_->schema_version());
    const int newest = migrations.empty() ? 0 : migrations.back().version;
    if (version > newest && !migrations.empty()) {
        return Error{Fault::newer_format,
                     fmt::format("store {} has schema {}, this program knows {}; upgrade the program, "
                                 "nothing was changed",
                                 to_hex(store_), version, newest)};
    }
    if (version >= newest) {
        return std::optional<Commit>();
    }
    return connection_->migrate(newest, [&](Database& database) -> Status {
        for (const Migration& each : migrations) {
            if (each.version > version) {
                TRY(database.execute(each.sql));
            }
        }
        return {};
    });
}

LaneReport StoreLane::transact(Access access, const Storage::Job& job) {
    if (!cipher_) {
        return report(Error{Fault::refused, fmt::format("store {} is locked", to_hex(store_))});
    }
    if (Status opened = reopen(); !opened) {
        return report(std::move(opened));
    }
    auto outcome = connection_->run(access, job);
    if (!outcome) {
        return report(std::move(outcome).error());
    }
    if (resealer_ && *outcome) {
        resealer_->saw(**outcome);
    }
    return report({}, std::move(*outcome));
}

LaneReport StoreLane::vacuum() {
    if (!cipher_) {
        return report(Error{Fault::refused, fmt::format("store {} is locked", to_hex(store_))});
    }
    if (Status opened = reopen(); !opened) {
        return report(std::move(opened));
    }
    auto outcome = connection_->vacuum();
    if (!outcome) {
        return report(std::move(outcome).error());
    }
    if (resealer_ && *outcome) {
        resealer_->saw(**outcome);
    }
    return report({}, std::move(*outcome));
}

LaneReport StoreLane::begin_fold(Lsn through) {
    if (pages_) {
        keep_files();
    }
    std::shared_ptr<Fold> fold = pages_ ? pages_->begin_fold(through) : nullptr;
    LaneReport made = report({});
    made.fold = std::move(fold);
    unload_if_idle();
    return made;
}

LaneReport StoreLane::end_fold(Fold& fold) {
    CHECK(pages_ != nullptr);  // it stays loaded while it is folded
    LaneReport made = report(pages_->end_fold(fold));
    unload_if_idle();
    return made;
}

LaneReport StoreLane::rest() {
    connection_.reset();
    if (pages_) {
        pages_->drop_read_ahead();
    }
    LaneReport made = report({});
    unload_if_idle();
    made.memory_bytes = pages_ ? pages_->memory_bytes() : 0;
    return made;
}

LaneReport StoreLane::scrub(PageNumber first, PageNumber count) {
    if (Status loaded = load(); !loaded) {
        return report(std::move(loaded));
    }
    keep_files();
    const std::uint64_t repaired_before = pages_->repaired_count();
    const std::size_t damaged_before = pages_->damaged_pages().size();
    Status failed;
    const PageNumber end = std::min(pages_->position().page_count, first + count - 1);
    pages_->try_again(first, end);
    for (PageNumber page = first; page <= end && failed; ++page) {
        auto got = pages_->read(page);
        if (!got && got.error().fault == Fault::powered_off) {
            failed = std::move(got).error();
        }
    }
    const std::uint64_t repaired = pages_->repaired_count() - repaired_before;
    const std::size_t damaged = pages_->damaged_pages().size();
    LaneReport made = report(std::move(failed));
    made.scrub_not_repairable = damaged - std::min(damaged, damaged_before);
    made.scrub_found = repaired + made.scrub_not_repairable;
    unload_if_idle();
    return made;
}

Status StoreLane::find_room(const std::vector<Disk*>& disks, const StoreRestore& restore) {
    std::uint64_t wanted_bytes = record_bytes(own_pages(restore.commit).size());
    for (const CommitPart& part : restore.parts) {
        wanted_bytes += record_bytes(part.pages.size());
    }
    for (Disk* disk : disks) {
        const std::uint64_t free_bytes = TRY(disk->free_space_bytes());
        if (free_bytes < wanted_bytes) {
            return Error{
                Fault::disk_full,
                fmt::format("log disk {} has {} bytes free and the restore writes {}; free space and "
                            "try again, nothing was changed",
                            disk->label(), free_bytes, wanted_bytes)};
        }
    }
    return {};
}

Result<bool> StoreLane::step_preparation(const std::vector<Disk*>& disks, const RestorePoint& point,
                                         const RestoreLimits& limits, bool is_plan_only) {
    if (cipher_) {
        return Error{Fault::refused,
                     fmt::format("store {} is open; everybody must sign out first", to_hex(store_))};
    }
    if (!preparation_) {
        TRY(load());
        preparation_ = std::make_unique<RestorePreparation>(disks, store_, point, limits, is_plan_only);
    }
    return preparation_->step(*pages_);
}

LaneReport StoreLane::prepare_to_restore(const std::vector<Disk*>& disks, const RestorePoint& point,
                                         const RestoreLimits& limits, bool is_plan_only) {
    auto stepped = step_preparation(disks, point, limits, is_plan_only);
    std::shared_ptr<StoreRestore> restore;
    Status prepared = stepped ? Status() : Status(stepped.error());
    if (stepped && *stepped) {
        restore = std::make_shared<StoreRestore>(preparation_->take());
        prepared = is_plan_only ? Status() : find_room(disks, *restore);
        prepared = prepared ? std::move(prepared) : Status(preparation_->failed(prepared.error()));
    }
    LaneReport out = report({});  // what the log lacks is no damage of the store as it stands
    if (stepped && !*stepped) {
        out.restoring = preparation_->progress();
        return out;
    }
    if (!prepared || is_plan_only || restore->is_last) {
        preparation_.reset();
    }
    out.restore = prepared ? std::move(restore) : nullptr;
    out.status = std::move(prepared);
    unload_if_idle();
    return out;
}

LaneReport StoreLane::give_up_restoring(const Error& failure) {
    CHECK(preparation_ != nullptr);
    const Error error = preparation_->failed(failure, true);
    preparation_.reset();
    return report(error);
}

LaneReport StoreLane::take_back(StoreRestore& restore) {
    if (Status loaded = load(); !loaded) {
        return report(std::move(loaded));
    }
    if (Status applied = pages_->apply(restore.commit); !applied) {
        preparation_.reset();
        return report(std::move(applied));
    }
    resealer_.reset();
    has_opened_ = false;
    return report({}, std::move(restore.commit));
}

LaneReport StoreLane::lock() {
    connection_.reset();
    cipher_.reset();
    LaneReport made = report({});
    unload_if_idle();
    return made;
}

}  // namespace firedrill::store
