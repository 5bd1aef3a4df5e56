// SimDisk: each fault of its fault model, one by one, and its costs.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "sim/seams/machine.h"

namespace firedrill::sim {
namespace {

class SimDiskTest : public ::testing::Test {
  protected:
    std::unique_ptr<File> open(std::string_view name) { return disk_->open(name, Open::any).value(); }
    /// A durable file of `size` bytes `fill`.
    std::unique_ptr<File> make(std::string_view name, std::size_t size, Byte fill) {
        auto file = open(name);
        EXPECT_TRUE(file->write_at(0, Bytes(size, fill)));
        EXPECT_TRUE(file->sync());
        EXPECT_TRUE(disk_->sync_names());
        return file;
    }
    Bytes read(File& file, std::uint64_t offset, std::size_t size) {
        Bytes out(size);
        out.resize(file.read_at(offset, out).value());
        return out;
    }
    void cycle_power() {
        disk_->power_loss();
        disk_->power_on();
    }
    const FaultRecord& record(std::uint32_t id) { return disk_->faults().at(id - 1); }

    Universe universe_{11};
    std::unique_ptr<SimDisk> disk_ = universe_.make_disk("main/node1/disk0");
};

TEST_F(SimDiskTest, PowerLossKeepsWhatIsSyncedAndMayDropOrTearTheRest) {
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        auto disk = SimDisk("d", universe_.loop, universe_.meter, Random(seed));
        auto file = disk.open("a", Open::create).value();
        ASSERT_TRUE(file->write_at(0, Bytes(1024, 'o')));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(disk.sync_names());
        ASSERT_TRUE(file->write_at(0, Bytes(512, 'n')));
        disk.power_loss();
        disk.power_on();

        const Bytes left = disk.peek("a").value();
        ASSERT_EQ(left.size(), 1024U);
        EXPECT_TRUE(std::all_of(left.begin() + 512, left.end(), [](Byte b) { return b == 'o'; }));
        const auto first = std::span(left).first(512);
        const bool is_old = std::all_of(first.begin(), first.end(), [](Byte b) { return b == 'o'; });
        const bool is_new = std::all_of(first.begin(), first.end(), [](Byte b) { return b == 'n'; });
        outcomes.insert(is_old ? "old" : is_new ? "new" : "torn");
    }
    EXPECT_EQ(outcomes, (std::set<std::string>{"new", "old", "torn"}));
}

TEST_F(SimDiskTest, AnUnsyncedFileCanEndAnywhereBetweenItsSizes) {
    std::set<std::size_t> sizes;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        auto disk = SimDisk("d", universe_.loop, universe_.meter, Random(seed));
        auto file = disk.open("a", Open::create).value();
        ASSERT_TRUE(disk.sync_names());
        ASSERT_TRUE(file->write_at(0, Bytes(2000, 'n')));
        disk.power_loss();
        sizes.insert(disk.peek("a").value().size());
    }
    EXPECT_TRUE(sizes.contains(0));
    EXPECT_TRUE(sizes.contains(2000));
    EXPECT_TRUE(sizes.contains(512) || sizes.contains(1024) || sizes.contains(1536));
}

TEST_F(SimDiskTest, ASectorAtAnUnsyncedEndIsNeverMixedOfTwoWrites) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        auto disk = SimDisk("d", universe_.loop, universe_.meter, Random(seed), {kSataSsd, 1 << 20, false});
        auto file = disk.open("a", Open::create).value();
        ASSERT_TRUE(file->write_at(0, Bytes(513, 'o')));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(disk.sync_names());
        ASSERT_TRUE(file->write_at(512, Bytes(512, '1')));
        ASSERT_TRUE(file->write_at(512, Bytes(512, '2')));
        disk.power_loss();

        const Bytes left = disk.peek("a").value();
        const std::string sector(left.begin() + 512, left.end());
        Bytes old(512, 0);
        old[0] = 'o';
        EXPECT_TRUE(sector.find_first_not_of('1') == std::string::npos ||
                    sector.find_first_not_of('2') == std::string::npos ||
                    equal(as_bytes(sector), ByteView(old).first(sector.size())))
            << seed;
    }
}

