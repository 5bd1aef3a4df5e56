#include "node/commands.h"

#include <algorithm>

#include <fmt/format.h>

#include <boost/json.hpp>

#include "crypto/secret.h"
#include "identity/people.h"
#include "identity/safekeeping.h"
#include "node/command_fields.h"
#include "node/describe_safekeeping.h"
#include "node/log_commands.h"
#include "node/practice_compact.h"
#include "node/practice_restore.h"
#include "node/secret_commands.h"
#include "node/staff_add.h"

namespace firedrill::node {

bool is_sound(const store::Health& health) {
    const bool is_log_sound =
        std::all_of(health.log_members.begin(), health.log_members.end(),
                    [](const auto& member) { return member.is_present && !member.is_stale; });
    const bool is_any_damaged = std::any_of(health.stores.begin(), health.stores.end(),
                                            [](const auto& store) { return store.is_damaged; });
    return is_log_sound && !is_any_damaged && !health.is_fatal && !health.is_full && !health.is_unfolded &&
           health.scrub.not_repairable == 0 && !health.repairs.is_any();
}

namespace {

namespace json = boost::json;
using Then = std::function<void(Result<std::string>)>;

json::object describe(const identity::PracticeInfo& practice) {
    json::object out{{"id", to_hex(practice.id)},
                     {"name", practice.name},
                     {"title", practice.title},
                     {"is_open", practice.is_open},
                     {"staff", practice.staff}};
    if (!practice.recovery_code.empty()) {
        out["recovery_code"] = practice.recovery_code;
    }
    if (!practice.invitation_code.empty()) {
        out["invitation_code"] = practice.invitation_code;
        out["invitation_expires"] = format_utc(practice.invitation_expires);
    }
    return out;
}

/// How far the pages of a store are sealed under its newest key.
json::object describe_reseal(const store::StoreHealth& store) {
    return {{"state", store::reseal_state_name(store.reseal.state)},
            {"left", store.reseal.left},
            {"looked", store.reseal.looked},
            {"total", store.pages}};
}

json::object describe(const identity::PeopleList& list) {
    json::array people;
    for (const identity::Person& one : list.people) {
        people.push_back(json::object{{"id", to_hex(one.id)},
                                      {"login", one.login},
                                      {"role", identity::role_name(one.role)},
                                      {"is_active", one.is_active},
                                      {"holds_key", one.holds_key},
                                      {"has_second_factor", one.has_second_factor}});
    }
    json::array invitations;
    for (const identity::OpenInvitation& one : list.invitations) {
        invitations.push_back(json::object{{"login", one.login},
                                           {"role", identity::role_name(one.role)},
                                           {"expires", format_utc(one.expires)}});
    }
    return {{"people", std::move(people)}, {"invitations", std::move(invitations)}};
}

json::object describe(const store::RepairHealth& repairs) {
    return {{"stores_rebuilt", repairs.stores_rebuilt},
            {"pages_repaired", repairs.pages_repaired},
            {"files_replaced", repairs.files_replaced},
            {"last", repairs.is_any() ? json::value(format_utc(repairs.last)) : json::value(nullptr)}};
}

json::object describe(const store::Health& health) {
    json::array stores;
    for (const store::StoreHealth& store : health.stores) {
        stores.push_back(
            json::object{{"store", to_hex(store.store)},
                         {"is_damaged", store.is_damaged},
                         {"damage", store.damage},
                         {"damaged_pages", store.damaged_pages},
                         {"repaired_pages", store.repaired_pages},
                         {"rebuilt", store.rebuilt},
                         {"sequence", store.sequence},
                         {"pages", store.pages},
                         {"unfolded_bytes", store.unfolded_bytes},
                         {"fold_failure", store.fold_failure},
                         {"fold_fails_since", store.fold_failure.empty()
                                                  ? json::value(nullptr)
                                                  : json::value(format_utc(store.fold_fails_since))},
                         {"reseal", describe_reseal(store)}});
    }
    json::array members;
    for (const store::LogScan::Member& member : health.log_members) {
        members.push_back(json::object{{"label", member.label},
                                       {"is_present", member.is_present},
                                       {"is_stale", member.is_stale},
                                       {"failure", member.failure},
                                       {"last", member.last},
                                       {"bytes", member.bytes},
                                       {"segments", member.segments}});
    }
    json::array notes;
    for (const std::string& note : health.notes) {
        notes.emplace_back(note);
    }
    return {{"is_sound", is_sound(health)},
            {"is_fatal", health.is_fatal},
            {"fatal", health.fatal},
            {"durable", health.durable},
            {"timeline", to_hex(health.timeline)},
            {"log", describe_log(health)},
            {"stores", std::move(stores)},
            {"is_degraded", health.is_degraded},
            {"is_full", health.is_full},
            {"is_unfolded", health.is_unfolded},
            {"is_suspect", health.repairs.is_any()},
            {"repairs", describe(health.repairs)},
            {"log_members", std::move(members)},
            {"scrub", json::object{{"pages", health.scrub.pages},
                                   {"log_bytes", health.scrub.log_bytes},
                                   {"found", health.scrub.found},
                                   {"repaired", health.scrub.repaired},
                                   {"not_repairable", health.scrub.not_repairable},
                                   {"page_rounds", health.scrub.page_rounds},
                                   {"log_rounds", health.scrub.log_rounds}}},
            {"notes", std::move(notes)}};
}

void status(CommandTargets targets, const Then& then) {
    json::object out = describe(targets.storage.health());
    out["node"] = to_hex(targets.node);
    out["secrets"] = describe_ages(targets.secrets.ages(), targets.now);
    out["connections"] = targets.connection_count();
    then(json::serialize(out));
}

Result<identity::NewPractice> read_new_practice(CommandFields& fields) {
    identity::NewPractice out;
    out.name = TRY(fields.take("name"));
    out.title = TRY(fields.take("title"));
    out.owner_login = TRY(fields.take("login"));
    if (fields.has("password")) {
        out.owner_password = TRY(fields.take_secret("password"));
    }
    TRY(fields.expect_no_more());
    return out;
}

void create_practice(CommandTargets targets, CommandFields& fields, Then then) {
    Result<identity::NewPractice> asked = read_new_practice(fields);
    if (!asked) {
        then(std::move(asked).error());
        return;
    }
    targets.identity.create_practice(std::move(asked).value(),
                                     [then = std::move(then)](Result<identity::PracticeInfo> made) {
                                         then(made ? Result<std::string>(json::serialize(describe(*made)))
                                                   : Result<std::string>(made.error()));
                                     });
}

void list_practices(CommandTargets targets, Then then) {
    targets.identity.list_practices(
        [then = std::move(then)](Result<std::vector<identity::PracticeInfo>> found) {
            if (!found) {
                then(std::move(found).error());
                return;
            }
            json::array out;
            for (const identity::PracticeInfo& practice : *found) {
                out.push_back(describe(practice));
            }
            then(json::serialize(out));
        });
}

void show_practice(CommandTargets targets, CommandFields& fields, const Then& then) {
    Result<std::string> name = fields.take("name");
    Status more = name ? fields.expect_no_more() : Status(name.error());
    Result<identity::PracticeInfo> found =
        more ? targets.identity.find_practice(*name) : Result<identity::PracticeInfo>(more.error());
    if (!found) {
        then(found.error());
        return;
    }
    json::object shown = describe(*found);
    shown["reseal"] = describe_reseal(targets.storage.health().of(found->id));
    targets.identity.safekeeping().look(
        *name, [then, shown = std::move(shown)](const Result<identity::Safekept>& kept) mutable {
            if (!kept) {
                then(kept.error());
                return;
            }
            add_safekeeping(shown, *kept);
            then(json::serialize(shown));
        });
}

void list_staff(CommandTargets targets, CommandFields& fields, const Then& then) {
    Result<std::string> practice = fields.take("practice");
    Status more = practice ? fields.expect_no_more() : Status(practice.error());
    if (!more) {
        then(std::move(more).error());
        return;
    }
    targets.identity.people().list(*practice, [then](Result<identity::PeopleList> list) {
        then(list ? Result<std::string>(json::serialize(describe(*list)))
                  : Result<std::string>(list.error()));
    });
}

void disable_staff(CommandTargets targets, CommandFields& fields, const Then& then) {
    Result<std::string> practice = fields.take("practice");
    Result<std::string> login = practice ? fields.take("login") : practice;
    Status more = login ? fields.expect_no_more() : Status(login.error());
    if (!more) {
        then(std::move(more).error());
        return;
    }
    targets.identity.people().disable_by_operator(
        *practice, *login, [then, login = *login](const Status& left) {
            if (!left) {
                then(left.error());
                return;
            }
            then(json::serialize(json::object{{"login", login},
                                              {"is_active", false},
                                              {"note",
                                               "the account is off and its sessions have ended; the "
                                               "practice's key is replaced when an owner signs "
                                               "in next"}}));
        });
}

void sign_out_staff(CommandTargets targets, CommandFields& fields, const Then& then) {
    Result<std::string> practice = fields.take("practice");
    Status more = practice ? fields.expect_no_more() : Status(practice.error());
    if (!more) {
        then(std::move(more).error());
        return;
    }
    targets.identity.end_sessions(*practice, [then, name = *practice](const Result<std::size_t>& ended) {
        then(ended ? Result<std::string>(
                         json::serialize(json::object{{"practice", name}, {"sessions_ended", *ended}}))
                   : Result<std::string>(ended.error()));
    });
}

/// Only who asked is told of progress.
Status settle_progress(CommandTargets& targets, CommandFields& fields) {
    if (!fields.has("progress")) {
        targets.progress = {};
        return {};
    }
    const Result<std::string> wish = fields.take("progress");
    return wish && std::string_view(*wish) == "yes"
               ? Status()
               : Status(Error{Fault::bad_usage, "\"progress\" must be \"yes\""});
}

Error unknown_verb(std::string_view verb) {
    return {Fault::bad_usage,
            fmt::format("unknown verb \"{}\"; known: status, log.cover, log.show, practice.compact, "
                        "practice.create, practice.list, "
                        "practice.restore, practice.show, secrets.list, secrets.rotate, staff.add, "
                        "staff.disable, staff.list, staff.sign_out",
                        verb)};
}

void run_practice_command(CommandTargets targets, std::string_view verb, CommandFields& fields, Then then) {
    if (verb == "practice.create") {
        create_practice(targets, fields, std::move(then));
    } else if (verb == "practice.show") {
        show_practice(targets, fields, then);
    } else if (verb == "practice.restore") {
        restore_practice(targets.storage, targets.identity, fields, targets.journal,
                         std::move(targets.progress), std::move(then));
    } else if (verb == "practice.compact") {
        compact_practice(targets.storage, targets.identity, fields, std::move(targets.progress),
                         std::move(then));
    } else if (verb != "practice.list") {
        then(unknown_verb(verb));
    } else if (Status more = fields.expect_no_more(); !more) {
        then(std::move(more).error());
    } else {
        list_practices(targets, std::move(then));
    }
}

void run_staff_command(CommandTargets targets, std::string_view verb, CommandFields& fields, Then then) {
    if (verb == "staff.list") {
        list_staff(targets, fields, then);
    } else if (verb == "staff.add") {
        add_staff(targets.identity, fields, std::move(then));
    } else if (verb == "staff.disable") {
        disable_staff(targets, fields, then);
    } else if (verb == "staff.sign_out") {
        sign_out_staff(targets, fields, then);
    } else {
        then(unknown_verb(verb));
    }
}

}  // namespace

void run_command(CommandTargets targets, std::string request, Then then) {
    Result<CommandFields> fields = CommandFields::parse(request);
    crypto::zeroise(request);
    if (!fields) {
        then(std::move(fields).error());
        return;
    }
    Result<std::string> verb = fields->take("verb");
    if (Status settled = verb ? settle_progress(targets, *fields) : Status(verb.error()); !settled) {
        then(std::move(settled).error());
    } else if (verb->starts_with("practice.")) {
        run_practice_command(std::move(targets), *verb, *fields, std::move(then));
    } else if (verb->starts_with("log.")) {
        run_log_command({targets.node, targets.storage, targets.now, std::move(targets.journal)}, *verb,
                        *fields, std::move(then));
    } else if (verb->starts_with("staff.")) {
        run_staff_command(std::move(targets), *verb, *fields, std::move(then));
    } else if (verb->starts_with("secrets.")) {
        run_secret_command(targets.secrets, *verb, *fields, targets.now, then);
    } else if (*verb != "status") {
        then(unknown_verb(*verb));
    } else if (Status more = fields->expect_no_more(); !more) {
        then(std::move(more).error());
    } else {
        status(std::move(targets), then);
    }
}

}  // namespace firedrill::node
