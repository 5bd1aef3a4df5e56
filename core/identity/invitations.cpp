#include "identity/invitations.h"

#include <algorithm>

#include "crypto/aead.h"
#include "identity/people.h"

namespace firedrill::identity {

namespace {

Bytes context_of(const InvitationRow& row) {
    Bytes out;
    append(out, as_bytes("firedrill invitation v1"));
    Writer writer(out);
    writer.bytes(row.practice.view());
    writer.bytes(row.id);
    writer.u8(static_cast<std::uint8_t>(row.role));
    writer.u64(static_cast<std::uint64_t>(row.expires.ns));
    writer.bytes(crypto::sha256(as_bytes(row.login)).view());
    return out;
}

crypto::Secret key_of(const crypto::Secret& code) {
    return crypto::hkdf_sha256(code.view(), {}, "firedrill invitation key v1", crypto::kKeySize);
}

// Columns: id, practice, login, role, expires_ns, wrapped.
Result<InvitationRow> read_row(store::Statement& row) {
    InvitationRow out;
    const Bytes id = row.blob(0);
    const Bytes practice = row.blob(1);
    const std::int64_t role = row.integer(3);
    if (id.size() != out.id.size() || practice.size() != out.practice.bytes.size() || role < 0 ||
        role >= static_cast<std::int64_t>(kRoles.size())) {
        return Error{Fault::damaged,
                     "directory: an invitation is malformed; restore the directory from a copy"};
    }
    std::ranges::copy(id, out.id.begin());
    std::ranges::copy(practice, out.practice.bytes.begin());
    out.login = row.text(2);
    out.role = static_cast<Role>(role);
    out.expires.ns = row.integer(4);
    out.wrapped = row.blob(5);
    return out;
}

}  // namespace

std::array<Byte, 16> invitation_id(const crypto::Secret& code) {
    const crypto::Secret drawn = crypto::hkdf_sha256(code.view(), {}, "firedrill invitation id v1", 16);
    std::array<Byte, 16> out{};
    std::ranges::copy(drawn.view(), out.begin());
    return out;
}

void seal_invitation(InvitationRow& row, const crypto::Secret& code, const crypto::Secret& practice_key,
                     Entropy& entropy) {
    row.id = invitation_id(code);
    row.wrapped = crypto::wrap(key_of(code), context_of(row), practice_key.view(), entropy);
}

Result<crypto::Secret> open_invitation(const InvitationRow& row, const crypto::Secret& code) {
    auto practice_key = crypto::unwrap(key_of(code), context_of(row), row.wrapped);
    if (!practice_key || practice_key->size_bytes() != crypto::kKeySize) {
        return Error{Fault::damaged, "invitation: it was altered in the directory; ask for another"};
    }
    return practice_key;
}

Status insert_invitation(store::Database& database, const InvitationRow& row) {
    auto clear = TRY(database.prepare("DELETE FROM invitation WHERE practice = ?1 AND login = ?2"));
    clear.bind(1, row.practice.view()).bind(2, std::string_view(row.login));
    TRY(clear.run());
    auto count = TRY(database.prepare("SELECT count(*) FROM invitation WHERE practice = ?1"));
    count.bind(1, row.practice.view());
    if (TRY(count.step()) && count.integer(0) >= static_cast<std::int64_t>(kMostInvitations)) {
        return Error{Fault::limit,
                     "invitation: a hundred are open already; wait until some are used or expire"};
    }
    auto insert =
        TRY(database.prepare("INSERT INTO invitation (id, practice, login, role, expires_ns, wrapped) "
                             "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
    insert.bind(1, ByteView(row.id)).bind(2, row.practice.view()).bind(3, std::string_view(row.login));
    insert.bind(4, static_cast<std::int64_t>(row.role))
        .bind(5, row.expires.ns)
        .bind(6, ByteView(row.wrapped));
    return insert.run();
}

Result<std::optional<InvitationRow>> load_invitation(store::Database& database,
                                                     const std::array<Byte, 16>& id) {
    auto query = TRY(database.prepare(
        "SELECT id, practice, login, role, expires_ns, wrapped FROM invitation WHERE id = ?1"));
    query.bind(1, ByteView(id));
    const bool is_there = TRY(query.step());
    if (!is_there) {
        return std::optional<InvitationRow>();
    }
    return std::optional(TRY(read_row(query)));
}

Result<std::vector<InvitationRow>> load_invitations(store::Database& database, StoreId practice) {
    auto query =
        TRY(database.prepare("SELECT id, practice, login, role, expires_ns, wrapped FROM invitation "
                             "WHERE practice = ?1 ORDER BY login"));
    query.bind(1, practice.view());
    std::vector<InvitationRow> out;
    while (TRY(query.step())) {
        out.push_back(TRY(read_row(query)));
    }
    return out;
}

Status delete_invitation(store::Database& database, const std::array<Byte, 16>& id) {
    auto statement = TRY(database.prepare("DELETE FROM invitation WHERE id = ?1"));
    statement.bind(1, ByteView(id));
    return statement.run();
}

Status delete_invitations(store::Database& database, StoreId practice) {
    auto statement = TRY(database.prepare("DELETE FROM invitation WHERE practice = ?1"));
    statement.bind(1, practice.view());
    return statement.run();
}

Status delete_expired(store::Database& database, WallTime now) {
    auto statement = TRY(database.prepare("DELETE FROM invitation WHERE expires_ns <= ?1"));
    statement.bind(1, now.ns);
    return statement.run();
}

}  // namespace firedrill::identity