TEST_F(SimDiskTest, AnUnsyncedRenameLeavesTheOldTargetOrTheNewNeverNone) {
    std::set<Byte> seen;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        auto disk = SimDisk("d", universe_.loop, universe_.meter, Random(seed));
        auto old = disk.open("a", Open::create).value();
        ASSERT_TRUE(old->write_at(0, as_bytes("o")));
        ASSERT_TRUE(old->sync());
        ASSERT_TRUE(disk.sync_names());
        auto fresh = disk.open("a.new", Open::create).value();
        ASSERT_TRUE(fresh->write_at(0, as_bytes("n")));
        ASSERT_TRUE(fresh->sync());
        ASSERT_TRUE(disk.rename("a.new", "a"));
        disk.power_loss();

        ASSERT_TRUE(disk.peek("a").has_value());
        seen.insert(disk.peek("a")->front());
    }
    EXPECT_EQ(seen, (std::set<Byte>{'n', 'o'}));
}

TEST_F(SimDiskTest, WithoutPowerEverythingAnswersSoAndOldFilesStayDead) {
    auto file = make("a", 10, 'x');
    auto claim = disk_->claim("node1").value();
    disk_->power_loss();
    Byte byte = 0;

    EXPECT_EQ(disk_->open("a", Open::any).error().fault, Fault::powered_off);
    EXPECT_EQ(disk_->list().error().fault, Fault::powered_off);
    EXPECT_EQ(disk_->claim("x").error().fault, Fault::powered_off);
    EXPECT_EQ(disk_->free_space_bytes().error().fault, Fault::powered_off);
    disk_->power_on();
    EXPECT_EQ(file->read_at(0, {&byte, 1}).error().fault, Fault::powered_off);
    EXPECT_EQ(file->size_bytes().error().fault, Fault::powered_off);
    auto next = disk_->claim("node1 again");
    EXPECT_TRUE(next.is_ok());
    claim.reset();  // the dead owner's: it must not release the new one's
    EXPECT_EQ(disk_->claim("third").error().fault, Fault::in_use);
}

TEST_F(SimDiskTest, CutsPowerAtTheKthOperationAndTellsOnce) {
    int cuts = 0;
    disk_->on_power_cut = [&] { ++cuts; };
    auto file = make("a", 10, 'x');
    disk_->cut_power_after(3);
    const std::uint64_t before = disk_->operation_count();

    EXPECT_TRUE(file->write_at(0, as_bytes("1")));
    EXPECT_TRUE(file->write_at(1, as_bytes("2")));
    EXPECT_EQ(file->write_at(2, as_bytes("3")).error().fault, Fault::powered_off);
    EXPECT_EQ(file->sync().error().fault, Fault::powered_off);

    EXPECT_EQ(cuts, 1);
    EXPECT_EQ(disk_->operation_count(), before + 3);
    EXPECT_FALSE(disk_->is_powered());
}

TEST_F(SimDiskTest, TheWriteInWhichPowerGoesMayReachTheDisk) {
    std::set<Byte> seen;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        SimDisk disk("d", universe_.loop, universe_.meter, Random(seed));
        auto file = disk.open("a", Open::create).value();
        ASSERT_TRUE(file->write_at(0, as_bytes("o")));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(disk.sync_names());
        disk.cut_power_after(1);
        ASSERT_FALSE(file->write_at(0, as_bytes("n")).is_ok());
        seen.insert(disk.peek("a")->front());
    }
    EXPECT_TRUE(seen.contains('n'));
    EXPECT_TRUE(seen.contains('o'));
}

TEST_F(SimDiskTest, RottenBitsAreReadCountedAndHealedByOverwriting) {
    auto file = make("a", 1024, 0);
    const auto seen = disk_->rot_bit("a", 600, 3);
    const auto unseen = disk_->rot_bit("a", 3, 0);
    ASSERT_TRUE(seen && unseen);
    EXPECT_FALSE(disk_->rot_bit("a", 1024, 0));
    EXPECT_FALSE(disk_->rot_bit("none", 0, 0));

    EXPECT_EQ(read(*file, 600, 1), Bytes{8});
    EXPECT_EQ(record(*seen).read_count, 1U);
    EXPECT_EQ(record(*seen).pristine, Bytes{0});
    ASSERT_TRUE(file->write_at(0, Bytes(1024, 1)));
    ASSERT_TRUE(file->sync());

    EXPECT_EQ(read(*file, 600, 1), Bytes{1});
    EXPECT_EQ(record(*seen).end, FaultEnd::pending) << "somebody read it: the judges decide";
    EXPECT_EQ(record(*unseen).end, FaultEnd::harmless);
}

