// CoverWorld: a node with closed segments, copies of its log, and the operator who verifies them.
#pragma once

#include <gtest/gtest.h>

#include "store/copy_check.h"
#include "store/log_format.h"
#include "store_world.h"

namespace firedrill::store {

using namespace std::chrono_literals;

inline const StoreId kFirst = store_id(1);
inline const StoreId kSecond = store_id(2);
inline constexpr WallTime kCoveredAt{1'790'000'000'000'000'000};

inline std::string insert(int id, std::string_view body) {
    return fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", id, body);
}

inline std::vector<SegmentName> segments(const sim::SimDisk& disk) {
    std::vector<SegmentName> out;
    for (const std::string& text : disk.peek_names()) {
        if (const auto name = parse_segment_name(text)) {
            out.push_back(*name);
        }
    }
    return out;
}

inline void expect_ok(const Status& status) {
    ASSERT_TRUE(status.is_ok()) << status.error().text;
}

struct CoverWorld : testing::Test {
    std::optional<StoreWorld> made;
    std::vector<std::string> told;

    /// What was told, but for the removals.
    [[nodiscard]] std::vector<std::string> warned() const {
        std::vector<std::string> out;
        std::copy_if(told.begin(), told.end(), std::back_inserter(out),
                     [](const std::string& text) { return text.find("were removed") == std::string::npos; });
        return out;
    }
    /// A node whose log has `hours` closed segments and an open one.
    StoreWorld& begin(std::size_t logs, int hours, std::uint64_t seed = 1) {
        StoreWorld& world = made.emplace(seed, logs);
        told.clear();
        world.on_note = [this](const std::string& text) { told.push_back(text); };
        expect_ok(world.create());
        expect_ok(world.unlock(kFirst));
        expect_ok(world.unlock(kSecond));
        write_hours(world, 0, hours);
        return world;
    }
    static void write_hours(StoreWorld& world, int first, int hours) {
        for (int hour = first; hour < first + hours; ++hour) {
            expect_ok(world.execute(kFirst, insert(hour, std::string(900, 'a'))));
            expect_ok(world.execute(kSecond, insert(hour, std::string(900, 'b'))));
            world.universe.loop.run_for(61min);
        }
    }
    static CopyOwner owner(const StoreWorld& world) {
        CopyOwner out;
        out.node.bytes.fill(0x11);
        out.signers = world.storage->log_signers();
        return out;
    }
    /// What a tool that copies files makes of a log disk, while the node runs.
    static void copy_files(const sim::SimDisk& from, sim::SimDisk& to) {
        for (const SegmentName& name : segments(from)) {
            expect_ok(replace_file(to, to_text(name), *from.peek(to_text(name))));
        }
    }
    static std::unique_ptr<sim::SimDisk> copy_of(StoreWorld& world) {
        auto copy = world.universe.make_disk("copy");
        copy_files(*world.logs[0], *copy);
        return copy;
    }
    static Result<CopyReport> check(StoreWorld& world, sim::SimDisk& copy) {
        return check_log_copy(copy, owner(world), {});
    }
    static Cover word(const CopyReport& report) {
        return {report.timeline, report.through, report.chain, kCoveredAt, "/mnt/copy"};
    }
    /// Verifies and tells, as `firedrill store cover` does.
    static Status cover(StoreWorld& world, sim::SimDisk& copy) {
        const Cover said = word(TRY(check(world, copy)));
        return world.wait([&](Storage::Done done) { world.storage->cover(said, std::move(done)); });
    }
    static std::string rows(StoreWorld& world, StoreId store) {
        return world.query(store, "SELECT count(*) FROM note");
    }
    static bool has_note(const StoreWorld& world, std::string_view part) {
        const auto notes = world.storage->health().notes;
        return std::any_of(notes.begin(), notes.end(),
                           [&](const std::string& text) { return text.find(part) != std::string::npos; });
    }
};

}  // namespace firedrill::store
