#include "identity/sign_in.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/totp.h"
#include "identity/rules.h"

namespace firedrill::identity {

namespace {

Error wrong_sign_in() {
    return Error{Fault::refused,
                 "sign-in: practice, login, password and code do not belong together; try again"};
}

// Never lower in either figure: a policy that asks for less of one thing takes nothing away.
crypto::PasswordCost raised_cost(crypto::PasswordCost stored, crypto::PasswordCost policy) {
    return {std::max(stored.memory_kib, policy.memory_kib), std::max(stored.passes, policy.passes)};
}

// The same account under a higher cost; nullopt when the policy does not ask for one.
std::optional<PersonRow> raise(const Credentials& credentials, const OpenedAccount& account,
                               const crypto::Secret& password, crypto::PasswordCost policy, Entropy& entropy,
                               Workers& workers) {
    const auto record = read_phc(credentials.person.password);
    if (!record || raised_cost(record->cost, policy) == record->cost) {
        return std::nullopt;
    }
    workers.charge(Work::password_hash, 1);
    PersonRow out = credentials.person;
    seal_account(credentials.practice.id, out, account, password, raised_cost(record->cost, policy), entropy);
    return out;
}

}  // namespace

void SignInDesk::journal(const std::string& sentence) const {
    if (tools_.options.journal) {
        tools_.options.journal(sentence);
    }
}

void SignInDesk::answer_later(Then then, Error error) {
    tools_.seams.clock.defer(
        alive_.guard([then = std::move(then), error = std::move(error)] { then(error); }));
}

void SignInDesk::sign_in(SignIn request, Then then) {
    request.practice = lower_ascii(request.practice);
    request.login = lower_ascii(request.login);
    if (tools_.waiting >= kPasswordQueue) {
        answer_later(
            std::move(then),
            Error{Fault::unavailable, "sign-in: too many people are signing in; try again in a minute"});
        return;
    }
    const Instant now = tools_.seams.clock.now();
    const Duration wait = tools_.slow_down.admit(request.practice, request.login, request.source, now);
    if (wait > Duration::zero()) {
        const auto whole = std::chrono::ceil<std::chrono::seconds>(wait).count();
        answer_later(std::move(then),
                     Error{Fault::unavailable,
                           fmt::format("sign-in: too many attempts failed; try again in {} s", whole)});
        return;
    }
    ++tools_.waiting;
    auto attempt = std::make_shared<Attempt>();
    attempt->request = std::move(request);
    attempt->then = std::move(then);
    const SignIn& asked = attempt->request;
    attempt->takes_app_codes = tools_.slow_down.takes_codes(asked.practice, asked.login, asked.source, now);
    if (const auto known = tools_.find_practice(asked.practice)) {
        attempt->generation = tools_.generations[known->id];
    }
    read_rows(attempt);
}

void SignInDesk::read_rows(const AttemptPtr& attempt) {
    tools_.storage.transact(
        kDirectory, store::Access::read,
        [attempt, cost = tools_.options.cost,
         &entropy = tools_.seams.entropy](store::Database& database) -> Status {
            auto found = TRY(load_for_sign_in(database, attempt->request.practice, attempt->request.login));
            if (!found) {
                attempt->credentials = make_decoy(cost, entropy);
                return {};
            }
            Bytes decoy = draw_decoy_wrap(found->credentials, entropy);
            attempt->credentials = std::move(found->credentials);
            std::swap(found->is_known ? found->credentials.person.wrapped_private
                                      : attempt->credentials.person.wrapped_private,
                      decoy);
            return {};
        },
        alive_.guard([this, attempt](const Status& status) {
            if (!status) {
                --tools_.waiting;
                attempt->then(status.error());
                return;
            }
            hash(attempt);
        }));
}

void SignInDesk::hash(const AttemptPtr& attempt) {
    tools_.seams.workers.run(
        Lane::passwords,
        [attempt, cost = tools_.options.cost, step = crypto::totp_step(tools_.seams.clock.wall()),
         &entropy = tools_.seams.entropy, &workers = tools_.seams.workers] {
            workers.charge(Work::password_hash, 1);
            auto password = normalise_password(attempt->request.password.view());
            attempt->request.password = {};
            Credentials& credentials = attempt->credentials;
            if (!password) {  // nobody has such a one; same work, bounded
                password = crypto::Secret(as_bytes("no password"));
                credentials = make_decoy_like(std::move(credentials), entropy);
            }
            attempt->account = open_account(credentials, *password);
            const crypto::Secret code = std::move(attempt->request.code);
            if (!attempt->account) {
                pretend_to_check_code(credentials, code.view(), step);
                return;
            }
            attempt->code =
                check_code(credentials, *attempt->account, code.view(), step, attempt->takes_app_codes);
            if (attempt->code.use != CodeUse::wrong) {
                attempt->raised = raise(credentials, *attempt->account, *password, cost, entropy, workers);
            }
        },
        alive_.guard([this, attempt] {
            --tools_.waiting;
            judge(attempt);
        }));
}

void SignInDesk::refuse(const AttemptPtr& attempt) {
    const SignIn& request = attempt->request;
    const std::string known = tools_.find_practice(request.practice).is_ok() ? request.practice : "";
    for (const std::string& sentence :
         watch_.refused(request.practice, request.login, known, request.source, tools_.seams.clock.now())) {
        journal(sentence);
    }
    attempt->then(wrong_sign_in());
}

void SignInDesk::judge(const AttemptPtr& attempt) {
    if (!attempt->account) {
        const Error& error = attempt->account.error();
        if (error.fault == Fault::wrong_secret) {
            const SignIn& request = attempt->request;
            tools_.slow_down.pretend_wrong_code(request.practice, request.login, tools_.seams.clock.now());
            refuse(attempt);
            return;
        }
        journal("sign-in: " + error.text);
        attempt->then(error);
        return;
    }
    if (attempt->code.use == CodeUse::wrong) {
        const SignIn& request = attempt->request;
        attempt->account = Error{};
        if (tools_.slow_down.wrong_code(request.practice, request.login, tools_.seams.clock.now())) {
            journal(fmt::format(
                "sign-in: {} wrong codes after the right password of one account of practice {} today; "
                "its password is probably known to somebody else",
                kWrongCodesADay, attempt->credentials.practice.name));
        }
        refuse(attempt);
        return;
    }
    if (is_current(attempt)) {
        consume(attempt);
    }
}

// The code is gone, durably, before it opens anything.
void SignInDesk::consume(const AttemptPtr& attempt) {
    if (attempt->code.use == CodeUse::not_needed) {
        raise_cost(attempt);
        return;
    }
    tools_.storage.transact(
        kDirectory, store::Access::write,
        [attempt](store::Database& database) {
            return consume_code(database, attempt->credentials.person.id, attempt->code);
        },
        alive_.guard([this, attempt](const Status& consumed) {
            if (!consumed && consumed.error().fault == Fault::refused) {
                refuse(attempt);
            } else if (!consumed) {
                attempt->then(consumed.error());
            } else {
                raise_cost(attempt);
            }
        }));
}

// What fails here fails for the next sign-in only: this one had everything right.
void SignInDesk::raise_cost(const AttemptPtr& attempt) {
    const SignIn& request = attempt->request;
    tools_.slow_down.succeeded(request.practice, request.login, request.source, tools_.seams.clock.now());
    if (!attempt->raised) {
        enter(attempt);
        return;
    }
    tools_.storage.transact(
        kDirectory, store::Access::write,
        [attempt](store::Database& database) {
            const PersonRow& known = attempt->credentials.person;
            return replace_wrap(database, known.id, known.wrapped_private, *attempt->raised);
        },
        alive_.guard([this, attempt](const Status& raised) {
            if (!raised) {
                journal("sign-in: the cost of a password was not raised: " + raised.error().text);
            }
            enter(attempt);
        }));
}

void SignInDesk::enter(const AttemptPtr& attempt) {
    if (!is_current(attempt)) {
        return;
    }
    crypto::Secret practice_key = std::move(attempt->account->practice_key);
    attempt->account = Error{};
    tools_.gates.enter(attempt->credentials.practice.id, std::move(practice_key),
                       [this, attempt](const Status& status) {
                           if (!is_current(attempt)) {
                               return;
                           }
                           if (!status) {
                               attempt->then(status.error());
                               return;
                           }
                           admit_person(attempt);
                       });
}

bool SignInDesk::is_current(const AttemptPtr& attempt) {
    if (tools_.generations[attempt->credentials.practice.id] == attempt->generation) {
        return true;
    }
    attempt->then(
        Error{Fault::unavailable, "sign-in: the people of this practice changed at this moment; try again"});
    return false;
}

void SignInDesk::admit_person(const AttemptPtr& attempt) {
    const PersonRow& person = attempt->credentials.person;
    Session session;
    session.practice = attempt->credentials.practice.id;
    session.person = person.id;
    session.practice_name = attempt->credentials.practice.name;
    session.login = person.login;
    session.role = person.role;
    session.source = attempt->request.source;
    session.has_second_factor = has_second_factor(person);
    session.needs_second_factor =
        tools_.options.second_factor == SecondFactorRule::required && !session.has_second_factor;
    SignedIn signed_in = tools_.sessions.add(std::move(session), tools_.seams.clock.now());
    const StoreId practice = attempt->credentials.practice.id;
    const crypto::Secret* practice_key = tools_.options.custody->find(practice);
    if (!attempt->credentials.has_leaver || person.role != Role::owner || practice_key == nullptr) {
        attempt->then(std::move(signed_in));
        return;
    }
    tools_.people.replace_due_key(
        practice, practice_key->copy(),
        [this, attempt, signed_in = std::move(signed_in)](const Status& replaced) {
            if (!replaced && replaced.error().fault != Fault::exists) {
                journal("sign-in: the key of a practice that somebody left could not be replaced: " +
                        replaced.error().text);
            }
            attempt->then(signed_in);
        });
}

}  // namespace firedrill::identity