TEST_F(SimDiskTest, ABrokenSectorCannotBeReadOrPartlyWrittenUntilItIsWrittenAnew) {
    auto file = make("a", 2048, 'x');
    const auto id = disk_->break_sector("a", 700);
    Bytes out(2048);

    EXPECT_EQ(file->read_at(0, out).error().fault, Fault::disk_failed);
    EXPECT_EQ(read(*file, 0, 512).size(), 512U);
    EXPECT_EQ(read(*file, 1024, 512).size(), 512U);
    EXPECT_EQ(file->write_at(600, as_bytes("part")).error().fault, Fault::disk_failed);
    EXPECT_EQ(record(*id).read_count, 1U);
    EXPECT_TRUE(file->write_at(512, Bytes(512, 'y')));
    EXPECT_TRUE(file->sync());
    EXPECT_EQ(read(*file, 0, 2048).size(), 2048U);
}

TEST_F(SimDiskTest, CorruptionIsSeenAtOnceAndSurvivesPowerLoss) {
    auto file = make("a", 1024, 'x');
    ASSERT_TRUE(file->write_at(0, Bytes(512, 'p')));

    const auto id = disk_->corrupt("a", 510, as_bytes("????"));

    EXPECT_EQ(as_text(read(*file, 508, 8)), "pp????xx");
    EXPECT_EQ(as_text(record(*id).pristine), "ppxx");
    ASSERT_TRUE(file->sync());
    cycle_power();
    EXPECT_EQ(as_text(ByteView(*disk_->peek("a")).subspan(508, 8)), "pp????xx");
}

TEST_F(SimDiskTest, ALyingSyncLosesWhatItPromisedWhenPowerGoes) {
    auto file = make("a", 512, 'o');
    disk_->lie_about_syncs(true);
    bool is_lost = false;
    for (int i = 0; i < 50 && !is_lost; ++i) {
        file = open("a");
        ASSERT_TRUE(file->write_at(0, Bytes(512, 'n')));
        ASSERT_TRUE(file->sync());
        EXPECT_EQ(read(*file, 0, 1), Bytes{'n'});
        cycle_power();
        is_lost = disk_->peek("a")->front() != 'n';
        disk_->corrupt("a", 0, Bytes(512, 'o'));
    }
    EXPECT_TRUE(is_lost);
}

TEST_F(SimDiskTest, AfterAFailedSyncALaterGoodOneProvesNothing) {
    int lost = 0;
    int kept = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        SimDisk disk("d", universe_.loop, universe_.meter, Random(seed));
        auto file = disk.open("a", Open::create).value();
        ASSERT_TRUE(file->write_at(0, Bytes(512, 'o')));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(disk.sync_names());
        ASSERT_TRUE(file->write_at(0, Bytes(512, 'n')));
        disk.fail_next_sync("a");

        EXPECT_EQ(file->sync().error().fault, Fault::disk_failed);
        Byte byte = 0;
        ASSERT_TRUE(file->read_at(0, {&byte, 1}));
        EXPECT_EQ(byte, 'n') << "reads go on showing it";
        EXPECT_TRUE(file->sync());
        disk.power_loss();
        (disk.peek("a")->front() == 'o' ? lost : kept) += 1;
    }
    EXPECT_GT(lost, 0);
    EXPECT_GT(kept, 0);
}

TEST_F(SimDiskTest, ALostWriteLeavesOneOldSector) {
    auto file = make("a", 1024, 'o');
    const auto id = disk_->lose_next_write("a");
    ASSERT_TRUE(file->write_at(0, Bytes(1024, 'n')));
    EXPECT_FALSE(record(id).has_struck);
    ASSERT_TRUE(file->sync());

    EXPECT_TRUE(record(id).has_struck);
    EXPECT_EQ(read(*file, 0, 512), Bytes(512, 'o'));
    EXPECT_EQ(read(*file, 512, 512), Bytes(512, 'n'));
    EXPECT_EQ(record(id).read_count, 1U);
}

TEST_F(SimDiskTest, AMisdirectedWriteLandsElsewhere) {
    auto file = make("a", 4096, 'o');
    const auto id = disk_->misdirect_next_write("");
    ASSERT_TRUE(file->write_at(1024, Bytes(512, 'n')));
    ASSERT_TRUE(file->sync());

    EXPECT_EQ(read(*file, 1024, 512), Bytes(512, 'o'));
    EXPECT_EQ(read(*file, record(id).offset, 512), Bytes(512, 'n'));
    EXPECT_EQ(record(id).file, "a");
    EXPECT_EQ(record(id).pristine, Bytes(512, 'o'));
    EXPECT_GE(record(id).read_count, 2U);
    ASSERT_TRUE(file->write_at(1024, Bytes(512, 'n')));
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(record(id).end, FaultEnd::pending) << "the other place is still wrong";
}

