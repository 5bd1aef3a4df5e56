#include "store/connection.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"
#include "store/storage.h"

namespace firedrill::store {

namespace {

constexpr int kStatementsKept = 64;
constexpr int kProgressSteps = 20000;     // virtual machine steps between two looks at the page cache
constexpr int kMaxValueBytes = 16 << 20;  // one text or blob
constexpr int kMaxSqlBytes = 1 << 20;
// What the page cache holds when kMaxChangedPages are dirty, with SQLite's own bytes a page.
constexpr std::int64_t kMaxCacheBytes =
    std::int64_t{kMaxChangedPages} * (kPageSize + 512) + std::int64_t{kCacheKib} * 1024;

// Jobs may look, and may give free pages back; settings are the connection's.
constexpr std::array<std::string_view, 14> kReadingPragmas{
    "foreign_key_check", "foreign_key_list", "freelist_count", "index_info",  "index_list",
    "index_xinfo",       "integrity_check",  "page_count",     "quick_check", "schema_version",
    "table_info",        "table_list",       "table_xinfo",    "user_version"};
constexpr std::array<std::string_view, 5> kPragmasWithArgument{
    "foreign_key_check", "integrity_check", "quick_check", "table_list", "incremental_vacuum"};
// What would let time, chance or other code into SQL.
constexpr std::array<std::string_view, 6> kRefusedFunctions{
    "random", "randomblob", "current_date", "current_time", "current_timestamp", "load_extension"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(), [name](std::string_view each) {
        return each.size() == name.size() &&
               sqlite3_strnicmp(each.data(), name.data(), int(name.size())) == 0;
    });
}

Error refuse_write() {
    return {Fault::refused, "a reading transaction may not write; ask for Access::write"};
}

/// After these a statement alone was undone and the transaction may go on.
bool is_statement_failure(int code) {
    return (code & 0xff) == SQLITE_CONSTRAINT;
}

Fault fault_of(int code) {
    switch (code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID: return Fault::exists;
        default: break;
    }
    switch (code & 0xff) {
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH: return Fault::bad_input;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Fault::damaged;
        case SQLITE_FULL:
        case SQLITE_TOOBIG:
        case SQLITE_NOMEM: return Fault::limit;
        case SQLITE_AUTH:
        case SQLITE_READONLY: return Fault::refused;
        default: return Fault::internal;
    }
}

}  // namespace

Connection::Connection(PageStore& pages, PageCipher& cipher, Entropy& entropy)
    : pages_(pages), file_(pages, cipher, entropy) {}

Connection::~Connection() {
    for (const auto& entry : cache_) {
        sqlite3_finalize(entry.second);
    }
    for (sqlite3_stmt* own : own_) {
        sqlite3_finalize(own);
    }
    file_.drop_batch();
    sqlite3_close_v2(db_);
}

Result<std::unique_ptr<Connection>> Connection::open(PageStore& pages, PageCipher& cipher, Entropy& entropy) {
    TRY(StoreFile::register_vfs());
    auto made = std::unique_ptr<Connection>(new Connection(pages, cipher, entropy));
    TRY(made->configure());
    return made;
}

Status Connection::configure() {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_PRIVATECACHE;
    if (const int code = sqlite3_open_v2(file_.uri().c_str(), &db_, flags, nullptr); code != SQLITE_OK) {
        return error(code);
    }
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
    sqlite3_limit(db_, SQLITE_LIMIT_SQL_LENGTH, kMaxSqlBytes);
    sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db_, SQLITE_LIMIT_WORKER_THREADS, 0);
    for (const int off : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL,
                          SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION}) {
        sqlite3_db_config(db_, off, 0, nullptr);
    }
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    int reserved = static_cast<int>(kReservedSize);
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    TRY(
        execute("PRAGMA locking_mode=exclusive;"
                "PRAGMA journal_mode=memory;"
                "PRAGMA synchronous=full;"
                "PRAGMA temp_store=memory;"
                "PRAGMA cache_spill=off;"
                "PRAGMA mmap_size=0;"
                "PRAGMA secure_delete=on;"
                "PRAGMA foreign_keys=on;"
                "PRAGMA cell_size_check=on;"
                "PRAGMA max_page_count=16777215;"));
    TRY(execute(fmt::format("PRAGMA cache_size=-{}", kCacheKib).c_str()));
    sqlite3_set_authorizer(db_, on_authorize, this);
    sqlite3_progress_handler(db_, kProgressSteps, on_progress, this);
    is_privileged_ = false;
    return {};
}

