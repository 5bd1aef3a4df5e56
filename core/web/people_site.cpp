#include "web/people_site.h"

#include <algorithm>

#include "web/act_replies.h"
#include "web/pages.h"
#include "web/people_pages.h"
#include "web/replies.h"

namespace firedrill::web {
namespace {

constexpr std::string_view kDifferent = "The new password was typed in two different ways. Type it again.";

std::optional<identity::Role> role_of(std::string_view name) {
    const auto found = std::ranges::find(identity::kRoles, name, identity::role_name);
    return found == identity::kRoles.end() ? std::nullopt : std::optional(*found);
}

std::optional<identity::Action> action_of(Page page) {
    switch (page) {
        case Page::staff: return identity::Action::list_people;
        case Page::staff_invite: return identity::Action::invite_person;
        case Page::staff_disable: return identity::Action::disable_person;
        case Page::account: return identity::Action::list_own_sessions;
        case Page::account_password: return identity::Action::change_own_password;
        case Page::account_sessions: return identity::Action::end_own_sessions;
        default: return std::nullopt;
    }
}

}  // namespace

void PeopleSite::handle_public(Request& request, Page page, Reply reply) {
    const bool is_join = page == Page::join;
    if (request.method != Method::post) {
        return reply(page_reply(200, is_join ? pages::join("") : pages::recover("", "", "")));
    }
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(unreadable());
    }
    const WipedFields fields(std::move(*parsed));
    is_join ? join(fields, request.peer, std::move(reply)) : recover(fields, request, std::move(reply));
}

void PeopleSite::handle_private(Request& request, Page page, const Visitor& visitor, Reply reply) {
    const auto action = action_of(page);
    if (!action || !identity::may(visitor.session, *action)) {
        return reply(forbidden());
    }
    if (request.method != Method::post) {
        return page == Page::staff ? show_staff(visitor, 200, "", reply)
                                   : show_account(visitor, 200, "", "", reply);
    }
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(unreadable());
    }
    const WipedFields fields(std::move(*parsed));
    if (!has_session_token(fields, visitor.session)) {
        return reply(not_sent_from_here());
    }
    switch (page) {
        case Page::staff_invite: return invite(fields, request.peer, visitor, std::move(reply));
        case Page::staff_disable: return disable(fields, request.peer, visitor, std::move(reply));
        case Page::account_password: return change_password(fields, request.peer, visitor, std::move(reply));
        default: return end_session(fields, visitor, reply);
    }
}

void PeopleSite::show_staff(const Visitor& visitor, unsigned status, std::string problem,
                            const Reply& reply) {
    pages::Upkeep upkeep;
    upkeep.is_degraded = options_.is_degraded && options_.is_degraded();
    if (options_.store_health) {
        upkeep.store = options_.store_health(visitor.session.practice);
    }
    identity_.people().list(
        visitor.session.practice_name,
        guard([session = visitor.session, status, problem = std::move(problem), upkeep = std::move(upkeep),
               reply](Result<identity::PeopleList> list) {
            reply(list ? page_reply(status, pages::staff(session, *list, problem, upkeep))
                       : page_reply(503, pages::notice("Please try again", words_of(list.error()))));
        }));
}

void PeopleSite::show_account(const Visitor& visitor, unsigned status, std::string_view problem,
                              std::string_view done, const Reply& reply) {
    const auto sessions = identity_.people().list_sessions(visitor.token);
    reply(page_reply(status, pages::account(visitor.session, sessions, clock_.now(), problem, done)));
}

void PeopleSite::invite(const WipedFields& fields, const std::string& peer, const Visitor& visitor,
                        Reply reply) {
    const auto login = only_value(fields.all(), "login");
    const auto role_text = only_value(fields.all(), "role");
    const auto role = role_text ? role_of(*role_text) : std::nullopt;
    const auto password = only_value(fields.all(), "password");
    if (!login || !role || !password) {
        return reply(unreadable());
    }
    identity_.people().invite(
        {visitor.session, secret_of(*password), peer}, std::string(*login), *role,
        guard([this, visitor, reply = std::move(reply)](Result<identity::Invitation> made) {
            if (!made) {
                return show_staff(visitor, status_of(made.error()), words_of(made.error()), reply);
            }
            reply(page_reply(200, pages::invited(visitor.session, *made)));
        }));
}

