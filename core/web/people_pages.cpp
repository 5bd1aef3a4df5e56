#include "web/people_pages.h"

#include <fmt/format.h>

#include <algorithm>

#include "identity/safekeeping.h"
#include "web/page_parts.h"
#include "web/pages.h"
#include "web/safekeeping_pages.h"

namespace firedrill::web::pages {
namespace {

using html::element;
using html::Markup;
using html::path;
using html::text;

Markup back_to_forms(const identity::Session& session) {
    return element("p", link_to(path({"p", session.practice_name, "submissions"}), "All submitted forms"));
}

Markup disable_form(const identity::Session& session, const identity::Person& person) {
    return post(path({"p", session.practice_name, "staff", "disable"}),
                hidden(kCsrfField, session.csrf) + hidden("person", to_hex(person.id)) +
                    password_field(to_hex(person.id) + ":password", "Your password") +
                    button("Disable " + person.login));
}

/// How far what was written before somebody left is out of reach of their key.
Markup reseal_notice(const store::StoreHealth& store) {
    const store::ResealProgress& reseal = store.reseal;
    switch (reseal.state) {
        case store::ResealState::unknown:
        case store::ResealState::none: return {};
        case store::ResealState::looking:
            return element(
                "p", {{"role", "status"}},
                text("The stored pages are looked through for those still sealed under a key that was "
                     "replaced."));
        case store::ResealState::sealing:
            return element(
                "p", {{"role", "status"}},
                text(fmt::format("{} of {} stored pages are still sealed under a key that was replaced. "
                                 "They are sealed under the new one while somebody is signed in.",
                                 reseal.left, store.pages)));
        case store::ResealState::unreadable:
            return element(
                "p", {{"role", "status"}},
                text(fmt::format("{} stored pages cannot be read, and so not sealed under the new key. "
                                 "Tell whoever runs the server.",
                                 reseal.left)));
    }
    return {};
}

/// Said while one person alone can lose every password.
Markup last_owner_notice(const identity::PeopleList& list) {
    const auto owners = std::ranges::count_if(list.people, [](const identity::Person& one) {
        return one.is_active && one.role == identity::Role::owner;
    });
    return owners == 1 ? warning("There is only one owner. " + std::string(identity::kFinalSentence))
                       : Markup();
}

Markup invite_form(const identity::Session& session) {
    Markup options;
    for (const identity::Role role : identity::kRoles) {
        const std::string name(identity::role_name(role));
        options += element("option", {{"value", name}}, text(name));
    }
    const Markup role = element("div", {{"class", "field"}},
                                element("label", {{"for", "role"}}, text("Role")) +
                                    element("select", {{"id", "role"}, {"name", "role"}}, options));
    return post(path({"p", session.practice_name, "staff", "invite"}),
                hidden(kCsrfField, session.csrf) +
                    plain_field("login", "Sign-in name of the colleague", "", "off") + role +
                    password_field("invite:password", "Your password") + button("Make an invitation"));
}

}  // namespace

Markup staff(const identity::Session& session, const identity::PeopleList& list, std::string_view problem,
             const Upkeep& upkeep) {
    Markup rows;
    for (const identity::Person& person : list.people) {
        const bool may_leave = person.is_active && person.id != session.person;
        const char* state = person.is_active   ? "active"
                            : person.holds_key ? "disabled, key not replaced yet"
                                               : "disabled";
        rows += element("tr", element("th", {{"scope", "row"}}, text(person.login)) +
                                  element("td", text(identity::role_name(person.role))) +
                                  element("td", text(state)) +
                                  element("td", may_leave ? disable_form(session, person) : Markup()));
    }
    Markup main =
        problem_of(problem) + degraded_notice(upkeep.is_degraded) +
        unfolded_notice(!upkeep.store.fold_failure.empty()) + element("h1", text("People of the practice")) +
        reseal_notice(upkeep.store) +
        element("table", element("caption", text("Everybody with an account")) +
                             heads({"Sign-in name", "Role", "State", "Leaving"}) + element("tbody", rows)) +
        last_owner_notice(list) +
        paragraph(
            "Disabling an account ends its sessions at once and replaces the practice's key: nothing that "
            "is written from then on opens with what that person had. If they may have seen the recovery kit "
            "or an "
            "escrow share, make a new kit, or end the escrow, afterwards.");
    if (!list.invitations.empty()) {
        Markup open;
        for (const identity::OpenInvitation& one : list.invitations) {
            open += element("tr", element("th", {{"scope", "row"}}, text(one.login)) +
                                      element("td", text(identity::role_name(one.role))) +
                                      element("td", text(minute_of(one.expires))));
        }
        main += element("table", element("caption", text("Open invitations")) +
                                     heads({"Sign-in name", "Role", "Expires"}) + element("tbody", open));
    }
    main += element("h2", text("Invite a colleague")) +
            paragraph(
                "For a new colleague give a free name. For a colleague who forgot their password give "
                "theirs: they "
                "choose a new one, and you never learn it.") +
            invite_form(session) +
            element("p", link_to(path({"p", session.practice_name, "kit"}), "Recovery kit and escrow")) +
            element("p", link_to("/account", "Your account")) + back_to_forms(session);
    return framed(title_of("People of the practice", problem), main);
}

Markup invited(const identity::Session& session, const identity::Invitation& invitation) {
    return framed(
        "Invitation",
        element("h1", text("Invitation for " + invitation.login)) +
            paragraph(
                "Give this code to your colleague, on paper or in person. It is shown once and works once.") +
            code_box(invitation.code) +
            paragraph(fmt::format(
                "They open /join on this site before {} and choose a password of their own. They will be "
                "{}.",
                minute_of(invitation.expires), identity::role_name(invitation.role))) +
            element("p", link_to(path({"p", session.practice_name, "staff"}), "People of the practice")));
}

Markup join(std::string_view problem) {
    return framed(title_of("Accept an invitation", problem),
                  problem_of(problem) + element("h1", text("Accept an invitation")) +
                      paragraph("Nobody can look up a password that was forgotten, and an owner of the "
                                "practice can let a colleague choose another. For owners: ") +
                      warning(identity::kFinalSentence) +
                      post("/join", plain_field("code", "Invitation code", "", "off") +
                                        new_password_fields() + button("Make my account")));
}

Markup joined(const identity::Joined& joined) {
    Markup main =
        element("h1", text("Welcome")) + paragraph(fmt::format("Your sign-in name is {}.", joined.login));
    if (joined.role == identity::Role::owner) {
        main += warning(identity::kFinalSentence);
    }
    return framed("Welcome",
                  main + element("p", link_to("/sign-in?practice=" + joined.practice_name, "Sign in")));
}

Markup account(const identity::Session& session, std::span<const identity::SessionInfo> sessions, Instant now,
               std::string_view problem, std::string_view done) {
    Markup rows;
    for (const identity::SessionInfo& one : sessions) {
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - one.started).count();
        const Markup end = post("/account/sessions",
                                hidden(kCsrfField, session.csrf) + hidden("session", one.id) + button("End"));
        rows += element("tr", element("th", {{"scope", "row"}}, text(one.source)) +
                                  element("td", text(fmt::format("{} min ago", minutes))) +
                                  element("td", one.is_this ? text("this one") : end));
    }
    Markup main = problem_of(problem);
    if (!done.empty()) {
        main += element("p", {{"role", "status"}}, text(done));
    }
    main += element("h1", text("Your account")) +
            paragraph(fmt::format("{}, {}", session.login, identity::role_name(session.role))) +
            element("table", element("caption", text("Where you are signed in")) +
                                 heads({"From", "Signed in", "End it"}) + element("tbody", rows)) +
            element("h2", text("Change your password")) +
            post("/account/password", hidden(kCsrfField, session.csrf) +
                                          password_field("old", "Present password") + new_password_fields() +
                                          button("Change it")) +
            element("p", link_to("/account/second-factor",
                                 session.has_second_factor ? "Second factor: on" : "Second factor: off")) +
            back_to_forms(session);
    return framed(title_of("Your account", problem), main);
}

