// StoreFixture: what tests of a whole node's storage share: two stores of rows, what the node said, and the
// look at its folders once it stopped.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "store/log_format.h"
#include "store/restore.h"
#include "store_world.h"

namespace firedrill::store {

inline const StoreId kFirst = store_id(1);
inline const StoreId kSecond = store_id(2);

inline std::string insert(int id, std::string_view body) {
    return fmt::format("INSERT INTO note (id, body) VALUES ({}, '{}')", id, body);
}

inline bool mentions(const std::vector<std::string>& notes, std::string_view part) {
    return std::any_of(notes.begin(), notes.end(),
                       [part](const std::string& note) { return note.find(part) != std::string::npos; });
}

/// The log's files on a disk, oldest first.
inline std::vector<std::string> segment_files(const sim::SimDisk& disk) {
    std::vector<std::string> out;
    for (const std::string& name : disk.peek_names()) {
        if (parse_segment_name(name)) {
            out.push_back(name);
        }
    }
    return out;
}

struct StoreFixture : testing::Test {
    std::optional<StoreWorld> made;
    std::vector<std::string> notes;  // what the node said while it ran
    std::vector<Disk*> logs;         // since stop()

    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    [[nodiscard]] bool has_note(std::string_view part) const { return mentions(notes, part); }
    void listen() {
        made->on_note = [this](const std::string& text) { notes.push_back(text); };
    }
    void stop() {
        made->machine->cut_power();
        made->boot();
        logs.clear();
        for (const auto& log : made->logs) {
            logs.push_back(log.get());
        }
    }
    Inspection look() {
        auto seen = inspect(*made->data, logs, true, {});
        EXPECT_TRUE(seen) << seen.error().text;
        return seen ? *seen : Inspection{};
    }
};

}  // namespace firedrill::store