void PeopleSite::disable(const WipedFields& fields, const std::string& peer, const Visitor& visitor,
                         Reply reply) {
    const auto text = only_value(fields.all(), "person");
    const auto person = text ? parse_id<PersonId>(*text) : std::nullopt;
    const auto password = only_value(fields.all(), "password");
    if (!person || !password) {
        return reply(unreadable());
    }
    identity_.people().disable(
        {visitor.session, secret_of(*password), peer}, *person,
        guard([this, visitor, reply = std::move(reply)](const Status& left) {
            if (!left) {
                return show_staff(visitor, status_of(left.error()), words_of(left.error()), reply);
            }
            reply(see_other(html::path({"p", visitor.session.practice_name, "staff"})));
        }));
}

void PeopleSite::change_password(const WipedFields& fields, const std::string& peer, const Visitor& visitor,
                                 Reply reply) {
    const auto old_one = only_value(fields.all(), "old");
    const auto new_one = only_value(fields.all(), "new");
    const auto again = only_value(fields.all(), "again");
    if (!old_one || !new_one || !again) {
        return reply(unreadable());
    }
    if (*new_one != *again) {
        return show_account(visitor, 422, kDifferent, "", reply);
    }
    identity_.people().change_password(
        {visitor.session, secret_of(*old_one), peer}, secret_of(*new_one), visitor.token,
        guard([this, visitor, reply = std::move(reply)](const Status& changed) {
            if (!changed) {
                return show_account(visitor, status_of(changed.error()), words_of(changed.error()), "",
                                    reply);
            }
            show_account(visitor, 200, "", "Your password was changed. Your other sessions have ended.",
                         reply);
        }));
}

void PeopleSite::end_session(const WipedFields& fields, const Visitor& visitor, const Reply& reply) {
    const auto id = only_value(fields.all(), "session");
    if (!id) {
        return reply(unreadable());
    }
    const Status ended = identity_.people().end_session(visitor.token, *id);
    if (!ended) {
        return show_account(visitor, 422, words_of(ended.error()), "", reply);
    }
    reply(see_other("/account"));
}

void PeopleSite::join(const WipedFields& fields, const std::string& peer, Reply reply) {
    const auto code = only_value(fields.all(), "code");
    const auto password = only_value(fields.all(), "new");
    const auto again = only_value(fields.all(), "again");
    if (!code || !password || !again) {
        return reply(unreadable());
    }
    if (*password != *again) {
        return reply(page_reply(422, pages::join(kDifferent)));
    }
    identity_.people().join(
        {std::string(*code), secret_of(*password), peer},
        guard([reply = std::move(reply)](Result<identity::Joined> joined) {
            reply(joined ? page_reply(200, pages::joined(*joined))
                         : page_reply(status_of(joined.error()), pages::join(words_of(joined.error()))));
        }));
}

void PeopleSite::recover(const WipedFields& fields, const Request& request, Reply reply) {
    const auto practice = only_value(fields.all(), "practice");
    const auto code = only_value(fields.all(), "code");
    const auto login = only_value(fields.all(), "login");
    const auto password = only_value(fields.all(), "new");
    const auto again = only_value(fields.all(), "again");
    if (!practice || !code || !login || !password || !again) {
        return reply(unreadable());
    }
    if (*password != *again) {
        return reply(page_reply(422, pages::recover(*practice, *login, kDifferent)));
    }
    identity_.people().recover(
        {std::string(*practice), std::string(*code), std::string(*login), secret_of(*password), request.peer},
        guard([practice = std::string(*practice), login = std::string(*login), address = address_of(request),
               reply = std::move(reply)](Result<identity::Recovered> recovered) {
            reply(recovered ? page_reply(200, pages::recovered(*recovered, address))
                            : page_reply(status_of(recovered.error()),
                                         pages::recover(practice, login, words_of(recovered.error()))));
        }));
}

}  // namespace firedrill::web
