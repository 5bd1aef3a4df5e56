#include "web/safekeeping_pages.h"

#include <fmt/format.h>

#include "web/page_parts.h"
#include "web/pages.h"

namespace firedrill::web::pages {
namespace {

using html::element;
using html::Markup;
using html::path;
using html::text;
using identity::EscrowRecord;
using identity::EscrowState;
using identity::KitMaker;

Markup item(std::string_view term, const Markup& what) {
    return element("dt", text(term)) + element("dd", what);
}

Markup steps(std::initializer_list<std::string> all) {
    Markup out;
    for (const std::string& step : all) {
        out += element("li", text(step));
    }
    return element("ol", out);
}

Markup act(const identity::Session& session, std::string_view verb, const std::string& password_id,
           const Markup& fields, std::string_view label) {
    return post(path({"p", session.practice_name, "kit", verb}),
                hidden(kCsrfField, session.csrf) + fields + password_field(password_id, "Your password") +
                    button(label));
}

std::string kit_words(const identity::SafekeepingRecords& records) {
    if (!records.kit) {
        return "The recovery code was shown to whoever created the practice, before such things were "
               "recorded.";
    }
    const identity::KitRecord& kit = *records.kit;
    const std::string made = minute_of(kit.made);
    switch (kit.maker) {
        case KitMaker::creator:
            return fmt::format(
                "The recovery code was shown to whoever created the practice, on {}. Make a kit of your own.",
                made);
        case KitMaker::owner: return fmt::format("Made by {} on {}.", kit.login, made);
        case KitMaker::code:
            return fmt::format("Made on {}, when {} used the code before it.", made, kit.login);
        case KitMaker::shares:
            return fmt::format("Made on {}, when {} used the shares of an escrow.", made, kit.login);
    }
    return "";
}

Markup kit_part(const identity::Session& session, const identity::Safekept& kept) {
    return element("h2", text("Recovery kit")) + paragraph(kit_words(kept.records)) +
           paragraph(
               "A new kit is for a code that was lost, or seen by somebody. The old code is void at once. " +
               std::string(identity::kReplacesKeys)) +
           act(session, "replace", "kit:password", {}, "Make a new recovery kit");
}

Markup share_rows(const EscrowRecord& escrow) {
    Markup rows;
    for (const identity::ShareRecord& share : escrow.shares) {
        rows += element(
            "tr",
            element("th", {{"scope", "row"}}, text(fmt::format("{}. {}", share.number, share.holder))) +
                element("td", element("code", text(to_hex(ByteView(share.fingerprint)).substr(0, 16)))) +
                element("td", text(share.is_confirmed() ? minute_of(share.confirmed) : "not yet")));
    }
    return element("table", element("caption", text("Who holds a share")) +
                                heads({"Holder", "Fingerprint", "Confirmed"}) + element("tbody", rows));
}

Markup escrow_summary(const EscrowRecord& escrow) {
    Markup out =
        paragraph(fmt::format("Made by {} on {}: any {} of {} shares open the practice.", escrow.made_by,
                              minute_of(escrow.made), escrow.needed, escrow.shares.size()));
    if (escrow.state != EscrowState::open) {
        out += paragraph(fmt::format("{} by {} on {}; its shares are void.",
                                     escrow.state == EscrowState::used ? "Used" : "Ended", escrow.ended_by,
                                     minute_of(escrow.ended)));
    }
    return out + share_rows(escrow);
}

Markup open_escrow_part(const identity::Session& session, const EscrowRecord& escrow) {
    Markup out = element("h2", text("Escrow")) + escrow_summary(escrow);
    Markup fields;
    for (const identity::ShareRecord& share : escrow.shares) {
        if (!share.is_confirmed()) {
            const std::string id = fmt::format("share{}:checksum", share.number);
            fields +=
                element("div", {{"class", "field"}},
                        element("label", {{"for", id}}, text("Checksum on the sheet of " + share.holder)) +
                            element("input", {{"type", "text"},
                                              {"id", id},
                                              {"name", "checksum"},
                                              {"autocomplete", "off"},
                                              {"autocapitalize", "none"},
                                              {"spellcheck", "false"}}));
        }
    }
    if (!fields.is_empty()) {
        out += element("h3", text("Confirm that shares arrived")) +
               paragraph(
                   "Each holder reads the eight letters of the checksum from their own sheet. Leave the "
                   "others empty.") +
               act(session, "confirm", "confirm:password", fields, "Confirm");
    }
    return out + element("h3", text("End the escrow")) +
           paragraph("All its shares are void at once. " + std::string(identity::kReplacesKeys)) +
           warning(identity::kFinalSentence) + act(session, "end", "end:password", {}, "End the escrow");
}

Markup make_escrow_part(const identity::Session& session) {
    const Markup holders =
        element("div", {{"class", "field"}},
                element("label", {{"for", "holders"}}, text("Holders: one name a line, 2 to 10 of them")) +
                    element("textarea", {{"id", "holders"}, {"name", "holders"}, {"rows", "5"}}, text("")));
    return element("h2", text("Escrow")) +
           paragraph(
               "An escrow splits a second way in among several people: none of them alone can open the "
               "practice, and some of them together can. There is none now.") +
           act(session, "escrow", "escrow:password",
               holders + field("needed", "How many of them are needed (at least 2)",
                               {{"type", "text"}, {"inputmode", "numeric"}, {"autocomplete", "off"}}),
               "Make an escrow");
}

Markup share_sheet(const identity::Session& session, const EscrowRecord& record,
                   const identity::ShareRecord& share, const identity::ShareLines& lines,
                   std::string_view address) {
    Markup code;
    for (const std::string& line : lines) {
        code += element("div", element("code", text(line)));
    }
    return element(
        "section", {{"class", "sheet"}},
        element("h2",
                text(fmt::format("Share {} of {}: {}", share.number, record.shares.size(), share.holder))) +
            element("dl",
                    item("Practice", text(session.practice_name)) + item("Server", text(address)) +
                        item("Made", text(fmt::format("{}, by {}", minute_of(record.made), record.made_by))) +
                        item("Fingerprint",
                             element("code", text(to_hex(ByteView(share.fingerprint)).substr(0, 16)))) +
                        item("Checksum", element("code", text(identity::write_checksum(share.checksum))))) +
            element("div", {{"class", "code"}}, code) +
            paragraph(fmt::format("Any {} of the {} shares open the practice when every owner's password is "
                                  "lost. This one alone opens nothing.",
                                  record.needed, record.shares.size())) +
            steps({"Tell the owner the checksum above, so that it is known that this sheet reached you.",
                   "Lock this sheet away, apart from the other shares. Make no photograph and no copy.",
                   fmt::format("When it is needed, the holders meet, open {}recover/shares, and each types "
                               "their own six lines.",
                               address)}) +
            warning(identity::kFinalSentence));
}

}  // namespace

Markup kit_sheet(const KitView& view) {
    return element(
        "section", {{"class", "sheet"}},
        element("h1", text(fmt::format("Recovery kit of {}", view.practice_title))) +
            element("dl",
                    item("Practice", element("code", text(view.practice_name))) +
                        item("Server", text(view.address)) +
                        item("Made", text(fmt::format("{}, by {}", minute_of(view.made), view.login)))) +
            paragraph("Recovery code:") + code_box(view.code) + element("h2", text("What it is for")) +
            paragraph(
                "It opens the practice when every owner's password is lost. Whoever holds it can do that: "
                "treat it like the keys of the house.") +
            steps(
                {fmt::format("Open {}recover in a browser.", view.address),
                 fmt::format("Type the practice ({}) and the recovery code. Capitals, spaces and hyphens do "
                             "not matter.",
                             view.practice_name),
                 "Give the sign-in name of an owner, or a new one, and choose a new password.",
                 "Print the next kit, which is shown then, and destroy this sheet: its code is void."}) +
            element("h2", text("Where to keep it")) +
            paragraph(
                "On paper, in a safe or with a notary; away from the computers, not in a file and not in a "
                "photograph. Two owners should know where it is. If somebody may have seen it, make a new "
                "kit on the site.") +
            element("h2", text("What cannot be undone")) + warning(identity::kFinalSentence));
}

Markup safekeeping(const identity::Session& session, const identity::Safekept& kept, std::string_view problem,
                   std::string_view done) {
    Markup main = problem_of(problem);
    if (!done.empty()) {
        main += element("p", {{"role", "status"}}, text(done));
    }
    main += element("h1", text("Recovery kit and escrow"));
    if (kept.is_altered) {
        main += warning(
            "These records were altered in the server's directory; do not rely on them. Tell whoever "
            "runs the server to restore the directory from a copy.");
    }
    main += paragraph("Passwords cannot be looked up by anybody. These are the other ways in.") +
            warning((kept.active_owners == 1 ? "There is only one owner. " : "") +
                    std::string(identity::kFinalSentence)) +
            kit_part(session, kept);
    const EscrowRecord* open = kept.records.open_escrow();
    main += open == nullptr ? make_escrow_part(session) : open_escrow_part(session, *open);
    Markup past;
    for (const EscrowRecord& escrow : kept.records.escrows) {
        if (escrow.state != EscrowState::open) {
            past = escrow_summary(escrow) + past;
        }
    }
    if (!past.is_empty()) {
        main += element("h2", text("Former escrows")) + past;
    }
    main += element("p", link_to(path({"p", session.practice_name, "staff"}), "People of the practice"));
    return framed(title_of("Recovery kit and escrow", problem), main);
}

Markup new_kit(const identity::Session& session, const identity::NewKit& kit, std::string_view address) {
    return framed(
        "Recovery kit",
        element(
            "div", {{"class", "no-print"}},
            element("p", {{"role", "status"}},
                    text("This is the new recovery kit. It is shown once: print this page now. The code "
                         "used so far is void.")) +
                element("p", link_to(path({"p", session.practice_name, "kit"}), "Recovery kit and escrow"))) +
            kit_sheet({kit.practice_title, kit.practice_name, kit.code, kit.login, address, kit.made}));
}

Markup new_shares(const identity::Session& session, const identity::NewEscrow& escrow,
                  std::string_view address) {
    Markup main = element(
        "div", {{"class", "no-print"}},
        element("h1", text("Shares of the escrow")) +
            element("p", {{"role", "status"}},
                    text("The shares are shown once: print this page now. Every share has a sheet of its "
                         "own. Give "
                         "each to its holder and keep none.")) +
            element("p", link_to(path({"p", session.practice_name, "kit"}), "Recovery kit and escrow")));
    for (std::size_t i = 0; i < escrow.shares.size(); ++i) {
        main += share_sheet(session, escrow.record, escrow.record.shares[i], escrow.shares[i], address);
    }
    return framed("Shares of the escrow", main);
}

Markup recover_by_shares(std::string_view practice, std::string_view login, std::size_t fields,
                         std::string_view problem) {
    Markup shares;
    for (std::size_t i = 1; i <= fields; ++i) {
        const std::string id = fmt::format("field{}:share", i);
        shares +=
            element("div", {{"class", "field"}},
                    element("label", {{"for", id}}, text(fmt::format("Share, field {}: its six lines", i))) +
                        element("textarea",
                                {{"id", id},
                                 {"name", "share"},
                                 {"rows", "6"},
                                 {"autocomplete", "off"},
                                 {"autocapitalize", "none"},
                                 {"spellcheck", "false"}},
                                text("")));
    }
    Markup more;
    for (const std::size_t count : {3U, 5U, 10U}) {
        if (count > fields) {
            more += element("p", link_to(fmt::format("/recover/shares?fields={}", count),
                                         fmt::format("{} fields for shares", count)));
        }
    }
    return framed(
        title_of("Open a practice by shares of its escrow", problem),
        problem_of(problem) + element("h1", text("Open a practice by shares of its escrow")) +
            paragraph(
                "For the case that every owner's password and the recovery kit are lost. Fields that are "
                "not needed stay empty.") +
            more +
            post(fmt::format("/recover/shares?fields={}", fields),
                 plain_field("practice", "Practice", practice, "organization") + shares +
                     plain_field("login", "Sign-in name of the owner, or a new one", login, "username") +
                     new_password_fields() + button("Set the password")));
}

}  // namespace firedrill::web::pages
