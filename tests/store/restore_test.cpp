#include <fmt/format.h>
#include <gtest/gtest.h>

#include "real_log.h"

namespace firedrill::store {
namespace {

TEST(Restore, RebuildsEveryStoreToItsRootAndTheLogGoesOnANewTimeline) {
    Source source(2);
    Target target;

    const auto report = target.restore(source.world);

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->restored_through, 35U);
    EXPECT_EQ(report->commits, 34U);
    EXPECT_EQ(report->stores, 3U);
    EXPECT_EQ(report->timeline, kNewTimeline);
    EXPECT_EQ(report->newest, kTestWall + 35min);
    EXPECT_EQ(target.phases.front(), RestorePhase::plan);
    EXPECT_EQ(target.phases.back(), RestorePhase::ready);
    for (std::size_t i = 0; i < 3; ++i) {
        auto store = PageStore::open(target.world.data, test_id<StoreId>(static_cast<Byte>(i + 1)));
        ASSERT_TRUE(store) << store.error().text;
        EXPECT_EQ((*store)->position(), source.real.store(i).position());
    }
    EXPECT_EQ(as_text(*read_node_slots(target.world.data)), "slots one");
    EXPECT_EQ(read_data_folder(target.world.data)->timeline, kNewTimeline);

    target.world.power_cycle();
    auto recovered = target.world.recover(target.options());
    ASSERT_TRUE(recovered) << recovered.error().text;
    EXPECT_EQ(recovered->scan.identity.timeline, kNewTimeline);
    EXPECT_EQ(recovered->scan.last, 36U);  // the reset
    EXPECT_EQ(target.world.delivered.size(), 36U);
    ASSERT_TRUE(append_each(*recovered->writer, 37, 40));
    ASSERT_TRUE(target.world.recover(target.options()));
    EXPECT_EQ(target.world.delivered.size(), 40U);
}

TEST(Restore, StopsAfterTheLsnItWasGiven) {
    for (const Lsn until : {Lsn{1}, Lsn{2}, Lsn{9}, Lsn{10}, Lsn{11}, Lsn{34}}) {
        Source source(1);
        Target target;
        const auto report = target.restore(source.world, until);
        ASSERT_TRUE(report) << report.error().text;
        EXPECT_EQ(report->restored_through, until);
        auto recovered = target.world.recover(target.options());
        ASSERT_TRUE(recovered) << until << ": " << recovered.error().text;
        EXPECT_EQ(recovered->scan.last, until + 1);
        ASSERT_EQ(target.world.delivered.size(), until + 1);
        ASSERT_TRUE(append_each(*recovered->writer, until + 2, until + 3));
        EXPECT_TRUE(target.world.recover(target.options()));
    }
}

TEST(Restore, RefusesAnLsnThatNeverWasAndLeavesNothing) {
    Source source(1);
    Target target;
    const Lsn last = source.world.scan()->last;

    const auto report = target.restore(source.world, last + 1);

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::not_found);
    EXPECT_NE(report.error().text.find(fmt::format("ends at LSN {}", last)), std::string::npos)
        << report.error().text;
    Target again;
    EXPECT_TRUE(again.restore(source.world, last));
}

TEST(Restore, FromARestoredLogLeavesOutWhatWasSuperseded) {
    Source source(1);
    Target first;
    ASSERT_TRUE(first.restore(source.world, 20));
    auto recovered = first.world.recover(first.options());
    ASSERT_TRUE(recovered);
    ASSERT_TRUE(append_each(*recovered->writer, 22, 25));
    // The old log's records beyond 20 stand beside the new timeline's again, as after a promotion.
    for (const std::string& name : source.world.segments(0)) {
        for (const auto& disk : first.world.logs) {
            ASSERT_TRUE(replace_file(*disk, name, *source.world.logs[0]->peek(name)));
        }
    }
    first.world.delivered.clear();

    const auto scan = first.world.scan();

    ASSERT_TRUE(scan) << scan.error().text;
    EXPECT_EQ(scan->identity.timeline, kNewTimeline);
    EXPECT_EQ(scan->last, 25U);
    ASSERT_EQ(first.world.delivered.size(), 25U);
    EXPECT_EQ(first.world.delivered[24], seen(test_record(25)));
    auto again = first.world.recover(first.options());
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->scan.last, 25U);
}

// A closed segment that reaches beyond a branch is not passed over by its close mark, which speaks of what
// was superseded too.
TEST(Restore, AStartLateInTheNewTimelineLeavesOutWhatWasSupersededInItsLastOldSegment) {
    Source source(1);
    Target first;
    ASSERT_TRUE(first.restore(source.world, 20));
    auto recovered = first.world.recover(first.options());
    ASSERT_TRUE(recovered);
    ASSERT_TRUE(append_each(*recovered->writer, 22, 45));
    for (const std::string& name : source.world.segments(0)) {
        for (const auto& disk : first.world.logs) {
            ASSERT_TRUE(replace_file(*disk, name, *source.world.logs[0]->peek(name)));
        }
    }

    auto again = first.world.recover(first.options(), 40);

    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->scan.last, 45U);
    ASSERT_EQ(first.world.delivered.size(), 6U);
    EXPECT_EQ(first.world.delivered[5], seen(test_record(45)));
}

