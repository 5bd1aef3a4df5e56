// Files of a store that go, or change, while the node runs: noticed, and made anew from what is left.
#include <algorithm>

#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store_fixture.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

struct LostFiles : StoreFixture {
    StoreWorld& world() { return *made; }
    void begin(Duration scrub_period = Duration(0)) {
        notes.clear();
        made.emplace();
        made->scrub_period = scrub_period;
        listen();
        expect_ok(made->create());
    }
    /// Two stores of two rows each, folded.
    void fill() {
        for (const StoreId store : {kFirst, kSecond}) {
            expect_ok(world().unlock(store));
            expect_ok(world().execute(store, insert(1, "one")));
            expect_ok(world().execute(store, insert(2, std::string(9000, 'x'))));
        }
        expect_ok(world().fold());
    }
    std::vector<std::string> files_of(StoreId store) {
        std::vector<std::string> found;
        for (const std::string& name : world().data->peek_names()) {
            if (name.find(to_hex(store)) != std::string::npos) {
                found.push_back(name);
            }
        }
        return found;
    }
    void remove(std::string_view kind, StoreId store) {
        for (const std::string& name : files_of(store)) {
            if (name.starts_with(kind)) {
                ASSERT_TRUE(world().data->remove(name).is_ok());
            }
        }
    }
    /// Everything is on the data disk again: a start has nothing to build.
    void expect_whole_after_restart(std::string_view rows) {
        expect_ok(world().fold());
        expect_ok(world().restart());
        EXPECT_TRUE(world().storage->health().notes.empty()) << world().storage->health().notes.front();
        expect_ok(world().unlock(kFirst));
        EXPECT_EQ(world().query(kFirst, "SELECT count(*) FROM note"), rows);
        expect_ok(world().read(kFirst, check_integrity));
    }
};

TEST_F(LostFiles, AStoreNobodyUsesIsBuiltAnewFromTheLogAtTheNextSignIn) {
    for (const std::string_view gone : {"pages.", "leaves.", ""}) {
        SCOPED_TRACE(gone);
        begin();
        fill();
        expect_ok(world().lock(kFirst));
        remove(gone, kFirst);

        expect_ok(world().unlock(kFirst));

        EXPECT_EQ(world().query(kFirst, "SELECT count(*) FROM note"), "2");
        EXPECT_EQ(world().query(kSecond, "SELECT count(*) FROM note"), "2");
        EXPECT_TRUE(has_note("built anew from the log"));
        EXPECT_FALSE(world().health(kFirst).is_damaged);
        expect_ok(world().execute(kFirst, insert(3, "three")));
        expect_whole_after_restart("3");
    }
}

TEST_F(LostFiles, YesterdaysFilesPutBackUnderARunningNodeAreNotBelieved) {
    begin();
    fill();
    std::vector<std::pair<std::string, Bytes>> yesterday;
    for (const std::string& name : files_of(kFirst)) {
        yesterday.emplace_back(name, *world().data->peek(name));
    }
    expect_ok(world().execute(kFirst, insert(3, "today")));
    expect_ok(world().fold());
    expect_ok(world().lock(kFirst));
    for (const auto& [name, bytes] : yesterday) {
        expect_ok(replace_file(*world().data, name, bytes));
    }

    expect_ok(world().unlock(kFirst));

    EXPECT_EQ(world().query(kFirst, "SELECT count(*) FROM note"), "3");
    EXPECT_TRUE(has_note("built anew from the log"));
    expect_ok(world().execute(kFirst, insert(4, "four")));
    expect_whole_after_restart("4");
}

TEST_F(LostFiles, AStoreInUseGetsItsFilesBackAtTheNextFold) {
    begin();
    fill();
    remove("", kFirst);
    expect_ok(world().execute(kFirst, insert(3, "three")));

    (void)world().fold().is_ok();  // may fail once: it notices
    world().universe.loop.run_for(5min);

    EXPECT_EQ(world().query(kFirst, "SELECT count(*) FROM note"), "3");
    EXPECT_EQ(world().health(kFirst).unfolded_bytes, 0U);
    EXPECT_FALSE(files_of(kFirst).empty());
    expect_whole_after_restart("3");
}

TEST_F(LostFiles, ScrubNoticesThatFilesOfAStoreInUseAreGone) {
    for (const std::string_view gone : {"pages.", "leaves."}) {
        SCOPED_TRACE(gone);
        begin(1h);
        fill();
        remove(gone, kFirst);

        world().universe.loop.run_for(2h);

        EXPECT_TRUE(has_note("is written again"));
        const auto files = files_of(kFirst);
        EXPECT_EQ(files.size(), 2U);
        world().scrub_period = Duration(0);
        expect_whole_after_restart("2");
    }
}

