#include "sqlite_peer.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace firedrill::bench {

SqlitePeer::SqlitePeer(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &connection_) != SQLITE_OK) {
        fail("open");
    }
    execute(
        "PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA temp_store=memory; PRAGMA "
        "cache_size=-2048;");
    execute(kTable);
    insert_ = prepare(kInsert);
    read_ = prepare(kRead);
    scan_ = prepare(kScan);
}

SqlitePeer::~SqlitePeer() {
    for (sqlite3_stmt* statement : {insert_, read_, scan_}) {
        sqlite3_finalize(statement);
    }
    sqlite3_close(connection_);
}

void SqlitePeer::commit_row(std::string_view body) {
    sqlite3_bind_blob(insert_, 1, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
    if (sqlite3_step(insert_) != SQLITE_DONE || sqlite3_reset(insert_) != SQLITE_OK) {
        fail("insert");
    }
}

void SqlitePeer::fill(std::int64_t count, std::string_view body) {
    execute("BEGIN");
    for (std::int64_t i = 0; i < count; ++i) {
        commit_row(body);
    }
    execute("COMMIT");
}

std::int64_t SqlitePeer::read_row(std::int64_t id) {
    sqlite3_bind_int64(read_, 1, id);
    return step_integer(read_);
}

std::int64_t SqlitePeer::scan() {
    return step_integer(scan_);
}

std::int64_t SqlitePeer::step_integer(sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    const std::int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if ((code != SQLITE_ROW && code != SQLITE_DONE) || sqlite3_reset(statement) != SQLITE_OK) {
        fail("select");
    }
    return value;
}

void SqlitePeer::execute(const char* sql) {
    if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(sql);
    }
}

sqlite3_stmt* SqlitePeer::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr) != SQLITE_OK) {
        fail(sql);
    }
    return statement;
}

void SqlitePeer::fail(std::string_view what) {
    throw std::runtime_error(
        fmt::format("the SQLite peer failed ({}): {}", what, sqlite3_errmsg(connection_)));
}

}  // namespace firedrill::bench
