// The few functions of SQLite that a peer calls, as a table: the library that is linked in, or SQLCipher's.
//
// SQLCipher has SQLite's symbols under the same names. It is loaded at run time, for itself only, and asked
// for its version, so that neither library is ever taken for the other.
#pragma once

#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace firedrill::bench {

struct SqliteApi {
    int (*open)(const char*, sqlite3**, int, const char*);
    int (*close)(sqlite3*);
    int (*exec)(sqlite3*, const char*, int (*)(void*, int, char**, char**), void*, char**);
    int (*prepare)(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
    int (*finalize)(sqlite3_stmt*);
    int (*bind_blob)(sqlite3_stmt*, int, const void*, int, void (*)(void*));
    int (*bind_int64)(sqlite3_stmt*, int, long long);
    int (*step)(sqlite3_stmt*);
    int (*reset)(sqlite3_stmt*);
    long long (*column_int64)(sqlite3_stmt*, int);
    const unsigned char* (*column_text)(sqlite3_stmt*, int);
    const char* (*errmsg)(sqlite3*);
};

const SqliteApi& linked_sqlite();
/// Null when the library is not installed, or is not what it should be: `why` says which.
const SqliteApi* load_sqlcipher(std::string& why);

}  // namespace firedrill::bench
