// What keeps a transaction whole when SQL, SQLite or the job itself would end it by half.
#include <gtest/gtest.h>

#include "store_fixture.h"

namespace firedrill::store {
namespace {

struct TransactionGuards : StoreFixture {
    void SetUp() override {
        made.emplace();
        expect_ok(made->create());
        expect_ok(made->unlock(kFirst));
    }
    std::string ids() { return made->query(kFirst, "SELECT coalesce(group_concat(id), '') FROM note"); }
    /// Runs row 1, then `sql`, whose failure the job overlooks, then row 2.
    Status overlook(const char* sql) {
        return made->write(kFirst, [sql](Database& database) -> Status {
            TRY(database.execute(insert(1, "before").c_str()));
            EXPECT_FALSE(database.execute(sql).is_ok()) << sql;
            (void)database.execute(insert(2, "after").c_str()).is_ok();
            return {};
        });
    }
};

TEST_F(TransactionGuards, ACommitInTheMiddleIsRefusedAndWhatStoodBeforeItIsUndone) {
    for (const char* sql : {"COMMIT", "END", "ROLLBACK", "SAVEPOINT inner; ROLLBACK"}) {
        EXPECT_FALSE(overlook(sql).is_ok()) << sql;
        EXPECT_EQ(ids(), "") << sql;
    }
    expect_ok(made->execute(kFirst, insert(3, "later")));
    EXPECT_EQ(ids(), "3");
}

TEST_F(TransactionGuards, AFailureThatTheJobOverlooksUndoesTheWhole) {
    EXPECT_FALSE(overlook("SELECT nonsense FROM nowhere").is_ok());
    EXPECT_EQ(ids(), "");
}

TEST_F(TransactionGuards, AConstraintThatTheJobExpectedDoesNot) {
    expect_ok(overlook("INSERT INTO note VALUES (5, NULL)"));
    EXPECT_EQ(ids(), "1,2");
}

TEST_F(TransactionGuards, ATransactionOverTheLimitIsUndoneThoughTheJobOverlooksIt) {
    EXPECT_FALSE(overlook("INSERT INTO note (body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                          "FROM n WHERE i < 20000) SELECT hex(zeroblob(2000)) FROM n")
                     .is_ok());
    EXPECT_EQ(ids(), "");
    expect_ok(made->execute(kFirst, insert(3, "later")));
}

}  // namespace
}  // namespace firedrill::store
