#include "web/factor_pages.h"

#include <fmt/format.h>

#include "web/page_parts.h"
#include "web/pages.h"
#include "web/qr_code.h"

namespace firedrill::web::pages {
namespace {

using html::element;
using html::Markup;
using html::path;
using html::text;

constexpr int kQuietZone = 4;

std::string under(std::string_view last) {
    return std::string(kSecondFactorPath) + "/" + std::string(last);
}

/// Empty when the text is too long for a code: the secret can be typed.
Markup qr_picture(std::string_view content) {
    const auto code = QrCode::create(content);
    if (!code) {
        return {};
    }
    std::string dark;
    for (int y = 0; y < code->size(); ++y) {
        for (int x = 0; x < code->size(); ++x) {
            if (code->is_dark(x, y)) {
                dark += fmt::format("M{} {}h1v1h-1z", x + kQuietZone, y + kQuietZone);
            }
        }
    }
    const int side = code->size() + 2 * kQuietZone;
    return element(
        "svg",
        {{"class", "qr"},
         {"viewbox", fmt::format("0 0 {} {}", side, side)},
         {"shape-rendering", "crispEdges"},
         {"role", "img"},
         {"aria-label", "QR code of the secret that is written below"}},
        element("path", {{"fill", "#ffffff"}, {"d", fmt::format("M0 0h{}v{}h-{}z", side, side, side)}}) +
            element("path", {{"fill", "#000000"}, {"d", dark}}));
}

/// "ABCD EFGH …": easier to type without losing one's place.
std::string in_groups(std::string_view letters) {
    std::string out;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        out += i > 0 && i % 4 == 0 ? " " : "";
        out += letters[i];
    }
    return out;
}

Markup act(const identity::Session& session, std::string_view last, const Markup& fields,
           std::string_view label) {
    return post(under(last), hidden(kCsrfField, session.csrf) + fields + button(label));
}

Markup sign_out(const identity::Session& session) {
    return post("/sign-out",
                hidden(kCsrfField, session.csrf) +
                    element("button", {{"type", "submit"}, {"class", "quiet"}}, text("Sign out")));
}

Markup turned_off(const identity::Session& session) {
    Markup out;
    if (session.needs_second_factor) {
        out +=
            element("p", {{"role", "status"}},
                    text("This server asks everybody for a second factor. Set yours up now; everything else "
                         "opens afterwards."));
    }
    return out +
           paragraph(
               "A second factor is a code from an app on your phone that you type beside your password. "
               "Somebody who learns your password cannot sign in without your phone. With one, your password "
               "may have 12 characters instead of 15.") +
           paragraph(
               "You need an authenticator app (any that offers time-based codes) and a printer or paper for "
               "ten spare codes.") +
           act(session, "new", {}, "Set up a second factor") +
           (session.needs_second_factor ? sign_out(session) : Markup());
}

Markup turned_on(const identity::Session& session) {
    return paragraph("Your second factor is on: signing in takes a code from your app, or a spare code.") +
           element("h2", text("New spare codes")) + paragraph("The ones that you have become void.") +
           act(session, "codes", password_field("codes:password", "Your password"), "Make new spare codes") +
           element("h2", text("Turn it off")) +
           paragraph(
               "To change your phone, turn it off and set it up again. Your password must have at least 15 "
               "characters to stand alone.") +
           act(session, "off", password_field("off:password", "Your password"), "Turn it off");
}

Markup back(const identity::Session& session) {
    return session.needs_second_factor ? Markup() : element("p", link_to("/account", "Your account"));
}

}  // namespace

Markup second_factor(const identity::Session& session, std::string_view problem, std::string_view done) {
    Markup main = problem_of(problem);
    if (!done.empty()) {
        main += element("p", {{"role", "status"}}, text(done));
    }
    main += element("h1", text("Second factor")) +
            (session.has_second_factor ? turned_on(session) : turned_off(session)) + back(session);
    return framed(title_of("Second factor", problem), main);
}

Markup second_factor_proposal(const identity::Session& session,
                              const identity::SecondFactorProposal& proposal, std::string_view problem) {
    const Markup code = field("code", "Code that the app shows now",
                              {{"type", "text"},
                               {"autocomplete", "one-time-code"},
                               {"autocapitalize", "none"},
                               {"spellcheck", "false"}});
    return framed(
        title_of("Set up a second factor", problem),
        problem_of(problem) + element("h1", text("Set up a second factor")) +
            paragraph("Let your app scan this picture, or type the letters into it.") +
            qr_picture(proposal.otpauth) + code_box(in_groups(proposal.secret)) +
            paragraph("Nothing changes until a code proves that the app has it. You have ten minutes.") +
            post(std::string(kSecondFactorPath), hidden(kCsrfField, session.csrf) + code +
                                                     password_field("password", "Your password") +
                                                     button("Turn it on")) +
            back(session));
}

Markup spare_codes(const identity::Session& session, std::span<const std::string> codes) {
    Markup list;
    for (const std::string& code : codes) {
        list += element("li", element("code", text(code)));
    }
    return framed(
        "Spare codes",
        element("h1", text("Your spare codes")) +
            paragraph(fmt::format(
                "For the account {} of practice {}. Each opens once, in place of a code from the app. They "
                "are shown this once: print this page or write them down, and do not keep them in the phone.",
                session.login, session.practice_name)) +
            element("ul", {{"class", "spare-codes"}}, list) +
            paragraph("Lost phone and no spare code left: an owner of the practice invites you anew.") +
            element("p", {{"class", "no-print"}},
                    link_to(path({"p", session.practice_name, "submissions"}), "All submitted forms")));
}

}  // namespace firedrill::web::pages
