// Random histories with a power cut or a failed call at every disk operation, and with mishaps that come
// together.
#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "storage_model.h"

namespace firedrill::store {
namespace {

/// What was tried so far: a crash point is one disk operation of one history at which one mishap strikes.
struct Tally {
    std::uint64_t points = 0;
    std::uint64_t histories = 0;
    void report(std::uint64_t least) const {
        testing::Test::RecordProperty("crash_points", std::to_string(points));
        testing::Test::RecordProperty("histories", std::to_string(histories));
        fmt::print("{} crash points in {} histories\n", points, histories);
        EXPECT_GE(points, least);
    }
};

struct Sweep {
    std::uint64_t first_seed = 1;
    std::uint64_t seeds = 1;
    std::size_t steps = 12;
    std::size_t logs = 0;  // 0: one and two by turns
    Mishap mishap;         // operation, disk and again are filled in
    bool is_struck_again = false;
    bool strikes_logs_only = false;
};

/// Every operation of every disk, one run each.
void sweep(const Sweep& what, Tally& tally) {
    for (std::uint64_t seed = what.first_seed; seed < what.first_seed + what.seeds; ++seed) {
        const std::size_t logs = what.logs > 0 ? what.logs : 1 + seed % 2;
        const History history = make_history(seed, what.steps);
        ModelRun plain(seed, logs);
        const std::string sound = plain.run(history, {});
        ASSERT_EQ(sound, "") << "seed " << seed;
        ++tally.histories;
        const bool counts_writes =
            what.mishap.kind == Mishap::Kind::failed_sync || what.mishap.kind == Mishap::Kind::full;
        const auto& ends = counts_writes ? plain.writes : plain.operations;
        for (std::size_t disk = what.strikes_logs_only ? 1 : 0; disk < ends.size(); ++disk) {
            for (std::uint64_t k = 1; k <= ends[disk]; ++k) {
                Mishap mishap = what.mishap;
                mishap.disk = disk;
                mishap.operation = k;
                mishap.victim = static_cast<std::size_t>(k + seed);
                mishap.again = what.is_struck_again ? 1 + (k * 7 + seed) % 40 : 0;
                ModelRun run(seed, logs);
                const std::string problem = run.run(history, mishap);
                ++tally.points;
                ASSERT_EQ(problem, "")
                    << "seed " << seed << ", disk " << disk << ", operation " << k << ", kind "
                    << int(mishap.kind) << ", after " << int(mishap.after) << ", again " << mishap.again;
            }
        }
    }
}

/// How many seeds: a few in the short run.
std::uint64_t seeds(std::uint64_t few, std::uint64_t many) {
    return is_long() ? many : few;
}

using Kind = Mishap::Kind;
using After = Mishap::After;

TEST(StorageModel, SurvivesAPowerCutAtEveryDiskOperation) {
    Tally tally;
    sweep({1, seeds(6, 330), 14, 0, {Kind::power_cut}}, tally);
    tally.report(is_long() ? 38000 : 600);
}

TEST(StorageModel, SurvivesASecondPowerCutDuringRecovery) {
    Tally tally;
    Sweep twice{1001, seeds(3, 170), 12, 0, {Kind::power_cut}, true};
    twice.mishap.in_recovery = Kind::power_cut;
    sweep(twice, tally);
    tally.report(is_long() ? 18000 : 250);
}

TEST(StorageModel, SurvivesAFailedCallAtEveryDiskOperation) {
    Tally tally;
    for (const Kind kind : {Kind::failed_not_done, Kind::failed_done}) {
        sweep({2001, seeds(2, 130), 12, 0, {kind}}, tally);
    }
    tally.report(is_long() ? 28000 : 350);
}

TEST(StorageModel, SurvivesAFailedCallDuringRecovery) {
    Tally tally;
    for (const Kind kind : {Kind::failed_not_done, Kind::failed_done}) {
        Sweep recovery{3001, seeds(2, 50), 12, 0, {Kind::power_cut}, true};
        recovery.mishap.in_recovery = kind;
        sweep(recovery, tally);
    }
    tally.report(is_long() ? 10000 : 350);
}

TEST(StorageModel, SurvivesAPowerCutThatTakesALogDiskWithIt) {
    Tally tally;
    Sweep lost{4001, seeds(2, 60), 12, 2, {Kind::power_cut}};
    lost.mishap.after = After::log_disk_lost;
    sweep(lost, tally);
    tally.report(is_long() ? 7500 : 250);
}

TEST(StorageModel, SurvivesAPowerCutWithRotInOneCopyOfTheLog) {
    Tally tally;
    Sweep rot{5001, seeds(2, 60), 12, 2, {Kind::power_cut}};
    rot.mishap.after = After::rot_in_log;
    sweep(rot, tally);
    tally.report(is_long() ? 7500 : 250);
}

TEST(StorageModel, SurvivesAPowerCutWithRotInThePageFiles) {
    Tally tally;
    Sweep rot{6001, seeds(3, 60), 12, 0, {Kind::power_cut}};
    rot.mishap.after = After::rot_in_pages;
    sweep(rot, tally);
    tally.report(is_long() ? 4000 : 200);
}

TEST(StorageModel, SurvivesAFailedSyncOfOneMemberAndAPowerCutDuringRecovery) {
    Tally tally;
    Sweep sync{7001, seeds(5, 150), 12, 2, {Kind::failed_sync}, true, true};
    sync.mishap.in_recovery = Kind::power_cut;
    sweep(sync, tally);
    tally.report(is_long() ? 3000 : 100);
}

TEST(StorageModel, SurvivesALogDiskThatDiesAndIsBackStaleAtTheNextStart) {
    Tally tally;
    Sweep stale{8001, seeds(2, 60), 12, 2, {Kind::dies}, false, true};
    stale.mishap.after = After::disk_returns;
    sweep(stale, tally);
    tally.report(is_long() ? 3000 : 100);
}

TEST(StorageModel, SurvivesAFullDiskAtEveryWrite) {
    Tally tally;
    sweep({9001, seeds(5, 150), 12, 0, {Kind::full}}, tally);
    tally.report(is_long() ? 3000 : 100);
}

/// Points of one disk while some care was given, at most `most` of them, evenly.
std::vector<std::uint64_t> points_between(std::uint64_t before, std::uint64_t after, std::uint64_t most,
                                          std::uint64_t salt) {
    std::vector<std::uint64_t> out;
    const std::uint64_t count = after - before;
    const std::uint64_t every = std::max<std::uint64_t>(1, (count + most - 1) / most);
    for (std::uint64_t k = before + 1 + salt % every; k <= after; k += every) {
        out.push_back(k);
    }
    return out;
}

using CareCounts = std::array<std::uint64_t, kCares>;

/// Strikes while care is given, at up to `most` points of each disk each time.
void sweep_care(Kind kind, std::uint64_t first_seed, std::uint64_t seeds, std::uint64_t most, Tally& tally,
                CareCounts& struck) {
    for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
        const std::size_t logs = 1 + seed % 2;
        const History history = make_care_history(seed);
        ModelRun plain(seed, logs);
        ASSERT_EQ(plain.run(history, {}), "") << "seed " << seed;
        ++tally.histories;
        const bool counts_writes = kind == Kind::failed_sync || kind == Kind::full;
        for (const ModelRun::Cared& care : plain.cared) {
            const auto& before = counts_writes ? care.writes_before : care.operations_before;
            const auto& after = counts_writes ? care.writes_after : care.operations_after;
            for (std::size_t disk = 0; care.is_complete && disk < before.size(); ++disk) {
                for (const std::uint64_t k : points_between(before[disk], after[disk], most, seed)) {
                    ModelRun run(seed, logs);
                    const std::string problem = run.run(history, {kind, disk, k});
                    ++tally.points;
                    ASSERT_EQ(problem, "") << "seed " << seed << ", disk " << disk << ", operation " << k
                                           << ", kind " << int(kind) << ", care " << int(care.care);
                    for (const ModelRun::Cared& each : run.cared) {
                        struck[static_cast<std::size_t>(each.care)] += each.was_struck ? 1 : 0;
                    }
                }
            }
        }
    }
}

/// Each kind of care must have been struck: a history in which one never happens proves nothing about it.
void sweep_care(Kind kind, std::uint64_t first_seed, std::uint64_t least_each) {
    Tally tally;
    CareCounts struck{};
    sweep_care(kind, first_seed, seeds(2, 16), seeds(5, 20), tally, struck);
    tally.report(is_long() ? kCares * least_each * 8 : kCares * least_each);
    for (std::size_t care = 0; care < kCares; ++care) {
        EXPECT_GE(struck[care], is_long() ? least_each * 8 : least_each) << "care " << care;
    }
}

TEST(StorageModel, SurvivesAPowerCutWhileItCompactsRestoresRefillsDropsAndFolds) {
    sweep_care(Kind::power_cut, 10001, 15);
}

TEST(StorageModel, SurvivesAFailedCallWhileItCompactsRestoresRefillsDropsAndFolds) {
    sweep_care(Kind::failed_not_done, 11001, 15);
    sweep_care(Kind::failed_done, 11101, 15);
}

TEST(StorageModel, SurvivesAFullDiskWhileItCompactsRestoresRefillsDropsAndFolds) {
    sweep_care(Kind::full, 12001, 5);
}

TEST(StorageModel, SurvivesAFailedSyncWhileItCompactsRestoresRefillsDropsAndFolds) {
    sweep_care(Kind::failed_sync, 13001, 5);
}

/// The test is tested: a log that forgets must be noticed.
TEST(StorageModel, NoticesALogThatForgets) {
    int noticed = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        ModelRun run(seed, 1);
        run.plant_a_forgetful_log();
        noticed += run.run(make_history(seed, 14), {}).empty() ? 0 : 1;
    }
    EXPECT_GE(noticed, 8);  // a short history may lose nothing that shows
}

