#include "sqlite_api.h"

#include <dlfcn.h>
#include <sqlite3.h>

#include <array>
#include <optional>

namespace firedrill::bench {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kDeep = 0;  // the sanitizers refuse it; nothing of ours is exported, so that it changes nothing
#else
constexpr int kDeep = RTLD_DEEPBIND;
#endif

template <class Function>
bool find(void* library, const char* name, Function& out) {
    out = reinterpret_cast<Function>(::dlsym(library, name));
    return out != nullptr;
}

std::optional<SqliteApi> take_functions(void* library) {
    SqliteApi api{};
    const bool has_all =
        find(library, "sqlite3_open_v2", api.open) && find(library, "sqlite3_close", api.close) &&
        find(library, "sqlite3_exec", api.exec) && find(library, "sqlite3_prepare_v2", api.prepare) &&
        find(library, "sqlite3_finalize", api.finalize) &&
        find(library, "sqlite3_bind_blob", api.bind_blob) &&
        find(library, "sqlite3_bind_int64", api.bind_int64) && find(library, "sqlite3_step", api.step) &&
        find(library, "sqlite3_reset", api.reset) &&
        find(library, "sqlite3_column_int64", api.column_int64) &&
        find(library, "sqlite3_column_text", api.column_text) && find(library, "sqlite3_errmsg", api.errmsg);
    return has_all ? std::optional(api) : std::nullopt;
}

/// Only SQLCipher answers this pragma.
bool is_sqlcipher(const SqliteApi& api) {
    sqlite3* connection = nullptr;
    sqlite3_stmt* statement = nullptr;
    const bool is_it =
        api.open(":memory:", &connection, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
        api.prepare(connection, "PRAGMA cipher_version", -1, &statement, nullptr) == SQLITE_OK &&
        api.step(statement) == SQLITE_ROW && api.column_text(statement, 0) != nullptr;
    api.finalize(statement);
    api.close(connection);
    return is_it;
}

}  // namespace

const SqliteApi& linked_sqlite() {
    static constexpr SqliteApi kApi{sqlite3_open_v2,      sqlite3_close,       sqlite3_exec,
                                    sqlite3_prepare_v2,   sqlite3_finalize,    sqlite3_bind_blob,
                                    sqlite3_bind_int64,   sqlite3_step,        sqlite3_reset,
                                    sqlite3_column_int64, sqlite3_column_text, sqlite3_errmsg};
    return kApi;
}

const SqliteApi* load_sqlcipher(std::string& why) {
    static std::optional<SqliteApi> loaded;
    if (loaded) {
        return &*loaded;
    }
    for (const char* name : {"libsqlcipher.so", "libsqlcipher.so.1", "libsqlcipher.so.0"}) {
        void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL | kDeep);  // stays until the process ends
        if (library == nullptr) {
            continue;
        }
        loaded = take_functions(library);
        if (loaded && is_sqlcipher(*loaded)) {
            return &*loaded;
        }
        loaded.reset();
        why = std::string(name) + " does not say that it is SQLCipher";
        return nullptr;
    }
    why = "SQLCipher is not installed (Debian: libsqlcipher-dev)";
    return nullptr;
}

}  // namespace firedrill::bench
