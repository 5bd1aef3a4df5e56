// The cover: a verified copy lets folded segments go; a word that does not agree with the log never does, and
// neither does a file about it that is rotten, old, or another's.
#include "cover_world.h"
#include "crypto/hash.h"
#include "store/page_store.h"
#include "store/restore.h"

namespace firedrill::store {
namespace {

struct CoverTest : CoverWorld {
    static std::size_t count(StoreWorld& world) { return segments(*world.logs[0]).size(); }
    static Inspection look(StoreWorld& world) {
        std::vector<Disk*> disks;
        world.data->power_on();
        for (const auto& log : world.logs) {
            log->power_on();
            disks.push_back(log.get());
        }
        auto found = inspect(*world.data, disks, true, {});
        EXPECT_TRUE(found) << found.error().text;
        return found ? std::move(*found) : Inspection{};
    }
    static void write_for_an_hour(StoreWorld& world) {
        for (int minute = 0; minute < 62; ++minute) {
            expect_ok(world.execute(kSecond, insert(minute, "kept in memory while it is used")));
            world.universe.loop.run_for(1min);
        }
    }
    static Status tell(StoreWorld& world, const Cover& said) {
        return world.wait([&](Storage::Done done) { world.storage->cover(said, std::move(done)); });
    }
};

TEST_F(CoverTest, AVerifiedCopyLetsFoldedSegmentsGoFromEveryDiskAndARestartRemembersIt) {
    StoreWorld& world = begin(2, 5);
    const auto copy = copy_of(world);
    const Lsn last = segments(*copy).back().first;

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);

    EXPECT_EQ(count(world), 1U);
    EXPECT_EQ(segments(*world.logs[0]), segments(*world.logs[1]));
    EXPECT_EQ(world.storage->health().log_begin, last);
    expect_ok(world.restart());
    ASSERT_TRUE(world.storage->health().cover.has_value());
    EXPECT_EQ(world.storage->health().cover->through, last - 1);
    EXPECT_EQ(world.storage->health().cover->where, "/mnt/copy");
    EXPECT_EQ(world.storage->health().log_begin, last);
    EXPECT_TRUE(world.storage->health().notes.empty());
    EXPECT_TRUE(warned().empty());
    EXPECT_FALSE(told.empty());
    expect_ok(world.unlock(kFirst));
    EXPECT_EQ(rows(world, kFirst), "5");
    world.machine->cut_power();
    EXPECT_TRUE(look(world).is_sound());
}

/// A store that is in use is not folded for as long as it stays small.
TEST_F(CoverTest, CoveringFoldsWhatIsInUse) {
    StoreWorld& world = begin(1, 0);
    write_for_an_hour(world);
    const auto copy = copy_of(world);
    ASSERT_EQ(count(world), 2U);
    ASSERT_GT(world.health(kSecond).unfolded_bytes, 0U);

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);

    EXPECT_EQ(count(world), 1U);
}

TEST_F(CoverTest, WithoutAWordNothingGoes) {
    StoreWorld& world = begin(1, 4);
    expect_ok(world.fold());
    const auto before = segments(*world.logs[0]);

    world.universe.loop.run_for(30min);

    EXPECT_EQ(segments(*world.logs[0]), before);
    EXPECT_FALSE(world.storage->health().cover.has_value());
}

TEST_F(CoverTest, SegmentsBeyondTheCopyStay) {
    StoreWorld& world = begin(1, 3);
    const auto copy = copy_of(world);
    write_hours(world, 3, 2);
    const auto before = segments(*world.logs[0]);
    ASSERT_EQ(before.size(), 6U);

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(10min);

    EXPECT_EQ(segments(*world.logs[0]), std::vector(before.begin() + 3, before.end()));
}

