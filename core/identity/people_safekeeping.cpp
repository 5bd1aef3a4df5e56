// Acts of an owner on kit and escrow, and the look at them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "identity/codes.h"
#include "identity/escrow.h"
#include "identity/people_node.h"

namespace firedrill::identity {

namespace {

bool is_holder_name(std::string_view name) {
    return !name.empty() && name.size() <= kLongestHolder && is_utf8(name) &&
           std::ranges::none_of(name,
                                [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Status check_ceremony(std::uint32_t needed, const std::vector<std::string>& holders) {
    if (holders.size() < 2 || holders.size() > crypto::kMostShares) {
        return Error{Fault::bad_input, fmt::format("an escrow has 2 to {} holders; {} were named",
                                                   crypto::kMostShares, holders.size())};
    }
    if (needed < 2 || needed > holders.size()) {
        return Error{Fault::bad_input, fmt::format("at least 2 and at most {} of {} shares must be needed",
                                                   holders.size(), holders.size())};
    }
    for (const std::string& holder : holders) {
        if (!is_holder_name(holder)) {
            return Error{Fault::bad_input,
                         fmt::format("a holder's name has 1 to {} bytes of plain text", kLongestHolder)};
        }
    }
    if (std::set<std::string>(holders.begin(), holders.end()).size() != holders.size()) {
        return Error{Fault::bad_input, "two holders have the same name; write them so that they differ"};
    }
    return {};
}

}  // namespace

void PeopleNode::look(std::string_view practice_name, Then<Safekept> then) {
    const auto practice = tools_.find_practice(practice_name);
    if (!practice) {
        answer<Safekept>(std::move(then), practice.error());
        return;
    }
    const StoreId id = practice->id;
    const crypto::Secret* open_key = tools_.options.custody->find(id);
    auto key = std::make_shared<crypto::Secret>(open_key == nullptr ? crypto::Secret() : open_key->copy());
    auto seen = std::make_shared<Safekept>();
    const std::uint64_t generation = tools_.generations[id];
    tools_.storage.transact(
        kDirectory, store::Access::read,
        [seen, key, id](store::Database& database) -> Status {
            auto roster = TRY(load_roster(database, id));
            if (!roster) {
                return Error{Fault::not_found, "practice: there is none of that name"};
            }
            seen->is_altered = !key->is_empty() && !check_roster(*roster, *key);
            seen->active_owners = roster->owner_count();
            seen->records = std::move(roster->safekeeping);
            return {};
        },
        alive_.guard([this, seen, id, generation, then = std::move(then)](const Status& status) {
            // Keys that were replaced in between say nothing about the records.
            seen->is_altered = seen->is_altered && tools_.generations[id] == generation;
            then(status ? Result<Safekept>(std::move(*seen)) : Result<Safekept>(status.error()));
        }));
}

void PeopleNode::change_vouched(const ActPtr& act, Change change, Then<void> then) {
    auto key = std::make_shared<crypto::Secret>(std::move(act->practice_key).value());
    this->change(
        act->who.session.practice,
        [key, change = std::move(change)](store::Database& database, Roster& roster) -> Status {
            if (!check_roster(roster, *key)) {
                return Error{Fault::unavailable,
                             "the records of the practice were changed at this moment; try again"};
            }
            TRY(change(database, roster));
            vouch_for(roster, *key);
            return {};
        },
        std::move(then));
}

void PeopleNode::replace_kit(Confirmation who, Then<NewKit> then) {
    struct Making {
        PersonRow pair;
        NewKit kit;
        bool is_stored = false;
    };
    auto making = std::make_shared<Making>();
    making->kit.login = who.session.login;
    making->kit.practice_name = who.session.practice_name;
    making->kit.made = tools_.seams.clock.wall();
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::replace_kit;
    act->work = [making, &entropy = tools_.seams.entropy](Act& self, OpenedAccount&,
                                                          const crypto::Secret&) -> Status {
        const crypto::Secret code = draw_code(CodeKind::recovery, entropy);
        making->pair = make_recovery(self.credentials.practice.id, code, entropy);
        making->kit.code = write_code(CodeKind::recovery, code);
        making->kit.practice_title = self.credentials.practice.title;
        return {};
    };
    act->next = [this, act = std::weak_ptr<Act>(act), making, then](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        auto key = std::make_shared<crypto::Secret>(held->practice_key->copy());
        replace_key(
            held->who.session.practice, std::move(held->practice_key).value(),
            [making, key, &entropy = tools_.seams.entropy](store::Database&, Roster& roster) -> Status {
                roster.drop_pair(PersonState::recovery);
                TRY(admit_member(roster, making->pair, *key, entropy));
                roster.safekeeping.kit =
                    KitRecord{making->pair.id, KitMaker::owner, making->kit.login, making->kit.made};
                vouch_for(roster, *key);
                return {};
            },
            [making] { making->is_stored = true; },
            [making, then](const Status& status) {
                // Also when the open store could not take the new keys yet: the code must be seen.
                then(making->is_stored ? Result<NewKit>(making->kit) : Result<NewKit>(status.error()));
            });
    };
    confirm(act);
}

void PeopleNode::make_escrow(Confirmation who, std::uint32_t needed, std::vector<std::string> holders,
                             Then<NewEscrow> then) {
    if (Status checked = check_ceremony(needed, holders); !checked) {
        answer<NewEscrow>(std::move(then), checked.error());
        return;
    }
    auto made = std::make_shared<NewEscrowPair>();
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::make_escrow;
    act->work = [made, needed, holders = std::move(holders), now = tools_.seams.clock.wall(),
                 &entropy = tools_.seams.entropy](Act& self, OpenedAccount&,
                                                  const crypto::Secret&) -> Status {
        *made = identity::make_escrow(self.credentials.practice.id, static_cast<std::uint8_t>(needed),
                                      holders, entropy);
        made->record.made_by = self.credentials.person.login;
        made->record.made = now;
        return {};
    };
    act->next = [this, act = std::weak_ptr<Act>(act), made, then](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        auto key = std::make_shared<crypto::Secret>(held->practice_key->copy());
        change_vouched(
            held,
            [made, key, &entropy = tools_.seams.entropy](store::Database&, Roster& roster) -> Status {
                if (roster.safekeeping.open_escrow() != nullptr) {
                    return Error{Fault::exists, "an escrow is open already; end it first"};
                }
                TRY(admit_member(roster, made->pair, *key, entropy));
                roster.safekeeping.escrows.push_back(made->record);
                roster.safekeeping.trim();
                return {};
            },
            [made, then](const Status& status) {
                if (!status) {
                    then(status.error());
                    return;
                }
                NewEscrow out{made->record, {}};
                for (const crypto::Secret& share : made->shares) {
                    out.shares.push_back(write_share(share));
                }
                then(std::move(out));
            });
    };
    confirm(act);
}

void PeopleNode::confirm_shares(Confirmation who, std::vector<std::string> checksums, Then<void> then) {
    std::vector<ShareChecksum> typed;
    for (const std::string& text : checksums) {
        auto checksum = read_checksum(text);
        if (!checksum) {
            answer<void>(std::move(then), checksum.error());
            return;
        }
        typed.push_back(*checksum);
    }
    if (typed.empty() || typed.size() > crypto::kMostShares) {
        answer<void>(std::move(then), Error{Fault::bad_input, "type the checksum of at least one share"});
        return;
    }
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::confirm_share;
    act->next = [this, act = std::weak_ptr<Act>(act), typed = std::move(typed),
                 now = tools_.seams.clock.wall(), then](const Status& confirmed) {
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        change_vouched(
            act.lock(),
            [typed, now](store::Database&, Roster& roster) -> Status {
                EscrowRecord* escrow = roster.safekeeping.open_escrow();
                if (escrow == nullptr) {
                    return Error{Fault::not_found, "there is no open escrow"};
                }
                for (const ShareChecksum& checksum : typed) {
                    const auto share = std::ranges::find(escrow->shares, checksum, &ShareRecord::checksum);
                    if (share == escrow->shares.end()) {
                        return Error{Fault::bad_input,
                                     fmt::format("{} is the checksum of no share; compare it "
                                                 "with the paper",
                                                 write_checksum(checksum))};
                    }
                    share->confirmed = share->is_confirmed() ? share->confirmed : now;
                }
                return {};
            },
            then);
    };
    confirm(act);
}

void PeopleNode::end_escrow(Confirmation who, Then<void> then) {
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::end_escrow;
    act->next = [this, act = std::weak_ptr<Act>(act), now = tools_.seams.clock.wall(),
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        auto key = std::make_shared<crypto::Secret>(held->practice_key->copy());
        replace_key(
            held->who.session.practice, std::move(held->practice_key).value(),
            [key, now, login = held->who.session.login](store::Database&, Roster& roster) -> Status {
                EscrowRecord* escrow = roster.safekeeping.open_escrow();
                if (escrow == nullptr) {
                    return Error{Fault::not_found, "there is no open escrow"};
                }
                roster.drop_pair(PersonState::escrow);
                escrow->state = EscrowState::ended;
                escrow->ended_by = login;
                escrow->ended = now;
                vouch_for(roster, *key);
                return {};
            },
            [] {}, then);
    };
    confirm(act);
}

}  // namespace firedrill::identity
