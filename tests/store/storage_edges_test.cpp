// Edges of Storage: who waits when the log fails, and what goes on beside what.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "store/log_format.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

/// A data folder's document of version `version`, and what a start says of it.
Error start_with_marker(std::uint32_t version, bool is_digest_right) {
    StoreWorld world(1, 1);
    EXPECT_TRUE(world.create());
    world.machine->cut_power();
    world.data->power_on();
    Bytes document = *world.data->peek("firedrill.node");
    store_u32(document.data() + 8, version);
    if (is_digest_right) {
        const ByteView body = ByteView(document).first(document.size() - 32);
        const Digest digest = crypto::sha256(body);
        std::copy(digest.bytes.begin(), digest.bytes.end(), document.end() - 32);
    }
    EXPECT_TRUE(replace_file(*world.data, "firedrill.node", document));
    world.boot();
    const Status opened = world.open();
    return opened ? Error{Fault::internal, "it starts"} : opened.error();
}

struct StorageEdges : testing::Test {
    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
};

TEST_F(StorageEdges, WhoeverWaitsIsToldWhenTheLogFails) {
    StoreWorld world(1, 1);
    expect_ok(world.create());
    for (std::uint32_t number = 1; number <= 3; ++number) {
        expect_ok(world.unlock(store_id(number)));
    }
    std::vector<Fault> told;
    (void)world.logs[0]->fail_next_sync("");
    for (std::uint32_t number = 1; number <= 3; ++number) {
        for (const Access access : {Access::write, Access::read}) {
            world.storage->transact(
                store_id(number), access,
                [access](Database& database) {
                    return access == Access::write ? database.execute("INSERT INTO note VALUES (1, 'x')")
                                                   : database.execute("SELECT count(*) FROM note");
                },
                [&told](const Status& status) {
                    told.push_back(status ? Fault::internal : status.error().fault);
                });
        }
    }

    world.universe.loop.run_for(1min);

    EXPECT_EQ(told, std::vector<Fault>(6, Fault::disk_failed));
    EXPECT_TRUE(world.fatal.has_value());
}

TEST_F(StorageEdges, ARottenVersionOfADataFolderIsMendedFromTheLogAndNotANewerProgramsWork) {
    EXPECT_EQ(start_with_marker(2, true).fault, Fault::newer_format);
    EXPECT_EQ(start_with_marker(2, false).fault,
              Fault::internal);  // it starts: the log disks say whose it is
    EXPECT_EQ(start_with_marker(1, true).fault, Fault::internal);
}

TEST_F(StorageEdges, NoSegmentGoesWhileADiskIsFilled) {
    StoreWorld world(1, 2);
    bool is_covered = false;
    world.covered = [&is_covered](const SegmentName&) { return is_covered; };
    expect_ok(world.create());
    expect_ok(world.unlock(store_id(1)));
    for (int hour = 0; hour < 4; ++hour) {
        expect_ok(world.execute(store_id(1), fmt::format("INSERT INTO note VALUES ({}, 'x')", hour)));
        world.universe.loop.run_for(61min);
    }
    expect_ok(world.fold());
    (void)world.logs[1]->fail_next_sync("");
    expect_ok(world.execute(store_id(1), "INSERT INTO note VALUES (100, 'x')"));
    world.logs[1]->set_slowness(200000);
    const auto segments = [](const sim::SimDisk& disk) {
        const std::vector<std::string> names = disk.peek_names();
        return std::count_if(names.begin(), names.end(),
                             [](const auto& name) { return parse_segment_name(name); });
    };
    // A disk that is filled gets a new id before anything else.
    const auto id_before = world.logs[1]->peek("log.disk");
    const auto is_filling = [&] { return world.logs[1]->peek("log.disk") != id_before; };
    for (int second = 0; second < 600 && !is_filling(); ++second) {
        world.universe.loop.run_for(1s);
    }
    ASSERT_TRUE(is_filling());
    const auto before = segments(*world.logs[0]);
    is_covered = true;

    int seconds = 0;
    for (; seconds < 3600 && world.storage->health().is_degraded; ++seconds) {
        EXPECT_EQ(segments(*world.logs[0]), before) << "after " << seconds << " s";
        world.universe.loop.run_for(1s);
    }

    EXPECT_GT(seconds, 150);  // two ticks at least
    EXPECT_FALSE(world.storage->health().is_degraded);
    world.logs[1]->set_slowness(1);
    world.universe.loop.run_for(5min);
    EXPECT_EQ(segments(*world.logs[0]), 1);
    EXPECT_EQ(segments(*world.logs[1]), 1);
}

