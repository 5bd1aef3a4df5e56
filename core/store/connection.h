// Connection: one SQLite connection over one PageStore, with the only settings under which the store is safe.
//
// Within store only: jobs see Database. Used by one thread at a time (the store's lane). Invariants:
//  1. A transaction is one Commit or nothing. A job that fails, or that SQLite made fail, leaves no trace.
//  2. After the first failure of the file below, or an autocommit that flipped under the wrapper,
//  is_poisoned(): the
//     owner destroys it and opens another. Destruction drops what was not committed and does no I/O.
//  3. No SQL value gets into an error text.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/database.h"
#include "store/vfs.h"

struct sqlite3;

namespace firedrill::store {

enum class Access : std::uint8_t;

/// Memory that one connection's page cache may use for clean pages.
inline constexpr int kCacheKib = 2048;

class Connection {
  public:
    /// All outlive it. damaged, disk_failed, internal.
    static Result<std::unique_ptr<Connection>> open(PageStore& pages, PageCipher& cipher, Entropy& entropy);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    using Job = std::function<Status(Database&)>;
    /// Runs the job in one transaction. Yields its commit, none when nothing changed.
    Result<std::optional<Commit>> run(Access access, const Job& job);
    /// As run(write), and sets the schema version in the same transaction.
    Result<std::optional<Commit>> migrate(int version, const Job& job);
    /// SQLite's VACUUM, as one commit: the database in as few pages as it needs. limit: it has more than
    /// kMaxChangedPages pages. Memory: twice the database.
    Result<std::optional<Commit>> vacuum();
    Result<int> schema_version();
    [[nodiscard]] bool is_poisoned() const noexcept { return is_poisoned_ || file_.failure().has_value(); }
    /// What SQLite holds for it: page cache, schema, statements.
    [[nodiscard]] std::uint64_t memory_bytes() noexcept;

    // For Database and Statement.
    Result<sqlite3_stmt*> prepare(std::string_view sql);
    void give_back(sqlite3_stmt* statement) noexcept;
    Result<bool> step(sqlite3_stmt* statement);
    /// One or more statements of a job.
    Status execute_job_sql(std::string_view sql);
    /// A code that is not SQLITE_OK makes the transaction fail.
    void expect_ok(int code);
    [[nodiscard]] sqlite3* raw() const noexcept { return db_; }

  private:
    Connection(PageStore& pages, PageCipher& cipher, Entropy& entropy);
    Status configure();
    Status execute(const char* sql);
    /// The transaction's own statements, prepared once.
    enum class Own : std::uint8_t { begin, commit, roll_back };
    int run_own(Own which);
    [[nodiscard]] std::uint64_t used_bytes(int what) const noexcept;
    Result<std::int64_t> query_integer(const char* sql);
    Result<std::optional<Commit>> transact(const Job& job);
    Status finish(Status outcome);
    /// What the last call's result code means; remembered when the transaction may not go on.
    Error error(int code);
    /// Limit on changed pages seen from the page cache, before they reach the file.
    void look_at_cache();
    void roll_back();
    static int on_authorize(void* self, int action, const char* first, const char* second, const char* third,
                            const char* fourth);
    static int on_progress(void* self);
    [[nodiscard]] int authorize(int action, std::string_view first, std::string_view second,
                                bool has_value) const;

    PageStore& pages_;
    StoreFile file_;
    sqlite3* db_ = nullptr;
    std::array<sqlite3_stmt*, 3> own_{};  // by Own
    bool is_privileged_ = true;           // the connection's own statements: BEGIN, COMMIT, settings
    bool is_read_only_ = false;
    bool is_over_limit_ = false;
    bool is_poisoned_ = false;
    std::optional<Error> fatal_;  // first failure of this transaction after which it may not commit
    struct SqlHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view sql) const noexcept {
            return std::hash<std::string_view>()(sql);
        }
    };
    /// By their SQL; null while in use.
    std::unordered_map<std::string, sqlite3_stmt*, SqlHash, std::equal_to<>> cache_;
    // Bytes of schema and statements: SQLite walks all of them to tell, so they are counted when they
    // changed.
    std::uint64_t fixed_bytes_ = 0;
    std::size_t counted_statements_ = 0;
    bool is_fixed_counted_ = false;
};

}  // namespace firedrill::store
