// Every kind of file times every kind of damage: what `store verify` says, what a start does, what a scrub
// mends. The table that comes of it stands in docs/damage.md, and must stay true.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "store/log_format.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "store/scrub.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kFirst = store_id(1);
const StoreId kSecond = store_id(2);
constexpr int kRows = 6;

std::vector<std::string> segments(const sim::SimDisk& disk) {
    std::vector<std::string> out;
    for (const std::string& name : disk.peek_names()) {
        if (parse_segment_name(name)) {
            out.push_back(name);
        }
    }
    return out;
}

std::uint64_t size_of(const sim::SimDisk& disk, const std::string& name) {
    return disk.peek(name)->size();
}

void flip(sim::SimDisk& disk, const std::string& name, std::uint64_t offset) {
    const Byte was = disk.peek(name)->at(offset);
    ASSERT_TRUE(disk.corrupt(name, offset, Bytes(1, static_cast<Byte>(was ^ 0xffU))).has_value());
}

void cut(sim::SimDisk& disk, const std::string& name, std::uint64_t size) {
    auto file = disk.open(name, Open::existing);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->truncate(size));
    ASSERT_TRUE((*file)->sync());
}

void remove(sim::SimDisk& disk, const std::string& name) {
    ASSERT_TRUE(disk.remove(name));
    ASSERT_TRUE(disk.sync_names());
}

void exchange(sim::SimDisk& disk, const std::string& one, const std::string& two) {
    ASSERT_TRUE(disk.rename(one, "aside"));
    ASSERT_TRUE(disk.rename(two, one));
    ASSERT_TRUE(disk.rename("aside", two));
    ASSERT_TRUE(disk.sync_names());
}

/// Where the n-th record of a segment begins.
std::uint64_t record(const sim::SimDisk& disk, const std::string& name, int nth) {
    const Bytes bytes = *disk.peek(name);
    for (std::uint64_t at = 0; at + kRecordHeadSize <= bytes.size(); at += kSector) {
        if (parse_record_head(ByteView(bytes).subspan(at)) && nth-- == 0) {
            return at;
        }
    }
    ADD_FAILURE() << name << " has too few records";
    return 0;
}

/// A stopped node: two stores, everything folded but the last rows, two closed segments and an open one.
struct DamagedNode {
    explicit DamagedNode(std::size_t log_disks) : world(1, log_disks) {
        EXPECT_TRUE(world.create());
        EXPECT_TRUE(world.unlock(kFirst));
        EXPECT_TRUE(world.unlock(kSecond));
        for (int id = 1; id <= kRows; ++id) {
            for (const StoreId& store : {kFirst, kSecond}) {
                EXPECT_TRUE(world.execute(
                    store, fmt::format("INSERT INTO note (id, body) VALUES ({}, 'acknowledged')", id)));
            }
            if (id == 2 || id == 4) {
                world.universe.loop.run_for(61min);
                EXPECT_TRUE(world.fold());
            }
        }
        stop();
        for (const auto& log : world.logs) {
            logs.push_back(log.get());
        }
    }
    void stop() {
        world.machine->cut_power();
        world.boot();
    }
    /// "sound (0)", "repairable (18)", "damaged (9)", or the fault.
    std::string verify() {
        const auto seen = inspect(*world.data, logs, true, {});
        if (!seen) {
            return std::string(fault_name(seen.error().fault));
        }
        return std::string(soundness_name(seen->soundness));
    }
    /// What a start does; that no acknowledged row is missing after it is demanded here.
    /// `may_lose`: nothing on the disks can tell what is gone.
    std::string start(const std::string& what, bool may_lose) {
        const Status opened = world.open();
        if (!opened) {
            return fmt::format("refuses: {}", fault_name(opened.error().fault));
        }
        bool is_all_there = true;
        for (const StoreId& store : {kFirst, kSecond}) {
            const Status unlocked = world.unlock(store);
            const std::string rows = unlocked ? world.query(store, "SELECT count(*) FROM note")
                                              : "error: " + unlocked.error().text;
            is_all_there = is_all_there && rows == std::to_string(kRows);
            EXPECT_TRUE(may_lose || rows == std::to_string(kRows)) << what << ": " << rows;
        }
        EXPECT_TRUE(world.fold());
        return is_all_there ? "starts, all there" : "starts, the newest are lost and nothing tells";
    }

