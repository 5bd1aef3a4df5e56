#include "store/timelines.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "real_log.h"

namespace firedrill::store {
namespace {

TimelineFacts facts(Byte id, Byte parent, Lsn branch, Lsn newest) {
    TimelineFacts out;
    out.id = test_id<TimelineId>(id);
    out.parent = test_id<TimelineId>(parent);
    out.branch = branch;
    out.newest = newest;
    out.at = kTestWall;
    out.segments = 3;
    out.bytes = 4096;
    return out;
}

Result<TimelineId> choose(std::vector<TimelineFacts> all, Lsn until = 0,
                          std::optional<TimelineId> wanted = {}) {
    mark_those_that_go_on(all);
    return choose_timeline(all, until, wanted, "copy");
}

TEST(Timelines, OneThatWasRestoredWholeAndWentOnNeedsNoChoice) {
    EXPECT_EQ(*choose({facts(1, 0, 0, 30)}), test_id<TimelineId>(1));
    EXPECT_EQ(*choose({facts(1, 0, 0, 30), facts(2, 1, 30, 45)}), test_id<TimelineId>(2));
    EXPECT_FALSE(choose({facts(1, 0, 0, 30), facts(2, 1, 20, 45), facts(3, 1, 30, 46)}))
        << "2 and 3 both went on";
}

TEST(Timelines, TwoThatWentOnAreRefusedWithTheFactsOfBoth) {
    const auto refused = choose({facts(1, 0, 0, 30), facts(2, 1, 20, 25)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
    for (const char* part : {"01010101010101010101010101010101 (the node's first, through LSN 30 of 2026-",
                             "02020202020202020202020202020202 (from timeline "
                             "01010101010101010101010101010101 after LSN 20, through LSN 25 of 2026-",
                             "3 segments, 4096 bytes", "--timeline ID", "2 timelines"}) {
        EXPECT_NE(refused.error().text.find(part), std::string::npos) << part << ": " << refused.error().text;
    }
    for (const Byte wanted : {Byte{1}, Byte{2}}) {
        EXPECT_EQ(*choose({facts(1, 0, 0, 30), facts(2, 1, 20, 25)}, 0, test_id<TimelineId>(wanted)),
                  test_id<TimelineId>(wanted));
    }
}

TEST(Timelines, WhereTheyAreStillTheSameNoChoiceIsNeeded) {
    EXPECT_TRUE(choose({facts(1, 0, 0, 30), facts(2, 1, 20, 25)}, 20));
    EXPECT_FALSE(choose({facts(1, 0, 0, 30), facts(2, 1, 20, 25)}, 21));
    EXPECT_FALSE(choose({facts(1, 0, 0, 30), facts(2, 9, 20, 25)}, 1)) << "they have nothing in common";
}

TEST(Timelines, AnUnknownOneIsNotFoundAndThoseThatAreThereAreNamed) {
    const auto unknown = choose({facts(1, 0, 0, 30), facts(2, 1, 30, 45)}, 0, test_id<TimelineId>(7));
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().fault, Fault::not_found);
    EXPECT_NE(unknown.error().text.find(to_hex(test_id<TimelineId>(1))), std::string::npos);
    EXPECT_NE(unknown.error().text.find(to_hex(test_id<TimelineId>(2))), std::string::npos);
    EXPECT_EQ(choose({}).error().fault, Fault::not_found);
    EXPECT_EQ(choose({facts(1, 2, 50, 50), facts(2, 1, 50, 50)}).error().fault, Fault::damaged) << "a circle";
}

/// Histories as a node's life makes them: every record has a number of its own.
struct Life {
    struct Line {
        TimelineFacts facts;
        std::vector<std::pair<int, std::size_t>> history;  // number of the record, and the line that wrote it
    };
    std::vector<Line> lines;
    int next = 1;

    void write(std::size_t line, int records) {
        for (; records > 0; --records) {
            lines[line].history.emplace_back(next++, line);
        }
        lines[line].facts.newest = lines[line].history.size();
    }
    void restore(std::size_t from, Lsn until) {
        Line made;
        made.history.assign(lines[from].history.begin(),
                            lines[from].history.begin() + static_cast<std::ptrdiff_t>(until));
        made.facts = facts(static_cast<Byte>(lines.size() + 1),
                           static_cast<Byte>(made.history.back().second + 1), until, until);
        lines.push_back(made);
        write(lines.size() - 1, 1);  // the reset
    }
    [[nodiscard]] std::set<int> numbers(std::size_t line, Lsn until) const {
        std::set<int> out;
        for (const auto& [number, owner] : lines[line].history) {
            if (until == 0 || out.size() < until) {
                out.insert(number);
            }
        }
        return out;
    }
    /// Has it a record that is in no other history?
    [[nodiscard]] bool is_alone(std::size_t line) const {
        for (std::size_t other = 0; other < lines.size(); ++other) {
            const auto mine = numbers(line, 0);
            const auto theirs = numbers(other, 0);
            if (other != line && std::includes(theirs.begin(), theirs.end(), mine.begin(), mine.end())) {
                return false;
            }
        }
        return true;
    }
};

RC_GTEST_PROP(TimelinesProperty, ExactlyHistoriesThatDifferAreRefused, ()) {
    Life life;
    life.lines.push_back({facts(1, 0, 0, 0), {}});
    life.write(0, *rc::gen::inRange(1, 6));
    for (int steps = *rc::gen::inRange(0, 12); steps > 0; --steps) {
        const auto line = *rc::gen::inRange<std::size_t>(0, life.lines.size());
        if (*rc::gen::arbitrary<bool>()) {
            life.write(line, *rc::gen::inRange(0, 4));
        } else {
            life.restore(line, *rc::gen::inRange<Lsn>(1, life.lines[line].facts.newest + 1));
        }
    }
    std::vector<TimelineFacts> all;
    for (const Life::Line& line : life.lines) {
        all.push_back(line.facts);
    }
    mark_those_that_go_on(all);
    const auto until = *rc::gen::inRange<Lsn>(0, 20);
    std::set<std::set<int>> different;
    for (std::size_t i = 0; i < all.size(); ++i) {
        RC_ASSERT(all[i].goes_on == life.is_alone(i));
        if (all[i].goes_on) {
            different.insert(life.numbers(i, until));
        }
    }
    const auto chosen = choose_timeline(all, until, std::nullopt, "copy");
    const bool is_refused = !chosen && chosen.error().fault == Fault::refused;
    const bool is_ambiguous = different.size() > 1;
    RC_ASSERT(chosen.is_ok() == !is_refused);
    RC_ASSERT(is_refused == is_ambiguous);
    RC_TAG(chosen.is_ok() ? "followed" : "refused");
}

/// A node, and one that was restored from it on trial; both go on. Each writes the commits that the other's
/// twin would, so that every root is a real one.
struct TwoNodes {
    TwoNodes() : first(1), twin(1) {
        EXPECT_TRUE(trial.restore(first.world));  // through 35; its reset is 36
        auto recovered = trial.world.recover(trial.options());
        EXPECT_TRUE(recovered);
        second = std::move(recovered->writer);
        twin.real.write(*second, 37, 45);
        first.real.write(*first.writer, 36, 60);
    }
    /// What somebody collected from both in one folder; of two files with one name the longer one.
    void collect(sim::SimDisk& folder) {
        for (LogWorld* world : {&first.world, &trial.world}) {
            for (const std::string& name : world->segments(0)) {
                const auto had = folder.peek(name);
                const auto has = world->logs[0]->peek(name);
                if (!had || had->size() < has->size()) {
                    ASSERT_TRUE(replace_file(folder, name, *has));
                }
            }
        }
    }
    static Result<RestoreReport> restore(LogWorld& from, std::optional<TimelineId> timeline, Lsn until = 0) {
        LogWorld to(1, 9);
        RestoreOptions options;
        options.until = until;
        options.timeline = timeline;
        options.new_timeline = test_id<TimelineId>(0x44);
        options.wall = kTestWall + 72h;
        std::vector<Disk*> sources;
        for (const auto& disk : from.logs) {
            sources.push_back(disk.get());
        }
        auto report = restore_from_log(sources, to.data, to.options().disks, options);
        EXPECT_EQ(report.is_ok(), !to.data.peek_names().empty());
        return report;
    }
    Source first;
    Source twin;
    Target trial;
    std::unique_ptr<LogWriter> second;
};

TEST(Timelines, ARestoreFromACopyOfTwoNodesIsRefusedUntilOneIsChosenAndGivesExactlyThatOne) {
    TwoNodes nodes;
    LogWorld copy(1, 8);
    nodes.collect(*copy.logs[0]);

    const auto refused = TwoNodes::restore(copy, std::nullopt);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused) << refused.error().text;
    EXPECT_NE(refused.error().text.find("through LSN 60"), std::string::npos) << refused.error().text;
    EXPECT_NE(refused.error().text.find("after LSN 35, through LSN 45"), std::string::npos);
    const auto old = TwoNodes::restore(copy, kTestTimeline);
    ASSERT_TRUE(old) << old.error().text;
    EXPECT_EQ(old->restored_through, 60U);
    EXPECT_EQ(old->commits, 59U);
    EXPECT_EQ(old->newest, kTestWall + 60min);
    const auto restored = TwoNodes::restore(copy, kNewTimeline);
    ASSERT_TRUE(restored) << restored.error().text;
    EXPECT_EQ(restored->restored_through, 45U);
    EXPECT_EQ(restored->commits, 43U);  // 34 before the reset and 9 after it
    EXPECT_FALSE(restored->scan.notes.empty());
    EXPECT_NE(restored->scan.notes.back().find("Not restored"), std::string::npos);
    EXPECT_EQ(TwoNodes::restore(copy, kNewTimeline, 40)->restored_through, 40U);
    EXPECT_EQ(TwoNodes::restore(copy, kTestTimeline, 40)->commits, 39U);
    EXPECT_EQ(TwoNodes::restore(copy, std::nullopt, 35)->restored_through, 35U);
    EXPECT_EQ(TwoNodes::restore(copy, std::nullopt, 36).error().fault, Fault::refused);
    EXPECT_EQ(TwoNodes::restore(copy, test_id<TimelineId>(0x55)).error().fault, Fault::not_found);
}

TEST(Timelines, TheListIsExactForACopyOfTwoNodes) {
    TwoNodes nodes;
    LogWorld copy(1, 8);
    nodes.collect(*copy.logs[0]);

    const auto found = timelines_on(copy.options().disks);

    ASSERT_TRUE(found) << found.error().text;
    ASSERT_EQ(found->size(), 2U);
    const TimelineFacts& old = found->front();
    const TimelineFacts& restored = found->back();
    EXPECT_EQ(old.id, kTestTimeline);
    EXPECT_EQ(old.newest, 60U);
    EXPECT_EQ(old.at, kTestWall + 60min);
    EXPECT_TRUE(old.goes_on);
    EXPECT_EQ(restored.id, kNewTimeline);
    EXPECT_EQ(restored.parent, kTestTimeline);
    EXPECT_EQ(restored.branch, 35U);
    EXPECT_EQ(restored.newest, 45U);
    EXPECT_EQ(restored.at, kTestWall + 45min);
    EXPECT_TRUE(restored.goes_on);
    EXPECT_EQ(old.segments + restored.segments, copy.segments(0).size());
    std::uint64_t bytes = 0;
    for (const std::string& name : copy.segments(0)) {
        bytes += copy.logs[0]->peek(name)->size();
    }
    EXPECT_EQ(old.bytes + restored.bytes, bytes);
}

// What a node's own restore leaves behind is one history, also when it went back on purpose.
TEST(Timelines, ARestoreThatWentBackOnPurposeIsRestoredAgainWithoutAChoice) {
    Source source(1);
    Source twin(1, 20);
    Target back;
    ASSERT_TRUE(back.restore(source.world, 20));
    auto recovered = back.world.recover(back.options());
    ASSERT_TRUE(recovered);
    twin.real.write(*recovered->writer, 22, 30);

    const auto again = TwoNodes::restore(back.world, std::nullopt);

    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->restored_through, 30U);
    EXPECT_EQ(again->commits, 28U);
}

}  // namespace
}  // namespace firedrill::store