// ---- transactions
// --------------------------------------------------------------------------------------------

Result<std::optional<Commit>> Connection::run(Access access, const Job& job) {
    is_read_only_ = access == Access::read;
    return transact(job);
}

Result<std::optional<Commit>> Connection::migrate(int version, const Job& job) {
    is_read_only_ = false;
    return transact([&](Database& database) -> Status {
        TRY(job(database));
        is_privileged_ = true;
        Status set = execute(fmt::format("PRAGMA user_version={}", version).c_str());
        is_privileged_ = false;
        return set;
    });
}

Result<int> Connection::schema_version() {
    const std::int64_t version = TRY(query_integer("PRAGMA user_version"));
    return static_cast<int>(version);
}

Result<std::optional<Commit>> Connection::transact(const Job& job) {
    CHECK(!is_poisoned());
    fatal_.reset();
    is_over_limit_ = false;
    is_privileged_ = true;
    const int code = run_own(Own::begin);
    Status begun = code == SQLITE_OK ? Status() : Status(error(code));
    if (begun && !is_read_only_ && pages_.position().sequence == 0) {
        // It writes the first page, so it belongs to the first transaction that writes.
        begun = execute("PRAGMA auto_vacuum=incremental");
    }
    is_privileged_ = false;
    if (!begun) {
        is_poisoned_ = true;
        return std::move(begun).error();
    }
    Database database(*this);
    Status outcome = finish(job(database));
    std::optional<Commit> commit = file_.take_commit();
    if (commit) {
        // xSync closed the record: the transaction happened, whatever SQLite thought of it afterwards.
        is_poisoned_ = is_poisoned_ || !outcome;
        return commit;
    }
    if (!outcome) {
        return std::move(outcome).error();
    }
    return commit;
}

/// It copies everything into a database that it attaches by itself (in memory, since temp_store says so), and
/// from there back over ours. So the gate for attaching is open for just this statement, and the look at the
/// page cache, which sees both, is not taken: the number of pages bounds it.
Result<std::optional<Commit>> Connection::vacuum() {
    CHECK(!is_poisoned());
    if (pages_.position().sequence == 0) {
        return std::optional<Commit>();
    }
    if (pages_.position().page_count > kMaxChangedPages) {
        return Error{
            Fault::limit,
            fmt::format("store {} has {} pages and VACUUM rewrites all of them in one transaction, which may "
                        "change {}; use PRAGMA incremental_vacuum, in several transactions",
                        to_hex(pages_.store()), pages_.position().page_count, kMaxChangedPages)};
    }
    for (const auto& entry : cache_) {
        sqlite3_reset(entry.second);
    }
    fatal_.reset();
    is_over_limit_ = false;
    is_read_only_ = false;
    sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_progress_handler(db_, 0, nullptr, nullptr);
    is_privileged_ = true;
    Status done = execute("VACUUM");
    is_privileged_ = false;
    sqlite3_progress_handler(db_, kProgressSteps, on_progress, this);
    sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 0);
    std::optional<Commit> commit = file_.take_commit();
    if (commit) {
        // xSync closed the record: it happened, whatever SQLite thought of it afterwards.
        is_poisoned_ = is_poisoned_ || !done;
        return commit;
    }
    if (!done) {
        is_poisoned_ = true;
        return std::move(done).error();
    }
    return commit;
}

