// Database: an open SQLite connection over one store, inside one transaction, as jobs see it.
//
// Only handed out by Storage::transact, on the store's lane, for the length of the job. SQL is a string
// literal with bound parameters. sqlite3.h stays in store/. SQL and schema errors, constraint failures and
// corruption are values: exists (unique or primary key violated), bad_input (other constraint), damaged,
// disk_full, internal (bad SQL).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3_stmt;

namespace firedrill::store {

class Connection;

/// "3.40.1": the SQLite that is linked in.
std::string_view sqlite_version() noexcept;

/// A prepared statement; may not outlive its Database. Parameters are 1-based (?1), columns 0-based.
class Statement {
  public:
    Statement(Statement&& other) noexcept;
    ~Statement();
    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, ByteView blob);
    Statement& bind_null(int index);
    /// True: a row is there. False: done.
    Result<bool> step();
    /// Runs to the end, rows ignored.
    Status run();
    std::int64_t integer(int column);
    std::string text(int column);  ///< <= 16 MiB
    Bytes blob(int column);
    bool is_null(int column);

  private:
    friend class Database;
    Statement(Connection& connection, sqlite3_stmt* raw) : connection_(connection), raw_(raw) {}
    Connection& connection_;
    sqlite3_stmt* raw_;
};

class Database {
  public:
    explicit Database(Connection& connection) : connection_(connection) {}
    Result<Statement> prepare(const char* sql);
    /// One or more statements without parameters or rows.
    Status execute(const char* sql);
    std::int64_t changed_rows();

  private:
    Connection& connection_;
};

}  // namespace firedrill::store
