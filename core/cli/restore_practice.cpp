// restore --practice: what would be lost is said first; it happens only with --yes.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/call_node.h"
#include "cli/verbs.h"

namespace firedrill::cli {

namespace {

namespace json = boost::json;

std::string number(const json::object& object, std::string_view field) {
    return json::serialize(object.at(field));
}

std::string text(const json::object& object, std::string_view field) {
    return std::string(object.at(field).as_string());
}

void print_plan(const json::object& plan) {
    const json::object& kept = plan.at("kept").as_object();
    const json::object& lost = plan.at("lost").as_object();
    const bool is_done = plan.at("is_done").as_bool();
    print_line(fmt::format("practice  {} (store {})", text(plan, "practice"), text(plan, "store")));
    print_line(fmt::format("state     LSN {}, commit {}, of {}: {} pages", number(kept, "lsn"),
                           number(kept, "sequence"), text(kept, "time"), number(plan, "pages")));
    print_line(fmt::format("undone    {} commit(s), LSN {} to {}, the newest of {}", number(lost, "commits"),
                           number(lost, "first_lsn"), number(lost, "last_lsn"), text(lost, "newest")));
    if (const json::value& backwards = plan.at("backwards"); backwards.is_object()) {
        const json::object& found = backwards.get_object();
        print_line(
            fmt::format("CLOCK     the labels run backwards: LSN {} is labelled {}, and LSN {} after it {}",
                        number(found, "ahead_lsn"), text(found, "ahead_time"), number(found, "lsn"),
                        text(found, "time")));
        print_line(
            fmt::format("          This state is the one before LSN {}; to choose another, name it by "
                        "--until LSN.",
                        number(found, "ahead_lsn")));
    }
    print_line(fmt::format("{} {} pages recorded once more in the log", is_done ? "written  " : "to write ",
                           number(plan, "changed_pages")));
    if (is_done) {
        if (plan.at("commits").as_int64() > 1) {
            print_line(fmt::format("steps     {}, each to a state on the way", number(plan, "commits")));
        }
        print_line(
            "Done. Forms that patients sent since are put back in the practice's inbox at the next sign-in.");
        print_line(fmt::format("To undo it: --until {}", number(lost, "last_lsn")));
    } else {
        print_line(
            "Nothing was changed. What staff wrote since that state would be undone; forms that patients "
            "sent");
        print_line("since would be put back in the inbox. Repeat with --yes to do it.");
    }
}

}  // namespace

int restore_practice(const RestoreVerbOptions& options) {
    json::object request{{"verb", "practice.restore"},
                         {"name", options.practice},
                         {"mode", options.is_confirmed ? "go" : "plan"}};
    if (options.until) {
        request["until"] = std::to_string(*options.until);
    }
    if (!options.at.empty()) {
        request["at"] = options.at;
    }
    if (options.ends_sessions) {
        if (!options.is_confirmed) {
            return fail({Fault::bad_usage, "--end-sessions needs --yes: without it nothing is changed"},
                        options.common.format);
        }
        request["end_sessions"] = "yes";
    }
    const Result<std::string> answer = call_node_with_progress(options.common, request);
    if (!answer) {
        return fail(answer.error(), options.common.format);
    }
    if (options.common.format == Format::json) {
        print_line(*answer);
    } else {
        print_plan(json::parse(*answer).as_object());
    }
    return 0;
}

}  // namespace firedrill::cli