TEST_F(SimDiskTest, AStaleReadShowsTheOldBytesOnce) {
    auto file = make("a", 512, 'o');
    const auto id = disk_->serve_stale_read("a");
    ASSERT_TRUE(file->write_at(0, Bytes(512, 'n')));
    ASSERT_TRUE(file->sync());

    EXPECT_EQ(read(*file, 0, 4), Bytes(4, 'o'));
    EXPECT_TRUE(record(id).has_struck);
    EXPECT_EQ(read(*file, 0, 4), Bytes(4, 'n'));
}

TEST_F(SimDiskTest, AShortReadReturnsLessThanThereIs) {
    auto file = make("a", 512, 'x');
    disk_->shorten_next_read("a");

    EXPECT_LT(read(*file, 0, 512).size(), 512U);
    EXPECT_EQ(read(*file, 0, 512).size(), 512U);
}

TEST_F(SimDiskTest, TheKthOperationFailsDoneOrNotDoneOnceOrForEver) {
    auto file = make("a", 1, 'o');
    disk_->fail_operation(2, CallOutcome::not_done, Times::once);
    EXPECT_TRUE(file->write_at(0, as_bytes("1")));
    EXPECT_EQ(file->write_at(0, as_bytes("2")).error().fault, Fault::disk_failed);
    EXPECT_EQ(read(*file, 0, 1), Bytes{'1'});

    disk_->fail_operation(1, CallOutcome::done, Times::once);
    EXPECT_EQ(file->write_at(0, as_bytes("3")).error().fault, Fault::disk_failed);
    EXPECT_EQ(read(*file, 0, 1), Bytes{'3'});

    disk_->fail_operation(1, CallOutcome::done, Times::once);
    EXPECT_EQ(disk_->open("b", Open::create).error().fault, Fault::disk_failed);
    EXPECT_EQ(disk_->open("b", Open::create).error().fault, Fault::exists);

    disk_->fail_operation(1, CallOutcome::not_done, Times::for_ever);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(disk_->list().error().fault, Fault::disk_failed);
    }
}

