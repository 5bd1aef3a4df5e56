// The peer: SQLite as people run it when they care (WAL, synchronous=FULL), with the page size and the cache
// size of our own stores. Plain, or SQLCipher.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "bodies.h"
#include "sqlite_api.h"

namespace firedrill::bench {

struct PeerOptions {
    const SqliteApi* api = &linked_sqlite();
    const char* first = "";     ///< SQL before anything else: the key
    const char* vfs = nullptr;  ///< of the linked library; null: its default
};
/// What makes a peer of SQLCipher. Throws std::runtime_error when it is not there.
PeerOptions sqlcipher_options();

/// One connection, used by one thread at a time. Every failure throws std::runtime_error.
class SqlitePeer {
  public:
    explicit SqlitePeer(const std::filesystem::path& file, PeerOptions options = {});
    ~SqlitePeer();
    SqlitePeer(const SqlitePeer&) = delete;
    SqlitePeer& operator=(const SqlitePeer&) = delete;

    /// One durable transaction that inserts one row.
    void commit_row() { commit_row(bodies_.next()); }
    void commit_row(std::string_view body);
    /// `count` rows in one transaction; ids go on.
    void fill(std::int64_t count);
    /// Length of the body of row `id`; 0 when there is none.
    std::int64_t read_row(std::int64_t id);
    /// Sum over all rows: reads every page of the table.
    std::int64_t scan();

  private:
    void execute(const char* sql);
    sqlite3_stmt* prepare(const char* sql);
    std::int64_t step_integer(sqlite3_stmt* statement);
    [[noreturn]] void fail(std::string_view what);

    const SqliteApi& api_;
    Bodies bodies_;
    sqlite3* connection_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    sqlite3_stmt* read_ = nullptr;
    sqlite3_stmt* scan_ = nullptr;
};

/// The table that all contenders use.
inline constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, body BLOB NOT NULL);";
inline constexpr const char* kInsert = "INSERT INTO answers (body) VALUES (?1)";
inline constexpr const char* kRead = "SELECT length(body), body FROM answers WHERE id = ?1";
inline constexpr const char* kScan = "SELECT sum(length(body)) FROM answers";

}  // namespace firedrill::bench
