#include "store/store_rebuild.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "store/log.h"

namespace firedrill::store {

void StoreRebuild::want(StoreId store, std::optional<StorePosition> stood) {
    wanted_[store].stood = std::move(stood);
}

void StoreRebuild::clear(Disk& data) {
    const auto names = data.list();
    for (const std::string& name : names ? *names : std::vector<std::string>{}) {
        if (name.starts_with(kBuildingPrefix)) {
            (void)data.remove(name).is_ok();
        }
    }
}

Status StoreRebuild::run() {
    for (auto& [store, one] : wanted_) {
        one.pages = PageStore::make_beside(data_, store, TRY(unused_generation(data_, store)));
    }
    const auto sink = [this](Record&& record) -> Status {
        const auto* commit = std::get_if<Commit>(&record.body);
        return commit == nullptr ? Status() : follow(*commit, record.lsn);
    };
    const auto scan = scan_node_log(data_, node_, logs_, sink);
    const Status scanned = scan ? Status() : Status(scan.error());
    if (!scanned && scanned.error().fault == Fault::powered_off) {
        return scanned;
    }
    for (auto& [store, one] : wanted_) {
        if (Status finished = finish(one, scanned); !finished) {
            TRY(fail(one, std::move(finished)));
        }
    }
    return {};
}

/// A record may come twice, when the log is read again; what was followed already is skipped.
Status StoreRebuild::follow(const Commit& commit, Lsn lsn) {
    const auto found = wanted_.find(commit.store);
    if (found == wanted_.end() || !found->second.outcome) {
        return {};
    }
    One& one = found->second;
    if (one.stood && commit.sequence > one.stood->sequence) {
        return {};
    }
    unfolded_bytes_ -= one.pages->unfolded_bytes();
    Status applied = one.pages->apply(commit);
    unfolded_bytes_ += one.pages->unfolded_bytes();
    if (!applied) {
        return fail(one, std::move(applied));
    }
    return unfolded_bytes_ > memory_bytes_ ? spill(lsn) : Status();
}

/// The store that holds most is written to its file.
Status StoreRebuild::spill(Lsn lsn) {
    const auto bytes = [](const One& one) { return one.pages ? one.pages->unfolded_bytes() : 0; };
    One& one = std::max_element(wanted_.begin(), wanted_.end(), [&](const auto& a, const auto& b) {
                   return bytes(a.second) < bytes(b.second);
               })->second;
    if (Status folded = one.pages->fold(lsn); !folded) {
        return fail(one, std::move(folded));
    }
    unfolded_bytes_ = 0;
    for (const auto& [store, each] : wanted_) {
        unfolded_bytes_ += bytes(each);
    }
    return {};
}

/// Gives a store up, its memory too. Not ok: so is everything else.
Status StoreRebuild::fail(One& one, Status why) {
    one.outcome = std::move(why);
    if (one.pages) {
        unfolded_bytes_ -= std::min(unfolded_bytes_, one.pages->unfolded_bytes());
        one.pages->abandon();
        one.pages.reset();
    }
    return one.outcome.error().fault == Fault::powered_off ? one.outcome : Status();
}

Status StoreRebuild::finish(One& one, const Status& scanned) {
    TRY(one.outcome);
    const StorePosition& reached = one.pages->position();
    if (one.stood && reached != *one.stood) {
        return scanned ? Error{Fault::damaged, "the log lacks some of its commits"} : scanned.error();
    }
    if (!one.stood && !scanned) {
        return scanned;
    }
    if (reached.sequence == 0) {
        return Error{Fault::not_found, "the log has none of its commits"};
    }
    return one.pages->end_building();
}

Result<std::unique_ptr<PageStore>> StoreRebuild::take(StoreId store) {
    One& one = wanted_.at(store);
    if (!one.outcome) {
        return one.outcome.error();
    }
    CHECK(one.pages != nullptr);
    return std::move(one.pages);
}

}  // namespace firedrill::store