Status Connection::finish(Status outcome) {
    for (sqlite3_stmt* each = sqlite3_next_stmt(db_, nullptr); each != nullptr;
         each = sqlite3_next_stmt(db_, each)) {
        if (sqlite3_stmt_busy(each) != 0) {
            sqlite3_reset(each);
        }
    }
    if (fatal_) {
        outcome = *fatal_;
    }
    if (sqlite3_get_autocommit(db_) != 0) {
        is_poisoned_ = true;  // SQLite ended the transaction by itself: what ran after that was not in it
        return outcome ? Status(Error{Fault::internal,
                                      fmt::format("store {}: SQLite ended a transaction by itself; it "
                                                  "was undone",
                                                  to_hex(pages_.store()))})
                       : outcome;
    }
    if (outcome) {
        is_privileged_ = true;
        const int code = run_own(Own::commit);
        outcome = code == SQLITE_OK ? Status() : Status(error(code));
        is_privileged_ = false;
    }
    if (!outcome && sqlite3_get_autocommit(db_) == 0) {
        roll_back();
    }
    return outcome;
}

void Connection::roll_back() {
    is_privileged_ = true;
    if (run_own(Own::roll_back) != SQLITE_OK) {
        is_poisoned_ = true;
    }
    is_privileged_ = false;
}

std::uint64_t Connection::used_bytes(int what) const noexcept {
    int used = 0;
    int highest = 0;
    sqlite3_db_status(db_, what, &used, &highest, 0);
    return static_cast<std::uint64_t>(used);
}

std::uint64_t Connection::memory_bytes() noexcept {
    if (!is_fixed_counted_ || counted_statements_ != cache_.size()) {
        fixed_bytes_ = used_bytes(SQLITE_DBSTATUS_SCHEMA_USED) + used_bytes(SQLITE_DBSTATUS_STMT_USED);
        counted_statements_ = cache_.size();
        is_fixed_counted_ = true;
    }
    return fixed_bytes_ + used_bytes(SQLITE_DBSTATUS_CACHE_USED);
}

// ---- statements
// ----------------------------------------------------------------------------------------------

Status Connection::execute(const char* sql) {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Status() : Status(error(code));
}

int Connection::run_own(Own which) {
    constexpr std::array<const char*, 3> kSql{"BEGIN", "COMMIT", "ROLLBACK"};
    sqlite3_stmt*& statement = own_[static_cast<std::size_t>(which)];
    if (statement == nullptr) {
        const int code = sqlite3_prepare_v3(db_, kSql[static_cast<std::size_t>(which)], -1,
                                            SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (code != SQLITE_OK) {
            return code;
        }
    }
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

Result<std::int64_t> Connection::query_integer(const char* sql) {
    sqlite3_stmt* statement = TRY(prepare(sql));
    const int code = sqlite3_step(statement);
    const std::int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW) {
        return error(code);
    }
    return value;
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql) {
    if (fatal_) {
        return *fatal_;
    }
    sqlite3_stmt* statement = nullptr;
    if (const auto found = cache_.find(sql); found != cache_.end()) {
        statement = std::exchange(found->second, nullptr);
    }
    if (statement == nullptr) {
        const char* tail = nullptr;
        const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                            SQLITE_PREPARE_PERSISTENT, &statement, &tail);
        if (code != SQLITE_OK) {
            return error(code);
        }
        const std::string_view rest(tail, sql.data() + sql.size());
        if (statement == nullptr || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
            sqlite3_finalize(statement);
            return Error{Fault::internal, "prepare() takes one SQL statement; use execute() for several"};
        }
    }
    if (is_read_only_ && sqlite3_stmt_readonly(statement) == 0) {
        give_back(statement);
        return refuse_write();
    }
    return statement;
}

void Connection::give_back(sqlite3_stmt* statement) noexcept {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    const std::string_view sql(sqlite3_sql(statement));
    if (const auto found = cache_.find(sql); found != cache_.end() && found->second == nullptr) {
        found->second = statement;
    } else if (found == cache_.end() && cache_.size() < kStatementsKept) {
        cache_.emplace(sql, statement);
    } else {
        sqlite3_finalize(statement);
    }
}

