#include <fmt/format.h>

#include <algorithm>

#include "identity/people_node.h"
#include "identity/rules.h"

namespace firedrill::identity {

// --- what every act of a signed-in person begins with: the password once more, and the table of authority

Status PeopleNode::admit(std::string_view practice, std::string_view login, std::string_view source) {
    if (tools_.waiting >= kPasswordQueue) {
        return Error{Fault::unavailable, "the node is busy; try again in a minute"};
    }
    const Duration wait = tools_.slow_down.admit(practice, login, source, tools_.seams.clock.now());
    if (wait > Duration::zero()) {
        return Error{Fault::unavailable, fmt::format("too many attempts failed; try again in {} s",
                                                     std::chrono::ceil<std::chrono::seconds>(wait).count())};
    }
    return {};
}

void PeopleNode::confirm(const ActPtr& act) {
    const Session& session = act->who.session;
    if (Status admitted = admit(session.practice_name, session.login, act->who.source); !admitted) {
        answer<void>(act->next, std::move(admitted));
        return;
    }
    ++tools_.waiting;
    tools_.storage.transact(
        kDirectory, store::Access::read,
        [act](store::Database& database) -> Status {
            const Session& who = act->who.session;
            auto found = TRY(load_credentials(database, who.practice_name, who.login));
            if (!found || found->person.id != who.person) {
                return Error{Fault::refused, "your account is not there any more"};
            }
            act->credentials = std::move(*found);
            return {};
        },
        alive_.guard([this, act](const Status& status) {
            if (!status) {
                --tools_.waiting;
                act->next(status);
                return;
            }
            check_password(act);
        }));
}

void PeopleNode::check_password(const ActPtr& act) {
    tools_.seams.workers.run(
        Lane::passwords,
        [act, &workers = tools_.seams.workers] {
            workers.charge(Work::password_hash, 1);
            auto password = normalise_password(act->who.password.view());
            act->who.password = {};
            if (!password) {
                act->practice_key = Error{Fault::wrong_secret, ""};
                return;
            }
            auto account = open_account(act->credentials, *password);
            if (!account) {
                act->practice_key = account.error();
                return;
            }
            act->who.session.role = act->credentials.person.role;  // as it is now
            if (act->work && may(act->who.session, act->action)) {
                act->also = act->work(*act, *account, *password);
            }
            act->practice_key = std::move(account->practice_key);
        },
        alive_.guard([this, act] {
            --tools_.waiting;
            judge(act);
        }));
}

void PeopleNode::judge(const ActPtr& act) {
    if (!act->practice_key) {
        const Error& error = act->practice_key.error();
        act->next(error.fault == Fault::wrong_secret
                      ? Error{Fault::wrong_secret, "your password is not right; nothing was changed"}
                      : error);
        return;
    }
    const Session& session = act->who.session;
    tools_.slow_down.succeeded(session.practice_name, session.login, act->who.source,
                               tools_.seams.clock.now());
    if (!may(session, act->action)) {
        act->next(
            Error{Fault::refused, session.needs_second_factor
                                      ? std::string("a second factor must be set up before anything else")
                                      : fmt::format("your role may not {}", action_name(act->action))});
        return;
    }
    act->next(act->also);
}

// --- changes of the roster

void PeopleNode::change(StoreId practice, Change change, Then<void> then) {
    auto roster = std::make_shared<Roster>();
    tools_.storage.transact(
        kDirectory, store::Access::write,
        [practice, roster, change = std::move(change)](store::Database& database) -> Status {
            auto found = TRY(load_roster(database, practice));
            if (!found) {
                return Error{Fault::not_found, "practice: there is none of that name"};
            }
            *roster = std::move(*found);
            TRY(change(database, *roster));
            return store_roster(database, *roster);
        },
        alive_.guard([this, practice, roster, then = std::move(then)](const Status& status) {
            if (status) {
                ++tools_.generations[practice];
                tools_.remember(roster->practice, roster->active_count(), roster->safekeeping.has_own_kit());
            }
            then(status);
        }));
}

void PeopleNode::replace_key(StoreId practice, crypto::Secret practice_key, Change before,
                             std::function<void()> stored, Then<void> then) {
    auto old_key = std::make_shared<crypto::Secret>(std::move(practice_key));
    auto replacement = std::make_shared<Replacement>();
    const std::uint64_t generation = tools_.generations[practice];
    change(
        practice,
        [old_key, replacement, before = std::move(before), timeline = tools_.storage.timeline(),
         &entropy = tools_.seams.entropy](store::Database& database, Roster& roster) -> Status {
            TRY(check_roster(roster, *old_key));
            TRY(before(database, roster));
            *replacement = TRY(replace_practice_key(roster, *old_key, timeline, entropy));
            return delete_invitations(database, roster.practice.id);
        },
        [this, practice, old_key, replacement, generation, stored = std::move(stored),
         then = std::move(then)](const Status& status) {
            *old_key = {};
            if (!status) {
                const bool was_overtaken = tools_.generations[practice] != generation;
                then(was_overtaken && status.error().fault == Fault::damaged
                         ? Error{Fault::unavailable, "somebody else changed the list of people; try again"}
                         : status.error());
                return;
            }
            stored();
            tools_.gates.replace_keys(practice, std::move(*replacement), then);
        });
}

void PeopleNode::replace_due_key(StoreId practice, crypto::Secret practice_key, Then<void> then) {
    replace_key(
        practice, std::move(practice_key),
        [](store::Database&, Roster& roster) -> Status {
            return roster.has_leaver()
                       ? Status()
                       : Status(Error{Fault::exists, "the practice key was replaced already"});
        },
        [] {}, std::move(then));
}

void PeopleNode::leave_ended(const std::vector<StoreId>& ended) {
    for (const StoreId practice : ended) {
        tools_.gates.leave(practice, [](const Status&) {});
    }
}

void PeopleNode::end_sessions(StoreId practice, PersonId person, std::string_view except_token) {
    std::vector<StoreId> ended;
    tools_.sessions.remove_person(practice, person, except_token, ended);
    leave_ended(ended);
}

// --- who is there

void PeopleNode::list(std::string_view practice_name, Then<PeopleList> then) {
    const auto practice = tools_.find_practice(practice_name);
    if (!practice) {
        answer<PeopleList>(std::move(then), practice.error());
        return;
    }
    auto listed = std::make_shared<PeopleList>();
    tools_.storage.transact(
        kDirectory, store::Access::read,
        [listed, id = practice->id, now = tools_.seams.clock.wall()](store::Database& database) -> Status {
            *listed = {};
            const auto roster = TRY(load_roster(database, id));
            for (const Member& member : roster ? roster->members : std::vector<Member>()) {
                if (is_account(member.row.state)) {
                    listed->people.push_back({member.row.id, member.row.login, member.row.role,
                                              member.row.state == PersonState::active, !member.sealed.empty(),
                                              has_second_factor(member.row)});
                }
            }
            std::ranges::sort(listed->people, {}, &Person::login);
            for (const InvitationRow& row : TRY(load_invitations(database, id))) {
                if (row.expires > now) {
                    listed->invitations.push_back({row.login, row.role, row.expires});
                }
            }
            return {};
        },
        alive_.guard([listed, then = std::move(then)](const Status& status) {
            then(status ? Result<PeopleList>(std::move(*listed)) : Result<PeopleList>(status.error()));
        }));
}

// --- how they leave

void PeopleNode::disable(Confirmation who, PersonId person, Then<void> then) {
    if (who.session.person == person) {
        answer<void>(std::move(then),
                     Error{Fault::refused, "nobody disables their own account; another owner must do that"});
        return;
    }
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::disable_person;
    act->next = [this, act = std::weak_ptr<Act>(act), person,
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        const StoreId practice = held->who.session.practice;
        replace_key(
            practice, std::move(held->practice_key).value(),
            [person](store::Database&, Roster& roster) -> Status {
                Member* leaver = roster.find(person);
                if (leaver == nullptr || !is_account(leaver->row.state)) {
                    return Error{Fault::not_found, "there is no such person in this practice"};
                }
                leaver->row.state = PersonState::disabled;
                return roster.has_active_owner()
                           ? Status()
                           : Status(Error{Fault::refused, "the practice would have no owner left"});
            },
            [this, practice, person] { end_sessions(practice, person, {}); }, then);
    };
    confirm(act);
}

void PeopleNode::disable_by_operator(std::string_view practice_name, std::string_view login,
                                     Then<void> then) {
    const auto practice = tools_.find_practice(practice_name);
    if (!practice) {
        answer<void>(std::move(then), practice.error());
        return;
    }
    auto person = std::make_shared<PersonId>();
    change(
        practice->id,
        [person, login = lower_ascii(login)](store::Database& database, Roster& roster) -> Status {
            Member* leaver = roster.find(login);
            if (leaver == nullptr) {
                return Error{Fault::not_found, "there is no person of that login name in this practice"};
            }
            leaver->row.state = PersonState::disabled;
            *person = leaver->row.id;
            if (!roster.has_active_owner()) {
                return Error{Fault::refused, "the practice would have no owner left; make another one first"};
            }
            // Whoever comes back by one would hide that the key is due.
            return delete_invitations(database, roster.practice.id);
        },
        [this, person, id = practice->id, then = std::move(then)](const Status& status) {
            if (status) {
                end_sessions(id, *person, {});
            }
            then(status);
        });
}

// --- what they change about themselves

void PeopleNode::change_password(Confirmation who, crypto::Secret new_password, std::string token,
                                 Then<void> then) {
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::change_own_password;
    auto chosen = std::make_shared<crypto::Secret>(std::move(new_password));
    act->work = [chosen, cost = tools_.options.cost, &entropy = tools_.seams.entropy,
                 &workers = tools_.seams.workers](Act& self, OpenedAccount& account,
                                                  const crypto::Secret&) -> Status {
        const PracticeRow& practice = self.credentials.practice;
        self.changed = self.credentials.person;
        const PasswordUse use =
            account.totp_secret.is_empty() ? PasswordUse::staff_alone : PasswordUse::staff_second_factor;
        const crypto::Secret taken =
            TRY(take_new_password(*chosen, use, practice.name, practice.title, self.changed.login));
        *chosen = {};
        workers.charge(Work::password_hash, 1);
        seal_account(practice.id, self.changed, account, taken, cost, entropy);
        return {};
    };
    act->next = [this, act = std::weak_ptr<Act>(act), token = std::move(token),
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        store_changed(
            held, [](store::Database&, PersonId) { return Status(); },
            [this, held, token, then](const Status& status) {
                if (status) {
                    end_sessions(held->who.session.practice, held->changed.id, token);
                }
                then(status);
            });
    };
    confirm(act);
}

std::vector<SessionInfo> PeopleNode::list_sessions(std::string_view token) {
    std::vector<StoreId> ended;
    const Instant now = tools_.seams.clock.now();
    const Session* own = tools_.sessions.find(token, now, ended);
    auto out = own == nullptr ? std::vector<SessionInfo>()
                              : tools_.sessions.list_person(own->practice, own->person, token, now);
    leave_ended(ended);
    return out;
}

Status PeopleNode::end_session(std::string_view token, std::string_view id) {
    std::vector<StoreId> ended;
    const Session* own = tools_.sessions.find(token, tools_.seams.clock.now(), ended);
    const bool has_ended =
        own != nullptr && tools_.sessions.remove_one(own->practice, own->person, id, ended);
    leave_ended(ended);
    return has_ended ? Status() : Status(Error{Fault::not_found, "session: it has ended already"});
}

}  // namespace firedrill::identity