TEST_F(CoverTest, ANodeWhosePagesAreBehindKeepsTheSegments) {
    StoreWorld& world = begin(1, 0);
    expect_ok(world.execute(kSecond, insert(100, std::string(900'000, 'x'))));
    write_for_an_hour(world);
    const auto copy = copy_of(world);
    const auto before = segments(*world.logs[0]);
    ASSERT_EQ(before.size(), 2U);
    ASSERT_GT(world.health(kSecond).unfolded_bytes, 900'000U);
    // The page file must grow, and the data disk has room for little more than the cover itself.
    world.data->set_capacity(world.data->used_bytes() + (64U << 10));

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(5min);

    EXPECT_EQ(segments(*world.logs[0]), before);
    EXPECT_TRUE(world.storage->health().is_unfolded);
    world.data->set_capacity(1ULL << 40);
    world.universe.loop.run_for(5min);
    EXPECT_EQ(count(world), 1U);
}

TEST_F(CoverTest, ACloneWithAnotherHistoryDoesNotCount) {
    StoreWorld& world = begin(1, 3, 1);
    StoreWorld other(2, 1);
    expect_ok(other.create());
    expect_ok(other.unlock(kFirst));
    expect_ok(other.unlock(kSecond));
    write_hours(other, 0, 3);
    const auto copy = copy_of(other);
    const auto report = check(world, *copy);
    ASSERT_TRUE(report) << report.error().text;  // same node, same key, same LSNs: only the log can tell
    ASSERT_EQ(report->through, check(world, *copy_of(world))->through);

    const Status said = tell(world, word(*report));

    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().fault, Fault::refused);
    EXPECT_NE(said.error().text.find("two histories"), std::string::npos) << said.error().text;
    EXPECT_FALSE(world.storage->health().cover.has_value());
    EXPECT_EQ(count(world), 4U);
}

TEST_F(CoverTest, AWordThatDiffersInAnyPartIsRefused) {
    StoreWorld& world = begin(1, 4);
    const auto copy = copy_of(world);
    const Cover sound = word(*check(world, *copy));
    std::vector<Cover> wrong(6, sound);
    wrong[0].chain.bytes[31] ^= 1;
    wrong[1].timeline.bytes[0] ^= 1;
    wrong[2].through -= 1;
    wrong[3].through += 1;
    wrong[4].through = ~0ULL;
    wrong[5].through = segments(*copy)[1].first - 1;  // ends a segment, with another chain

    for (const Cover& each : wrong) {
        const Status said = tell(world, each);
        ASSERT_FALSE(said);
        EXPECT_EQ(said.error().fault, Fault::refused) << said.error().text;
    }
    Cover nowhere = sound;
    for (const std::string& where : {std::string(), std::string("a\nb"), std::string(1025, 'x')}) {
        nowhere.where = where;
        EXPECT_EQ(tell(world, nowhere).error().fault, Fault::bad_usage);
    }
    world.universe.loop.run_for(5min);
    EXPECT_EQ(count(world), 5U);
    EXPECT_FALSE(world.data->peek(kCoverFile).has_value());
    expect_ok(tell(world, sound));
}

TEST_F(CoverTest, ACopyThatEndsBeforeTheLogBeginsIsRefused) {
    StoreWorld& world = begin(1, 2);
    const auto old = copy_of(world);
    write_hours(world, 2, 2);
    const auto copy = copy_of(world);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    ASSERT_EQ(count(world), 1U);

    const Status said = cover(world, *old);

    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().fault, Fault::refused);
    EXPECT_NE(said.error().text.find("in neither"), std::string::npos) << said.error().text;
    expect_ok(cover(world, *copy));  // it ends where the log begins
}

TEST_F(CoverTest, ALaterCopyOfTheWholeLogLetsTheNextSegmentsGo) {
    StoreWorld& world = begin(2, 2);
    const auto copy = copy_of(world);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    ASSERT_EQ(count(world), 1U);
    write_hours(world, 2, 2);
    copy_files(*world.logs[0], *copy);

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);

    EXPECT_EQ(count(world), 1U);
    EXPECT_EQ(world.storage->health().log_begin, segments(*copy).back().first);
}

TEST_F(CoverTest, ACopyOfTheTimelineBeforeARestoreDoesNotCountBeyondIt) {
    StoreWorld& world = begin(1, 4);
    const auto copy = copy_of(world);
    const auto names = segments(*copy);
    world.machine->cut_power();
    world.logs[0]->power_on();
    auto data = world.universe.make_disk("data2");
    auto log = world.universe.make_disk("log2");
    Disk* source = world.logs[0].get();
    Disk* target = log.get();
    RestoreOptions how;
    how.until = names[2].first;  // within the third segment
    how.new_timeline.bytes.fill(0x44);
    ASSERT_TRUE(restore_from_log(std::span(&source, 1), *data, std::span(&target, 1), how));
    world.data = std::move(data);
    world.logs[0] = std::move(log);
    world.boot();
    expect_ok(world.open());
    world.universe.loop.run_for(61min);
    const std::size_t before = count(world);

    const Status said = cover(world, *copy);

    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().fault, Fault::refused);
    EXPECT_NE(said.error().text.find("only what is through LSN"), std::string::npos) << said.error().text;
    EXPECT_EQ(count(world), before);
    // A copy of the log as it is now counts, with the superseded segments still beside it.
    copy_files(*world.logs[0], *copy);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    EXPECT_EQ(count(world), 1U);
}

TEST_F(CoverTest, ASegmentThatRottedOnTheOnlyDiskStaysUntilItIsPutBack) {
    StoreWorld& world = begin(1, 4);
    const auto copy = copy_of(world);
    const auto names = segments(*copy);
    const std::string rotten = to_text(names[1]);
    const std::size_t size = world.logs[0]->peek(rotten)->size();
    ASSERT_TRUE(world.logs[0]->corrupt(rotten, size / 2, Bytes(600, 0xee)).has_value());

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(5min);

    EXPECT_EQ(segments(*world.logs[0]), std::vector(names.begin() + 1, names.end()));
    EXPECT_TRUE(has_note(world, rotten)) << "in status";
    ASSERT_EQ(warned().size(), 1U);
    EXPECT_NE(warned()[0].find("/mnt/copy"), std::string::npos) << warned()[0];
    ASSERT_TRUE(world.logs[0]->corrupt(rotten, 0, *copy->peek(rotten)).has_value());  // put back
    world.universe.loop.run_for(65min);
    EXPECT_LE(count(world), 2U);
    EXPECT_FALSE(has_note(world, rotten));
}

TEST_F(CoverTest, ASegmentThatRottedOnOneDiskGoesWhenTheOtherHasItRight) {
    StoreWorld& world = begin(2, 3);
    const auto copy = copy_of(world);
    const std::string rotten = to_text(segments(*copy)[0]);
    ASSERT_TRUE(world.logs[0]->corrupt(rotten, 6000, Bytes(600, 0xee)).has_value());

    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);

    EXPECT_EQ(count(world), 1U);
    EXPECT_TRUE(warned().empty());
}

