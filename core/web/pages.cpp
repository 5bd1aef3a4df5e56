#include "web/pages.h"

#include <fmt/format.h>

#include "web/submission_list.h"

namespace firedrill::web::pages {
namespace {

using html::element;
using html::Markup;
using html::path;
using html::text;

Markup link_to(const std::string& address, std::string_view label) {
    return element("a", {{"href", address}}, text(label));
}

Markup paragraph(std::string_view words) {
    return element("p", text(words));
}

/// "2026-03-01 12:00 UTC".
std::string minute_of(WallTime at) {
    const std::string full = format_utc(at);
    return full.substr(0, 10) + " " + full.substr(11, 5) + " UTC";
}

Markup hidden(std::string_view name, std::string_view value) {
    return element("input", {{"type", "hidden"}, {"name", std::string(name)}, {"value", std::string(value)}});
}

Markup sign_out_form(const identity::Session& session) {
    Markup people;
    if (identity::may(session.role, identity::Action::list_people)) {
        people = text(" · ") + link_to(path({"p", session.practice_name, "staff"}), "People");
    }
    return element("form", {{"method", "post"}, {"action", "/sign-out"}, {"class", "sign-out"}},
                   hidden(kCsrfField, session.csrf) +
                       element("span", text("Signed in as ") + link_to("/account", session.login) + people) +
                       element("button", {{"type", "submit"}, {"class", "quiet"}}, text("Sign out")));
}

Markup text_field(std::string_view id, std::string_view label, html::Attributes attributes) {
    const std::string name(id);
    attributes.push_back({"id", name});
    attributes.push_back({"name", name});
    return element("div", {{"class", "field"}},
                   element("label", {{"for", name}}, text(label)) + element("input", attributes));
}

}  // namespace

Markup framed(std::string_view title, const Markup& main, const Markup& header_extra) {
    const Markup skip = element("a", {{"class", "skip"}, {"href", "#main"}}, text("Skip to the content"));
    const Markup header = element(
        "header", element("a", {{"class", "home"}, {"href", "/"}}, text("Patient forms")) + header_extra);
    const Markup footer =
        element("footer", paragraph("Your answers are encrypted before they are stored. Only your "
                                    "practice can read them."));
    return html::document(title, skip + header + element("main", {{"id", "main"}}, main) + footer);
}

Markup problem_summary(std::span<const std::pair<std::string, std::string>> anchors_and_messages) {
    if (anchors_and_messages.empty()) {
        return {};
    }
    Markup list;
    for (const auto& [anchor, message] : anchors_and_messages) {
        list += element("li", anchor.empty() ? text(message) : link_to("#" + anchor, message));
    }
    return element(
        "div",
        {{"class", "problems"}, {"role", "alert"}, {"tabindex", "-1"}, {"aria-labelledby", "problems"}},
        element("h2", {{"id", "problems"}}, text("There is a problem")) + element("ul", list));
}

Markup home(std::span<const identity::PracticeInfo> practices) {
    Markup main = element("h1", text("Patient forms"));
    if (practices.empty()) {
        main += paragraph("No practice has been set up here yet.");
    } else {
        Markup list;
        for (const identity::PracticeInfo& info : practices) {
            list += element("li", link_to(path({"p", info.name}), info.title));
        }
        main += paragraph("Choose your practice to fill in a form before your visit.") +
                element("ul", {{"class", "choices"}}, list);
    }
    main += element("p", link_to("/sign-in", "Staff: sign in"));
    return framed("Patient forms", main);
}

Markup practice(const identity::PracticeInfo& info, std::span<const forms::Questionnaire> forms) {
    Markup list;
    for (const forms::Questionnaire& form : forms) {
        Markup entry = link_to(path({"p", info.name, "forms", form.name}), form.title);
        if (!form.description.empty()) {
            entry += element("p", {{"class", "hint"}}, text(form.description));
        }
        list += element("li", entry);
    }
    return framed(info.title, element("h1", text(info.title)) +
                                  paragraph("Which form would you like to fill in?") +
                                  element("ul", {{"class", "choices"}}, list) +
                                  element("p", link_to("/sign-in?practice=" + info.name, "Staff: sign in")));
}

Markup thanks(const identity::PracticeInfo& info, std::string_view reference) {
    return framed(
        "Thank you",
        element("h1", text("Thank you. Your form was received.")) +
            paragraph(fmt::format("{} can read it from now on. You need not do anything else.", info.title)) +
            element("p", text("Reference: ") + element("code", text(reference))) +
            element("p", link_to(path({"p", info.name}), "Fill in another form")));
}

Markup sign_in(std::string_view practice, std::string_view login, std::string_view problem) {
    Markup main = element("h1", text("Sign in"));
    if (!problem.empty()) {
        const std::pair<std::string, std::string> one{"password", problem};
        main += problem_summary({&one, 1});
    }
    const Markup fields =
        text_field("practice", "Practice",
                   {{"type", "text"},
                    {"value", std::string(practice)},
                    {"autocomplete", "organization"},
                    {"autocapitalize", "none"},
                    {"spellcheck", "false"},
                    {"required", ""}}) +
        text_field("login", "Sign-in name",
                   {{"type", "text"},
                    {"value", std::string(login)},
                    {"autocomplete", "username"},
                    {"autocapitalize", "none"},
                    {"spellcheck", "false"},
                    {"required", ""}}) +
        text_field("password", "Password",
                   {{"type", "password"}, {"autocomplete", "current-password"}, {"required", ""}}) +
        text_field("code", "Code from your app, if you set one up",
                   {{"type", "text"},
                    {"autocomplete", "one-time-code"},
                    {"autocapitalize", "none"},
                    {"spellcheck", "false"}});
    main += element("form", {{"method", "post"}, {"action", "/sign-in"}, {"novalidate", ""}},
                    fields + element("button", {{"type", "submit"}}, text("Sign in")));
    main += element("p", link_to("/join", "Accept an invitation")) +
            element("p", link_to("/recover", "Every owner's password is lost"));
    return framed(problem.empty() ? "Sign in" : "Error: Sign in", main);
}

Markup degraded_notice(bool is_degraded) {
    if (!is_degraded) {
        return {};
    }
    return element(
        "p", {{"role", "status"}, {"class", "notice"}},
        text("One of this server's disks is out of service. Everything works and nothing is lost, but "
             "there are fewer copies of what is written than there should be. Tell whoever runs the "
             "server."));
}

Markup unfolded_notice(bool is_unfolded) {
    if (!is_unfolded) {
        return {};
    }
    return element(
        "p", {{"role", "status"}, {"class", "notice"}},
        text("What is written here is kept safe in the server's log, and nothing is lost. But it cannot be "
             "brought into the practice's own files at the moment. Tell whoever runs the server."));
}

Markup suspect_notice(bool is_suspect) {
    if (!is_suspect) {
        return {};
    }
    return element(
        "p", {{"role", "status"}, {"class", "notice"}},
        text("One of this server's disks did not give back what was written to it. It was put right "
             "from the server's log, and nothing is lost. But the disk should be replaced soon: "
             "tell whoever runs the server."));
}

namespace {

Markup kit_notice(const identity::Session& session, bool asks_for_kit) {
    if (!asks_for_kit) {
        return {};
    }
    return element("p", {{"role", "status"}, {"class", "notice"}},
                   text("The practice's first recovery code was shown to whoever created the practice. ") +
                       link_to(path({"p", session.practice_name, "kit"}), "Make a recovery kit of your own"));
}

/// Links to the pages before and after this one; empty markup when it is the only one.
Markup neighbours(std::string_view practice, const forms::SummaryPage& page) {
    Markup links;
    if (const auto newer = newer_page(practice, page)) {
        links += element("a", {{"href", path({"p", practice, "submissions"})}}, text("Newest")) +
                 text(" · ") + element("a", {{"href", *newer}, {"rel", "prev"}}, text("Newer forms"));
    }
    if (const auto older = older_page(practice, page)) {
        links += text(page.has_newer ? " · " : "") +
                 element("a", {{"href", *older}, {"rel", "next"}}, text("Older forms"));
    }
    return page.has_newer || page.has_older ? element("nav", {{"aria-label", "Pages"}}, links) : Markup();
}

}  // namespace

Markup submissions(const identity::Session& session, const forms::SummaryPage& page, const Notices& notices) {
    Markup main = degraded_notice(notices.is_degraded) + unfolded_notice(notices.is_unfolded) +
                  suspect_notice(notices.is_suspect) + kit_notice(session, notices.asks_for_kit) +
                  element("h1", text("Submitted forms"));
    if (page.items.empty()) {
        main += page.has_newer || page.has_older
                    ? element("p", text("There is nothing on this page. ") +
                                       link_to(path({"p", session.practice_name, "submissions"}),
                                               "The newest forms"))
                    : paragraph("Nothing has been submitted yet.");
        return framed("Submitted forms", main, sign_out_form(session));
    }
    Markup rows;
    for (const forms::Summary& summary : page.items) {
        const std::string address = path({"p", session.practice_name, "submissions", to_hex(summary.id)});
        rows += element("tr", element("td", link_to(address, minute_of(summary.received))) +
                                  element("td", text(summary.form)) +
                                  element("td", element("code", text(to_hex(summary.id).substr(0, 8)))));
    }
    const Markup heads = element("th", {{"scope", "col"}}, text("Received")) +
                         element("th", {{"scope", "col"}}, text("Form")) +
                         element("th", {{"scope", "col"}}, text("Reference"));
    main += element("table", element("caption", text("Newest first")) +
                                 element("thead", element("tr", heads)) + element("tbody", rows)) +
            neighbours(session.practice_name, page);
    return framed("Submitted forms", main, sign_out_form(session));
}

Markup submission(const identity::Session& session, const forms::Summary& summary,
                  std::string_view form_title, std::span<const forms::ReadLine> lines) {
    Markup list;
    for (const forms::ReadLine& line : lines) {
        if (line.answer.empty()) {
            list += element("dt", {{"class", "section"}}, text(line.question));
        } else {
            list += element("dt", text(line.question)) + element("dd", text(line.answer));
        }
    }
    return framed(
        "Submitted form",
        element("h1", text(form_title)) +
            paragraph(
                fmt::format("Received {}. Reference {}.", minute_of(summary.received), to_hex(summary.id))) +
            element("dl", list) +
            element("p", {{"class", "no-print"}},
                    link_to(path({"p", session.practice_name, "submissions"}), "All submitted forms")),
        sign_out_form(session));
}

Markup notice(std::string_view title, std::string_view words) {
    return framed(title,
                  element("h1", text(title)) + paragraph(words) + element("p", link_to("/", "Start page")));
}

}  // namespace firedrill::web::pages