TEST(Restore, ReadsDamageFromTheMirrorAndLeavesTheSourcesAlone) {
    Source source(2);
    const std::vector<std::string> names = source.world.segments(0);
    ASSERT_GE(names.size(), 4U);
    const Bytes junk(3000, 0xEE);
    source.world.overwrite(0, names[1], 5000, junk);
    source.world.overwrite(1, names[2], 100, junk);
    const auto first = source.world.logs[0]->peek(names[1]);
    const auto second = source.world.logs[1]->peek(names[2]);
    Target target;

    const auto report = target.restore(source.world);

    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->restored_through, 35U);
    EXPECT_EQ(source.world.logs[0]->peek(names[1]), first);
    EXPECT_EQ(source.world.logs[1]->peek(names[2]), second);
    EXPECT_TRUE(target.world.recover(target.options()));
}

TEST(Restore, SaysHowFarItCanGetWhenTheLogIsDamagedAndGetsThere) {
    Source source(1);
    const std::string name = source.world.segments(0)[1];
    source.world.overwrite(0, name, 9000, Bytes(3000, 0xEE));
    Target target;

    const auto report = target.restore(source.world);

    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().fault, Fault::damaged);
    const std::string said = "a restore can reach LSN ";
    const std::size_t at = report.error().text.find(said);
    ASSERT_NE(at, std::string::npos) << report.error().text;
    const Lsn reachable = std::stoull(report.error().text.substr(at + said.size()));
    EXPECT_GE(reachable, 9U);
    EXPECT_LT(reachable, 20U);
    EXPECT_TRUE(target.world.data.peek_names().empty());
    EXPECT_TRUE(target.world.logs[0]->peek_names().empty());

    const auto less = target.restore(source.world, reachable);
    ASSERT_TRUE(less) << less.error().text;
    EXPECT_EQ(less->restored_through, reachable);
}

TEST(Restore, RefusesTargetsThatAreNotEmpty) {
    Source source(1);
    Target target;
    ASSERT_TRUE(replace_file(target.world.data, "other", as_bytes("x")));
    EXPECT_EQ(target.restore(source.world).error().fault, Fault::exists);
    EXPECT_EQ(target.world.data.peek_names(), std::vector<std::string>{"other"});
}

TEST(Restore, SaysNotFoundForDisksWithoutALog) {
    LogWorld empty(2);
    Target target;
    EXPECT_EQ(target.restore(empty).error().fault, Fault::not_found);
}

// Whatever call fails, and however: the restore says so, or it is whole. A half one is never a data folder.
TEST(Restore, AfterAFaultAtAnyOperationTheTargetIsNoDataFolder) {
    Source source(1, 24);
    Target whole;
    ASSERT_TRUE(whole.restore(source.world));
    const std::array<std::uint64_t, 2> counts{whole.world.data.operation_count(),
                                              whole.world.logs[0]->operation_count()};
    for (const bool is_cut : {false, true}) {
        for (std::size_t which = 0; which < 2; ++which) {
            for (std::uint64_t k = 1; k <= counts[which]; ++k) {
                Target target;
                sim::SimDisk& disk = which == 0 ? target.world.data : *target.world.logs[0];
                if (is_cut) {
                    disk.cut_power_after(k);
                } else {
                    (void)disk.fail_operation(k, sim::CallOutcome::done, sim::Times::once);
                }
                const auto report = target.restore(source.world);
                target.world.power_cycle();
                const auto folder = read_data_folder(target.world.data);
                if (report || folder) {
                    // A failure may be told of a marker that was written after all; then everything before it
                    // is whole.
                    const auto recovered = target.world.recover(target.options());
                    ASSERT_TRUE(recovered) << which << " " << k << ": " << recovered.error().text;
                    ASSERT_EQ(target.world.delivered.size(), 25U);
                } else {
                    ASSERT_EQ(folder.error().fault, Fault::not_found) << folder.error().text;
                }
            }
        }
    }
}

TEST(Inspect, TellsWhatIsThereAndFindsDamagedPages) {
    Source source(2);
    Disk& data = source.world.data;
    source.real.fold_into(data, 32);
    ASSERT_TRUE(write_node_slots(data, as_bytes("slots one")));

    const auto sound = inspect(data, source.world.options().disks, true, nullptr);
    ASSERT_TRUE(sound) << sound.error().text;
    EXPECT_TRUE(sound->is_sound());
    EXPECT_EQ(sound->log.last, 35U);
    ASSERT_EQ(sound->stores.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(sound->stores[i].sequence, source.real.store(i).position().sequence);
        EXPECT_LT(sound->stores[i].folded_sequence, sound->stores[i].sequence);
        EXPECT_GT(sound->stores[i].file_bytes, 0U);
    }

    // Pages of the first store that no later record writes again stand in the page file only.
    const StoreId store = test_id<StoreId>(1);
    const std::string file = page_file_name(store, 1);
    Bytes junk(data.open(file, Open::existing).value()->size_bytes().value(), 0xEE);
    ASSERT_TRUE(source.world.data.corrupt(file, 0, junk));
    const auto quick = inspect(data, source.world.options().disks, false, nullptr);
    ASSERT_TRUE(quick) << quick.error().text;
    EXPECT_TRUE(quick->is_sound());
    const auto bad = inspect(data, source.world.options().disks, true, nullptr);
    ASSERT_TRUE(bad) << bad.error().text;
    EXPECT_FALSE(bad->is_sound());
    EXPECT_FALSE(bad->stores[0].damaged.empty());
    EXPECT_TRUE(bad->stores[1].is_sound());
}

TEST(Inspect, RefusesWhatIsNoDataFolder) {
    LogWorld world(1);
    EXPECT_EQ(inspect(world.data, world.options().disks, false, nullptr).error().fault, Fault::not_found);
}

}  // namespace
}  // namespace firedrill::store