/// Every byte of the file: it does not count, the start says so, nothing goes, and the next word mends it.
TEST_F(CoverTest, ARottenFileDoesNotCount) {
    StoreWorld& world = begin(1, 2);
    const auto copy = copy_of(world);
    expect_ok(world.restart());  // nobody uses the stores, so that they are folded soon
    expect_ok(cover(world, *copy));
    world.machine->cut_power();
    world.data->power_on();
    const Bytes sound = *world.data->peek(kCoverFile);
    const auto before = segments(*world.logs[0]);
    for (std::size_t at = 0; at < sound.size(); ++at) {
        Bytes changed = sound;
        changed[at] ^= static_cast<Byte>(1U << (at % 8));
        world.data->power_on();
        expect_ok(replace_file(*world.data, kCoverFile, changed));
        world.boot();
        expect_ok(world.open());

        ASSERT_FALSE(world.storage->health().cover.has_value()) << at;
        ASSERT_TRUE(has_note(world, "does not count")) << at;
        if (at == 40) {
            world.universe.loop.run_for(10min);
            EXPECT_EQ(segments(*world.logs[0]), before);
        }
        world.machine->cut_power();
    }
    world.boot();
    expect_ok(world.open());
    expect_ok(cover(world, *copy));
    EXPECT_FALSE(has_note(world, "does not count"));
    world.universe.loop.run_for(2min);
    EXPECT_EQ(count(world), 1U);
}

