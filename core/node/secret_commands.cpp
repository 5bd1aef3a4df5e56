#include "node/secret_commands.h"

#include <fmt/format.h>

#include <algorithm>

namespace firedrill::node {

namespace {

namespace json = boost::json;
using Then = std::function<void(Result<std::string>)>;

constexpr std::int64_t kDay = std::int64_t{24} * 3600 * 1'000'000'000;

std::int64_t whole_days(Duration duration) {
    return duration.count() / kDay - (duration.count() % kDay < 0 ? 1 : 0);
}

std::optional<SecretKind> kind_of(std::string_view name) {
    for (const SecretKind kind : kSecretKinds) {
        if (secret_name(kind) == name) {
            return kind;
        }
    }
    return std::nullopt;
}

/// What the replaced one still opens, so that nobody trusts a replacement with more than it does.
std::string_view note_of(SecretKind kind) {
    switch (kind) {
        case SecretKind::passphrase:
            return "the new passphrase is needed from the next start on; the old one still opens the key "
                   "slots in copies and log segments made before, with the keys of that time: if it may be "
                   "known to others, replace directory, signing and authority as well";
        case SecretKind::directory:
            return "the directory is sealed under the new key from now on; while the node runs its older "
                   "pages are sealed anew, a few at a time (status says how many are left)";
        case SecretKind::signing:
            return "it is in the key slots; log segments are signed with it from the next start on";
        case SecretKind::certificate: return "new connections get it; clients need to do nothing";
        case SecretKind::authority:
            return "new connections get a certificate of the new authority; every client must be given the "
                   "new authority.pem";
    }
    return "";
}

Result<crypto::Secret> take_bytes(CommandFields& fields, std::string_view name) {
    const crypto::Secret text = TRY(fields.take_secret(name));
    std::optional<Bytes> bytes = from_hex(as_text(text.view()));
    if (!bytes) {
        return Error{Fault::bad_usage, fmt::format("the field \"{}\" is not hexadecimal", name)};
    }
    crypto::Secret out{ByteView(*bytes)};
    crypto::zeroise(*bytes);
    return out;
}

Then answer_with_note(SecretKind kind, const OperatorSecrets& secrets, const Then& then) {
    return [kind, &secrets, then](const Result<std::string>& done) {
        if (!done) {
            then(done.error());
            return;
        }
        json::object out{{"secret", secret_name(kind)}, {"note", note_of(kind)}};
        if (kind == SecretKind::authority) {
            out["authority_pem"] = secrets.keys().authority_pem;
        }
        then(json::serialize(out));
    };
}

OperatorSecrets::Then from_status(Then then) {
    return [then = std::move(then)](const Status& status) {
        then(status ? Result<std::string>(std::string()) : Result<std::string>(status.error()));
    };
}

}  // namespace

json::array describe_ages(const std::vector<SecretAge>& ages, WallTime now) {
    json::array out;
    for (const SecretAge& one : ages) {
        out.push_back(json::object{{"secret", secret_name(one.kind)},
                                   {"made", format_utc(one.made)},
                                   {"age_days", std::max<std::int64_t>(0, whole_days(now - one.made))},
                                   {"due", format_utc(one.due)},
                                   {"is_overdue", one.is_overdue}});
    }
    return out;
}

namespace {

void list_secrets(OperatorSecrets& secrets, const CommandFields& fields, WallTime now, const Then& then) {
    if (Status more = fields.expect_no_more(); !more) {
        then(std::move(more).error());
        return;
    }
    then(json::serialize(describe_ages(secrets.ages(), now)));
}

void rotate_secret(OperatorSecrets& secrets, CommandFields& fields, const Then& then) {
    Result<std::string> name = fields.take("secret");
    if (!name) {
        then(std::move(name).error());
        return;
    }
    const std::optional<SecretKind> kind = kind_of(*name);
    if (!kind) {
        then(Error{Fault::bad_usage,
                   fmt::format("unknown secret \"{}\"; known: passphrase, directory, signing, certificate, "
                               "authority",
                               *name)});
        return;
    }
    OperatorSecrets::Then done = from_status(answer_with_note(*kind, secrets, then));
    if (*kind != SecretKind::passphrase) {
        const Status more = fields.expect_no_more();
        more ? secrets.renew(*kind, std::move(done)) : then(more.error());
        return;
    }
    Result<crypto::Secret> current = take_bytes(fields, "current");
    Result<crypto::Secret> next = current ? take_bytes(fields, "next") : current.error();
    const Status more = next ? fields.expect_no_more() : Status(next.error());
    if (!more) {
        then(more.error());
        return;
    }
    secrets.change_passphrase(std::move(current).value(), std::move(next).value(), std::move(done));
}

}  // namespace

void run_secret_command(OperatorSecrets& secrets, std::string_view verb, CommandFields& fields, WallTime now,
                        const Then& then) {
    if (verb == "secrets.list") {
        list_secrets(secrets, fields, now, then);
    } else if (verb == "secrets.rotate") {
        rotate_secret(secrets, fields, then);
    } else {
        then(Error{Fault::bad_usage,
                   fmt::format("unknown verb \"{}\"; known: secrets.list, secrets.rotate", verb)});
    }
}

}  // namespace firedrill::node
