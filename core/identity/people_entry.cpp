// How people come: by an invitation.
#include <fmt/format.h>

#include <algorithm>

#include "identity/codes.h"
#include "identity/people_node.h"
#include "identity/rules.h"

namespace firedrill::identity {

namespace {

Error unknown_invitation() {
    return Error{Fault::refused,
                 "this invitation is unknown, was used, was withdrawn or has expired; ask for another"};
}

}  // namespace

void PeopleNode::invite(Confirmation who, std::string login, Role role, Then<Invitation> then) {
    login = lower_ascii(login);
    if (Status checked = check_login(login); !checked) {
        answer<Invitation>(std::move(then), checked.error());
        return;
    }
    if (login == who.session.login) {
        answer<Invitation>(std::move(then), Error{Fault::refused, "nobody invites themselves"});
        return;
    }
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::invite_person;
    act->next = [this, act = std::weak_ptr<Act>(act), login = std::move(login), role,
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        const WallTime now = tools_.seams.clock.wall();
        const crypto::Secret code = draw_code(CodeKind::invitation, tools_.seams.entropy);
        auto row = std::make_shared<InvitationRow>();
        row->practice = held->who.session.practice;
        row->login = login;
        row->role = role;
        row->expires = now + kInvitationLife;
        seal_invitation(*row, code, *held->practice_key, tools_.seams.entropy);
        tools_.storage.transact(
            kDirectory, store::Access::write,
            [row, held, now](store::Database& database) -> Status {
                const auto roster = TRY(load_roster(database, row->practice));
                if (!roster) {
                    return Error{Fault::not_found, "practice: there is none of that name"};
                }
                TRY(check_roster(*roster, *held->practice_key));
                if (roster->members.size() >= kMostPeople) {
                    return Error{Fault::limit,
                                 fmt::format("a practice has at most {} accounts", kMostPeople)};
                }
                if (roster->has_leaver()) {
                    return Error{Fault::refused,
                                 "an account was disabled on the server: sign out and in again, so that the "
                                 "practice's key is replaced before anybody is invited"};
                }
                TRY(delete_expired(database, now));
                return insert_invitation(database, *row);
            },
            alive_.guard([row, then, text = write_code(CodeKind::invitation, code)](const Status& status) {
                then(status ? Result<Invitation>(Invitation{text, row->login, row->role, row->expires})
                            : Result<Invitation>(status.error()));
            }));
    };
    confirm(act);
}

struct PeopleNode::Entry {
    Joining joining;
    Then<Joined> then;
    crypto::Secret code;
    InvitationRow row;
    Roster roster;
    Result<crypto::Secret> practice_key = Error{};
    Result<PersonRow> person = Error{};
};

void PeopleNode::join(Joining joining, Then<Joined> then) {
    auto code = read_code(CodeKind::invitation, joining.code);
    crypto::zeroise(joining.code);
    Status ready = code ? admit("join", joining.source, joining.source) : Status(code.error());
    if (!ready) {
        answer<Joined>(std::move(then), ready.error());
        return;
    }
    auto entry = std::make_shared<Entry>();
    entry->joining = std::move(joining);
    entry->then = std::move(then);
    entry->code = std::move(code).value();
    ++tools_.waiting;
    find_invitation(entry);
}

void PeopleNode::find_invitation(const EntryPtr& entry) {
    tools_.storage.transact(
        kDirectory, store::Access::read,
        [entry, now = tools_.seams.clock.wall()](store::Database& database) -> Status {
            auto row = TRY(load_invitation(database, invitation_id(entry->code)));
            if (!row || row->expires <= now) {
                return unknown_invitation();
            }
            auto roster = TRY(load_roster(database, row->practice));
            if (!roster) {
                return unknown_invitation();
            }
            entry->row = std::move(*row);
            entry->roster = std::move(*roster);
            return {};
        },
        alive_.guard([this, entry](const Status& status) {
            if (!status) {
                --tools_.waiting;
                entry->then(status.error());
                return;
            }
            make_entrant(entry);
        }));
}

void PeopleNode::make_entrant(const EntryPtr& entry) {
    tools_.seams.workers.run(
        Lane::passwords,
        [entry, cost = tools_.options.cost, &entropy = tools_.seams.entropy,
         &workers = tools_.seams.workers] {
            entry->practice_key = open_invitation(entry->row, entry->code);
            const PracticeRow& practice = entry->roster.practice;
            auto password = take_new_password(entry->joining.password, PasswordUse::staff_alone,
                                              practice.name, practice.title, entry->row.login);
            entry->joining.password = {};
            if (!entry->practice_key || !password) {
                entry->person = entry->practice_key ? password.error() : entry->practice_key.error();
                return;
            }
            workers.charge(Work::password_hash, 1);
            const Member* known = entry->roster.find(entry->row.login);
            entry->person =
                make_person(practice.id, known == nullptr ? draw_id<PersonId>(entropy) : known->row.id,
                            entry->row.login, entry->row.role, *password, cost, entropy);
        },
        alive_.guard([this, entry] {
            --tools_.waiting;
            if (!entry->person) {
                entry->then(entry->person.error());
                return;
            }
            store_entrant(entry);
        }));
}

void PeopleNode::store_entrant(const EntryPtr& entry) {
    const StoreId practice = entry->row.practice;
    const PersonId person = entry->person->id;
    change(
        practice,
        [entry, &entropy = tools_.seams.entropy](store::Database& database, Roster& roster) -> Status {
            const auto row = TRY(load_invitation(database, entry->row.id));
            if (!row) {
                return unknown_invitation();
            }
            TRY(check_roster(roster, *entry->practice_key));
            const Member* known = roster.find(entry->row.login);
            if (known != nullptr && known->row.id != entry->person->id) {
                return unknown_invitation();
            }
            TRY(admit_member(roster, *entry->person, *entry->practice_key, entropy));
            if (!roster.has_active_owner()) {
                return Error{Fault::refused,
                             "the practice would have no owner left; ask for another invitation"};
            }
            vouch_for(roster, *entry->practice_key);
            TRY(delete_second_factor(database, entry->person->id));  // went with their old keys
            return delete_invitation(database, entry->row.id);
        },
        [this, entry, practice, person](const Status& status) {
            entry->practice_key = Error{};
            if (!status) {
                entry->then(status.error());
                return;
            }
            const std::string& source = entry->joining.source;
            tools_.slow_down.succeeded("join", source, source, tools_.seams.clock.now());
            end_sessions(practice, person, {});  // of somebody who got new keys
            entry->then(Joined{entry->roster.practice.name, entry->row.login, entry->row.role});
        });
}

}  // namespace firedrill::identity