TEST_F(CoverTest, AFileOfAnotherNodeOrOfAnotherHistoryDoesNotCount) {
    StoreWorld& world = begin(1, 3);
    const auto copy = copy_of(world);
    const Cover sound = word(*check(world, *copy));
    world.machine->cut_power();
    const auto before = segments(*world.logs[0]);
    NodeId mine;
    mine.bytes.fill(0x11);
    NodeId other;
    other.bytes.fill(0x12);
    Cover of_other_history = sound;
    of_other_history.chain.bytes[0] ^= 1;
    const std::vector<std::pair<NodeId, Cover>> files{{other, sound}, {mine, of_other_history}};
    for (const auto& [node, said] : files) {
        world.data->power_on();
        expect_ok(write_cover(*world.data, node, said));
        world.boot();
        expect_ok(world.open());
        expect_ok(world.fold());

        world.universe.loop.run_for(10min);

        EXPECT_FALSE(world.storage->health().cover.has_value());
        EXPECT_TRUE(has_note(world, "does not count"));
        EXPECT_EQ(segments(*world.logs[0]), before);
        world.machine->cut_power();
    }
    world.data->power_on();
    expect_ok(write_cover(*world.data, mine, sound));
    world.boot();
    expect_ok(world.open());
    expect_ok(world.fold());
    world.universe.loop.run_for(10min);
    EXPECT_EQ(count(world), 1U);  // the same file of this node's own history counts
}

TEST_F(CoverTest, AnOlderFilePutBackLetsNothingGo) {
    StoreWorld& world = begin(1, 2);
    auto copy = copy_of(world);
    expect_ok(cover(world, *copy));
    const Bytes old = *world.data->peek(kCoverFile);
    write_hours(world, 2, 2);
    copy_files(*world.logs[0], *copy);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    write_hours(world, 4, 2);
    world.machine->cut_power();
    const auto before = segments(*world.logs[0]);
    world.data->power_on();
    expect_ok(replace_file(*world.data, kCoverFile, old));
    world.boot();
    expect_ok(world.open());
    expect_ok(world.fold());

    world.universe.loop.run_for(10min);

    EXPECT_EQ(segments(*world.logs[0]), before);
    EXPECT_FALSE(world.storage->health().cover.has_value());
    EXPECT_TRUE(has_note(world, "does not count"));
}

/// The worked example of docs/formats/log_cover.md, byte for byte.
TEST_F(CoverTest, TheFileIsWhatItsFormatSays) {
    sim::Universe universe(1);
    const auto disk = universe.make_disk("data");
    NodeId node;
    node.bytes.fill(0x11);
    Cover said{test_timeline(), 9, {}, WallTime{1'790'000'000'000'000'000}, "/mnt/copy"};
    said.chain.bytes.fill(0xc0);

    expect_ok(write_cover(*disk, node, said));

    Bytes expected;
    Writer out(expected);
    out.bytes(as_bytes("FDLOGCOV"));
    out.u16(1);
    out.u16(1);
    out.u32(0);
    out.bytes(Bytes(16, 0x11));
    out.bytes(Bytes(16, 0x71));
    out.u64(9);
    out.bytes(Bytes(32, 0xc0));
    out.bytes(*from_hex("0000f323845bd718"));
    out.u32(9);
    out.bytes(as_bytes("/mnt/copy"));
    append(expected, crypto::sha256(expected).view());
    EXPECT_EQ(expected.size(), 141U);
    EXPECT_EQ(*disk->peek(kCoverFile), expected);
    EXPECT_EQ(*read_cover(*disk, node), said);
    for (std::size_t size = 0; size < expected.size(); ++size) {
        expect_ok(replace_file(*disk, kCoverFile, ByteView(expected).first(size)));
        EXPECT_EQ(read_cover(*disk, node).error().fault, Fault::damaged) << size;
    }
}

