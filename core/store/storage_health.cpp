// LoopStorage's account of itself.
#include <fmt/format.h>

#include "store/storage_loop.h"

namespace firedrill::store {

StoreHealth Health::of(StoreId store) const {
    for (const StoreHealth& each : stores) {
        if (each.store == store) {
            return each;
        }
    }
    return {};
}

Health LoopStorage::health() const {
    Health made;
    made.is_fatal = fatal_.has_value();
    made.fatal = fatal_ ? fatal_->text : "";
    made.durable = durable_;
    made.timeline = timeline_;
    made.log_begin = log_begin_;
    made.cover = cover_;
    made.log_members = members_;
    for (const auto& [number, why] : not_filled_) {
        if (number < made.log_members.size() && !made.log_members[number].is_present) {
            made.log_members[number].failure = why;
        }
    }
    made.scrub = scrub_;
    made.notes = notes_;
    made.notes.insert(made.notes.end(), scrub_notes_.begin(), scrub_notes_.end());
    for (const std::string* text : {&cover_doubt_, &rotten_old_}) {
        if (!text->empty()) {
            made.notes.push_back(*text);
        }
    }
    for (const LogScan::Member& member : members_) {
        if (!member.is_present) {
            made.is_degraded = true;
            made.notes.push_back(
                fmt::format("log disk {} is out of service: {}", member.label, member.failure));
        }
    }
    made.is_full = is_log_full_;
    if (is_log_full_) {
        made.notes.emplace_back("a log disk is full: writing is refused until there is space");
    }
    for (const auto& [id, store] : stores_) {
        StoreHealth each;
        each.store = id;
        each.damage = store->last.damage;
        each.is_damaged = !each.damage.empty();
        each.damaged_pages = store->last.damaged_pages;
        each.repaired_pages = store->last.repaired_pages;
        each.rebuilt = store->last.rebuilt;
        each.sequence = store->last.position.sequence;
        each.pages = store->last.position.page_count;
        each.unfolded_bytes = store->last.unfolded_bytes;
        each.memory_bytes = store->last.memory_bytes;
        each.reseal = store->last.reseal;
        if (store->fold_failure) {
            each.fold_failure = store->fold_failure->text;
            each.fold_fails_since = store->fold_fails_since;
            made.is_unfolded = true;
            made.notes.push_back(
                fmt::format("store {} cannot be folded since {}: {}; its newest commits "
                            "stand in the log, nothing is lost, it is tried again",
                            to_hex(id), format_utc(store->fold_fails_since), store->fold_failure->text));
        }
        made.stores.push_back(std::move(each));
    }
    add_repairs(made);
    return made;
}

}  // namespace firedrill::store
