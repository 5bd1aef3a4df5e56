#include "web/safekeeping_site.h"

#include <algorithm>
#include <charconv>

#include "web/act_replies.h"
#include "web/pages.h"
#include "web/people_pages.h"
#include "web/replies.h"
#include "web/safekeeping_pages.h"
#include "web/text.h"

namespace firedrill::web {
namespace {

constexpr std::size_t kFewestFields = 3;

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t out = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
    return fault == std::errc{} && stop == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

/// The lines of a text area that are not blank.
std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        line = trim(line);
        if (!line.empty()) {
            out.emplace_back(line);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

/// Every value of a field that is not blank.
std::vector<std::string> values_of(const WipedFields& fields, const std::string& name) {
    std::vector<std::string> out;
    const auto [first, last] = fields.all().equal_range(name);
    for (auto at = first; at != last; ++at) {
        if (!trim(at->second).empty()) {
            out.push_back(at->second);
        }
    }
    return out;
}

}  // namespace

std::optional<identity::Action> SafekeepingSite::action_of(Page page) {
    switch (page) {
        case Page::safekeeping: return identity::Action::see_safekeeping;
        case Page::kit_replace: return identity::Action::replace_kit;
        case Page::escrow_make: return identity::Action::make_escrow;
        case Page::escrow_confirm: return identity::Action::confirm_share;
        case Page::escrow_end: return identity::Action::end_escrow;
        default: return std::nullopt;
    }
}

void SafekeepingSite::handle_public(Request& request, Reply reply) {
    const auto query = parse_form(request.query);
    const auto asked = query ? only_value(*query, "fields") : std::nullopt;
    const std::size_t count =
        std::clamp<std::size_t>(asked ? number_of(*asked).value_or(kFewestFields) : kFewestFields,
                                kFewestFields, crypto::kMostShares);
    if (request.method != Method::post) {
        return reply(page_reply(200, pages::recover_by_shares("", "", count, "")));
    }
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(unreadable());
    }
    recover(WipedFields(std::move(*parsed)), request, count, std::move(reply));
}

void SafekeepingSite::handle_private(Request& request, Page page, const Visitor& visitor, Reply reply) {
    const auto action = action_of(page);
    if (!action || !identity::may(visitor.session, *action)) {
        return reply(forbidden());
    }
    if (request.method != Method::post) {
        return show(visitor, 200, "", "", reply);
    }
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(unreadable());
    }
    const WipedFields fields(std::move(*parsed));
    if (!has_session_token(fields, visitor.session)) {
        return reply(not_sent_from_here());
    }
    const auto password = only_value(fields.all(), "password");
    if (!password) {
        return reply(unreadable());
    }
    identity::Confirmation who{visitor.session, secret_of(*password), request.peer};
    switch (page) {
        case Page::kit_replace:
            return replace_kit(std::move(who), visitor, address_of(request), std::move(reply));
        case Page::escrow_make:
            return make_escrow(fields, std::move(who), visitor, address_of(request), std::move(reply));
        case Page::escrow_confirm: return confirm(fields, std::move(who), visitor, std::move(reply));
        default: return end_escrow(std::move(who), visitor, std::move(reply));
    }
}

void SafekeepingSite::show(const Visitor& visitor, unsigned status, std::string problem, std::string done,
                           const Reply& reply) {
    identity_.safekeeping().look(
        visitor.session.practice_name,
        guard([session = visitor.session, status, problem = std::move(problem), done = std::move(done),
               reply](const Result<identity::Safekept>& kept) {
            reply(kept ? page_reply(status, pages::safekeeping(session, *kept, problem, done))
                       : page_reply(503, pages::notice("Please try again", words_of(kept.error()))));
        }));
}

void SafekeepingSite::replace_kit(identity::Confirmation who, const Visitor& visitor, std::string address,
                                  Reply reply) {
    identity_.safekeeping().replace_kit(
        std::move(who), guard([this, visitor, address = std::move(address),
                               reply = std::move(reply)](const Result<identity::NewKit>& kit) {
            if (!kit) {
                return show(visitor, status_of(kit.error()), words_of(kit.error()), "", reply);
            }
            reply(page_reply(200, pages::new_kit(visitor.session, *kit, address)));
        }));
}

void SafekeepingSite::make_escrow(const WipedFields& fields, identity::Confirmation who,
                                  const Visitor& visitor, std::string address, Reply reply) {
    const auto needed = only_value(fields.all(), "needed");
    const auto holders = only_value(fields.all(), "holders");
    if (!needed || !holders) {
        return reply(unreadable());
    }
    identity_.safekeeping().make_escrow(
        std::move(who), number_of(trim(*needed)).value_or(0), lines_of(*holders),
        guard([this, visitor, address = std::move(address),
               reply = std::move(reply)](const Result<identity::NewEscrow>& escrow) {
            if (!escrow) {
                return show(visitor, status_of(escrow.error()), words_of(escrow.error()), "", reply);
            }
            reply(page_reply(200, pages::new_shares(visitor.session, *escrow, address)));
        }));
}

void SafekeepingSite::confirm(const WipedFields& fields, identity::Confirmation who, const Visitor& visitor,
                              Reply reply) {
    identity_.safekeeping().confirm_shares(
        std::move(who), values_of(fields, "checksum"),
        guard([this, visitor, reply = std::move(reply)](const Status& confirmed) {
            if (!confirmed) {
                return show(visitor, status_of(confirmed.error()), words_of(confirmed.error()), "", reply);
            }
            show(visitor, 200, "", "Recorded: these shares reached their holders.", reply);
        }));
}

void SafekeepingSite::end_escrow(identity::Confirmation who, const Visitor& visitor, Reply reply) {
    identity_.safekeeping().end_escrow(
        std::move(who), guard([this, visitor, reply = std::move(reply)](const Status& ended) {
            if (!ended) {
                return show(visitor, status_of(ended.error()), words_of(ended.error()), "", reply);
            }
            show(visitor, 200, "", "The escrow has ended. Its shares are void; collect and destroy them.",
                 reply);
        }));
}

void SafekeepingSite::recover(const WipedFields& fields, const Request& request, std::size_t count,
                              Reply reply) {
    const auto practice = only_value(fields.all(), "practice");
    const auto login = only_value(fields.all(), "login");
    const auto password = only_value(fields.all(), "new");
    const auto again = only_value(fields.all(), "again");
    if (!practice || !login || !password || !again) {
        return reply(unreadable());
    }
    if (*password != *again) {
        return reply(page_reply(
            422,
            pages::recover_by_shares(*practice, *login, count,
                                     "The new password was typed in two different ways. Type it again.")));
    }
    identity_.safekeeping().recover_by_shares(
        {std::string(*practice), values_of(fields, "share"), std::string(*login), secret_of(*password),
         request.peer},
        guard([practice = std::string(*practice), login = std::string(*login), address = address_of(request),
               count, reply = std::move(reply)](const Result<identity::Recovered>& recovered) {
            reply(recovered ? page_reply(200, pages::recovered(*recovered, address))
                            : page_reply(status_of(recovered.error()),
                                         pages::recover_by_shares(practice, login, count,
                                                                  words_of(recovered.error()))));
        }));
}

}  // namespace firedrill::web
