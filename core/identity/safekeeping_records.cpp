#include "identity/safekeeping_records.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace firedrill::identity {

namespace {

template <class Records>
auto* find_open(Records& records) {
    const auto found = std::ranges::find(records.escrows, EscrowState::open, &EscrowRecord::state);
    return found == records.escrows.end() ? nullptr : &*found;
}

void write_text(Writer& writer, std::string_view text) {
    writer.u32(static_cast<std::uint32_t>(text.size()));
    writer.bytes(as_bytes(text));
}

Bytes encode(StoreId practice, const SafekeepingRecords& records) {
    Bytes out;
    Writer writer(out);
    writer.bytes(practice.view());
    writer.u8(records.kit ? 1 : 0);
    if (records.kit) {
        writer.bytes(records.kit->id.view());
        writer.u8(static_cast<std::uint8_t>(records.kit->maker));
        write_text(writer, records.kit->login);
        writer.u64(static_cast<std::uint64_t>(records.kit->made.ns));
    }
    writer.u32(static_cast<std::uint32_t>(records.escrows.size()));
    for (const EscrowRecord& escrow : records.escrows) {
        writer.bytes(escrow.id.view());
        writer.u8(escrow.needed);
        writer.u8(static_cast<std::uint8_t>(escrow.state));
        write_text(writer, escrow.made_by);
        writer.u64(static_cast<std::uint64_t>(escrow.made.ns));
        write_text(writer, escrow.ended_by);
        writer.u64(static_cast<std::uint64_t>(escrow.ended.ns));
        writer.u32(static_cast<std::uint32_t>(escrow.shares.size()));
        for (const ShareRecord& share : escrow.shares) {
            writer.u8(share.number);
            write_text(writer, share.holder);
            writer.bytes(share.fingerprint);
            writer.bytes(share.checksum);
            writer.u64(static_cast<std::uint64_t>(share.confirmed.ns));
        }
    }
    return out;
}

Error malformed(std::string_view what) {
    return Error{Fault::damaged,
                 "directory: " + std::string(what) + " is malformed; restore the directory from a copy"};
}

bool fill(std::span<Byte> out, const Bytes& from) {
    if (from.size() != out.size()) {
        return false;
    }
    std::ranges::copy(from, out.begin());
    return true;
}

Result<std::vector<ShareRecord>> load_shares(store::Database& database, StoreId practice, PersonId escrow) {
    auto query = TRY(database.prepare(
        "SELECT number, holder, fingerprint, checksum, confirmed_ns FROM practice_escrow_share "
        "WHERE practice = ?1 AND escrow = ?2 ORDER BY number"));
    query.bind(1, practice.view()).bind(2, escrow.view());
    std::vector<ShareRecord> out;
    while (TRY(query.step())) {
        ShareRecord share;
        share.number = static_cast<std::uint8_t>(query.integer(0));
        share.holder = query.text(1);
        share.confirmed.ns = query.integer(4);
        if (static_cast<std::size_t>(query.integer(0)) != out.size() + 1 ||
            !fill(share.fingerprint, query.blob(2)) || !fill(share.checksum, query.blob(3))) {
            return malformed("a share of an escrow");
        }
        out.push_back(std::move(share));
    }
    if (out.size() < 2 || out.size() > crypto::kMostShares) {
        return malformed("an escrow");
    }
    return out;
}

Status insert_escrow(store::Database& database, StoreId practice, std::size_t place,
                     const EscrowRecord& escrow) {
    auto insert = TRY(
        database.prepare("INSERT INTO practice_escrow (practice, id, place, needed, state, made_by, made_ns, "
                         "ended_by, ended_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
    insert.bind(1, practice.view()).bind(2, escrow.id.view()).bind(3, static_cast<std::int64_t>(place));
    insert.bind(4, static_cast<std::int64_t>(escrow.needed))
        .bind(5, static_cast<std::int64_t>(escrow.state))
        .bind(6, std::string_view(escrow.made_by))
        .bind(7, escrow.made.ns)
        .bind(8, std::string_view(escrow.ended_by))
        .bind(9, escrow.ended.ns);
    TRY(insert.run());
    for (const ShareRecord& share : escrow.shares) {
        auto row = TRY(database.prepare(
            "INSERT INTO practice_escrow_share (practice, escrow, number, holder, fingerprint, checksum, "
            "confirmed_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
        row.bind(1, practice.view()).bind(2, escrow.id.view());
        row.bind(3, static_cast<std::int64_t>(share.number)).bind(4, std::string_view(share.holder));
        row.bind(5, ByteView(share.fingerprint))
            .bind(6, ByteView(share.checksum))
            .bind(7, share.confirmed.ns);
        TRY(row.run());
    }
    return {};
}

Result<std::optional<KitRecord>> load_kit(store::Database& database, StoreId practice) {
    auto query =
        TRY(database.prepare("SELECT id, maker, login, made_ns FROM practice_kit WHERE practice = ?1"));
    query.bind(1, practice.view());
    if (!TRY(query.step())) {
        return std::optional<KitRecord>();
    }
    KitRecord out;
    const std::int64_t maker = query.integer(1);
    if (!fill(out.id.bytes, query.blob(0)) || maker < 0 ||
        maker > static_cast<std::int64_t>(KitMaker::shares)) {
        return malformed("the record of a recovery kit");
    }
    out.maker = static_cast<KitMaker>(maker);
    out.login = query.text(2);
    out.made.ns = query.integer(3);
    return std::optional(std::move(out));
}

}  // namespace

std::string_view maker_name(KitMaker maker) noexcept {
    switch (maker) {
        case KitMaker::creator: return "creator";
        case KitMaker::owner: return "owner";
        case KitMaker::code: return "recovery code";
        case KitMaker::shares: return "escrow shares";
    }
    return "unknown";
}

std::string_view state_name(EscrowState state) noexcept {
    switch (state) {
        case EscrowState::open: return "open";
        case EscrowState::ended: return "ended";
        case EscrowState::used: return "used";
    }
    return "unknown";
}

EscrowRecord* SafekeepingRecords::open_escrow() {
    return find_open(*this);
}

const EscrowRecord* SafekeepingRecords::open_escrow() const {
    return find_open(*this);
}

void SafekeepingRecords::trim() {
    while (escrows.size() > kKeptEscrows) {
        const auto oldest = std::ranges::find_if(
            escrows, [](const EscrowRecord& one) { return one.state != EscrowState::open; });
        escrows.erase(oldest);  // at most one is open
    }
}

Digest safekeeping_tag(const crypto::Secret& practice_key, StoreId practice,
                       const SafekeepingRecords& records) {
    const crypto::Secret key =
        crypto::hkdf_sha256(practice_key.view(), {}, "firedrill safekeeping v1", crypto::kKeySize);
    return crypto::hmac_sha256(key.view(), {encode(practice, records)});
}

bool is_vouched(const crypto::Secret& practice_key, StoreId practice, const SafekeepingRecords& records) {
    if (!records.tag) {
        return !records.kit && records.escrows.empty();
    }
    const Digest tag = safekeeping_tag(practice_key, practice, records);
    return crypto::equal_secret(tag.view(), records.tag->view());
}

Result<SafekeepingRecords> load_safekeeping(store::Database& database, StoreId practice) {
    SafekeepingRecords out;
    out.kit = TRY(load_kit(database, practice));
    auto query = TRY(database.prepare(
        "SELECT id, needed, state, made_by, made_ns, ended_by, ended_ns FROM practice_escrow "
        "WHERE practice = ?1 ORDER BY place"));
    query.bind(1, practice.view());
    while (TRY(query.step())) {
        EscrowRecord escrow;
        const std::int64_t needed = query.integer(1);
        const std::int64_t state = query.integer(2);
        if (!fill(escrow.id.bytes, query.blob(0)) || needed < 2 || needed > crypto::kMostShares ||
            state < 0 || state > static_cast<std::int64_t>(EscrowState::used)) {
            return malformed("an escrow");
        }
        escrow.needed = static_cast<std::uint8_t>(needed);
        escrow.state = static_cast<EscrowState>(state);
        escrow.made_by = query.text(3);
        escrow.made.ns = query.integer(4);
        escrow.ended_by = query.text(5);
        escrow.ended.ns = query.integer(6);
        escrow.shares = TRY(load_shares(database, practice, escrow.id));
        out.escrows.push_back(std::move(escrow));
    }
    auto tag = TRY(database.prepare("SELECT tag FROM practice_safekeeping WHERE practice = ?1"));
    tag.bind(1, practice.view());
    if (TRY(tag.step())) {
        out.tag.emplace();
        if (!fill(out.tag->bytes, tag.blob(0))) {
            return malformed("the tag over kit and escrow");
        }
    }
    return out;
}

Status store_safekeeping(store::Database& database, StoreId practice, const SafekeepingRecords& records) {
    for (const char* clear :
         {"DELETE FROM practice_kit WHERE practice = ?1", "DELETE FROM practice_escrow WHERE practice = ?1",
          "DELETE FROM practice_escrow_share WHERE practice = ?1",
          "DELETE FROM practice_safekeeping WHERE practice = ?1"}) {
        auto statement = TRY(database.prepare(clear));
        statement.bind(1, practice.view());
        TRY(statement.run());
    }
    if (records.kit) {
        auto insert =
            TRY(database.prepare("INSERT INTO practice_kit (practice, id, maker, login, made_ns) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5)"));
        insert.bind(1, practice.view()).bind(2, records.kit->id.view());
        insert.bind(3, static_cast<std::int64_t>(records.kit->maker))
            .bind(4, std::string_view(records.kit->login))
            .bind(5, records.kit->made.ns);
        TRY(insert.run());
    }
    for (std::size_t i = 0; i < records.escrows.size(); ++i) {
        TRY(insert_escrow(database, practice, i, records.escrows[i]));
    }
    if (records.tag) {
        auto insert =
            TRY(database.prepare("INSERT INTO practice_safekeeping (practice, tag) VALUES (?1, ?2)"));
        insert.bind(1, practice.view()).bind(2, records.tag->view());
        TRY(insert.run());
    }
    return {};
}

}  // namespace firedrill::identity
