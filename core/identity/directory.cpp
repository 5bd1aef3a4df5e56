#include "identity/directory.h"

#include <algorithm>
#include <array>

namespace firedrill::identity {

namespace {

// The inbox belongs to forms (docs/formats/inbox.md); it stands here because the directory has one list of
// versions.
constexpr std::array kMigrations{store::Migration{1, R"sql(
CREATE TABLE practice (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    inbox_recipient BLOB NOT NULL,
    slot_list_tag BLOB NOT NULL
) STRICT;
CREATE TABLE practice_epoch (
    practice BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    timeline BLOB NOT NULL,
    wrapped BLOB NOT NULL,
    commitment BLOB NOT NULL,
    PRIMARY KEY (practice, epoch)
) STRICT;
CREATE TABLE person (
    id BLOB PRIMARY KEY NOT NULL,
    practice BLOB NOT NULL,
    login TEXT NOT NULL,
    role INTEGER NOT NULL,
    state INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    password TEXT NOT NULL,
    wrapped_private BLOB NOT NULL,
    UNIQUE (practice, login)
) STRICT;
CREATE TABLE practice_slot (
    practice BLOB NOT NULL,
    person BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (practice, person)
) STRICT;
CREATE TABLE inbox (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    practice BLOB NOT NULL,
    received_ns INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    drained INTEGER NOT NULL DEFAULT 0,
    UNIQUE (practice, id)
) STRICT;
CREATE INDEX inbox_waiting ON inbox (practice, number) WHERE drained = 0;
)sql"},
                                 store::Migration{2, R"sql(
CREATE TABLE practice_inbox (
    practice BLOB NOT NULL,
    recipient BLOB NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (practice, recipient)
) STRICT;
CREATE TABLE invitation (
    id BLOB PRIMARY KEY NOT NULL,
    practice BLOB NOT NULL,
    login TEXT NOT NULL,
    role INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;
CREATE INDEX invitation_of ON invitation (practice, login);
)sql"}};

Error altered(std::string_view what) {
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

std::optional<Role> role_of(std::int64_t number) {
    if (number < 0 || number > static_cast<std::int64_t>(Role::read_only)) {
        return std::nullopt;
    }
    return static_cast<Role>(number);
}

// Columns: id, name, title, inbox_recipient, slot_list_tag from `first` on.
Result<PracticeRow> read_practice(store::Statement& row, int first) {
    PracticeRow out;
    out.name = row.text(first + 1);
    out.title = row.text(first + 2);
    if (!fill(out.id.bytes, row.blob(first)) || !fill(out.inbox_recipient, row.blob(first + 3)) ||
        !fill(out.slot_list_tag.bytes, row.blob(first + 4))) {
        return altered("a practice");
    }
    return out;
}

// Columns: id, login, role, state, public_key, password, wrapped_private from `first` on.
Result<PersonRow> read_person(store::Statement& row, int first) {
    PersonRow out;
    out.login = row.text(first + 1);
    const auto role = role_of(row.integer(first + 2));
    const std::int64_t state = row.integer(first + 3);
    if (!fill(out.id.bytes, row.blob(first)) || !role || state < 0 || state > 2) {
        return altered("a person");
    }
    out.role = *role;
    out.state = static_cast<PersonState>(state);
    out.public_key = row.blob(first + 4);
    out.password = row.text(first + 5);
    out.wrapped_private = row.blob(first + 6);
    return out;
}

Result<std::vector<SlotFact>> load_slots(store::Database& database, StoreId practice) {
    auto query =
        TRY(database.prepare("SELECT p.id, p.role, p.public_key FROM person p JOIN practice_slot s "
                             "ON s.practice = p.practice AND s.person = p.id "
                             "WHERE p.practice = ?1 ORDER BY p.id"));
    query.bind(1, practice.view());
    std::vector<SlotFact> out;
    while (TRY(query.step())) {
        SlotFact slot;
        const auto role = role_of(query.integer(1));
        if (!fill(slot.person.bytes, query.blob(0)) || !role) {
            return altered("a practice slot");
        }
        slot.role = *role;
        slot.public_key = crypto::sha256(query.blob(2));
        out.push_back(slot);
    }
    return out;
}

Status insert_epoch(store::Database& database, StoreId practice, const EpochRow& row) {
    auto insert =
        TRY(database.prepare("INSERT INTO practice_epoch (practice, epoch, timeline, wrapped, commitment) "
                             "VALUES (?1, ?2, ?3, ?4, ?5)"));
    insert.bind(1, practice.view())
        .bind(2, static_cast<std::int64_t>(row.epoch))
        .bind(3, row.timeline.view());
    insert.bind(4, ByteView(row.wrapped)).bind(5, row.commitment.view());
    return insert.run();
}

Status insert_inbox(store::Database& database, StoreId practice, const InboxRow& row) {
    auto insert = TRY(
        database.prepare("INSERT INTO practice_inbox (practice, recipient, wrapped) VALUES (?1, ?2, ?3)"));
    insert.bind(1, practice.view()).bind(2, ByteView(row.recipient)).bind(3, ByteView(row.wrapped));
    return insert.run();
}

Status insert_slot(store::Database& database, StoreId practice, PersonId person, const Bytes& sealed) {
    auto insert =
        TRY(database.prepare("INSERT INTO practice_slot (practice, person, sealed) VALUES (?1, ?2, ?3)"));
    insert.bind(1, practice.view()).bind(2, person.view()).bind(3, ByteView(sealed));
    return insert.run();
}

// Columns: epoch, timeline, wrapped, commitment.
Result<EpochRow> read_epoch(store::Statement& row) {
    EpochRow out;
    out.epoch = static_cast<store::KeyEpoch>(row.integer(0));
    out.wrapped = row.blob(2);
    if (!fill(out.timeline.bytes, row.blob(1)) || !fill(out.commitment.bytes, row.blob(3))) {
        return altered("a page key");
    }
    return out;
}

// Slot, slot list and whether somebody left, of credentials whose practice and person are filled in.
Status load_slot_of(store::Database& database, Credentials& out) {
    auto slot = TRY(database.prepare("SELECT sealed FROM practice_slot WHERE practice = ?1 AND person = ?2"));
    slot.bind(1, out.practice.id.view()).bind(2, out.person.id.view());
    if (TRY(slot.step())) {
        out.sealed_practice_key = slot.blob(0);
    }
    out.slots = TRY(load_slots(database, out.practice.id));
    auto leaver = TRY(database.prepare(
        "SELECT 1 FROM person p JOIN practice_slot s ON s.practice = p.practice AND s.person = p.id "
        "WHERE p.practice = ?1 AND p.state = 1 LIMIT 1"));
    leaver.bind(1, out.practice.id.view());
    out.has_leaver = TRY(leaver.step());
    return {};
}

Result<std::vector<EpochRow>> load_epochs(store::Database& database, StoreId practice) {
    auto query =
        TRY(database.prepare("SELECT epoch, timeline, wrapped, commitment FROM practice_epoch "
                             "WHERE practice = ?1 ORDER BY epoch"));
    query.bind(1, practice.view());
    std::vector<EpochRow> out;
    while (TRY(query.step())) {
        out.push_back(TRY(read_epoch(query)));
    }
    return out;
}

Result<std::vector<InboxRow>> load_inbox_rows(store::Database& database, StoreId practice) {
    auto query = TRY(database.prepare(
        "SELECT recipient, wrapped FROM practice_inbox WHERE practice = ?1 ORDER BY recipient"));
    query.bind(1, practice.view());
    std::vector<InboxRow> out;
    while (TRY(query.step())) {
        InboxRow row;
        row.wrapped = query.blob(1);
        if (!fill(row.recipient, query.blob(0))) {
            return altered("an inbox identity");
        }
        out.push_back(std::move(row));
    }
    return out;
}

Status insert_person(store::Database& database, StoreId practice, const PersonRow& person) {
    auto insert =
        TRY(database.prepare("INSERT INTO person (id, practice, login, role, state, public_key, password, "
                             "wrapped_private) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
    insert.bind(1, person.id.view()).bind(2, practice.view()).bind(3, std::string_view(person.login));
    insert.bind(4, static_cast<std::int64_t>(person.role)).bind(5, static_cast<std::int64_t>(person.state));
    insert.bind(6, ByteView(person.public_key)).bind(7, std::string_view(person.password));
    insert.bind(8, ByteView(person.wrapped_private));
    return insert.run();
}

}  // namespace

std::span<const store::Migration> directory_migrations() {
    return kMigrations;
}

Result<std::vector<ListedPractice>> load_practices(store::Database& database) {
    auto query =
        TRY(database.prepare("SELECT p.id, p.name, p.title, p.inbox_recipient, p.slot_list_tag, "
                             "(SELECT count(*) FROM person s WHERE s.practice = p.id AND s.state = 0) FROM "
                             "practice p ORDER BY p.name"));
    std::vector<ListedPractice> out;
    while (TRY(query.step())) {
        ListedPractice listed;
        listed.practice = TRY(read_practice(query, 0));
        listed.staff = static_cast<std::uint32_t>(query.integer(5));
        out.push_back(std::move(listed));
    }
    return out;
}

Status insert_practice(store::Database& database, const CreatedPractice& created) {
    const PracticeRow& practice = created.rows.practice;
    auto insert =
        TRY(database.prepare("INSERT INTO practice (id, name, title, inbox_recipient, slot_list_tag) "
                             "VALUES (?1, ?2, ?3, ?4, ?5)"));
    insert.bind(1, practice.id.view()).bind(2, std::string_view(practice.name));
    insert.bind(3, std::string_view(practice.title)).bind(4, ByteView(practice.inbox_recipient));
    insert.bind(5, practice.slot_list_tag.view());
    TRY(insert.run());
    TRY(insert_epoch(database, practice.id, created.epoch));
    TRY(insert_person(database, practice.id, created.rows.person));
    TRY(insert_person(database, practice.id, created.recovery));
    TRY(insert_inbox(database, practice.id, created.inbox));
    TRY(insert_slot(database, practice.id, created.rows.person.id, created.rows.sealed_practice_key));
    return insert_slot(database, practice.id, created.recovery.id, created.recovery_sealed);
}

Result<std::optional<Credentials>> load_credentials(store::Database& database, std::string_view practice_name,
                                                    std::string_view login) {
    auto query =
        TRY(database.prepare("SELECT p.id, p.name, p.title, p.inbox_recipient, p.slot_list_tag, "
                             "s.id, s.login, s.role, s.state, s.public_key, s.password, s.wrapped_private "
                             "FROM practice p JOIN person s ON s.practice = p.id WHERE p.name = ?1 AND "
                             "s.login = ?2 AND s.state < 2"));
    query.bind(1, practice_name).bind(2, login);
    Credentials out;
    const bool is_known = TRY(query.step());
    if (is_known) {
        out.practice = TRY(read_practice(query, 0));
        out.person = TRY(read_person(query, 5));
    }
    TRY(load_slot_of(database, out));
    return is_known ? std::optional(std::move(out)) : std::nullopt;
}

Result<std::optional<Credentials>> load_recovery(store::Database& database, std::string_view practice_name) {
    auto query = TRY(database.prepare(
        "SELECT p.id, p.name, p.title, p.inbox_recipient, p.slot_list_tag, "
        "s.id, s.login, s.role, s.state, s.public_key, s.password, s.wrapped_private "
        "FROM practice p JOIN person s ON s.practice = p.id WHERE p.name = ?1 AND s.state = 2"));
    query.bind(1, practice_name);
    const bool is_known = TRY(query.step());
    if (!is_known) {
        return std::optional<Credentials>();
    }
    Credentials out;
    out.practice = TRY(read_practice(query, 0));
    out.person = TRY(read_person(query, 5));
    TRY(load_slot_of(database, out));
    return std::optional(std::move(out));
}

Result<std::optional<Roster>> load_roster(store::Database& database, StoreId practice) {
    auto query = TRY(database.prepare(
        "SELECT id, name, title, inbox_recipient, slot_list_tag FROM practice WHERE id = ?1"));
    query.bind(1, practice.view());
    const bool is_known = TRY(query.step());
    if (!is_known) {
        return std::optional<Roster>();
    }
    Roster out;
    out.practice = TRY(read_practice(query, 0));
    auto people = TRY(database.prepare(
        "SELECT p.id, p.login, p.role, p.state, p.public_key, p.password, p.wrapped_private, s.sealed "
        "FROM person p LEFT JOIN practice_slot s ON s.practice = p.practice AND s.person = p.id "
        "WHERE p.practice = ?1 ORDER BY p.id"));
    people.bind(1, practice.view());
    while (TRY(people.step())) {
        PersonRow person = TRY(read_person(people, 0));
        out.members.push_back({std::move(person), people.is_null(7) ? Bytes() : people.blob(7)});
    }
    out.epochs = TRY(load_epochs(database, practice));
    out.inbox = TRY(load_inbox_rows(database, practice));
    return std::optional(std::move(out));
}

Status store_roster(store::Database& database, const Roster& roster) {
    const StoreId practice = roster.practice.id;
    auto update =
        TRY(database.prepare("UPDATE practice SET inbox_recipient = ?2, slot_list_tag = ?3 WHERE id = ?1"));
    update.bind(1, practice.view()).bind(2, ByteView(roster.practice.inbox_recipient));
    update.bind(3, roster.practice.slot_list_tag.view());
    TRY(update.run());
    for (const char* clear :
         {"DELETE FROM practice_slot WHERE practice = ?1", "DELETE FROM person WHERE practice = ?1",
          "DELETE FROM practice_epoch WHERE practice = ?1",
          "DELETE FROM practice_inbox WHERE practice = ?1"}) {
        auto statement = TRY(database.prepare(clear));
        statement.bind(1, practice.view());
        TRY(statement.run());
    }
    for (const Member& member : roster.members) {
        TRY(insert_person(database, practice, member.row));
        if (!member.sealed.empty()) {
            TRY(insert_slot(database, practice, member.row.id, member.sealed));
        }
    }
    for (const EpochRow& row : roster.epochs) {
        TRY(insert_epoch(database, practice, row));
    }
    for (const InboxRow& row : roster.inbox) {
        TRY(insert_inbox(database, practice, row));
    }
    return {};
}

Result<std::vector<crypto::Secret>> load_inbox(store::Database& database, StoreId practice,
                                               const crypto::Secret& practice_key) {
    std::vector<crypto::Secret> out;
    for (const InboxRow& row : TRY(load_inbox_rows(database, practice))) {
        out.push_back(TRY(open_inbox_row(practice, row, practice_key)));
    }
    return out;
}

Result<store::KeyRing> load_ring(store::Database& database, StoreId practice, TimelineId timeline,
                                 const crypto::Secret& practice_key, Entropy& entropy) {
    store::KeyRing ring;
    for (const EpochRow& row : TRY(load_epochs(database, practice))) {
        ring.push_back(TRY(open_epoch(practice, row, practice_key)));
    }
    if (ring.empty() || ring.back().timeline != timeline) {
        const store::KeyEpoch next = ring.empty() ? 1 : ring.back().epoch + 1;
        NewEpoch fresh = make_epoch(practice, next, timeline, practice_key, entropy);
        TRY(insert_epoch(database, practice, fresh.row));
        ring.push_back(std::move(fresh.key));
    }
    return ring;
}

}  // namespace firedrill::identity
