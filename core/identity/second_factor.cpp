#include "identity/second_factor.h"

#include "base/check.h"
#include "crypto/totp.h"
#include "identity/codes.h"

namespace firedrill::identity {

namespace {

constexpr std::size_t kLongestTyped = 64;  // bytes; no code has more, and what is read of one is bounded

Error altered() {
    return Error{Fault::damaged,
                 "directory: a second factor is malformed; restore the directory from a copy"};
}

std::string_view bounded(ByteView typed) {
    return typed.size() > kLongestTyped ? std::string_view() : as_text(typed);
}

}  // namespace

Digest spare_code_tag(const crypto::Secret& private_key, PersonId person, ByteView code) {
    const crypto::Secret key =
        crypto::hkdf_sha256(private_key.view(), person.view(), "firedrill spare code v1", crypto::kKeySize);
    return crypto::hmac_sha256(key.view(), {code});
}

SpareCodes draw_spare_codes(const crypto::Secret& private_key, PersonId person, Entropy& entropy) {
    SpareCodes out;
    for (std::size_t i = 0; i < kSpareCodes; ++i) {
        const crypto::Secret code = draw_code(CodeKind::spare, entropy);
        out.shown.push_back(write_code(CodeKind::spare, code));
        out.tags.push_back(spare_code_tag(private_key, person, code.view()));
    }
    return out;
}

CodeCheck check_code(const Credentials& credentials, const OpenedAccount& account, ByteView typed,
                     std::uint64_t now_step, bool takes_app_codes) {
    const std::string_view text = bounded(typed);
    const crypto::Secret no_secret(crypto::kTotpSecretSize);
    const bool has_factor = !account.totp_secret.is_empty();
    const ByteView secret = has_factor ? account.totp_secret.view() : no_secret.view();
    const auto digits = crypto::read_totp_code(text);
    const auto step =
        crypto::match_totp(secret, digits.value_or(0), now_step, credentials.second_factor.last_step);
    auto code = read_code(CodeKind::spare, text);
    const bool is_spare_shaped = code.is_ok();
    const Digest tag = spare_code_tag(account.private_key, credentials.person.id,
                                      is_spare_shaped ? code->view() : as_bytes("no code"));
    bool is_spare = false;
    for (const Digest& known : credentials.second_factor.spare_codes) {
        is_spare = crypto::equal_secret(known.view(), tag.view()) || is_spare;
    }
    if (!has_factor) {
        return {CodeUse::not_needed, 0, {}};
    }
    if (is_spare && is_spare_shaped) {
        return {CodeUse::spare, 0, tag};
    }
    if (step && digits && takes_app_codes) {
        return {CodeUse::step, *step, {}};
    }
    return {};
}

void pretend_to_check_code(const Credentials& credentials, ByteView typed, std::uint64_t now_step) {
    OpenedAccount nobody;
    nobody.private_key = crypto::Secret(as_bytes("a private half of nobody"));
    nobody.totp_secret = crypto::Secret(crypto::kTotpSecretSize);
    (void)check_code(credentials, nobody, typed, now_step, false);
}

// --- rows

Result<SecondFactorRow> load_second_factor(store::Database& database, PersonId person) {
    SecondFactorRow out;
    auto factor = TRY(database.prepare("SELECT last_step FROM second_factor WHERE person = ?1"));
    factor.bind(1, person.view());
    if (TRY(factor.step())) {
        const std::int64_t step = factor.integer(0);
        if (step < 0) {
            return altered();
        }
        out.last_step = static_cast<std::uint64_t>(step);
    }
    auto codes = TRY(database.prepare("SELECT tag FROM spare_code WHERE person = ?1 ORDER BY tag"));
    codes.bind(1, person.view());
    while (TRY(codes.step())) {
        const Bytes tag = codes.blob(0);
        Digest digest;
        if (tag.size() != digest.bytes.size() || out.spare_codes.size() == kSpareCodes) {
            return altered();
        }
        std::copy(tag.begin(), tag.end(), digest.bytes.begin());
        out.spare_codes.push_back(digest);
    }
    return out;
}

Status store_spare_codes(store::Database& database, PersonId person, const std::vector<Digest>& tags) {
    auto clear = TRY(database.prepare("DELETE FROM spare_code WHERE person = ?1"));
    clear.bind(1, person.view());
    TRY(clear.run());
    for (const Digest& tag : tags) {
        auto insert = TRY(database.prepare("INSERT INTO spare_code (person, tag) VALUES (?1, ?2)"));
        insert.bind(1, person.view()).bind(2, tag.view());
        TRY(insert.run());
    }
    return {};
}

Status store_second_factor(store::Database& database, PersonId person, const SecondFactorRow& row) {
    auto insert =
        TRY(database.prepare("INSERT OR REPLACE INTO second_factor (person, last_step) VALUES (?1, ?2)"));
    insert.bind(1, person.view()).bind(2, static_cast<std::int64_t>(row.last_step));
    TRY(insert.run());
    return store_spare_codes(database, person, row.spare_codes);
}

Status delete_second_factor(store::Database& database, PersonId person) {
    auto factor = TRY(database.prepare("DELETE FROM second_factor WHERE person = ?1"));
    factor.bind(1, person.view());
    TRY(factor.run());
    return store_spare_codes(database, person, {});
}

Status consume_code(store::Database& database, PersonId person, const CodeCheck& check) {
    CHECK(check.use == CodeUse::step || check.use == CodeUse::spare);
    auto consume = TRY(
        database.prepare(check.use == CodeUse::step
                             ? "UPDATE second_factor SET last_step = ?2 WHERE person = ?1 AND last_step < ?2"
                             : "DELETE FROM spare_code WHERE person = ?1 AND tag = ?2"));
    consume.bind(1, person.view());
    if (check.use == CodeUse::step) {
        consume.bind(2, static_cast<std::int64_t>(check.step));
    } else {
        consume.bind(2, check.spare_code.view());
    }
    TRY(consume.run());
    if (database.changed_rows() != 1) {
        return Error{Fault::refused, "the code was used already"};
    }
    return {};
}

}  // namespace firedrill::identity
