// practice, staff and status.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/call_node.h"
#include "cli/place.h"
#include "cli/real_world.h"
#include "cli/verbs.h"
#include "identity/safekeeping.h"
#include "posix/secret_files.h"

namespace firedrill::cli {

namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view field) {
    const json::value* found = object.if_contains(field);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// "" when there is nothing to say.
std::string reseal_text(const json::object& object) {
    const json::value* found = object.if_contains("reseal");
    if (found == nullptr) {
        return "";
    }
    const json::object& reseal = found->as_object();
    const std::string state = text_of(reseal, "state");
    const std::string left = json::serialize(reseal.at("left"));
    const std::string total = json::serialize(reseal.at("total"));
    if (state == "looking") {
        return fmt::format("looking for pages of replaced keys: {} of {} read",
                           json::serialize(reseal.at("looked")), total);
    }
    if (state == "sealing") {
        return fmt::format("{} of {} pages are still sealed under replaced keys", left, total);
    }
    return state == "unreadable"
               ? fmt::format("{} pages of replaced keys cannot be read and were not sealed anew", left)
               : "";
}

void print_practice(const json::object& practice) {
    print_line(fmt::format("{:20} {:30} {}  {} staff  {}", text_of(practice, "name"),
                           text_of(practice, "title"), text_of(practice, "id"),
                           json::serialize(practice.at("staff")),
                           practice.at("is_open").as_bool() ? "open" : "locked"));
    if (const std::string reseal = reseal_text(practice); !reseal.empty()) {
        print_line("  " + reseal);
    }
}

void print_repairs(const json::object& repairs) {
    if (repairs.at("last").is_null()) {
        return;
    }
    print_line(fmt::format(
        "repaired  {} stores rebuilt, {} pages and {} other files brought back since the start, "
        "last at {}",
        json::serialize(repairs.at("stores_rebuilt")), json::serialize(repairs.at("pages_repaired")),
        json::serialize(repairs.at("files_replaced")), text_of(repairs, "last")));
}

void print_log(const json::object& log) {
    std::string covered = "covered by no copy, so that nothing goes (firedrill store cover)";
    if (const json::value& cover = log.at("cover"); cover.is_object()) {
        const json::object& of = cover.get_object();
        covered = fmt::format("covered through LSN {} since {} by {}", json::serialize(of.at("through")),
                              text_of(of, "at"), text_of(of, "where"));
    }
    print_line(fmt::format("log       begins at LSN {}, {}", json::serialize(log.at("begins")), covered));
}

void print_status(const json::object& status) {
    print_line(fmt::format("node      {}", text_of(status, "node")));
    print_line(fmt::format("timeline  {}", text_of(status, "timeline")));
    print_line(fmt::format("durable   LSN {}", json::serialize(status.at("durable"))));
    print_log(status.at("log").as_object());
    print_line(
        status.at("is_sound").as_bool()      ? "health    sound"
        : status.at("is_degraded").as_bool() ? "health    NOT SOUND: degraded, a log disk is out of service"
        : status.at("is_full").as_bool()
            ? "health    NOT SOUND: a log disk is full, nothing new is taken until it has space"
        : status.at("is_unfolded").as_bool()
            ? "health    NOT SOUND: a store cannot be folded, its newest commits stand in the log alone"
        : status.at("is_suspect").as_bool() ? "health    NOT SOUND: the data disk is suspect, replace it soon"
                                            : "health    NOT SOUND");
    print_repairs(status.at("repairs").as_object());
    if (const std::string fatal = text_of(status, "fatal"); !fatal.empty()) {
        print_line(fmt::format("fatal     {}", fatal));
    }
    for (const json::value& each : status.at("stores").as_array()) {
        const json::object& store = each.as_object();
        print_line(
            fmt::format("store     {}  {} pages, commit {}{}", text_of(store, "store"),
                        json::serialize(store.at("pages")), json::serialize(store.at("sequence")),
                        store.at("is_damaged").as_bool() ? "  DAMAGED: " + text_of(store, "damage") : ""));
        if (const std::string failure = text_of(store, "fold_failure"); !failure.empty()) {
            print_line(fmt::format("          NOT FOLDED since {}: {}", text_of(store, "fold_fails_since"),
                                   failure));
        }
        if (const std::string reseal = reseal_text(store); !reseal.empty()) {
            print_line("          " + reseal);
        }
    }
    for (const json::value& each : status.at("log_members").as_array()) {
        const json::object& member = each.as_object();
        print_line(fmt::format("log disk  {}  through LSN {}, {} segments, {} bytes{}{}",
                               text_of(member, "label"), json::serialize(member.at("last")),
                               json::serialize(member.at("segments")), json::serialize(member.at("bytes")),
                               member.at("is_present").as_bool() ? "" : "  MISSING",
                               member.at("is_stale").as_bool() ? "  STALE" : ""));
    }
    for (const json::value& each : status.at("secrets").as_array()) {
        const json::object& secret = each.as_object();
        if (secret.at("is_overdue").as_bool()) {
            print_line(fmt::format("secret    {}  OVERDUE since {}", text_of(secret, "secret"),
                                   text_of(secret, "due")));
        }
    }
    for (const json::value& note_text : status.at("notes").as_array()) {
        print_line(fmt::format("note      {}", std::string_view(note_text.as_string())));
    }
}

void print_safekeeping(const json::object& practice) {
    const json::value& kit = practice.at("kit");
    print_line(kit.is_null()
                   ? std::string("  recovery kit: made before this was recorded")
                   : fmt::format("  recovery kit: made by {} {} on {}", text_of(kit.as_object(), "made_by"),
                                 text_of(kit.as_object(), "login"), text_of(kit.as_object(), "made")));
    for (const json::value& each : practice.at("escrows").as_array()) {
        const json::object& escrow = each.as_object();
        print_line(fmt::format("  escrow {}: {} of {} shares, made by {} on {}", text_of(escrow, "state"),
                               json::serialize(escrow.at("needed")), json::serialize(escrow.at("count")),
                               text_of(escrow, "made_by"), text_of(escrow, "made")));
        for (const json::value& one : escrow.at("shares").as_array()) {
            const json::object& share = one.as_object();
            print_line(fmt::format("    {}. {:30} {}  {}", json::serialize(share.at("number")),
                                   text_of(share, "holder"), text_of(share, "fingerprint").substr(0, 16),
                                   share.at("confirmed").is_null()
                                       ? "not confirmed"
                                       : "confirmed " + text_of(share, "confirmed")));
        }
    }
}

void print_new_practice(const PracticeOptions& options, const json::object& made) {
    print_practice(made);
    if (const std::string code = text_of(made, "invitation_code"); !code.empty()) {
        print_line(fmt::format("invitation code {}   (shown once)", code));
        print_line(fmt::format("Give it to {}: they choose their own password at /join, until {}.",
                               options.login, text_of(made, "invitation_expires")));
    }
    print_line(fmt::format("recovery code {}   (shown once)", text_of(made, "recovery_code")));
    print_line(
        "Print the recovery code and lock it away. It opens the practice when every owner's password is "
        "lost, and makes an owner when the invitation has expired. You have seen it, so the owner is asked "
        "to make a kit of their own; this code is void from then on.");
}

int create_practice(const PracticeOptions& options) {
    const Format format = options.common.format;
    json::object request{{"verb", "practice.create"},
                         {"name", options.name},
                         {"title", options.title},
                         {"login", options.login}};
    if (!options.password_file.empty()) {
        Result<crypto::Secret> password = posix::read_passphrase_file(options.password_file);
        if (!password) {
            return fail(password.error(), format);
        }
        request["password"] = as_text(password->view());
    }
    Result<std::string> answer = call_node(options.common, request);
    if (!answer) {
        return fail(answer.error(), format);
    }
    const json::object made = json::parse(*answer).as_object();
    if (format == Format::json) {
        print_line(json::serialize(made));
        return 0;
    }
    print_line(identity::kFinalSentence);
    print_new_practice(options, made);
    return 0;
}

/// The password of an owner who stands by: from a file that only they can read, else asked on the terminal.
Result<crypto::Secret> obtain_password(const StaffOptions& options) {
    if (!options.password_file.empty()) {
        return posix::read_passphrase_file(options.password_file);
    }
    auto typed =
        TRY(ask_secret(fmt::format("password of {}, an owner of {}", options.owner, options.practice)));
    if (!typed) {
        return Error{Fault::bad_usage,
                     "the owner's password is needed: run on a terminal, or give --password-file"};
    }
    return *std::move(typed);
}

void print_people(const json::object& list) {
    for (const json::value& each : list.at("people").as_array()) {
        const json::object& person = each.as_object();
        const bool is_active = person.at("is_active").as_bool();
        const bool holds_key = person.at("holds_key").as_bool();
        print_line(fmt::format("{:30} {:12} {}", text_of(person, "login"), text_of(person, "role"),
                               is_active   ? "active"
                               : holds_key ? "disabled; the key is replaced when an owner signs in next"
                                           : "disabled"));
    }
    for (const json::value& each : list.at("invitations").as_array()) {
        const json::object& one = each.as_object();
        print_line(fmt::format("{:30} {:12} invited until {}", text_of(one, "login"), text_of(one, "role"),
                               text_of(one, "expires")));
    }
}

int compact_practice(const PracticeOptions& options) {
    const Result<std::string> answer =
        call_node_with_progress(options.common, {{"verb", "practice.compact"}, {"name", options.name}});
    if (!answer) {
        return fail(answer.error(), options.common.format);
    }
    if (options.common.format == Format::json) {
        print_line(*answer);
        return 0;
    }
    const json::object done = json::parse(*answer).as_object();
    const auto number = [&](std::string_view field) { return json::serialize(done.at(field)); };
    print_line(
        fmt::format("before  {} pages, {} of them free", number("pages_before"), number("free_before")));
    print_line(fmt::format("after   {} pages, {} of them free", number("pages_after"), number("free_after")));
    print_line(fmt::format("{} commit(s); {}", number("commits"),
                           done.at("is_folded").as_bool()
                               ? "the page file has shrunk to that"
                               : "the page file shrinks when it can be folded (see firedrill status)"));
    return 0;
}

}  // namespace