TEST_F(CoverTest, AFileOfANewerProgramDoesNotCountAndSaysSo) {
    StoreWorld& world = begin(1, 1);
    const auto copy = copy_of(world);
    expect_ok(cover(world, *copy));
    Bytes newer = *world.data->peek(kCoverFile);
    newer[8] = 2;
    newer[10] = 2;
    newer.resize(newer.size() - 32);
    append(newer, crypto::sha256(newer).view());
    expect_ok(replace_file(*world.data, kCoverFile, newer));

    expect_ok(world.restart());

    EXPECT_FALSE(world.storage->health().cover.has_value());
    EXPECT_TRUE(has_note(world, "upgrade the program"));
}

TEST_F(CoverTest, AWordThatCannotBeWrittenDownIsRefused) {
    StoreWorld& world = begin(1, 2);
    const auto copy = copy_of(world);
    expect_ok(world.fold());
    world.data->set_capacity(world.data->used_bytes());

    const Status said = cover(world, *copy);

    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().fault, Fault::disk_full) << said.error().text;
    EXPECT_FALSE(world.storage->health().cover.has_value());
    world.universe.loop.run_for(5min);
    EXPECT_EQ(count(world), 3U);
}

/// Power goes at every operation of covering and removing, on the data disk and on a log disk.
TEST_F(CoverTest, APowerCutAtAnyOperationLosesNothing) {
    std::uint64_t points = 0;
    std::size_t covered = 0;
    for (std::size_t struck = 0; struck < 2; ++struck) {
        for (std::uint64_t k = 1; k < 400; ++k) {
            StoreWorld& world = begin(2, 2, 1000 * k + struck);
            const auto copy = copy_of(world);
            const Cover said = word(*check(world, *copy));
            sim::SimDisk& disk = struck == 0 ? *world.data : *world.logs[0];
            disk.cut_power_after(k);
            disk.on_power_cut = [&world] { world.machine->cut_power(); };
            const Status answer = tell(world, said);
            world.universe.loop.run_for(2min);
            const bool is_cut = !world.machine->is_on();
            disk.cut_power_after(0);
            disk.on_power_cut = nullptr;
            if (!is_cut) {
                world.machine->cut_power();
            }
            ++points;
            const Inspection found = look(world);
            // A torn slot of log.members is for the start to write again; nothing else is to be mended.
            ASSERT_TRUE(found.is_sound() ||
                        (found.soundness == Soundness::repairable && found.log.notes.size() == 1 &&
                         found.log.notes[0].find("of the two slots") != std::string::npos))
                << struck << " " << k;
            world.boot();
            const Status opened = world.open();
            ASSERT_TRUE(opened) << struck << " " << k << ": " << opened.error().text;
            ASSERT_TRUE(world.storage->health().notes.empty()) << world.storage->health().notes.front();
            const bool has_cover = world.storage->health().cover.has_value();
            ASSERT_TRUE(has_cover || !answer) << "an answered word was lost: " << struck << " " << k;
            covered += has_cover ? 1 : 0;
            ASSERT_TRUE(world.unlock(kFirst));
            ASSERT_EQ(rows(world, kFirst), "2");
            ASSERT_TRUE(world.unlock(kSecond));
            ASSERT_EQ(rows(world, kSecond), "2");
            if (!is_cut) {
                break;
            }
        }
    }
    RecordProperty("crash_points", std::to_string(points));
    RecordProperty("histories", "2");
    EXPECT_GT(points, 40U);
    EXPECT_GT(covered, 10U);
    EXPECT_GT(points - covered, 4U);
}

