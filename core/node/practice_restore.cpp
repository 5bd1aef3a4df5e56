#include "node/practice_restore.h"

#include <charconv>

#include <boost/json.hpp>

namespace firedrill::node {

namespace {

namespace json = boost::json;

struct Wanted {
    std::string name;
    store::RestorePoint point;
    store::RestoreMode mode = store::RestoreMode::plan;
};

Result<Wanted> read_wanted(CommandFields& fields) {
    Wanted out;
    out.name = TRY(fields.take("name"));
    if (fields.has("until")) {
        const std::string text = TRY(fields.take("until"));
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out.point.until);
        if (fault != std::errc{} || end != text.data() + text.size() || out.point.until == 0) {
            return Error{Fault::bad_usage, "\"until\" must be an LSN, 1 or more"};
        }
    }
    if (fields.has("at")) {
        const std::string text = TRY(fields.take("at"));
        out.point.at = TRY(parse_utc(text));
    }
    if (out.point.until == 0 && !out.point.at) {
        return Error{Fault::bad_usage, "say which state to go back to: \"until\" an LSN, or \"at\" a time"};
    }
    const std::string mode = TRY(fields.take("mode"));
    if (mode != "plan" && mode != "go") {
        return Error{Fault::bad_usage, "\"mode\" must be \"plan\" or \"go\""};
    }
    out.mode = mode == "go" ? store::RestoreMode::go : store::RestoreMode::plan;
    TRY(fields.expect_no_more());
    return out;
}

json::object describe(const Wanted& wanted, const store::StoreRestorePlan& plan) {
    return {{"practice", wanted.name},
            {"store", to_hex(plan.store)},
            {"is_done", wanted.mode == store::RestoreMode::go},
            {"kept", json::object{{"lsn", plan.kept_lsn},
                                  {"sequence", plan.kept_sequence},
                                  {"time", format_utc(plan.kept_wall)}}},
            {"lost", json::object{{"commits", plan.lost_commits},
                                  {"first_lsn", plan.lost_first},
                                  {"last_lsn", plan.lost_last},
                                  {"newest", format_utc(plan.lost_newest)}}},
            {"pages", plan.pages},
            {"changed_pages", plan.changed_pages}};
}

}  // namespace

void restore_practice(store::Storage& storage, const identity::Identity& identity, CommandFields& fields,
                      std::function<void(Result<std::string>)> then) {
    const Result<Wanted> wanted = read_wanted(fields);
    if (!wanted) {
        then(wanted.error());
        return;
    }
    const Result<identity::PracticeInfo> found = identity.find_practice(wanted->name);
    if (!found) {
        then(found.error());
        return;
    }
    if (found->is_open) {
        then(Error{Fault::refused,
                   "practice: somebody is signed in; everybody must sign out before it is taken back"});
        return;
    }
    storage.restore_store(
        found->id, wanted->point, wanted->mode,
        [wanted = *wanted, then = std::move(then)](const Result<store::StoreRestorePlan>& plan) {
            then(plan ? Result<std::string>(json::serialize(describe(wanted, *plan)))
                      : Result<std::string>(plan.error()));
        });
}

}  // namespace firedrill::node
