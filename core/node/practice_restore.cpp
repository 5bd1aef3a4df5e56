#include "node/practice_restore.h"

#include <charconv>

#include <fmt/format.h>

#include <boost/json.hpp>

namespace firedrill::node {

namespace {

namespace json = boost::json;

struct Wanted {
    std::string name;
    store::RestorePoint point;
    store::RestoreMode mode = store::RestoreMode::plan;
    bool ends_sessions = false;
};

Result<store::RestoreMode> read_mode(CommandFields& fields) {
    const Result<std::string> taken = fields.take("mode");
    if (!taken) {
        return taken.error();
    }
    const std::string_view mode = *taken;
    if (mode == "go") {
        return store::RestoreMode::go;
    }
    return mode == "plan"
               ? Result<store::RestoreMode>(store::RestoreMode::plan)
               : Result<store::RestoreMode>(Error{Fault::bad_usage, "\"mode\" must be \"plan\" or \"go\""});
}

Result<bool> read_end_sessions(CommandFields& fields, store::RestoreMode mode) {
    if (!fields.has("end_sessions")) {
        return false;
    }
    const Result<std::string> taken = fields.take("end_sessions");
    if (!taken || std::string_view(*taken) != "yes" || mode != store::RestoreMode::go) {
        return Error{Fault::bad_usage, "\"end_sessions\" must be \"yes\", with the mode \"go\""};
    }
    return true;
}

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
    out.mode = TRY(read_mode(fields));
    out.ends_sessions = TRY(read_end_sessions(fields, out.mode));
    TRY(fields.expect_no_more());
    return out;
}

/// Labels are the clock of their moment. Where it ran ahead once, a state named by a time is the one
/// before that.
json::value describe_backwards(const store::StoreRestorePlan& plan) {
    if (plan.backwards_at == 0) {
        return nullptr;
    }
    return json::object{{"ahead_lsn", plan.lost_first},
                        {"ahead_time", format_utc(plan.lost_first_wall)},
                        {"lsn", plan.backwards_at},
                        {"time", format_utc(plan.backwards_wall)}};
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
            {"changed_pages", plan.changed_pages},
            {"commits", plan.commits},
            {"backwards", describe_backwards(plan)}};
}

store::OnRestoreProgress teller(OnProgress progress) {
    if (!progress) {
        return {};
    }
    return [progress = std::move(progress)](const store::RestoreProgress& at) {
        const std::string step = at.round > 1 ? fmt::format(", step {}", at.round) : "";
        switch (at.step) {
            case store::RestoreStep::reading:
                progress({"reading the log", at.done, at.total, "bytes"});
                return;
            case store::RestoreStep::collecting:
                progress({"collecting pages" + step, at.done, at.total, "bytes"});
                return;
            case store::RestoreStep::recording:
                progress({"recording" + step, at.done, at.total, "pages"});
                return;
        }
    };
}

/// What is known of one request; copied into its callbacks.
struct Request {
    store::Storage& storage;
    identity::Identity& identity;
    Wanted wanted;
    std::function<void(std::string_view)> journal;
    OnProgress progress;
    std::function<void(Result<std::string>)> then;
};

void take_back(const Request& request) {
    const Result<identity::PracticeInfo> found = request.identity.find_practice(request.wanted.name);
    if (!found) {
        request.then(found.error());
        return;
    }
    if (found->is_open) {
        request.then(Error{Fault::refused,
                           "practice: somebody is signed in; everybody must sign out before it is taken back "
                           "(restore --end-sessions, or staff sign-out, ends their sessions)"});
        return;
    }
    if (const store::Lsn newest = request.storage.health().durable; request.wanted.point.until > newest) {
        request.then(Error{Fault::not_found,
                           fmt::format("there is no LSN {}: the log ends at LSN {}; nothing was changed",
                                       request.wanted.point.until, newest)});
        return;
    }
    request.storage.restore_store(
        found->id, request.wanted.point, request.wanted.mode, teller(request.progress),
        [request](const Result<store::StoreRestorePlan>& plan) {
            if (!plan) {
                request.then(plan.error());
                return;
            }
            if (request.wanted.mode == store::RestoreMode::go && request.journal) {
                request.journal(fmt::format(
                    "the operator took practice {} back to LSN {} ({}): {} commit(s) after it undone",
                    request.wanted.name, plan->kept_lsn, format_utc(plan->kept_wall), plan->lost_commits));
            }
            request.then(json::serialize(describe(request.wanted, *plan)));
        });
}

}  // namespace

void restore_practice(store::Storage& storage, identity::Identity& identity, CommandFields& fields,
                      const std::function<void(std::string_view)>& journal, OnProgress progress,
                      std::function<void(Result<std::string>)> then) {
    Result<Wanted> wanted = read_wanted(fields);
    if (!wanted) {
        then(std::move(wanted).error());
        return;
    }
    const Request request{storage,        identity, std::move(wanted).value(), journal, std::move(progress),
                          std::move(then)};
    if (!request.wanted.ends_sessions) {
        take_back(request);
        return;
    }
    identity.end_sessions(request.wanted.name, [request](const Result<std::size_t>& ended) {
        if (!ended) {
            request.then(ended.error());
            return;
        }
        take_back(request);
    });
}

}  // namespace firedrill::node