TEST_F(LostFiles, WhatTheLogCannotGiveBackIsDamagedWithTheWayOutAndHarmsNobodyElse) {
    begin();
    fill();
    expect_ok(world().lock(kFirst));
    remove("", kFirst);
    const std::string segment = world().logs[0]->peek_names().at(0);
    ASSERT_TRUE(parse_segment_name(segment)) << segment;
    ASSERT_TRUE(world().logs[0]->corrupt(segment, 1100, Bytes(9000, 0xee)));

    const Status unlocked = world().unlock(kFirst);

    ASSERT_FALSE(unlocked.is_ok());
    EXPECT_EQ(unlocked.error().fault, Fault::damaged);
    EXPECT_NE(unlocked.error().text.find("restore"), std::string::npos) << unlocked.error().text;
    EXPECT_TRUE(world().health(kFirst).is_damaged);
    EXPECT_EQ(world().query(kSecond, "SELECT count(*) FROM note"), "2");
}

TEST_F(LostFiles, ARottenHeaderOfAClosedSegmentNamesTheWayThatLosesNothingAndItWorks) {
    begin();
    fill();
    world().universe.loop.run_for(61min);
    expect_ok(world().execute(kFirst, insert(3, "in the second hour")));
    world().universe.loop.run_for(61min);
    expect_ok(world().execute(kFirst, insert(4, "in the third hour")));
    expect_ok(world().fold());
    world().machine->cut_power();
    const std::string closed = world().logs[0]->peek_names().at(1);
    ASSERT_TRUE(parse_segment_name(closed)) << closed;
    const Bytes copy = *world().logs[0]->peek(closed);
    ASSERT_TRUE(world().logs[0]->corrupt(closed, 20, Bytes(4, 0xee)));
    world().boot();

    const Status refused = world().open();

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::damaged);
    EXPECT_NE(refused.error().text.find(closed), std::string::npos) << refused.error().text;
    EXPECT_NE(refused.error().text.find("put this file back"), std::string::npos) << refused.error().text;

    expect_ok(replace_file(*world().logs[0], closed, copy));
    expect_ok(world().open());
    expect_ok(world().unlock(kFirst));
    EXPECT_EQ(world().query(kFirst, "SELECT count(*) FROM note"), "4");
}

TEST_F(LostFiles, AStoreThatCannotBeFoldedIsSaidUntilItCan) {
    begin();
    expect_ok(world().unlock(kFirst));
    expect_ok(world().unlock(kSecond));
    const WallTime before = world().machine->clock().wall();
    world().data->set_capacity(world().data->used_bytes());
    expect_ok(world().execute(kFirst, insert(1, std::string(90000, 'x'))));
    EXPECT_FALSE(world().fold());

    world().universe.loop.run_for(10min);

    Health health = world().storage->health();
    EXPECT_TRUE(health.is_unfolded);
    EXPECT_FALSE(health.is_degraded);
    EXPECT_NE(health.of(kFirst).fold_failure.find("data"), std::string::npos)
        << health.of(kFirst).fold_failure;
    EXPECT_GE(health.of(kFirst).fold_fails_since, before);
    EXPECT_LT(health.of(kFirst).fold_fails_since.ns, before.ns + Duration(1min).count())
        << "the first failure, not the last";
    ASSERT_FALSE(health.notes.empty());
    EXPECT_NE(health.notes.back().find("cannot be folded since"), std::string::npos) << health.notes.back();
    EXPECT_EQ(std::count_if(notes.begin(), notes.end(),
                            [&](const std::string& note) {
                                return note.find(to_hex(kFirst) + " cannot be folded") != std::string::npos;
                            }),
              1)
        << "said once, not at every try";
    EXPECT_EQ(world().query(kFirst, "SELECT count(*) FROM note"), "1");
    EXPECT_LE(files_of(kFirst).size(), 1U) << "tries that failed leave nothing behind";

    world().data->set_capacity(1ULL << 40);
    world().universe.loop.run_for(3min);

    health = world().storage->health();
    EXPECT_FALSE(health.is_unfolded);
    EXPECT_TRUE(health.of(kFirst).fold_failure.empty());
    EXPECT_EQ(health.of(kFirst).unfolded_bytes, 0U);
    EXPECT_TRUE(has_note(to_hex(kFirst) + " is folded again"));
    expect_whole_after_restart("1");
}

}  // namespace
}  // namespace firedrill::store