TEST_F(SimDiskTest, AFullDiskRefusesOrWritesAPrefixAndAllocatedSpaceIsSafe) {
    disk_->set_capacity(10'000);
    auto reserved = open("reserved");
    ASSERT_TRUE(reserved->allocate(6'000));
    EXPECT_EQ(disk_->free_space_bytes().value(), 4'000U);
    auto file = open("a");

    EXPECT_EQ(file->write_at(0, Bytes(5'000, 'x')).error().fault, Fault::disk_full);
    EXPECT_LE(file->size_bytes().value(), 4'000U);
    EXPECT_EQ(file->allocate(5'000).error().fault, Fault::disk_full);
    EXPECT_EQ(file->truncate(5'000).error().fault, Fault::disk_full);
    EXPECT_TRUE(file->truncate(4'000));
    EXPECT_TRUE(reserved->write_at(0, Bytes(6'000, 'r')));
    EXPECT_EQ(disk_->used_bytes(), 10'000U);
    EXPECT_TRUE(disk_->remove("a"));
    EXPECT_EQ(disk_->free_space_bytes().value(), 4'000U);
    EXPECT_TRUE(disk_->rename("reserved", "b"));
    EXPECT_EQ(disk_->used_bytes(), 6'000U);
}

TEST_F(SimDiskTest, ADeadDiskFailsEverythingAndANewOneTakesItsPlace) {
    auto file = make("a", 1, 'x');
    disk_->die();

    EXPECT_EQ(file->sync().error().fault, Fault::disk_failed);
    EXPECT_EQ(disk_->list().error().fault, Fault::disk_failed);
    EXPECT_EQ(disk_->claim("x").error().fault, Fault::disk_failed);
    disk_->replace();
    EXPECT_TRUE(disk_->list().value().empty());
}

TEST_F(SimDiskTest, AnImagePutBackIsWhatTheDiskHeldThen) {
    make("a", 512, 'o');
    const DiskImage image = disk_->image();
    auto file = open("a");
    ASSERT_TRUE(file->write_at(0, Bytes(512, 'n')));
    ASSERT_TRUE(file->sync());
    make("b", 1, 'b');
    cycle_power();

    disk_->put_back(image);

    EXPECT_EQ(disk_->list().value(), std::vector<std::string>{"a"});
    EXPECT_EQ(disk_->peek("a").value(), Bytes(512, 'o'));
    EXPECT_EQ(disk_->used_bytes(), 512U);
    EXPECT_EQ(disk_->faults().back().kind, FaultKind::swapped);
}

TEST_F(SimDiskTest, OperationsCostWhatTheDeviceTakes) {
    auto file = open("a");
    (void)universe_.meter.take();
    ASSERT_TRUE(file->write_at(0, Bytes(500'000, 'x')));
    EXPECT_EQ(universe_.meter.take(), kSataSsd.call);
    ASSERT_TRUE(file->sync());
    const Duration sync = universe_.meter.take();
    EXPECT_GE(sync, kSataSsd.access + 1ms);
    EXPECT_LE(sync, kSataSsd.access + 1100us);
    (void)read(*file, 0, 50'000);
    EXPECT_EQ(universe_.meter.take(), kSataSsd.access + 100us);

    disk_->set_slowness(10);
    disk_->stall(30s);
    ASSERT_TRUE(disk_->sync_names());
    EXPECT_EQ(universe_.meter.take(), 10 * kSataSsd.access + 30s);
    ASSERT_TRUE(disk_->sync_names());
    EXPECT_EQ(universe_.meter.take(), 10 * kSataSsd.access);
}

TEST_F(SimDiskTest, WritesBesideOneAnotherTakeAsLongAsTheSlowest) {
    SimDiskOptions slow;
    slow.model = kHardDisk;
    auto slow_disk = SimDisk("slow", universe_.loop, universe_.meter, Random(1), slow);
    auto far = slow_disk.open("a", Open::any).value();
    auto near = open("a");
    const Bytes sector(512, 'x');
    const ByteView piece(sector);
    universe_.meter.take();
    ASSERT_TRUE(far->write_durable(0, std::span(&piece, 1)));
    const Duration of_far = universe_.meter.take();
    ASSERT_TRUE(near->write_durable(0, std::span(&piece, 1)));
    const Duration of_near = universe_.meter.take();
    ASSERT_GT(of_far, of_near);
    ASSERT_GT(of_near, 0s);

    universe_.meter.add(5s);
    far->begin_write_durable(512, std::span(&piece, 1));
    ASSERT_TRUE(near->write_durable(512, std::span(&piece, 1)));
    ASSERT_TRUE(far->end_write_durable());
    EXPECT_EQ(universe_.meter.take(), 5s + of_far);

    near->begin_write_durable(1024, std::span(&piece, 1));
    ASSERT_TRUE(far->write_durable(1024, std::span(&piece, 1)));
    ASSERT_TRUE(near->end_write_durable());
    EXPECT_EQ(universe_.meter.take(), of_far);
    EXPECT_EQ(slow_disk.peek("a").value().size(), 1536U);
}

TEST_F(SimDiskTest, AWriteThatWasBegunTellsItsFailureWhenItIsWaitedFor) {
    auto file = open("a");
    const Bytes sector(512, 'x');
    const ByteView piece(sector);
    disk_->die();

    file->begin_write_durable(0, std::span(&piece, 1));

    EXPECT_EQ(file->end_write_durable().error().fault, Fault::disk_failed);
}

TEST_F(SimDiskTest, TheTapSeesEveryByteEverWrittenAlsoWhatNeverBecameDurable) {
    std::string seen;
    disk_->set_tap([&](std::string_view name, std::uint64_t offset, ByteView bytes) {
        seen += std::string(name) + "@" + std::to_string(offset) + "=" + std::string(as_text(bytes)) + " ";
    });
    auto file = open("a");
    const std::array<ByteView, 2> pieces{as_bytes("sec"), as_bytes("ret")};
    ASSERT_TRUE(file->write_at(7, pieces));
    ASSERT_TRUE(disk_->remove("a"));
    ASSERT_TRUE(file->write_at(0, as_bytes("freed")));
    cycle_power();

    EXPECT_EQ(seen, "a@7=secret a@0=freed ");
}

TEST_F(SimDiskTest, FaultsInFilesThatNobodyReadBeforeTheyWentAreHarmless) {
    make("a", 512, 'x');
    const auto id = disk_->rot_bit("a", 0, 0);
    ASSERT_TRUE(disk_->remove("a"));
    EXPECT_EQ(record(*id).end, FaultEnd::pending) << "the removal is not durable yet";
    ASSERT_TRUE(disk_->sync_names());
    EXPECT_EQ(record(*id).end, FaultEnd::harmless);
}

}  // namespace
}  // namespace firedrill::sim
