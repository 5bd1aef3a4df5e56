#include "identity/directory.h"

#include <algorithm>
#include <array>

#include "identity/second_factor.h"

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
)sql"},
                                 store::Migration{3, R"sql(
CREATE TABLE second_factor (
    person BLOB PRIMARY KEY NOT NULL,
    last_step INTEGER NOT NULL
) STRICT;
CREATE TABLE spare_code (
    person BLOB NOT NULL,
    tag BLOB NOT NULL,
    PRIMARY KEY (person, tag)
) STRICT;
CREATE INDEX person_of ON person (practice, id);
)sql"},
                                 store::Migration{4, R"sql(
CREATE TABLE practice_kit (
    practice BLOB PRIMARY KEY NOT NULL,
    id BLOB NOT NULL,
    maker INTEGER NOT NULL,
    login TEXT NOT NULL,
    made_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE practice_escrow (
    practice BLOB NOT NULL,
    id BLOB NOT NULL,
    place INTEGER NOT NULL,
    needed INTEGER NOT NULL,
    state INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    made_ns INTEGER NOT NULL,
    ended_by TEXT NOT NULL,
    ended_ns INTEGER NOT NULL,
    PRIMARY KEY (practice, id)
) STRICT;
CREATE TABLE practice_escrow_share (
    practice BLOB NOT NULL,
    escrow BLOB NOT NULL,
    number INTEGER NOT NULL,
    holder TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    checksum BLOB NOT NULL,
    confirmed_ns INTEGER NOT NULL,
    PRIMARY KEY (practice, escrow, number)
) STRICT;
CREATE TABLE practice_safekeeping (
    practice BLOB PRIMARY KEY NOT NULL,
    tag BLOB NOT NULL
) STRICT;
)sql"},
                                 store::Migration{5, R"sql(
CREATE TABLE inbox_receipt (
    practice BLOB PRIMARY KEY NOT NULL,
    next INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_drained ON inbox (practice, drained);
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
    if (!fill(out.id.bytes, row.blob(first)) || !role || state < 0 ||
        state > static_cast<std::int64_t>(PersonState::escrow)) {
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

constexpr const char* kByName =
    "SELECT s.id FROM practice p JOIN person s ON s.practice = p.id "
    "WHERE p.name = ?1 AND s.login = ?2 AND s.state < 2";
// Columns: those of read_practice(), then those of read_person().
constexpr const char* kById =
    "SELECT p.id, p.name, p.title, p.inbox_recipient, p.slot_list_tag, "
    "s.id, s.login, s.role, s.state, s.public_key, s.password, s.wrapped_private "
    "FROM practice p JOIN person s ON s.practice = p.id WHERE s.id = ?1";

Result<Bytes> first_blob(store::Statement& query) {
    const bool is_there = TRY(query.step());
    return is_there ? query.blob(0) : Bytes();
}

// Somebody of the practice, or of another one when it is unknown: the first at or after a point that the
// names give, so that one name always has the same, and a newcomer changes that for few names. All queries
// run, whatever the first ones find. Empty: there is nobody at all.
Result<Bytes> find_stand_in(store::Database& database, std::string_view practice_name,
                            std::string_view login) {
    const Digest digest = crypto::sha256(
        {as_bytes("firedrill stand-in v1"), as_bytes(practice_name), as_bytes("/"), as_bytes(login)});
    const ByteView point = digest.view().first(PersonId{}.bytes.size());
    auto named = TRY(database.prepare("SELECT id FROM practice WHERE name = ?1"));
    named.bind(1, practice_name);
    auto later = TRY(database.prepare("SELECT id FROM practice WHERE id >= ?1 ORDER BY id LIMIT 1"));
    later.bind(1, point);
    auto any = TRY(database.prepare("SELECT id FROM practice ORDER BY id LIMIT 1"));
    Bytes practice;
    for (store::Statement* query : {&any, &later, &named}) {
        Bytes found = TRY(first_blob(*query));
        practice = found.empty() ? practice : std::move(found);
    }
    auto first =
        TRY(database.prepare("SELECT id FROM person WHERE practice = ?1 AND state < 2 ORDER BY id LIMIT 1"));
    first.bind(1, ByteView(practice));
    auto next = TRY(database.prepare(
        "SELECT id FROM person WHERE practice = ?1 AND id >= ?2 AND state < 2 ORDER BY id LIMIT 1"));
    next.bind(1, ByteView(practice)).bind(2, point);
    Bytes person = TRY(first_blob(first));
    Bytes nearer = TRY(first_blob(next));
    return nearer.empty() ? std::move(person) : std::move(nearer);
}

}  // namespace

std::span<const store::Migration> directory_migrations() {
    return kMigrations;
}

Result<std::vector<ListedPractice>> load_practices(store::Database& database) {
    auto query =
        TRY(database.prepare("SELECT p.id, p.name, p.title, p.inbox_recipient, p.slot_list_tag, "
                             "(SELECT count(*) FROM person s WHERE s.practice = p.id AND s.state = 0), "
                             "(SELECT count(*) FROM practice_kit k WHERE k.practice = p.id AND k.maker > 0) "
                             "FROM practice p ORDER BY p.name"));
    std::vector<ListedPractice> out;
    while (TRY(query.step())) {
        ListedPractice listed;
        listed.practice = TRY(read_practice(query, 0));
        listed.staff = static_cast<std::uint32_t>(query.integer(5));
        listed.has_own_kit = query.integer(6) > 0;
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
    TRY(insert_person(database, practice.id, created.recovery));
    TRY(insert_slot(database, practice.id, created.recovery.id, created.recovery_sealed));
    TRY(insert_inbox(database, practice.id, created.inbox));
    TRY(store_safekeeping(database, practice.id, created.safekeeping));
    if (created.invitation) {
        return insert_invitation(database, *created.invitation);
    }
    TRY(insert_person(database, practice.id, created.rows.person));
    return insert_slot(database, practice.id, created.rows.person.id, created.rows.sealed_practice_key);
}

Result<std::optional<SignInRows>> load_for_sign_in(store::Database& database, std::string_view practice_name,
                                                   std::string_view login) {
    const Bytes stand_in = TRY(find_stand_in(database, practice_name, login));
    auto by_name = TRY(database.prepare(kByName));
    by_name.bind(1, practice_name).bind(2, login);
    const Bytes known = TRY(first_blob(by_name));
    auto query = TRY(database.prepare(kById));
    query.bind(1, ByteView(known.empty() ? stand_in : known));
    const bool is_there = TRY(query.step());
    if (!is_there) {
        return std::optional<SignInRows>();
    }
    SignInRows out;
    out.is_known = !known.empty();
    out.credentials.practice = TRY(read_practice(query, 0));
    out.credentials.person = TRY(read_person(query, 5));
    TRY(load_slot_of(database, out.credentials));
    out.credentials.second_factor = TRY(load_second_factor(database, out.credentials.person.id));
    return std::optional(std::move(out));
}

Result<std::optional<Credentials>> load_credentials(store::Database& database, std::string_view practice_name,
                                                    std::string_view login) {
    auto found = TRY(load_for_sign_in(database, practice_name, login));
    return found && found->is_known ? std::optional(std::move(found->credentials)) : std::nullopt;
}

Status replace_wrap(store::Database& database, PersonId person, const Bytes& known_wrap,
                    const PersonRow& changed) {
    auto update =
        TRY(database.prepare("UPDATE person SET password = ?3, wrapped_private = ?4 "
                             "WHERE id = ?1 AND wrapped_private = ?2 AND state = 0"));
    update.bind(1, person.view()).bind(2, ByteView(known_wrap)).bind(3, std::string_view(changed.password));
    update.bind(4, ByteView(changed.wrapped_private));
    TRY(update.run());
    if (database.changed_rows() != 1) {
        return Error{Fault::unavailable, "your account was changed at this moment; try again"};
    }
    return {};
}

Result<std::optional<Credentials>> load_key_pair(store::Database& database, std::string_view practice_name,
                                                 PersonState kind) {
    auto query = TRY(database.prepare(
        "SELECT p.id, p.name, p.title, p.inbox_recipient, p.slot_list_tag, "
        "s.id, s.login, s.role, s.state, s.public_key, s.password, s.wrapped_private "
        "FROM practice p JOIN person s ON s.practice = p.id WHERE p.name = ?1 AND s.state = ?2"));
    query.bind(1, practice_name).bind(2, static_cast<std::int64_t>(kind));
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
    out.safekeeping = TRY(load_safekeeping(database, practice));
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
    return store_safekeeping(database, practice, roster.safekeeping);
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
