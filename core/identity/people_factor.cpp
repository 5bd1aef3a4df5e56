// Setting up, turning off and renewing one's own second factor.
#include "crypto/totp.h"
#include "identity/people_node.h"
#include "identity/rules.h"

namespace firedrill::identity {

namespace {

Error no_factor() {
    return Error{Fault::refused, "there is no second factor; set one up first"};
}

// A second factor on its way from the proposal to the directory.
struct Made {
    crypto::Secret secret;
    crypto::Secret code;
    SecondFactorRow row;
    std::vector<std::string> spare_codes;
};

// The person's app has the secret: its code says so, and its step counts as used.
Status prove(Made& made, const OpenedAccount& account, std::uint64_t now_step) {
    const auto digits = crypto::read_totp_code(as_text(made.code.view()));
    const auto step = digits ? crypto::match_totp(made.secret.view(), *digits, now_step, 0) : std::nullopt;
    made.code = {};
    if (!step) {
        return Error{Fault::bad_input,
                     "the code is not the one of this secret; wait for the next one, and look whether the "
                     "clock of your phone is right"};
    }
    if (!account.totp_secret.is_empty()) {
        return Error{Fault::refused, "you have a second factor already"};
    }
    made.row.last_step = *step;
    return {};
}

}  // namespace

void PeopleNode::store_changed(const ActPtr& act, std::function<Status(store::Database&, PersonId)> also,
                               Then<void> then) {
    tools_.storage.transact(
        kDirectory, store::Access::write,
        [act, also = std::move(also)](store::Database& database) -> Status {
            const PersonRow& known = act->credentials.person;
            TRY(replace_wrap(database, known.id, known.wrapped_private, act->changed));
            return also(database, known.id);
        },
        alive_.guard([this, act, then = std::move(then)](const Status& status) {
            if (status) {  // a sign-in that read the old rows must not succeed any more
                ++tools_.generations[act->who.session.practice];
            }
            then(status);
        }));
}

const PeopleNode::Proposal* PeopleNode::find_proposal(PersonId person) {
    const Instant now = tools_.seams.clock.now();
    std::erase_if(proposals_, [&](const auto& entry) { return entry.second.expires <= now; });
    const auto found = proposals_.find(person);
    return found == proposals_.end() ? nullptr : &found->second;
}

Result<SecondFactorProposal> PeopleNode::propose_second_factor(std::string_view token) {
    std::vector<StoreId> ended;
    const Session* own = tools_.sessions.find(token, tools_.seams.clock.now(), ended);
    const std::optional<Session> session = own == nullptr ? std::nullopt : std::optional(*own);
    leave_ended(ended);
    if (!session || !may(*session, Action::set_up_second_factor)) {
        return Error{Fault::refused, "your session has ended; sign in again"};
    }
    if (session->has_second_factor) {
        return Error{Fault::refused, "you have a second factor; turn it off before you set up another"};
    }
    if (find_proposal(session->person) == nullptr) {
        crypto::Secret secret(crypto::kTotpSecretSize);
        tools_.seams.entropy.fill(secret.mutable_view());
        const Instant expires = tools_.seams.clock.now() + kProposalLife;
        proposals_.insert_or_assign(session->person, Proposal{std::move(secret), expires});
    }
    const crypto::Secret& secret = proposals_.at(session->person).secret;
    return SecondFactorProposal{crypto::write_otpauth(session->practice_name, session->login, secret.view()),
                                crypto::to_base32(secret.view())};
}

void PeopleNode::confirm_second_factor(Confirmation who, crypto::Secret code, std::string token,
                                       Then<SecondFactorOn> then) {
    const Proposal* proposed = find_proposal(who.session.person);
    if (proposed == nullptr) {
        answer<SecondFactorOn>(
            std::move(then),
            Error{Fault::bad_input, "the secret has expired; begin again and use the new one"});
        return;
    }
    auto made = std::make_shared<Made>(Made{proposed->secret.copy(), std::move(code), {}, {}});
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::set_up_second_factor;
    act->work = [made, cost = tools_.options.cost, now = crypto::totp_step(tools_.seams.clock.wall()),
                 &entropy = tools_.seams.entropy, &workers = tools_.seams.workers](
                    Act& self, OpenedAccount& account, const crypto::Secret& password) -> Status {
        TRY(prove(*made, account, now));
        account.totp_secret = std::move(made->secret);
        SpareCodes codes = draw_spare_codes(account.private_key, self.credentials.person.id, entropy);
        made->spare_codes = std::move(codes.shown);
        made->row.spare_codes = std::move(codes.tags);
        self.changed = self.credentials.person;
        workers.charge(Work::password_hash, 1);
        seal_account(self.credentials.practice.id, self.changed, account, password, cost, entropy);
        return {};
    };
    act->next = [this, act = std::weak_ptr<Act>(act), made, token = std::move(token),
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        store_changed(
            held,
            [made](store::Database& database, PersonId person) {
                return store_second_factor(database, person, made->row);
            },
            [this, held, made, token, then](const Status& stored) {
                if (!stored) {
                    then(stored.error());
                    return;
                }
                proposals_.erase(held->changed.id);
                end_sessions(held->who.session.practice, held->changed.id, token);
                auto fresh = tools_.sessions.renew(token, true);
                then(fresh ? Result<SecondFactorOn>(
                                 SecondFactorOn{std::move(made->spare_codes), std::move(*fresh)})
                           : Result<SecondFactorOn>(
                                 Error{Fault::unavailable,
                                       "your second factor is on, but your session has ended; "
                                       "sign in with a code and make new spare codes"}));
            });
    };
    confirm(act);
}

void PeopleNode::turn_off_second_factor(Confirmation who, std::string token, Then<void> then) {
    if (tools_.options.second_factor == SecondFactorRule::required) {
        answer<void>(std::move(then),
                     Error{Fault::refused, "this node asks everybody for a second factor; it stays on"});
        return;
    }
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::turn_off_second_factor;
    act->work = [cost = tools_.options.cost, &entropy = tools_.seams.entropy,
                 &workers = tools_.seams.workers](Act& self, OpenedAccount& account,
                                                  const crypto::Secret& password) -> Status {
        const PracticeRow& practice = self.credentials.practice;
        if (account.totp_secret.is_empty()) {
            return no_factor();
        }
        if (!take_new_password(password, PasswordUse::staff_alone, practice.name, practice.title,
                               self.credentials.person.login)) {
            return Error{Fault::bad_input,
                         "your password is too short or too easy to stand alone; choose one of at least 15 "
                         "characters first"};
        }
        account.totp_secret = {};
        self.changed = self.credentials.person;
        workers.charge(Work::password_hash, 1);
        seal_account(practice.id, self.changed, account, password, cost, entropy);
        return {};
    };
    act->next = [this, act = std::weak_ptr<Act>(act), token = std::move(token),
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        store_changed(held, delete_second_factor, [this, held, token, then](const Status& stored) {
            if (stored) {
                end_sessions(held->who.session.practice, held->changed.id, token);
                tools_.sessions.set_second_factor(token, false);
            }
            then(stored);
        });
    };
    confirm(act);
}

void PeopleNode::renew_spare_codes(Confirmation who, Then<std::vector<std::string>> then) {
    auto act = std::make_shared<Act>();
    act->who = std::move(who);
    act->action = Action::renew_spare_codes;
    auto codes = std::make_shared<SpareCodes>();
    act->work = [codes, &entropy = tools_.seams.entropy](Act& self, OpenedAccount& account,
                                                         const crypto::Secret&) -> Status {
        if (account.totp_secret.is_empty()) {
            return no_factor();
        }
        *codes = draw_spare_codes(account.private_key, self.credentials.person.id, entropy);
        self.changed = self.credentials.person;
        return {};
    };
    act->next = [this, act = std::weak_ptr<Act>(act), codes,
                 then = std::move(then)](const Status& confirmed) {
        const ActPtr held = act.lock();
        if (!confirmed) {
            then(confirmed.error());
            return;
        }
        store_changed(
            held,
            [codes](store::Database& database, PersonId person) {
                return store_spare_codes(database, person, codes->tags);
            },
            [codes, then](const Status& stored) {
                then(stored ? Result<std::vector<std::string>>(std::move(codes->shown))
                            : Result<std::vector<std::string>>(stored.error()));
            });
    };
    confirm(act);
}

}  // namespace firedrill::identity