TEST_F(CoverTest, TheCopyAndWhatIsLeftBringEverythingBack) {
    StoreWorld& world = begin(2, 4);
    const auto copy = copy_of(world);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    ASSERT_EQ(count(world), 1U);
    write_hours(world, 50, 2);
    expect_ok(world.execute(kFirst, insert(90, "newest")));
    world.machine->cut_power();
    world.logs[0]->power_on();
    auto data = world.universe.make_disk("data2");
    auto log = world.universe.make_disk("log2");
    std::vector<Disk*> sources{copy.get(), world.logs[0].get()};
    Disk* target = log.get();
    RestoreOptions how;
    how.new_timeline.bytes.fill(0x44);

    const auto restored = restore_from_log(sources, *data, std::span(&target, 1), how);

    ASSERT_TRUE(restored) << restored.error().text;
    world.data = std::move(data);
    world.logs.clear();
    world.logs.push_back(std::move(log));
    world.boot();
    expect_ok(world.open());
    EXPECT_EQ(world.storage->health().log_begin, 1U);  // whole again
    EXPECT_FALSE(world.storage->health().cover.has_value());
    for (const StoreId store : {kFirst, kSecond}) {
        KeyRing ring = test_ring(store);
        ring.push_back({2, how.new_timeline, crypto::Secret(ring.back().key.view())});
        expect_ok(world.unlock_with(store, std::move(ring)));
    }
    EXPECT_EQ(rows(world, kFirst), "7");
    EXPECT_EQ(rows(world, kSecond), "6");
    expect_ok(world.read(kFirst, check_integrity));
}

TEST_F(CoverTest, AMirrorThatComesBackAfterSegmentsWentIsFilledWithoutThem) {
    StoreWorld& world = begin(2, 3);
    const auto copy = copy_of(world);
    (void)world.logs[1]->fail_operation(1, sim::CallOutcome::not_done, sim::Times::for_ever);
    expect_ok(world.execute(kFirst, insert(40, "one disk")));
    ASSERT_TRUE(world.storage->health().is_degraded);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    const auto left = segments(*world.logs[0]);
    ASSERT_LT(left.size(), 4U);
    ASSERT_GT(segments(*world.logs[1]).size(), left.size());  // stale

    world.logs[1]->disarm();
    world.universe.loop.run_for(20min);

    EXPECT_FALSE(world.storage->health().is_degraded);
    EXPECT_EQ(segments(*world.logs[1]), segments(*world.logs[0]));
    world.machine->cut_power();
    EXPECT_TRUE(look(world).is_sound());
}

TEST_F(CoverTest, AStoreIsNotTakenBackBeyondTheLogsBeginning) {
    StoreWorld& world = begin(1, 3);
    const auto copy = copy_of(world);
    expect_ok(cover(world, *copy));
    world.universe.loop.run_for(2min);
    ASSERT_EQ(count(world), 1U);
    expect_ok(world.lock(kFirst));
    std::optional<Result<StoreRestorePlan>> plan;

    world.storage->restore_store(kFirst, {3, std::nullopt}, RestoreMode::plan,
                                 [&](Result<StoreRestorePlan> made_plan) { plan = std::move(made_plan); });
    world.universe.loop.run_until([&] { return plan.has_value(); });

    ASSERT_FALSE(*plan);
    EXPECT_EQ(plan->error().fault, Fault::unavailable) << plan->error().text;
    EXPECT_NE(plan->error().text.find("no longer has any"), std::string::npos) << plan->error().text;
}

}  // namespace
}  // namespace firedrill::store
