// What inspection says must be what a start does: sound means that it starts as it is, repairable that a
// start or a scrub makes it whole, damaged that a person must act.
#include <gtest/gtest.h>

#include "store/data_folder.h"
#include "store/log_format.h"
#include "store/log_members.h"
#include "store/restore.h"
#include "store_fixture.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

struct Inspecting : StoreFixture {
    /// A stopped node with one store, everything folded, two closed segments and an open one.
    StoreWorld& begin(std::size_t count) {
        StoreWorld& world = made.emplace(1, count);
        EXPECT_TRUE(world.create());
        EXPECT_TRUE(world.unlock(kFirst));
        for (int hour = 0; hour < 3; ++hour) {
            EXPECT_TRUE(
                world.execute(kFirst, fmt::format("INSERT INTO note (id, body) VALUES ({}, 'n')", hour)));
            if (hour < 2) {
                world.universe.loop.run_for(61min);
            }
        }
        EXPECT_TRUE(world.fold());
        stop();
        return world;
    }
    static bool has_note(const Inspection& seen, std::string_view part) {
        return mentions(seen.log.notes, part);
    }
    static void remove(sim::SimDisk& disk, const std::string& name) {
        ASSERT_TRUE(disk.remove(name)) << name;
        ASSERT_TRUE(disk.sync_names());
    }
};

TEST_F(Inspecting, ASoundNodeHasNoNotes) {
    begin(2);

    const Inspection seen = look();

    EXPECT_EQ(seen.soundness, Soundness::sound);
    EXPECT_TRUE(seen.log.notes.empty());
    EXPECT_EQ(segment_files(*made->logs[0]).size(), 3U);
}

TEST_F(Inspecting, RottenKeySlotsOfTheFolderAreRepairableAndTheNextStartRepairsThem) {
    StoreWorld& world = begin(1);
    ASSERT_TRUE(world.data->corrupt("node.slots", 1, Bytes(2, 0xee)));

    const Inspection seen = look();

    EXPECT_EQ(seen.soundness, Soundness::repairable);
    EXPECT_TRUE(has_note(seen, "node.slots"));
    ASSERT_TRUE(world.open());
    stop();
    EXPECT_EQ(look().soundness, Soundness::sound);
}

TEST_F(Inspecting, MissingKeySlotsOfTheFolderAreRepairable) {
    StoreWorld& world = begin(1);
    remove(*world.data, "node.slots");

    EXPECT_EQ(look().soundness, Soundness::repairable);
    const auto logged = read_logged_slots(*world.data, logs);
    ASSERT_TRUE(logged) << logged.error().text;
    EXPECT_EQ(as_text(*logged), "slots");
}

TEST_F(Inspecting, KeySlotsThatWereSetSinceTheSegmentWasBegunAreTheNewest) {
    StoreWorld& world = begin(2);
    ASSERT_TRUE(world.open());
    for (const std::string_view text : {"second slots", "third slots"}) {
        const Status set = world.wait([&](Storage::Done done) {
            world.storage->set_node_slots(Bytes(text.begin(), text.end()), std::move(done));
        });
        ASSERT_TRUE(set) << set.error().text;
    }
    stop();
    remove(*world.data, "node.slots");

    EXPECT_EQ(as_text(read_logged_slots(*world.data, logs).value()), "third slots");
    const std::string open_segment = segment_files(*world.logs[0]).back();
    ASSERT_TRUE(
        world.logs[0]->corrupt(open_segment, world.logs[0]->peek(open_segment)->size() - 40, Bytes(40, 1)));
    EXPECT_EQ(as_text(read_logged_slots(*world.data, logs).value()), "third slots") << "from the mirror";
}

TEST_F(Inspecting, KeySlotsAreTakenFromNoSegmentWhoseCopyIsRotten) {
    StoreWorld& world = begin(2);
    for (const std::string& name : segment_files(*world.logs[0])) {
        ASSERT_TRUE(world.logs[0]->corrupt(name, kSegmentHeaderSize, Bytes(3, 0xee)));
    }
    ASSERT_EQ(as_text(read_logged_slots(*world.data, logs).value()), "slots") << "from the mirror";
    for (const std::string& name : segment_files(*world.logs[1])) {
        ASSERT_TRUE(world.logs[1]->corrupt(name, kSegmentHeaderSize, Bytes(3, 0xee)));
    }

    EXPECT_EQ(read_logged_slots(*world.data, logs).error().fault, Fault::not_found);
}

TEST_F(Inspecting, WithoutProofThatTheLogIsTheNewestItIsDamageBecauseAStartRefuses) {
    StoreWorld& world = begin(2);
    const Lsn last = look().log.last;
    remove(*world.data, std::string(kMembershipFile));
    remove(*world.logs[1], std::string(kMembershipFile));  // one copy is not enough

    const Inspection seen = look();

    EXPECT_EQ(seen.soundness, Soundness::damaged);
    EXPECT_TRUE(has_note(seen, fmt::format("--accept-loss-after {}", last)));
    EXPECT_EQ(world.open().error().fault, Fault::refused);
    world.accept_loss_after = last;
    ASSERT_TRUE(world.open());
    ASSERT_TRUE(world.unlock(kFirst));
    EXPECT_EQ(world.query(kFirst, "SELECT count(*) FROM note"), "3");
}

TEST_F(Inspecting, LogDisksThatAllLostTheirNamesAreDamageBecauseAStartRefuses) {
    StoreWorld& world = begin(2);
    remove(*world.logs[0], std::string(kLogDiskFile));
    EXPECT_EQ(look().soundness, Soundness::repairable) << "one of them is filled up by the next start";
    remove(*world.logs[1], std::string(kLogDiskFile));

    EXPECT_EQ(look().soundness, Soundness::damaged);
    const Status opened = world.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().fault, Fault::refused);
    EXPECT_NE(opened.error().text.find("log.disk"), std::string::npos) << opened.error().text;
}

TEST_F(Inspecting, ALostCloseMarkOfTheOnlyCopyIsSaidAndMadeAnewByAScrubOrAStart) {
    StoreWorld& world = begin(1);
    const std::string name = segment_files(*world.logs[0]).front();
    const std::uint64_t size = world.logs[0]->peek(name)->size();
    ASSERT_TRUE(world.logs[0]->corrupt(name, size - 1, Bytes(1, 0xee)));

    const Inspection seen = look();

    EXPECT_EQ(seen.soundness, Soundness::repairable);
    EXPECT_TRUE(has_note(seen, name));
    ASSERT_TRUE(world.open());
    stop();
    EXPECT_EQ(look().soundness, Soundness::sound);
}

TEST_F(Inspecting, NoWayOutIsNamedThatIsNone) {
    StoreWorld& world = begin(1);
    ASSERT_TRUE(
        world.logs[0]->corrupt(segment_files(*world.logs[0]).front(), kSegmentHeaderSize, Bytes(3, 0xee)));

    const Inspection seen = look();

    ASSERT_TRUE(seen.log_damage.has_value());
    EXPECT_EQ(seen.log_damage->text.find("--accept-loss-after 0"), std::string::npos)
        << seen.log_damage->text;
}

}  // namespace
}  // namespace firedrill::store
