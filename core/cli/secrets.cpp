// secrets: how old the node's own secrets are, and their replacement.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/call_node.h"
#include "cli/exit_codes.h"
#include "cli/place.h"
#include "cli/verbs.h"

namespace firedrill::cli {

namespace {

namespace json = boost::json;

std::string_view text_of(const json::object& object, std::string_view field) {
    return object.at(field).as_string();
}

int list(const SecretsOptions& options) {
    const Result<std::string> answer = call_node(options.common, {{"verb", "secrets.list"}});
    if (!answer) {
        return fail(answer.error(), options.common.format);
    }
    if (options.common.format == Format::json) {
        print_line(*answer);
    }
    bool is_any_overdue = false;
    const json::value parsed = json::parse(*answer);
    for (const json::value& each : parsed.as_array()) {
        const json::object& one = each.as_object();
        const bool is_overdue = one.at("is_overdue").as_bool();
        is_any_overdue = is_any_overdue || is_overdue;
        if (options.common.format == Format::text) {
            print_line(fmt::format("{:12} made {}  {:>5} days old  due {}{}", text_of(one, "secret"),
                                   text_of(one, "made"), json::serialize(one.at("age_days")),
                                   text_of(one, "due"), is_overdue ? "  OVERDUE" : ""));
        }
    }
    return static_cast<int>(is_any_overdue ? ExitCode::overdue : ExitCode::ok);
}

/// The request for a new passphrase; nothing of it stands in an argument or the environment.
Result<crypto::Secret> add_passphrases(const SecretsOptions& options, json::object& request) {
    const Settled settled = TRY(settle(options.common));
    Passphrase current = TRY(obtain_passphrase(settled.place, false, false));
    const crypto::Secret next =
        TRY(obtain_new_passphrase(settled.place, options.new_passphrase_file, options.new_key_file));
    const auto put = [&request](std::string_view field, const crypto::Secret& secret) {
        std::string hex = to_hex(secret.view());
        request[field] = hex;
        crypto::zeroise(hex);
    };
    put("current", current.secret);
    put("next", next);
    return std::move(current.secret);
}

Result<json::object> rotate(const SecretsOptions& options) {
    json::object request{{"verb", "secrets.rotate"}, {"secret", options.secret}};
    crypto::Secret current;
    if (options.secret == "passphrase") {
        current = TRY(add_passphrases(options, request));
    } else if (!options.new_passphrase_file.empty() || !options.new_key_file.empty()) {
        return Error{Fault::bad_usage, "a new passphrase or key file belongs to \"rotate passphrase\" only"};
    }
    json::object done =
        json::parse(TRY(call_node(options.common, request, current.is_empty() ? nullptr : &current)))
            .as_object();
    if (const json::value* authority = done.if_contains("authority_pem")) {
        const Settled settled = TRY(settle(options.common));
        TRY(write_authority(settled.place, std::string(authority->as_string())));
    }
    return done;
}

}  // namespace

int secrets(SecretsOptions options) {
    if (options.verb == "list") {
        return list(options);
    }
    const Result<json::object> done = rotate(options);
    if (!done) {
        return fail(done.error(), options.common.format);
    }
    if (options.common.format == Format::json) {
        print_line(json::serialize(*done));
    } else {
        print_line(
            fmt::format("the node's {} was replaced: {}", text_of(*done, "secret"), text_of(*done, "note")));
    }
    return 0;
}

}  // namespace firedrill::cli