/// Two log disks with three closed segments, of which the second is out of service.
void lose_a_disk(StoreWorld& world) {
    EXPECT_TRUE(world.create());
    EXPECT_TRUE(world.unlock(store_id(1)));
    for (int hour = 0; hour < 3; ++hour) {
        EXPECT_TRUE(world.execute(store_id(1), fmt::format("INSERT INTO note VALUES ({}, 'x')", hour)));
        world.universe.loop.run_for(61min);
    }
    (void)world.logs[1]->fail_next_sync("");
    EXPECT_TRUE(world.execute(store_id(1), "INSERT INTO note VALUES (100, 'x')"));
    EXPECT_TRUE(world.storage->health().is_degraded);
}

TEST_F(StorageEdges, ADiskWhoseSegmentIsWorseThanTheRottenOneThatServesGetsThatOne) {
    StoreWorld world(1, 2);
    lose_a_disk(world);
    const std::string oldest = [&] {
        const std::vector<std::string> names = world.logs[0]->peek_names();
        return *std::find_if(names.begin(), names.end(),
                             [](const auto& name) { return parse_segment_name(name); });
    }();
    (void)world.logs[0]->corrupt(oldest, 1500, Bytes(100, 0xee));
    {
        const auto file = world.logs[1]->open(oldest, Open::existing);
        ASSERT_TRUE(file);
        expect_ok((*file)->truncate((*file)->size_bytes().value() / 2));
    }

    world.universe.loop.run_for(10min);

    EXPECT_FALSE(world.storage->health().is_degraded);
    EXPECT_EQ(world.logs[1]->peek(oldest), world.logs[0]->peek(oldest));
}

TEST_F(StorageEdges, WhatAFillingThatBrokeOffLeftIsRemovedByTheNext) {
    StoreWorld world(1, 2);
    lose_a_disk(world);
    expect_ok(replace_file(*world.logs[1], "half", Bytes(100)));
    expect_ok(world.logs[1]->rename("half", "half.new"));

    world.universe.loop.run_for(10min);

    EXPECT_FALSE(world.storage->health().is_degraded);
    EXPECT_FALSE(world.logs[1]->peek("half.new").has_value());
}

// A round takes longer than a tick here: it has listed what then goes.
TEST_F(StorageEdges, AScrubRoundHalfWayThroughForgetsSegmentsThatGo) {
    StoreWorld world(1, 2);
    bool is_covered = false;
    world.covered = [&is_covered](const SegmentName&) { return is_covered; };
    world.scrub_period = 24h;
    expect_ok(world.create());
    expect_ok(world.unlock(store_id(1)));
    for (int hour = 0; hour < 3; ++hour) {
        for (int i = 0; i < 6; ++i) {
            expect_ok(world.execute(
                store_id(1),
                fmt::format("INSERT INTO note VALUES ({}, printf('%.60000c', 'x'))", hour * 10 + i)));
        }
        world.universe.loop.run_for(61min);
    }
    expect_ok(world.restart());
    expect_ok(world.unlock(store_id(1)));
    expect_ok(world.fold());
    world.universe.loop.run_for(1min + 5s);
    ASSERT_EQ(world.storage->health().scrub.log_rounds, 0U);
    ASSERT_GT(world.storage->health().scrub.log_bytes, 0U);
    is_covered = true;

    world.universe.loop.run_for(3h);

    EXPECT_EQ(world.storage->health().scrub.found, 0U);
    EXPECT_EQ(world.storage->health().scrub.not_repairable, 0U);
    EXPECT_GE(world.storage->health().scrub.log_rounds, 1U);
}

/// Rows of a store before and after `kept`, and the store locked.
struct Past {
    Lsn kept = 0;
};
Past make_past(StoreWorld& world) {
    const auto fill = [&world](char letter) {
        const Status filled = world.write(store_id(1), [letter](Database& database) -> Status {
            for (int id = 1; id <= 80; ++id) {
                auto row = TRY(database.prepare("INSERT OR REPLACE INTO note (id, body) VALUES (?1, ?2)"));
                TRY(row.bind(1, id).bind(2, std::string_view(std::string(900, letter))).run());
            }
            return {};
        });
        EXPECT_TRUE(filled) << filled.error().text;
    };
    EXPECT_TRUE(world.create());
    EXPECT_TRUE(world.unlock(store_id(1)));
    fill('a');
    const Past past{world.storage->health().durable};
    fill('b');
    return past;
}

