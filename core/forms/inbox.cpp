#include "forms/inbox.h"

#include <algorithm>
#include <array>

namespace firedrill::forms {

namespace {

constexpr std::array kMigrations{store::Migration{1, R"sql(
CREATE TABLE inbox_identity (
    number INTEGER PRIMARY KEY,
    private_key BLOB NOT NULL
) STRICT;
CREATE TABLE submission (
    id BLOB PRIMARY KEY NOT NULL,
    form TEXT NOT NULL,
    received_ns INTEGER NOT NULL,
    response TEXT NOT NULL
) STRICT;
CREATE INDEX submission_by_time ON submission (received_ns, id);
)sql"},
                                 store::Migration{2, R"sql(
CREATE TABLE inbox_receipt (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    receipt INTEGER NOT NULL
) STRICT;
)sql"}};

Status fill_id(SubmissionId& id, const Bytes& from) {
    if (from.size() != id.bytes.size()) {
        return Error{Fault::damaged, "submission: its number is malformed; restore the practice from a copy"};
    }
    std::ranges::copy(from, id.bytes.begin());
    return {};
}

}  // namespace

std::span<const store::Migration> practice_migrations() {
    return kMigrations;
}

Status store_inbox_identity(store::Database& database, const crypto::Secret& inbox_identity) {
    auto insert =
        TRY(database.prepare("INSERT INTO inbox_identity (private_key) SELECT ?1 "
                             "WHERE NOT EXISTS (SELECT 1 FROM inbox_identity WHERE private_key = ?1)"));
    insert.bind(1, inbox_identity.view());
    return insert.run();
}

Result<bool> has_item(store::Database& directory, StoreId practice, SubmissionId id) {
    auto query = TRY(directory.prepare("SELECT 1 FROM inbox WHERE practice = ?1 AND id = ?2"));
    query.bind(1, practice.view()).bind(2, id.view());
    return query.step();
}

Result<std::int64_t> count_waiting(store::Database& directory, StoreId practice) {
    auto query = TRY(directory.prepare("SELECT count(*) FROM inbox WHERE practice = ?1 AND drained = 0"));
    query.bind(1, practice.view());
    const bool has_row = TRY(query.step());
    return has_row ? query.integer(0) : 0;
}

Status insert_item(store::Database& directory, StoreId practice, SubmissionId id, WallTime received,
                   ByteView sealed) {
    auto insert = TRY(directory.prepare(
        "INSERT INTO inbox (id, practice, received_ns, sealed, drained) VALUES (?1, ?2, ?3, ?4, 0)"));
    insert.bind(1, id.view()).bind(2, practice.view()).bind(3, received.ns).bind(4, sealed);
    return insert.run();
}

Result<std::vector<InboxItem>> next_items(store::Database& directory, StoreId practice, std::int64_t after) {
    auto query = TRY(
        directory.prepare("SELECT number, id, sealed FROM inbox "
                          "WHERE practice = ?1 AND drained = 0 AND number > ?2 ORDER BY number LIMIT ?3"));
    query.bind(1, practice.view()).bind(2, after).bind(3, kBatchItems);
    std::vector<InboxItem> out;
    std::size_t size_bytes = 0;
    while (size_bytes < kBatchBytes && TRY(query.step())) {
        InboxItem item;
        item.number = query.integer(0);
        TRY(fill_id(item.id, query.blob(1)));
        item.sealed = query.blob(2);
        size_bytes += item.sealed.size();
        out.push_back(std::move(item));
    }
    return out;
}

Status mark_drained(store::Database& directory, const std::vector<std::int64_t>& numbers,
                    std::int64_t receipt) {
    for (const std::int64_t number : numbers) {
        auto update = TRY(directory.prepare("UPDATE inbox SET drained = ?2 WHERE number = ?1"));
        update.bind(1, number).bind(2, receipt);
        TRY(update.run());
    }
    return {};
}

Result<std::uint32_t> requeue_items(store::Database& directory, StoreId practice, std::int64_t receipt) {
    auto update = TRY(directory.prepare("UPDATE inbox SET drained = 0 WHERE practice = ?1 AND drained > ?2"));
    update.bind(1, practice.view()).bind(2, receipt);
    TRY(update.run());
    return static_cast<std::uint32_t>(directory.changed_rows());
}

Result<std::int64_t> take_receipts(store::Database& directory, StoreId practice) {
    // 1 is what items were marked with before there were receipts.
    auto insert =
        TRY(directory.prepare("INSERT INTO inbox_receipt (practice, next) VALUES (?1, 2 + ?2) "
                              "ON CONFLICT (practice) DO UPDATE SET next = next + ?2 RETURNING next - ?2"));
    insert.bind(1, practice.view()).bind(2, kReceiptBlock);
    const bool has_row = TRY(insert.step());
    if (!has_row) {
        return Error{Fault::internal, "inbox: SQLite yielded no receipts"};
    }
    const std::int64_t first = insert.integer(0);
    TRY(insert.run());
    return first;
}

Result<std::int64_t> load_receipt(store::Database& practice) {
    auto query = TRY(practice.prepare("SELECT receipt FROM inbox_receipt"));
    const bool has_row = TRY(query.step());
    return has_row ? query.integer(0) : 0;
}

Status store_receipt(store::Database& practice, std::int64_t receipt) {
    auto insert =
        TRY(practice.prepare("INSERT OR REPLACE INTO inbox_receipt (only, receipt) VALUES (1, ?1)"));
    insert.bind(1, receipt);
    return insert.run();
}

Result<std::vector<crypto::AgeIdentity>> load_identities(store::Database& practice) {
    auto query = TRY(practice.prepare("SELECT private_key FROM inbox_identity ORDER BY number DESC"));
    std::vector<crypto::AgeIdentity> out;
    while (TRY(query.step())) {
        Bytes raw = query.blob(0);
        const crypto::Secret private_key{ByteView(raw)};
        crypto::zeroise(raw);
        out.push_back(TRY(crypto::age_identity_from(private_key)));
    }
    return out;
}

Result<bool> insert_submission(store::Database& practice, const Envelope& envelope) {
    auto insert = TRY(practice.prepare(
        "INSERT OR IGNORE INTO submission (id, form, received_ns, response) VALUES (?1, ?2, ?3, ?4)"));
    insert.bind(1, envelope.id.view()).bind(2, std::string_view(envelope.form));
    insert.bind(3, envelope.received.ns).bind(4, std::string_view(envelope.response));
    TRY(insert.run());
    return practice.changed_rows() > 0;
}

namespace {

constexpr const char* kNewest =
    "SELECT id, form, received_ns FROM submission ORDER BY received_ns DESC, id DESC LIMIT ?1";
constexpr const char* kOlder =
    "SELECT id, form, received_ns FROM submission WHERE (received_ns, id) < (?2, ?3) "
    "ORDER BY received_ns DESC, id DESC LIMIT ?1";
constexpr const char* kNewer =
    "SELECT id, form, received_ns FROM submission WHERE (received_ns, id) > (?2, ?3) "
    "ORDER BY received_ns, id LIMIT ?1";
constexpr const char* kAnyFrom =
    "SELECT EXISTS (SELECT 1 FROM submission WHERE (received_ns, id) >= (?1, ?2))";
constexpr const char* kAnyUpTo =
    "SELECT EXISTS (SELECT 1 FROM submission WHERE (received_ns, id) <= (?1, ?2))";

const char* query_of(ListFrom from) {
    switch (from) {
        case ListFrom::newest: return kNewest;
        case ListFrom::older_than: return kOlder;
        case ListFrom::newer_than: return kNewer;
    }
    return kNewest;
}

Result<bool> is_any(store::Database& practice, const char* question, const ListKey& key) {
    auto query = TRY(practice.prepare(question));
    query.bind(1, key.received.ns).bind(2, key.id.view());
    TRY(query.step());
    return query.integer(0) != 0;
}

}  // namespace

Result<SummaryPage> list_submissions(store::Database& practice, const ListWish& wish) {
    SummaryPage out;
    auto query = TRY(practice.prepare(query_of(wish.from)));
    query.bind(1, static_cast<std::int64_t>(wish.limit) + 1);  // one more: are there further ones?
    if (wish.from != ListFrom::newest) {
        query.bind(2, wish.key.received.ns).bind(3, wish.key.id.view());
    }
    while (TRY(query.step())) {
        Summary summary;
        TRY(fill_id(summary.id, query.blob(0)));
        summary.form = query.text(1);
        summary.received.ns = query.integer(2);
        out.items.push_back(std::move(summary));
    }
    const bool has_more = out.items.size() > wish.limit;
    if (has_more) {
        out.items.pop_back();
    }
    if (wish.from == ListFrom::newer_than) {
        std::ranges::reverse(out.items);
        out.has_newer = has_more;
        out.has_older = TRY(is_any(practice, kAnyUpTo, wish.key));
    } else {
        out.has_older = has_more;
        out.has_newer = wish.from == ListFrom::older_than && TRY(is_any(practice, kAnyFrom, wish.key));
    }
    return out;
}

Result<Submission> load_submission(store::Database& practice, SubmissionId id) {
    auto query = TRY(practice.prepare("SELECT form, received_ns, response FROM submission WHERE id = ?1"));
    query.bind(1, id.view());
    const bool is_there = TRY(query.step());
    if (!is_there) {
        return Error{Fault::not_found, "submission: there is none of that number"};
    }
    return Submission{{id, query.text(0), WallTime{query.integer(1)}}, query.text(2)};
}

}  // namespace firedrill::forms