Markup recover(std::string_view practice, std::string_view login, std::string_view problem) {
    return framed(
        title_of("Open a practice by its recovery code", problem),
        problem_of(problem) + element("h1", text("Open a practice by its recovery code")) +
            paragraph("For the case that every owner's password is lost. The code is on the practice's "
                      "recovery kit.") +
            post("/recover",
                 plain_field("practice", "Practice", practice, "organization") +
                     plain_field("code", "Recovery code", "", "off") +
                     plain_field("login", "Sign-in name of the owner, or a new one", login, "username") +
                     new_password_fields() + button("Set the password")) +
            element("p", link_to("/recover/shares", "Use shares of an escrow instead")));
}

Markup recovered(const identity::Recovered& recovered, std::string_view address) {
    return framed(
        "Recovered",
        element("div", {{"class", "no-print"}},
                element("h1", text("The practice opens again")) +
                    paragraph(fmt::format("{} is an owner now and signs in with the new password.",
                                          recovered.login)) +
                    paragraph("What you used is void. Below stands the next recovery kit. It is shown once: "
                              "print it now and lock it away.") +
                    element("p", link_to("/sign-in?practice=" + recovered.practice_name, "Sign in"))) +
            kit_sheet({recovered.practice_title, recovered.practice_name, recovered.code, recovered.login,
                       address, recovered.made}));
}

}  // namespace firedrill::web::pages