int staff(StaffOptions options) {
    const bool is_sign_out = options.verb == "sign-out";
    json::object request{{"verb", is_sign_out ? "staff.sign_out" : "staff." + options.verb},
                         {"practice", options.practice}};
    if (options.verb == "add" || options.verb == "disable") {
        request["login"] = options.login;
    }
    if (options.verb == "add") {
        request["role"] = options.role;
        request["owner"] = options.owner;
        Result<crypto::Secret> password = obtain_password(options);
        if (!password) {
            return fail(password.error(), options.common.format);
        }
        request["password"] = as_text(password->view());
        if (!options.code.empty()) {
            request["code"] = options.code;
        }
    }
    Result<std::string> answer = call_node(options.common, request);
    if (!answer) {
        return fail(answer.error(), options.common.format);
    }
    if (options.common.format == Format::json) {
        print_line(*answer);
        return 0;
    }
    const json::object found = json::parse(*answer).as_object();
    if (options.verb == "list") {
        print_people(found);
    } else if (options.verb == "add") {
        print_line(fmt::format("invitation code {}   (shown once)", text_of(found, "code")));
        print_line(fmt::format("Give it to {} ({}): they choose their own password at /join, until {}.",
                               text_of(found, "login"), text_of(found, "role"), text_of(found, "expires")));
    } else if (is_sign_out) {
        print_line(fmt::format("{}: {} session(s) ended", text_of(found, "practice"),
                               json::serialize(found.at("sessions_ended"))));
    } else {
        print_line(fmt::format("{}: {}", text_of(found, "login"), text_of(found, "note")));
    }
    return 0;
}

int practice(PracticeOptions options) {
    if (options.verb == "create") {
        return create_practice(options);
    }
    if (options.verb == "compact") {
        return compact_practice(options);
    }
    json::object request{{"verb", "practice." + options.verb}};
    if (options.verb == "show") {
        request["name"] = options.name;
    }
    Result<std::string> answer = call_node(options.common, request);
    if (!answer) {
        return fail(answer.error(), options.common.format);
    }
    if (options.common.format == Format::json) {
        print_line(*answer);
        return 0;
    }
    const json::value found = json::parse(*answer);
    if (found.is_object()) {
        print_practice(found.get_object());
        print_safekeeping(found.get_object());
        return 0;
    }
    for (const json::value& each : found.as_array()) {
        print_practice(each.as_object());
    }
    return 0;
}

int status(CommonOptions options) {
    Result<std::string> answer = call_node(options, {{"verb", "status"}});
    if (!answer) {
        return fail(answer.error(), options.format);
    }
    if (options.format == Format::json) {
        print_line(*answer);
        return 0;
    }
    print_status(json::parse(*answer).as_object());
    return 0;
}

}  // namespace firedrill::cli
