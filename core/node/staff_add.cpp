#include "node/staff_add.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time.h"
#include "identity/people.h"

namespace firedrill::node {

namespace {

namespace json = boost::json;

/// What slow-down counts attempts of this channel under.
constexpr std::string_view kSource = "operator's channel";

struct Request {
    identity::Identity& identity;
    std::string practice;
    std::string login;
    identity::Role role = identity::Role::owner;
    std::string owner;
    crypto::Secret password;
    crypto::Secret code;  ///< of the owner's second factor, when they have one
    std::string token;
    std::function<void(Result<std::string>)> then;
};
using RequestPtr = std::shared_ptr<Request>;  // owners: the callbacks of the step it is at

Result<identity::Role> read_role(std::string_view name) {
    const auto found = std::ranges::find(identity::kRoles, name, identity::role_name);
    if (found == identity::kRoles.end()) {
        return Error{
            Fault::bad_input,
            fmt::format("\"{}\" is no role; choose owner, clinician, front desk, biller or read-only", name)};
    }
    return *found;
}

Status read(CommandFields& fields, Request& request) {
    request.practice = TRY(fields.take("practice"));
    request.login = TRY(fields.take("login"));
    const std::string role = TRY(fields.take("role"));
    request.role = TRY(read_role(role));
    request.owner = TRY(fields.take("owner"));
    request.password = TRY(fields.take_secret("password"));
    if (fields.has("code")) {
        request.code = TRY(fields.take_secret("code"));
    }
    return fields.expect_no_more();
}

std::string describe(const identity::Invitation& made) {
    return json::serialize(json::object{{"login", made.login},
                                        {"role", identity::role_name(made.role)},
                                        {"code", made.code},
                                        {"expires", format_utc(made.expires)}});
}

void finish(const RequestPtr& request, Result<std::string> answer) {
    request->identity.sign_out(request->token, [request, answer = std::move(answer)](const Status& out) {
        request->then(answer && !out ? Result<std::string>(out.error()) : answer);
    });
}

void invite(const RequestPtr& request, const identity::Session& session) {
    request->identity.people().invite(
        {session, request->password.copy(), std::string(kSource)}, request->login, request->role,
        [request](Result<identity::Invitation> made) {
            finish(request, made ? Result<std::string>(describe(*made)) : Result<std::string>(made.error()));
        });
}

}  // namespace

void add_staff(identity::Identity& identity, CommandFields& fields,
               std::function<void(Result<std::string>)> then) {
    auto request = std::make_shared<Request>(Request{.identity = identity, .then = std::move(then)});
    if (Status understood = read(fields, *request); !understood) {
        request->then(understood.error());
        return;
    }
    identity.sign_in({.practice = request->practice,
                      .login = request->owner,
                      .password = request->password.copy(),
                      .source = std::string(kSource),
                      .code = std::move(request->code)},
                     [request](Result<identity::SignedIn> in) {
                         if (!in) {
                             request->then(in.error());
                             return;
                         }
                         request->token = in->token;
                         invite(request, in->session);
                     });
}

}  // namespace firedrill::node
