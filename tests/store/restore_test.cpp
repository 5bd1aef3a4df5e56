#include <gtest/gtest.h>

#include "log_world.h"
#include "store/data_folder.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "tests/support/test_entropy.h"

namespace firedrill::store {
namespace {

const TimelineId kNewTimeline = test_id<TimelineId>(0x33);

/// A log whose commits are real: three stores whose page trees give the roots they state.
class RealLog {
  public:
    explicit RealLog(LogWorld& world) : world_(world), scratch_(1, 77) {
        for (Byte i = 1; i <= 3; ++i) {
            const StoreId store = test_id<StoreId>(i);
            stores_.push_back(PageStore::make_empty(scratch_.data, store, 1));
            KeyRing ring;
            ring.push_back({1, kTestTimeline, crypto::Secret(32)});
            ciphers_.push_back(make_page_cipher(store, std::move(ring)));
        }
    }

    /// Appends commits until the log ends with `last`, with an hour passing after every tenth.
    void write(LogWriter& writer, Lsn first, Lsn last, std::size_t most_pages = 4) {
        for (Lsn lsn = first; lsn <= last; ++lsn) {
            const std::size_t which = lsn % 3;
            const auto pages = static_cast<PageNumber>(1 + lsn % most_pages);
            const PageNumber count = std::max(stores_[which]->position().page_count, pages + 2);
            std::vector<Bytes> bytes;
            std::vector<PlainPage> plain;
            for (PageNumber page = 1; page <= pages; ++page) {
                bytes.emplace_back(kPageSize);
                std::fill_n(bytes.back().begin(), kPlainSize, static_cast<Byte>(lsn + page));
            }
            for (PageNumber page = 1; page <= pages; ++page) {
                plain.push_back({page, bytes[page - 1]});
            }
            const Record record{lsn, 0, kTestWall + std::chrono::minutes(lsn),
                                stores_[which]->prepare(plain, count, *ciphers_[which], entropy_)};
            const Status done =
                writer.append(std::span(&record, 1), kTestWall + std::chrono::hours(lsn / 10));
            ASSERT_TRUE(done) << done.error().text;
        }
    }

    /// Folds the first `through` records of the log into the data disk's page files, and makes it a data
    /// folder.
    void fold_into(Disk& data, Lsn through) {
        std::map<StoreId, std::unique_ptr<PageStore>> folded;
        const auto scan = scan_log(
            world_.options().disks, 0,
            [&](Record&& record) -> Status {
                const auto* commit = std::get_if<Commit>(&record.body);
                if (commit == nullptr || record.lsn > through) {
                    return {};
                }
                auto& store = folded[commit->store];
                if (!store) {
                    store = PageStore::make_empty(data, commit->store, 1);
                }
                return store->apply(*commit);
            },
            nullptr);
        ASSERT_TRUE(scan) << scan.error().text;
        for (auto& [id, store] : folded) {
            ASSERT_TRUE(store->fold(through));
        }
        ASSERT_TRUE(write_data_folder(data, {kTestNode, kTestTimeline}));
    }

    const PageStore& store(std::size_t i) const { return *stores_[i]; }

  private:
    LogWorld& world_;
    LogWorld scratch_;
    test::TestEntropy entropy_;
    std::vector<std::unique_ptr<PageStore>> stores_;
    std::vector<std::unique_ptr<PageCipher>> ciphers_;
};

struct Source {
    explicit Source(std::size_t disks, Lsn last = 35) : world(disks), real(world) {
        auto created = world.create();
        EXPECT_TRUE(created);
        writer = std::move(*created);
        real.write(*writer, 2, last);
    }
    LogWorld world;
    RealLog real;
    std::unique_ptr<LogWriter> writer;
};

/// Two empty log disks and an empty data disk.
struct Target {
    Target() : world(2, 5) {}
    Result<RestoreReport> restore(LogWorld& from, Lsn until = 0) {
        RestoreOptions options;
        options.until = until;
        options.new_timeline = kNewTimeline;
        options.wall = kTestWall + 48h;
        options.progress = [this](RestorePhase phase, std::uint64_t done, std::uint64_t total) {
            EXPECT_LE(done, total);
            if (phases.empty() || phases.back() != phase) {
                phases.push_back(phase);
            }
        };
        std::vector<Disk*> sources;
        for (const auto& disk : from.logs) {
            sources.push_back(disk.get());
        }
        return restore_from_log(sources, world.data, world.options().disks, options);
    }
    LogOptions options() {
        LogOptions out = world.options();
        out.identity.timeline = kNewTimeline;
        return out;
    }
    LogWorld world;
    std::vector<RestorePhase> phases;
};

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
