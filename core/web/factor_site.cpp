#include "web/factor_site.h"

#include "web/act_replies.h"
#include "web/factor_pages.h"
#include "web/replies.h"
#include "web/session_cookie.h"

namespace firedrill::web {
namespace {

identity::Action action_of(Page page) {
    switch (page) {
        case Page::second_factor_codes: return identity::Action::renew_spare_codes;
        case Page::second_factor_off: return identity::Action::turn_off_second_factor;
        default: return identity::Action::set_up_second_factor;
    }
}

}  // namespace

void FactorSite::handle(Request& request, Page page, const Visitor& visitor, Reply reply) {
    if (!identity::may(visitor.session, action_of(page))) {
        return reply(forbidden());
    }
    if (request.method != Method::post) {
        return reply(page_reply(200, pages::second_factor(visitor.session, "", "")));
    }
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(unreadable());
    }
    const WipedFields fields(std::move(*parsed));
    if (!has_session_token(fields, visitor.session)) {
        return reply(not_sent_from_here());
    }
    if (page == Page::second_factor_new) {
        return propose(visitor, 200, "", reply);
    }
    const auto password = only_value(fields.all(), "password");
    if (!password) {
        return reply(unreadable());
    }
    identity::Confirmation who{visitor.session, secret_of(*password), request.peer};
    switch (page) {
        case Page::second_factor_codes: return renew(std::move(who), visitor, std::move(reply));
        case Page::second_factor_off: return turn_off(std::move(who), visitor, std::move(reply));
        default: return confirm(fields, std::move(who), visitor, std::move(reply));
    }
}

void FactorSite::propose(const Visitor& visitor, unsigned status, std::string_view problem,
                         const Reply& reply) {
    auto proposal = identity_.people().propose_second_factor(visitor.token);
    if (!proposal) {
        return reply(page_reply(status_of(proposal.error()),
                                pages::second_factor(visitor.session, words_of(proposal.error()), "")));
    }
    reply(page_reply(status, pages::second_factor_proposal(visitor.session, *proposal, problem)));
    crypto::zeroise(proposal->otpauth);
    crypto::zeroise(proposal->secret);
}

void FactorSite::confirm(const WipedFields& fields, identity::Confirmation who, const Visitor& visitor,
                         Reply reply) {
    const auto code = only_value(fields.all(), "code");
    if (!code) {
        return reply(unreadable());
    }
    identity_.people().confirm_second_factor(
        std::move(who), secret_of(*code), visitor.token,
        guard([this, visitor, reply = std::move(reply)](Result<identity::SecondFactorOn> on) {
            if (!on) {
                return propose(visitor, status_of(on.error()), words_of(on.error()), reply);
            }
            Response out = page_reply(200, pages::spare_codes(on->fresh.session, on->spare_codes));
            out.fields.emplace_back("Set-Cookie", set_session_cookie(on->fresh.token));
            reply(std::move(out));
        }));
}

void FactorSite::renew(identity::Confirmation who, const Visitor& visitor, Reply reply) {
    identity_.people().renew_spare_codes(
        std::move(who), guard([visitor, reply = std::move(reply)](Result<std::vector<std::string>> codes) {
            reply(codes ? page_reply(200, pages::spare_codes(visitor.session, *codes))
                        : page_reply(status_of(codes.error()),
                                     pages::second_factor(visitor.session, words_of(codes.error()), "")));
        }));
}

void FactorSite::turn_off(identity::Confirmation who, const Visitor& visitor, Reply reply) {
    identity_.people().turn_off_second_factor(
        std::move(who), visitor.token, guard([visitor, reply = std::move(reply)](const Status& off) {
            identity::Session session = visitor.session;
            session.has_second_factor = !off;
            reply(off ? page_reply(200, pages::second_factor(session, "",
                                                             "Your second factor is off. Your other sessions "
                                                             "have ended."))
                      : page_reply(status_of(off.error()),
                                   pages::second_factor(session, words_of(off.error()), "")));
        }));
}

}  // namespace firedrill::web
