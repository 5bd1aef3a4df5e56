#include "identity/gates.h"

#include <algorithm>

#include "identity/directory.h"

namespace firedrill::identity {

struct Gates::Opening {
    StoreId practice;
    crypto::Secret practice_key;
    store::KeyRing ring;
    std::vector<crypto::Secret> inbox;
};

Gates::Gates(Seams seams, store::Storage& storage, IdentityOptions& options,
             std::function<bool(StoreId)> is_used)
    : seams_(std::move(seams)), storage_(storage), options_(options), is_used_(std::move(is_used)) {}

bool Gates::is_open(StoreId practice) const {
    const auto found = gates_.find(practice);
    return found != gates_.end() && found->second.state == State::open;
}

void Gates::enter(StoreId practice, crypto::Secret practice_key, Then then) {
    if (is_closing_) {
        then(Error{Fault::unavailable, "sign-in: the node is stopping; try again later"});
        return;
    }
    Gate& gate = gates_[practice];
    switch (gate.state) {
        case State::open: then({}); return;
        case State::unlocking: gate.entering.push_back(std::move(then)); return;
        case State::locking:
            gate.entering.push_back(std::move(then));
            gate.next_key = std::move(practice_key);
            return;
        case State::locked:
            gate.entering.push_back(std::move(then));
            begin_unlock(practice, std::move(practice_key));
            return;
    }
}

void Gates::begin_unlock(StoreId practice, crypto::Secret practice_key) {
    gates_[practice].state = State::unlocking;
    auto opening = std::make_shared<Opening>(Opening{practice, std::move(practice_key), {}, {}});
    const TimelineId timeline = storage_.timeline();
    storage_.transact(
        kDirectory, store::Access::write,
        [opening, timeline, &entropy = seams_.entropy](store::Database& database) -> Status {
            opening->ring =
                TRY(load_ring(database, opening->practice, timeline, opening->practice_key, entropy));
            opening->inbox = TRY(load_inbox(database, opening->practice, opening->practice_key));
            return {};
        },
        alive_.guard([this, opening](const Status& status) {
            if (!status) {
                fail_unlock(opening->practice, status.error());
                return;
            }
            unlock_store(opening);
        }));
}

void Gates::unlock_store(const std::shared_ptr<Opening>& opening) {
    storage_.unlock(
        opening->practice, std::move(opening->ring), options_.practice_migrations,
        alive_.guard([this, opening](const Status& status) {
            const StoreId practice = opening->practice;
            if (!status) {
                fail_unlock(practice, status.error());
                return;
            }
            options_.custody->keep(practice, std::move(opening->practice_key));
            settle_inbox(practice, std::make_shared<std::vector<crypto::Secret>>(std::move(opening->inbox)),
                         alive_.guard([this, practice](const Status&) { finish_opening(practice); }));
        }));
}

// The store that reads the inbox must know every identity that the directory does: the newest may be there
// only, and a store that was restored from an older time has lost some.
void Gates::settle_inbox(StoreId practice, Inbox inbox, Then then) {
    if (!options_.on_created || inbox->empty()) {
        then({});
        return;
    }
    storage_.transact(
        practice, store::Access::write,
        [inbox, on_created = options_.on_created](store::Database& database) -> Status {
            for (const crypto::Secret& identity : *inbox) {
                TRY(on_created(database, identity));
            }
            return {};
        },
        alive_.guard([this, inbox, then = std::move(then)](const Status& settled) {
            inbox->clear();
            if (!settled && options_.journal) {
                options_.journal("sign-in: inbox identities could not be stored: " + settled.error().text);
            }
            then(settled);
        }));
}

void Gates::finish_opening(StoreId practice) {
    if (!options_.on_unlocked) {
        finish_unlock(practice);
        return;
    }
    options_.on_unlocked(practice, alive_.guard([this, practice](const Status& drained) {
        if (!drained && options_.journal) {
            options_.journal("sign-in: work after opening a practice failed: " + drained.error().text);
        }
        finish_unlock(practice);
    }));
}

void Gates::replace_keys(StoreId practice, Replacement replacement, Then then) {
    if (!is_open(practice)) {
        then({});
        return;
    }
    options_.custody->keep(practice, std::move(replacement.practice_key));
    auto inbox = std::make_shared<std::vector<crypto::Secret>>(std::move(replacement.inbox));
    // In the store's queue: what was asked before is sealed under the old page key, what comes after under
    // the new.
    storage_.unlock(practice, std::move(replacement.ring), options_.practice_migrations,
                    alive_.guard([this, practice, inbox, then = std::move(then)](const Status& status) {
                        if (!status) {
                            then(status);
                            return;
                        }
                        settle_inbox(practice, inbox, then);
                    }));
}

void Gates::finish_unlock(StoreId practice) {
    Gate& gate = gates_[practice];
    gate.state = State::open;
    for (const Then& then : std::exchange(gate.entering, {})) {
        then(is_closing_ ? Status(Error{Fault::unavailable, "sign-in: the node is stopping; try again later"})
                         : Status());
    }
    leave(practice, [](const Status&) {});  // unless it is used now
}

void Gates::fail_unlock(StoreId practice, const Error& error) {
    Gate& gate = gates_[practice];
    gate.state = State::locked;
    if (options_.journal) {
        options_.journal("sign-in: a practice could not be opened: " + error.text);
    }
    for (const Then& then : std::exchange(gate.entering, {})) {
        then(error);
    }
    finish_close();
}

void Gates::leave(StoreId practice, Then then) {
    Gate& gate = gates_[practice];
    switch (gate.state) {
        case State::open:
            if (is_used_(practice)) {
                then({});
                return;
            }
            gate.leaving.push_back(std::move(then));
            begin_lock(practice);
            return;
        case State::locking: gate.leaving.push_back(std::move(then)); return;
        case State::unlocking:  // somebody else is coming; the opening ends with another look
        case State::locked: then({}); return;
    }
}

void Gates::begin_lock(StoreId practice) {
    gates_[practice].state = State::locking;
    options_.custody->forget(practice);
    storage_.lock(practice,
                  alive_.guard([this, practice](const Status& status) { finish_lock(practice, status); }));
}

void Gates::finish_lock(StoreId practice, const Status& status) {
    Gate& gate = gates_[practice];
    gate.state = State::locked;
    for (const Then& then : std::exchange(gate.leaving, {})) {
        then(status);
    }
    std::optional<crypto::Secret> key = std::exchange(gate.next_key, std::nullopt);
    if (key && !is_closing_ && gate.state == State::locked) {
        begin_unlock(practice, std::move(*key));
        return;
    }
    if (is_closing_ && !gate.entering.empty()) {
        fail_unlock(practice, Error{Fault::unavailable, "sign-in: the node is stopping; try again later"});
        return;
    }
    finish_close();
}

void Gates::close_all(Then then) {
    is_closing_ = true;
    closed_ = std::move(then);
    std::vector<StoreId> open;
    for (const auto& [practice, gate] : gates_) {
        if (gate.state == State::open) {
            open.push_back(practice);
        }
    }
    for (const StoreId practice : open) {
        begin_lock(practice);
    }
    finish_close();
}

void Gates::finish_close() {
    const bool is_quiet =
        std::ranges::all_of(gates_, [](const auto& entry) { return entry.second.state == State::locked; });
    if (is_closing_ && is_quiet && closed_) {
        std::exchange(closed_, {})({});
    }
}

}  // namespace firedrill::identity