TEST_F(StorageEdges, WhoSignsInBetweenThePartsOfARestoreFindsAllOfIt) {
    StoreWorld world(1, 1);
    world.restore_part_pages = 4;
    const Past past = make_past(world);
    expect_ok(world.lock(store_id(1)));
    std::vector<std::string> order;
    bool has_signed_in = false;
    world.storage->restore_store(
        store_id(1), {past.kept, {}}, RestoreMode::go,
        [&](const RestoreProgress& progress) {
            if (progress.step == RestoreStep::recording && !std::exchange(has_signed_in, true)) {
                world.storage->unlock(store_id(1), test_ring(store_id(1)), kNotes, [&](const Status& status) {
                    order.emplace_back(status ? "in" : "not in");
                });
            }
        },
        [&](const Result<StoreRestorePlan>& plan) {
            order.emplace_back(plan ? "restored" : plan.error().text);
        });

    world.run_until([&] { return order.size() == 2; });

    EXPECT_TRUE(has_signed_in);
    EXPECT_EQ(order, (std::vector<std::string>{"restored", "in"}));
    EXPECT_EQ(world.query(store_id(1), "SELECT group_concat(DISTINCT substr(body, 1, 1)) FROM note"), "a");
    expect_ok(world.read(store_id(1), check_integrity));
}

TEST_F(StorageEdges, ARestoreReadsNoFurtherOnceTheLogFailed) {
    StoreWorld world(1, 1);
    const Past past = make_past(world);
    expect_ok(world.unlock(store_id(2)));
    for (int hour = 0; hour < 12; ++hour) {
        expect_ok(world.execute(store_id(2), fmt::format("INSERT INTO note VALUES ({}, 'x')", hour)));
        world.universe.loop.run_for(61min);
    }
    expect_ok(world.lock(store_id(1)));
    int told = 0;
    int told_late = 0;
    std::optional<Fault> answer;
    world.storage->restore_store(
        store_id(1), {past.kept, {}}, RestoreMode::go,
        [&](const RestoreProgress&) {
            told_late += world.fatal ? 1 : 0;
            if (++told == 1) {
                (void)world.logs[0]->fail_next_sync("");
                world.storage->transact(
                    store_id(2), Access::write,
                    [](Database& database) { return database.execute("DELETE FROM note"); },
                    [](const Status&) {});
            }
        },
        [&](const Result<StoreRestorePlan>& plan) { answer = plan ? Fault::internal : plan.error().fault; });

    world.run_until([&] { return answer.has_value(); });

    EXPECT_EQ(answer, Fault::disk_failed);
    EXPECT_GE(told, 1);
    EXPECT_LE(told, 10);
    EXPECT_EQ(told_late, 0);
}

TEST_F(StorageEdges, NoSegmentGoesWhileARestoreReadsTheLog) {
    StoreWorld world(1, 1);
    bool is_covered = false;
    world.covered = [&is_covered](const SegmentName&) { return is_covered; };
    const Past past = make_past(world);
    expect_ok(world.unlock(store_id(2)));
    for (int hour = 0; hour < 5; ++hour) {
        expect_ok(world.execute(store_id(2), fmt::format("INSERT INTO note VALUES ({}, 'x')", hour)));
        world.universe.loop.run_for(61min);
    }
    expect_ok(world.lock(store_id(1)));
    expect_ok(world.fold());
    world.logs[0]->set_slowness(200000);
    std::optional<std::string> answer;
    world.storage->restore_store(
        store_id(1), {past.kept, {}}, RestoreMode::go, [&](const RestoreProgress&) { is_covered = true; },
        [&](const Result<StoreRestorePlan>& plan) { answer = plan ? "restored" : plan.error().text; });
    const Instant began = world.universe.loop.now();

    world.run_until([&] { return answer.has_value(); });

    EXPECT_EQ(answer, "restored");
    EXPECT_GT(world.universe.loop.now() - began, 3min);  // there were ticks meanwhile
    world.logs[0]->set_slowness(1);
    expect_ok(world.fold());
    world.universe.loop.run_for(5min);
    const std::vector<std::string> names = world.logs[0]->peek_names();
    EXPECT_EQ(std::count_if(names.begin(), names.end(),
                            [](const auto& name) { return parse_segment_name(name).has_value(); }),
              1);
}

TEST_F(StorageEdges, ALogDiskOutOfServiceHasNoSayInWhetherARestoreFits) {
    StoreWorld world(1, 2);
    const Past past = make_past(world);
    (void)world.logs[1]->fail_next_sync("");
    expect_ok(world.execute(store_id(1), "DELETE FROM note WHERE id = 1"));
    ASSERT_TRUE(world.storage->health().is_degraded);
    expect_ok(world.lock(store_id(1)));
    world.logs[1]->set_capacity(world.logs[1]->used_bytes());
    std::optional<std::string> answer;

    world.storage->restore_store(
        store_id(1), {past.kept, {}}, RestoreMode::go,
        [&](const Result<StoreRestorePlan>& plan) { answer = plan ? "restored" : plan.error().text; });
    world.run_until([&] { return answer.has_value(); });

    EXPECT_EQ(answer, "restored");
}

}  // namespace
}  // namespace firedrill::store