Result<bool> Connection::step(sqlite3_stmt* statement) {
    if (fatal_) {
        return *fatal_;
    }
    if (sqlite3_get_autocommit(db_) != 0) {
        // Some failures end the whole transaction: what runs now would be a transaction of its own.
        fatal_ = Error{Fault::refused, fmt::format("store {}: SQLite ended the transaction; start again",
                                                   to_hex(pages_.store()))};
        return *fatal_;
    }
    const int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        Error made = error(code);
        sqlite3_reset(statement);
        return made;
    }
    if (sqlite3_stmt_readonly(statement) == 0) {
        look_at_cache();
        if (is_over_limit_) {
            return error(SQLITE_FULL);
        }
    }
    return code == SQLITE_ROW;
}

Status Connection::execute_job_sql(std::string_view sql) {
    is_fixed_counted_ = false;  // it may change the schema
    while (sql.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
        if (fatal_) {
            return *fatal_;
        }
        sqlite3_stmt* statement = nullptr;
        const char* tail = nullptr;
        if (const int code =
                sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &statement, &tail);
            code != SQLITE_OK) {
            return error(code);
        }
        sql.remove_prefix(static_cast<std::size_t>(tail - sql.data()));
        if (statement == nullptr) {
            continue;  // a comment
        }
        Status done;
        if (is_read_only_ && sqlite3_stmt_readonly(statement) == 0) {
            done = refuse_write();
        }
        for (bool is_row = true; done && is_row;) {
            auto stepped = step(statement);
            is_row = stepped && *stepped;
            if (!stepped) {
                done = std::move(stepped).error();
            }
        }
        sqlite3_finalize(statement);
        TRY(std::move(done));
    }
    return {};
}

void Connection::expect_ok(int code) {
    if (code != SQLITE_OK) {
        const Error made = error(code);
        fatal_ = fatal_ ? fatal_ : made;
    }
}

void Connection::look_at_cache() {
    int used = 0;
    int highest = 0;
    sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_USED, &used, &highest, 0);
    is_over_limit_ = is_over_limit_ || used > kMaxCacheBytes;
}

Error Connection::error(int code) {
    if (file_.failure()) {
        fatal_ = file_.failure();
        return *fatal_;
    }
    const std::string name = to_hex(pages_.store());
    Error made;
    if (is_over_limit_) {
        made = {Fault::limit,
                fmt::format("store {}: a transaction may change {} pages; do the work in smaller parts", name,
                            kMaxChangedPages)};
    } else {
        // SQLite's words name tables, columns and constraints of the schema; SQL is literal, values are
        // bound.
        const char* words = db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_);
        made = {fault_of(code), fmt::format("store {}: {} (SQLite code {})", name, words, code)};
    }
    if (!is_statement_failure(code) && !fatal_) {
        fatal_ = made;
    }
    return made;
}

// ---- what SQL may do
// -----------------------------------------------------------------------------------------

int Connection::on_authorize(void* self, int action, const char* first, const char* second, const char*,
                             const char*) {
    const auto* connection = static_cast<const Connection*>(self);
    return connection->authorize(action, first == nullptr ? "" : first, second == nullptr ? "" : second,
                                 second != nullptr);
}

int Connection::authorize(int action, std::string_view first, std::string_view second, bool has_value) const {
    if (is_privileged_) {
        return SQLITE_OK;
    }
    switch (action) {
        case SQLITE_ATTACH:
        case SQLITE_DETACH:
        case SQLITE_TRANSACTION: return SQLITE_DENY;
        case SQLITE_PRAGMA:
            if (contains(kPragmasWithArgument, first)) {
                return SQLITE_OK;
            }
            // user_version and schema_version with a value would write; the others only name a table or
            // index.
            return contains(kReadingPragmas, first) &&
                           !(has_value &&
                             (contains(std::array<std::string_view, 2>{"user_version", "schema_version"},
                                       first)))
                       ? SQLITE_OK
                       : SQLITE_DENY;
        case SQLITE_FUNCTION: return contains(kRefusedFunctions, second) ? SQLITE_DENY : SQLITE_OK;
        default: return SQLITE_OK;
    }
}

int Connection::on_progress(void* self) {
    auto* connection = static_cast<Connection*>(self);
    connection->look_at_cache();
    return connection->is_over_limit_ ? 1 : 0;
}

}  // namespace firedrill::store