/// The test is tested: the only log disk lost, or the only copy of the log rotten, must be noticed.
TEST(StorageModel, NoticesTheLossOfTheOnlyLog) {
    for (const After after : {After::log_disk_lost, After::rot_in_log}) {
        int noticed = 0;
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            ModelRun run(seed, 1);
            Mishap mishap{Kind::none, 0, seed};
            mishap.after = after;
            noticed += run.run(make_history(seed, 14), mishap).empty() ? 0 : 1;
        }
        EXPECT_GE(noticed, after == After::log_disk_lost ? 10 : 3);  // rot may strike what nobody needs
    }
}

rc::Gen<Step> any_step() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange<int>(0, int{kVerbs}), rc::gen::inRange<int>(1, int{kModelStores} + 1),
                       rc::gen::inRange<int>(0, 40), rc::gen::inRange<int>(0, 2000),
                       rc::gen::arbitrary<bool>()),
        [](const std::tuple<int, int, int, int, bool>& from) {
            return Step{static_cast<Verb>(std::get<0>(from)),
                        static_cast<std::uint32_t>(std::get<1>(from)),
                        static_cast<std::uint32_t>(std::get<2>(from)),
                        static_cast<std::uint32_t>(std::get<3>(from)),
                        std::get<4>(from),
                        {}};
        });
}

RC_GTEST_PROP(StorageModel, AnyHistorySurvivesARandomPowerCut, ()) {
    const auto history = *rc::gen::container<History>(any_step());
    const auto logs = static_cast<std::size_t>(*rc::gen::inRange<int>(1, 3));
    const auto disk = static_cast<std::size_t>(*rc::gen::inRange<int>(0, 2));
    const auto operation = static_cast<std::uint64_t>(*rc::gen::inRange<int>(1, 400));
    const auto again = static_cast<std::uint64_t>(*rc::gen::inRange<int>(0, 40));
    ModelRun run(static_cast<std::uint64_t>(*rc::gen::inRange<int>(1, 1000)), logs);
    Mishap mishap{Mishap::Kind::power_cut, disk, operation};
    mishap.in_recovery = Mishap::Kind::power_cut;
    mishap.again = again;

    const std::string problem = run.run(history, mishap);

    if (!problem.empty()) {
        RC_FAIL(problem);
    }
}

}  // namespace
}  // namespace firedrill::store
