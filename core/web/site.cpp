// Site: routes a request, checks it, asks Identity and Submissions, and answers with a page.
//
// Journal lines name practices and faults; nothing of a request's body or query reaches them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "web/factor_pages.h"
#include "web/factor_site.h"
#include "web/pages.h"
#include "web/people_site.h"
#include "web/post_checks.h"
#include "web/replies.h"
#include "web/routes.h"
#include "web/safekeeping_site.h"
#include "web/server.h"
#include "web/session_cookie.h"
#include "web/submission_list.h"

namespace firedrill::web {
namespace {

constexpr std::string_view kRetryAfter = "30";
constexpr std::string_view kWrongSignIn =
    "The practice, the sign-in name, the password or the code is not right. A code opens once: wait for the "
    "next "
    "one.";

const forms::Questionnaire* find_form(std::string_view name) {
    const auto& all = forms::built_in_questionnaires();
    const auto found = std::ranges::find(all, name, &forms::Questionnaire::name);
    return found == all.end() ? nullptr : &*found;
}

bool is_practice_name(std::string_view text) {
    return text.size() >= 2 && text.size() <= 40 && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

/// The id under which answers are stored: of the page that was filled in *and* of what was filled in. The
/// same page sent twice is one submission; the page sent, then changed and sent again, is two: no change is
/// lost in silence.
SubmissionId stored_id(SubmissionId page, const identity::PracticeInfo& practice, std::string_view form,
                       const forms::Fields& fields) {
    crypto::Sha256 hash;
    const auto add = [&](ByteView piece) {
        Bytes length;
        Writer(length).u64(piece.size());
        hash.update(length);
        hash.update(piece);
    };
    add(as_bytes("firedrill submission id v1"));
    add(page.view());
    add(practice.id.view());
    add(as_bytes(form));
    for (const auto& [name, value] : fields) {
        add(as_bytes(name));
        add(as_bytes(value));
    }
    const Digest digest = hash.finish();
    SubmissionId out;
    std::copy_n(digest.bytes.begin(), out.bytes.size(), out.bytes.begin());
    return out;
}

Response notice_reply(unsigned status, std::string_view title, std::string_view text) {
    return page_reply(status, pages::notice(title, text));
}

Response not_found() {
    return notice_reply(404, "Page not found", "There is no page at this address.");
}

Response not_yours() {
    return notice_reply(403, "Not yours to see",
                        "Your role does not allow that. Ask an owner of the practice.");
}

Response with_field(Response response, std::string_view name, std::string_view value) {
    response.fields.emplace_back(name, value);
    return response;
}

Response try_later(std::string_view text) {
    return with_field(notice_reply(503, "Please try again", text), "Retry-After", kRetryAfter);
}

Response sign_in_reply(std::string_view practice, std::string_view login, std::string_view problem) {
    return with_field(page_reply(401, pages::sign_in(practice, login, problem)), "WWW-Authenticate",
                      "Form realm=\"practice\"");
}

class Site final : public Handler {
  public:
    Site(Seams seams, identity::Identity& identity, forms::Submissions& submissions, SiteOptions options)
        : seams_(std::move(seams)),
          identity_(identity),
          submissions_(submissions),
          options_(std::move(options)),
          people_(seams_.clock, identity_, options_),
          safekeeping_(identity_),
          factor_(identity_) {
        for (std::string& host : options_.hosts) {
            std::ranges::transform(host, host.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            });
        }
    }

    void handle(Request request, Respond respond) override {
        dispatch(request,
                 [this, alive = std::weak_ptr<int>(alive_), respond = std::move(respond)](Response response) {
                     if (!alive.expired()) {
                         add_security_fields(response);
                         respond(std::move(response));
                     }
                 });
        crypto::zeroise(request.body);
    }

  private:
    using Reply = std::function<void(Response)>;

    void dispatch(Request& request, Reply reply);
    void get_home(Reply reply);
    Response get_status() const;
    bool is_degraded() const { return options_.is_degraded && options_.is_degraded(); }
    bool is_suspect() const { return options_.is_suspect && options_.is_suspect(); }
    pages::Notices notices_for(const identity::Session& session) const {
        const auto practice = identity_.find_practice(session.practice_name);
        const bool may_make_kit = identity::may(session, identity::Action::replace_kit);
        const bool is_unfolded =
            options_.store_health && !options_.store_health(session.practice).fold_failure.empty();
        return {is_degraded(), is_unfolded, is_suspect(), may_make_kit && practice && !practice->has_own_kit};
    }
    static Response get_style();
    Response get_practice(const Route& route) const;
    Response get_form(const Route& route) const;
    Response get_thanks(const Route& route) const;
    static Response get_sign_in(const Request& request);
    void post_form(Request& request, const Route& route, Reply reply);
    void post_sign_in(Request& request, Reply reply);
    void post_sign_out(Request& request, Reply reply);
    void get_submissions(const Request& request, const Route& route, Reply reply);
    void get_submission(const Request& request, const Route& route, Reply reply);
    void visit_factor(Request& request, const Route& route, Reply reply);
    void visit_people(Request& request, const Route& route, Reply reply);

    /// The session of the request's cookie; nullopt when there is none that lives.
    std::optional<identity::Session> session_of(const Request& request) {
        const auto token = find_cookie(request, kSessionCookie);
        const identity::Session* session = token ? identity_.find_session(*token) : nullptr;
        return session == nullptr ? std::nullopt : std::optional(*session);
    }
    /// Replies, when the session must set up its second factor before anything else.
    static bool is_held_back(const identity::Session& session, const Request& request, const Reply& reply);
    /// The session when it is of the route's practice; otherwise replies (401, or 404 for another practice).
    std::optional<identity::Session> session_for(const Request& request, const Route& route,
                                                 const Reply& reply);
    Response read_failed(const identity::Session& session, const Error& error) const;
    void journal(std::string_view sentence) const {
        if (options_.journal) {
            options_.journal(sentence);
        }
    }

    Seams seams_;
    identity::Identity& identity_;
    forms::Submissions& submissions_;
    SiteOptions options_;
    PeopleSite people_;
    SafekeepingSite safekeeping_;
    FactorSite factor_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< owned here alone; callbacks hold it weakly
};

void Site::dispatch(Request& request, Reply reply) {
    if (std::ranges::find(options_.hosts, request.host) == options_.hosts.end()) {
        return reply(
            notice_reply(421, "Wrong address", "This site is not served under the name that was asked for."));
    }
    const auto route = find_route(request.path);
    if (!route) {
        return reply(not_found());
    }
    if (!is_allowed(route->page, request.method)) {
        return reply(with_field(notice_reply(405, "Not possible here", "This page cannot be used that way."),
                                "Allow", methods_of(route->page)));
    }
    if (request.method == Method::post) {
        if (const auto refusal = check_post(request)) {
            return reply(notice_reply(refusal->status, "Not accepted", refusal->text));
        }
    }
    const bool is_post = request.method == Method::post;
    switch (route->page) {
        case Page::home: return get_home(std::move(reply));
        case Page::status: return reply(get_status());
        case Page::style: return reply(get_style());
        case Page::practice: return reply(get_practice(*route));
        case Page::form:
            return is_post ? post_form(request, *route, std::move(reply)) : reply(get_form(*route));
        case Page::thanks: return reply(get_thanks(*route));
        case Page::sign_in:
            return is_post ? post_sign_in(request, std::move(reply)) : reply(get_sign_in(request));
        case Page::sign_out: return post_sign_out(request, std::move(reply));
        case Page::submissions: return get_submissions(request, *route, std::move(reply));
        case Page::submission: return get_submission(request, *route, std::move(reply));
        case Page::join:
        case Page::recover: return people_.handle_public(request, route->page, std::move(reply));
        case Page::recover_shares: return safekeeping_.handle_public(request, std::move(reply));
        case Page::safekeeping:
        case Page::kit_replace:
        case Page::escrow_make:
        case Page::escrow_confirm:
        case Page::escrow_end:
        case Page::staff:
        case Page::staff_invite:
        case Page::staff_disable:
        case Page::account:
        case Page::account_password:
        case Page::account_sessions: return visit_people(request, *route, std::move(reply));
        case Page::second_factor:
        case Page::second_factor_new:
        case Page::second_factor_codes:
        case Page::second_factor_off: return visit_factor(request, *route, std::move(reply));
    }
}

void Site::visit_people(Request& request, const Route& route, Reply reply) {
    const auto session = route.practice.empty() ? session_of(request) : session_for(request, route, reply);
    if (!session) {
        if (route.practice.empty()) {
            reply(sign_in_reply("", "", "Please sign in to see this."));
        }
        return;
    }
    if (is_held_back(*session, request, reply)) {
        return;
    }
    const Visitor visitor{*session, *find_cookie(request, kSessionCookie)};
    if (SafekeepingSite::action_of(route.page)) {
        return safekeeping_.handle_private(request, route.page, visitor, std::move(reply));
    }
    people_.handle_private(request, route.page, visitor, std::move(reply));
}

void Site::visit_factor(Request& request, const Route& route, Reply reply) {
    const auto session = session_of(request);
    if (!session) {
        return reply(sign_in_reply("", "", "Please sign in to see this."));
    }
    factor_.handle(request, route.page, {*session, *find_cookie(request, kSessionCookie)}, std::move(reply));
}

void Site::get_home(Reply reply) {
    identity_.list_practices([reply = std::move(reply)](Result<std::vector<identity::PracticeInfo>> list) {
        reply(list ? page_reply(200, pages::home(*list))
                   : try_later("The list of practices cannot be read at the moment."));
    });
}

Response Site::get_status() const {
    const bool is_healthy = !options_.is_healthy || options_.is_healthy();
    const bool is_short = is_degraded() || is_suspect() || (options_.is_unfolded && options_.is_unfolded());
    Response out;
    out.status = is_healthy ? 200 : 503;
    out.fields = {{"Content-Type", "application/json"}};
    out.body = fmt::format("{{\"status\":\"{}\"}}\n", !is_healthy ? "unhealthy"
                                                      : is_short  ? "degraded"
                                                                  : "ok");
    return out;
}

Response Site::get_style() {
    Response out;
    out.fields = {{"Content-Type", "text/css; charset=utf-8"}, {"Cache-Control", "public, max-age=3600"}};
    out.body = pages::style();
    return out;
}

Response Site::get_practice(const Route& route) const {
    const auto info = identity_.find_practice(route.practice);
    return info ? page_reply(200, pages::practice(*info, forms::built_in_questionnaires())) : not_found();
}

Response Site::get_form(const Route& route) const {
    const auto info = identity_.find_practice(route.practice);
    const forms::Questionnaire* form = find_form(route.object);
    if (!info || form == nullptr) {
        return not_found();
    }
    return page_reply(200, pages::form({*info, *form, draw_id<SubmissionId>(seams_.entropy), {}, {}}));
}

Response Site::get_thanks(const Route& route) const {
    const auto info = identity_.find_practice(route.practice);
    const auto id = parse_id<SubmissionId>(route.object);
    return info && id ? page_reply(200, pages::thanks(*info, to_hex(*id))) : not_found();
}

Response Site::get_sign_in(const Request& request) {
    const auto query = parse_form(request.query);
    const auto practice = query ? only_value(*query, "practice") : std::nullopt;
    return page_reply(200, pages::sign_in(practice && is_practice_name(*practice) ? *practice : "", "", ""));
}

void Site::post_form(Request& request, const Route& route, Reply reply) {
    const auto info = identity_.find_practice(route.practice);
    const forms::Questionnaire* form = find_form(route.object);
    if (!info || form == nullptr) {
        return reply(not_found());
    }
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(notice_reply(400, "The form could not be read", parsed.error().text));
    }
    WipedFields fields(std::move(*parsed));
    SubmissionId page{};
    if (fields.all().contains(std::string(pages::kSubmissionField))) {
        const auto text = only_value(fields.all(), pages::kSubmissionField);
        const auto id = text ? parse_id<SubmissionId>(*text) : std::nullopt;
        if (!id) {
            return reply(
                notice_reply(400, "The form could not be read", "Open the form again and send it anew."));
        }
        page = *id;
        fields.remove(pages::kSubmissionField);
    } else {
        page = draw_id<SubmissionId>(seams_.entropy);
    }
    const SubmissionId id = stored_id(page, *info, form->name, fields.all());
    forms::Validation outcome = forms::validate(*form, fields.all(), id, seams_.clock.wall());
    if (!outcome.problems.empty()) {
        return reply(page_reply(422, pages::form({*info, *form, page, fields.all(), outcome.problems})));
    }
    auto kept = std::make_shared<WipedFields>(std::move(fields));  // owned by the callback alone
    submissions_.submit(
        info->id, info->inbox_recipient, id, form->name, std::move(outcome.response),
        [this, alive = std::weak_ptr<int>(alive_), info = *info, form, page, id, kept,
         reply = std::move(reply)](Result<void> stored) {
            if (alive.expired()) {
                return;
            }
            if (stored) {
                return reply(see_other(html::path({"p", info.name, "thanks", to_hex(id)})));
            }
            journal(fmt::format("A submission to practice {} was not saved: {}.", info.name,
                                fault_name(stored.error().fault)));
            const forms::FieldProblem problem{
                "",
                "Your form was NOT saved, because something is wrong on our side. "
                "Please send it again in a few minutes. Your answers are below."};
            reply(with_field(page_reply(503, pages::form({info, *form, page, kept->all(), {&problem, 1}})),
                             "Retry-After", kRetryAfter));
        });
}

void Site::post_sign_in(Request& request, Reply reply) {
    auto parsed = parse_form(request.body);
    if (!parsed) {
        return reply(notice_reply(400, "The form could not be read", parsed.error().text));
    }
    WipedFields fields(std::move(*parsed));
    const auto practice = only_value(fields.all(), "practice");
    const auto login = only_value(fields.all(), "login");
    const auto password = only_value(fields.all(), "password");
    const bool has_code = fields.all().contains("code");
    const auto code = has_code ? only_value(fields.all(), "code") : std::string_view();
    if (!practice || !login || !password || !code || fields.all().size() != (has_code ? 4 : 3)) {
        return reply(notice_reply(400, "The form could not be read", "Open the sign-in page again."));
    }
    identity::SignIn attempt{std::string(*practice), std::string(*login), crypto::Secret(as_bytes(*password)),
                             request.peer, crypto::Secret(as_bytes(*code))};
    // A session that this browser still has ends with the new one: its practice need not stay open.
    const std::string old_token = find_cookie(request, kSessionCookie).value_or("");
    identity_.sign_in(std::move(attempt), [this, alive = std::weak_ptr<int>(alive_), old_token,
                                           practice = std::string(*practice), login = std::string(*login),
                                           reply = std::move(reply)](Result<identity::SignedIn> signed_in) {
        if (alive.expired()) {
            return;
        }
        if (!signed_in) {
            const Error& error = signed_in.error();
            switch (error.fault) {
                case Fault::refused:
                case Fault::bad_input:
                case Fault::not_found:
                case Fault::wrong_secret: return reply(sign_in_reply(practice, login, kWrongSignIn));
                case Fault::limit:
                    return reply(
                        with_field(notice_reply(429, "Please wait", error.text), "Retry-After", kRetryAfter));
                case Fault::unavailable: return reply(try_later(error.text));
                default:
                    journal(fmt::format("A sign-in could not be served: {}.", fault_name(error.fault)));
                    return reply(try_later(
                        "Signing in does not work at the moment. Please try again in a few minutes."));
            }
        }
        if (!old_token.empty() && old_token != signed_in->token) {
            identity_.sign_out(old_token, [](Result<void>) {});
        }
        const std::string cookie = set_session_cookie(signed_in->token);
        const identity::Session& session = signed_in->session;
        reply(with_field(
            see_other(session.needs_second_factor ? std::string(pages::kSecondFactorPath)
                                                  : html::path({"p", session.practice_name, "submissions"})),
            "Set-Cookie", cookie));
    });
}

void Site::post_sign_out(Request& request, Reply reply) {
    const auto session = session_of(request);
    if (!session) {
        return reply(sign_in_reply("", "", "You are signed out already."));
    }
    const auto fields = parse_form(request.body);
    const auto token = fields ? only_value(*fields, pages::kCsrfField) : std::nullopt;
    if (!token || !crypto::equal_secret(as_bytes(*token), as_bytes(session->csrf))) {
        return reply(notice_reply(403, "Not accepted", "Open the page again and press Sign out there."));
    }
    identity_.sign_out(*find_cookie(request, kSessionCookie),
                       [this, alive = std::weak_ptr<int>(alive_), name = session->practice_name,
                        reply = std::move(reply)](Result<void> ended) {
                           if (alive.expired()) {
                               return;
                           }
                           if (!ended) {
                               journal(fmt::format("A sign-out of practice {} did not finish: {}.", name,
                                                   fault_name(ended.error().fault)));
                           }
                           Response out = see_other("/sign-in?practice=" + name);
                           out.fields.emplace_back("Clear-Site-Data", "\"cache\", \"cookies\", \"storage\"");
                           out.fields.emplace_back("Set-Cookie", set_session_cookie({}));
                           reply(std::move(out));
                       });
}

std::optional<identity::Session> Site::session_for(const Request& request, const Route& route,
                                                   const Reply& reply) {
    auto session = session_of(request);
    if (!session) {
        reply(sign_in_reply(is_practice_name(route.practice) ? route.practice : "", "",
                            "Please sign in to see this."));
        return std::nullopt;
    }
    if (session->practice_name != route.practice) {
        reply(not_found());
        return std::nullopt;
    }
    if (is_held_back(*session, request, reply)) {
        return std::nullopt;
    }
    return session;
}

bool Site::is_held_back(const identity::Session& session, const Request& request, const Reply& reply) {
    if (!session.needs_second_factor) {
        return false;
    }
    reply(request.method == Method::post ? notice_reply(403, "Not yet", "Set up your second factor first.")
                                         : see_other(std::string(pages::kSecondFactorPath)));
    return true;
}

Response Site::read_failed(const identity::Session& session, const Error& error) const {
    if (error.fault == Fault::not_found) {
        return not_found();
    }
    if (error.fault == Fault::refused) {
        return sign_in_reply(session.practice_name, "", "Your session has ended. Please sign in again.");
    }
    journal(fmt::format("Submissions of practice {} could not be read: {}.", session.practice_name,
                        fault_name(error.fault)));
    return try_later(
        "The submitted forms cannot be read at the moment. They are not lost; the operator was told.");
}

void Site::get_submissions(const Request& request, const Route& route, Reply reply) {
    auto session = session_for(request, route, reply);
    if (!session) {
        return;
    }
    if (!identity::may(*session, identity::Action::list_submissions)) {
        return reply(not_yours());
    }
    const auto query = read_list_query(request.query);
    if (!query) {
        return reply(
            notice_reply(400, "There is no such page of the list",
                         "The address is not one that this list gave. Go back to the newest forms."));
    }
    submissions_.list(
        session->practice, query->wish,
        [this, alive = std::weak_ptr<int>(alive_), session = *session, is_json = query->is_json,
         reply = std::move(reply)](Result<forms::SummaryPage> page) {
            if (alive.expired()) {
                return;
            }
            if (!page) {
                return reply(read_failed(session, page.error()));
            }
            reply(is_json ? list_json(session.practice_name, *page)
                          : page_reply(200, pages::submissions(session, *page, notices_for(session))));
        });
}

void Site::get_submission(const Request& request, const Route& route, Reply reply) {
    auto session = session_for(request, route, reply);
    if (!session) {
        return;
    }
    if (!identity::may(*session, identity::Action::read_submission)) {
        return reply(not_yours());
    }
    const auto id = parse_id<SubmissionId>(route.object);
    if (!id) {
        return reply(not_found());
    }
    submissions_.read(
        session->practice, *id,
        [this, alive = std::weak_ptr<int>(alive_), session = *session,
         reply = std::move(reply)](Result<forms::Submission> read) {
            if (alive.expired()) {
                return;
            }
            if (!read) {
                return reply(read_failed(session, read.error()));
            }
            const forms::Questionnaire* form = find_form(read->summary.form);
            if (form == nullptr) {
                return reply(read_failed(session, Error{Fault::damaged, "unknown form"}));
            }
            const auto lines = forms::render_response(*form, read->response);
            crypto::zeroise(read->response);
            reply(lines ? page_reply(200, pages::submission(session, read->summary, form->title, *lines))
                        : read_failed(session, lines.error()));
        });
}

}  // namespace

std::unique_ptr<Handler> make_site(Seams seams, identity::Identity& identity, forms::Submissions& submissions,
                                   SiteOptions options) {
    return std::make_unique<Site>(std::move(seams), identity, submissions, std::move(options));
}

}  // namespace firedrill::web