    StoreWorld world;
    std::vector<Disk*> logs;
};

struct Harm {
    std::string what;
    std::function<void(DamagedNode&)> strike;
    bool is_untold = false;  ///< on the only log disk: what was cut off has no witness
};

std::vector<Harm> harms_of_segment(const std::string& which, std::size_t place) {
    const auto at = [place](const auto& act) {
        return [place, act](DamagedNode& node) {
            sim::SimDisk& disk = *node.world.logs[0];
            act(disk, segments(disk).at(place));
        };
    };
    using Disk = sim::SimDisk;
    return {
        {which + ": a byte of the header", at([](Disk& d, const auto& n) { flip(d, n, 20); })},
        {which + ": a byte of the key slots", at([](Disk& d, const auto& n) { flip(d, n, 513); })},
        {which + ": a byte of a record's head",
         at([](Disk& d, const auto& n) { flip(d, n, record(d, n, 1) + 17); })},
        {which + ": a byte of a record's page",
         at([](Disk& d, const auto& n) { flip(d, n, record(d, n, 1) + 700); })},
        {which + ": its last byte", at([](Disk& d, const auto& n) { flip(d, n, size_of(d, n) - 1); })},
        {which + ": cut within a record",
         at([](Disk& d, const auto& n) { cut(d, n, record(d, n, 1) + 1000); }), which == "open segment"},
        {which + ": cut to nothing", at([](Disk& d, const auto& n) { cut(d, n, 0); })},
        {which + ": removed", at([](Disk& d, const auto& n) { remove(d, n); })},
    };
}

std::vector<Harm> harms_of_data() {
    const std::string pages = page_file_name(kFirst, 1);
    const std::string leaves = leaves_file_name(kFirst);
    const auto on = [](const auto& act) { return [act](DamagedNode& node) { act(*node.world.data); }; };
    using Disk = sim::SimDisk;
    return {
        {"page file: a byte", on([pages](Disk& d) { flip(d, pages, 4200); })},
        {"page file: a page of zeroes",
         on([pages](Disk& d) { ASSERT_TRUE(d.corrupt(pages, 4096, Bytes(4096, 0)).has_value()); })},
        {"page file: an unreadable sector",
         on([pages](Disk& d) { ASSERT_TRUE(d.break_sector(pages, 4096).has_value()); })},
        {"page file: cut to half a page", on([pages](Disk& d) { cut(d, pages, 2048); })},
        {"page file: removed", on([pages](Disk& d) { remove(d, pages); })},
        {"page file: exchanged with another store's",
         on([pages](Disk& d) { exchange(d, pages, page_file_name(kSecond, 1)); })},
        {"leaves file: a byte of the header", on([leaves](Disk& d) { flip(d, leaves, 40); })},
        {"leaves file: a leaf", on([leaves](Disk& d) { flip(d, leaves, 150); })},
        {"leaves file: an unreadable sector",
         on([leaves](Disk& d) { ASSERT_TRUE(d.break_sector(leaves, 0).has_value()); })},
        {"leaves file: cut to nothing", on([leaves](Disk& d) { cut(d, leaves, 0); })},
        {"leaves file: removed", on([leaves](Disk& d) { remove(d, leaves); })},
        {"page and leaves file: exchanged with another store's", on([pages, leaves](Disk& d) {
             exchange(d, pages, page_file_name(kSecond, 1));
             exchange(d, leaves, leaves_file_name(kSecond));
         })},
        {"node.slots: a byte", on([](Disk& d) { flip(d, "node.slots", 2); })},
        {"node.slots: removed", on([](Disk& d) { remove(d, "node.slots"); })},
        {"log.members: a byte", on([](Disk& d) { flip(d, "log.members", 40); })},
        {"log.members: a byte in both slots", on([](Disk& d) {
             flip(d, "log.members", 40);
             flip(d, "log.members", 4096 + 40);
         })},
        {"log.members: removed", on([](Disk& d) { remove(d, "log.members"); })},
        {"log.members: removed, and from a log disk",
         [](DamagedNode& node) {
             remove(*node.world.data, "log.members");
             remove(*node.world.logs[0], "log.members");
         }},
        {"log.members: removed from a log disk",
         [](DamagedNode& node) { remove(*node.world.logs[0], "log.members"); }},
        {"every file of the data disk: rubbish", on([](Disk& d) {
             for (const std::string& name : d.peek_names()) {
                 ASSERT_TRUE(d.corrupt(name, 0, Bytes(size_of(d, name), 0x77)).has_value());
             }
         })},
        {"firedrill.node: a byte", on([](Disk& d) { flip(d, "firedrill.node", 20); })},
        {"firedrill.node: removed", on([](Disk& d) { remove(d, "firedrill.node"); })},
    };
}

