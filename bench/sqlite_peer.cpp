#include "sqlite_peer.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <stdexcept>

namespace firedrill::bench {

PeerOptions sqlcipher_options() {
    std::string why;
    const SqliteApi* api = load_sqlcipher(why);
    if (api == nullptr) {
        throw std::runtime_error(why);
    }
    // A raw key, so that no password is stretched; then our page size instead of the 1024 of its version 3.
    return {api,
            "PRAGMA key = \"x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'\";"
            "PRAGMA cipher_page_size = 4096;",
            nullptr};
}

SqlitePeer::SqlitePeer(const std::filesystem::path& file, PeerOptions options) : api_(*options.api) {
    if (api_.open(file.c_str(), &connection_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options.vfs) !=
        SQLITE_OK) {
        fail("open");
    }
    execute(options.first);
    execute(
        "PRAGMA page_size=4096; PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA temp_store=memory; "
        "PRAGMA cache_size=-2048;");
    execute(kTable);
    insert_ = prepare(kInsert);
    read_ = prepare(kRead);
    scan_ = prepare(kScan);
}

SqlitePeer::~SqlitePeer() {
    for (sqlite3_stmt* statement : {insert_, read_, scan_}) {
        api_.finalize(statement);
    }
    api_.close(connection_);
}

void SqlitePeer::commit_row(std::string_view body) {
    api_.bind_blob(insert_, 1, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
    if (api_.step(insert_) != SQLITE_DONE || api_.reset(insert_) != SQLITE_OK) {
        fail("insert");
    }
}

void SqlitePeer::fill(std::int64_t count) {
    execute("BEGIN");
    for (std::int64_t i = 0; i < count; ++i) {
        commit_row();
    }
    execute("COMMIT");
}

std::int64_t SqlitePeer::read_row(std::int64_t id) {
    api_.bind_int64(read_, 1, id);
    return step_integer(read_);
}

std::int64_t SqlitePeer::scan() {
    return step_integer(scan_);
}

std::int64_t SqlitePeer::step_integer(sqlite3_stmt* statement) {
    const int code = api_.step(statement);
    const std::int64_t value = code == SQLITE_ROW ? api_.column_int64(statement, 0) : 0;
    if ((code != SQLITE_ROW && code != SQLITE_DONE) || api_.reset(statement) != SQLITE_OK) {
        fail("select");
    }
    return value;
}

void SqlitePeer::execute(const char* sql) {
    if (api_.exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(sql);
    }
}

sqlite3_stmt* SqlitePeer::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (api_.prepare(connection_, sql, -1, &statement, nullptr) != SQLITE_OK) {
        fail(sql);
    }
    return statement;
}

void SqlitePeer::fail(std::string_view what) {
    throw std::runtime_error(fmt::format("the SQLite peer failed ({}): {}", what, api_.errmsg(connection_)));
}

}  // namespace firedrill::bench
