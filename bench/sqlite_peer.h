// The peer: plain SQLite as people run it when they care (WAL, synchronous=FULL), with the cache size of our
// own stores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace firedrill::bench {

/// One connection, used by one thread at a time. Every failure throws std::runtime_error.
class SqlitePeer {
  public:
    explicit SqlitePeer(const std::filesystem::path& file);
    ~SqlitePeer();
    SqlitePeer(const SqlitePeer&) = delete;
    SqlitePeer& operator=(const SqlitePeer&) = delete;

    /// One durable transaction that inserts one row.
    void commit_row(std::string_view body);
    /// `count` rows of `body` in one transaction; ids go on.
    void fill(std::int64_t count, std::string_view body);
    /// Length of the body of row `id`; 0 when there is none.
    std::int64_t read_row(std::int64_t id);
    /// Sum over all rows: reads every page of the table.
    std::int64_t scan();

  private:
    void execute(const char* sql);
    sqlite3_stmt* prepare(const char* sql);
    std::int64_t step_integer(sqlite3_stmt* statement);
    [[noreturn]] void fail(std::string_view what);

    sqlite3* connection_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    sqlite3_stmt* read_ = nullptr;
    sqlite3_stmt* scan_ = nullptr;
};

/// The table that both contenders use.
inline constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;";
inline constexpr const char* kInsert = "INSERT INTO answers (body) VALUES (?1)";
inline constexpr const char* kRead = "SELECT length(body), body FROM answers WHERE id = ?1";
inline constexpr const char* kScan = "SELECT sum(length(body)) FROM answers";

}  // namespace firedrill::bench