std::vector<Harm> all_harms() {
    std::vector<Harm> all;
    const auto add = [&all](std::vector<Harm> more) { all.insert(all.end(), more.begin(), more.end()); };
    add(harms_of_segment("oldest segment", 0));
    add(harms_of_segment("closed segment", 1));
    add(harms_of_segment("open segment", 2));
    add({{"log.disk: a byte", [](DamagedNode& node) { flip(*node.world.logs[0], "log.disk", 40); }},
         {"log.disk: removed", [](DamagedNode& node) { remove(*node.world.logs[0], "log.disk"); }},
         {"log.owner: a byte", [](DamagedNode& node) { flip(*node.world.logs[0], "log.owner", 40); }},
         {"log.owner: cut to nothing", [](DamagedNode& node) { cut(*node.world.logs[0], "log.owner", 0); }},
         {"log.owner: removed", [](DamagedNode& node) { remove(*node.world.logs[0], "log.owner"); }},
         {"a log disk: blank", [](DamagedNode& node) { node.world.logs[0]->replace(); }},
         {"a log disk: dead", [](DamagedNode& node) { (void)node.world.logs[0]->die(); }}});
    add(harms_of_data());
    return all;
}

/// One cell: verify, start, and verify after that start and a scrub.
std::string outcome(const Harm& harm, std::size_t log_disks) {
    DamagedNode node(log_disks);
    EXPECT_EQ(node.verify(), "sound") << "before any harm";
    harm.strike(node);
    const std::string before = node.verify();
    const std::string started = node.start(harm.what, harm.is_untold && log_disks == 1);
    std::string out = fmt::format("{}; {}", before, started);
    if (started.starts_with("starts")) {
        node.stop();
        (void)scrub_folder(*node.world.data, node.logs, {});
        const std::string after = node.verify();
        out += after == "sound" ? "; then sound" : "; still " + after;
        // What is called sound or repairable must be made whole by what says so, as long as all disks work.
        if (before == "sound" || before == "repairable") {
            EXPECT_TRUE(after == "sound" || harm.what == "a log disk: dead") << harm.what << ": " << out;
        }
    } else {
        EXPECT_NE(before, "sound") << harm.what << ": " << out;
        EXPECT_NE(before, "repairable") << harm.what << ": " << out;
    }
    return out;
}

std::string table() {
    std::string out = "| what is harmed | the only log disk | one of two log disks |\n|---|---|---|\n";
    for (const Harm& harm : all_harms()) {
        out += fmt::format("| {} | {} | {} |\n", harm.what, outcome(harm, 1), outcome(harm, 2));
    }
    return out;
}

TEST(DamageMatrix, IsWhatTheDocumentSays) {
    const std::string made = table();

    std::ifstream in(FIREDRILL_SOURCE_ROOT "/docs/damage.md");
    const std::string document{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};

    EXPECT_NE(document.find(made), std::string::npos) << "docs/damage.md should have this table:\n\n" << made;
}

}  // namespace
}  // namespace firedrill::store
