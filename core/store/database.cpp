#include "store/database.h"

#include <utility>

#include <sqlite3.h>

#include "store/connection.h"
#include "store/storage.h"

namespace firedrill::store {

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), raw_(std::exchange(other.raw_, nullptr)) {}

Statement::~Statement() {
    if (raw_ != nullptr) {
        connection_.give_back(raw_);
    }
}

// A binding that fails makes every later step of the transaction fail with its error.
Statement& Statement::bind(int index, std::int64_t value) {
    connection_.expect_ok(sqlite3_bind_int64(raw_, index, value));
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    const char* from = text.data() == nullptr ? "" : text.data();
    connection_.expect_ok(sqlite3_bind_text64(raw_, index, from, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind(int index, ByteView blob) {
    const void* from = blob.data() == nullptr ? static_cast<const void*>("") : blob.data();
    connection_.expect_ok(sqlite3_bind_blob64(raw_, index, from, blob.size(), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::bind_null(int index) {
    connection_.expect_ok(sqlite3_bind_null(raw_, index));
    return *this;
}

Result<bool> Statement::step() {
    return connection_.step(raw_);
}

Status Statement::run() {
    while (TRY(step())) {
    }
    return {};
}

std::int64_t Statement::integer(int column) {
    return sqlite3_column_int64(raw_, column);
}

std::string Statement::text(int column) {
    const auto* from = reinterpret_cast<const char*>(sqlite3_column_text(raw_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_, column));
    return from == nullptr ? std::string() : std::string(from, size);
}

Bytes Statement::blob(int column) {
    const auto* from = static_cast<const Byte*>(sqlite3_column_blob(raw_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw_, column));
    return from == nullptr ? Bytes() : Bytes(from, from + size);
}

bool Statement::is_null(int column) {
    return sqlite3_column_type(raw_, column) == SQLITE_NULL;
}

Result<Statement> Database::prepare(const char* sql) {
    sqlite3_stmt* raw = TRY(connection_.prepare(sql));
    return Statement(connection_, raw);
}

Status Database::execute(const char* sql) {
    return connection_.execute_job_sql(sql);
}

std::int64_t Database::changed_rows() {
    return sqlite3_changes64(connection_.raw());
}

Status check_integrity(Database& database) {
    auto statement = TRY(database.prepare("PRAGMA integrity_check(1)"));
    if (!TRY(statement.step())) {
        return Error{Fault::internal, "SQLite's integrity check answered nothing"};
    }
    const std::string finding = statement.text(0);
    return finding == "ok" ? Status() : Status(Error{Fault::damaged, "integrity check: " + finding});
}

std::string_view sqlite_version() noexcept {
    return sqlite3_libversion();
}

}  // namespace firedrill::store
