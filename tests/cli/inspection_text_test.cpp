// Goal: scripts read the JSON of `store inspect` and `store verify`: its shape is fixed and documented.
#include "cli/inspection_text.h"

#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace firedrill::cli {
namespace {

/// Every field set, every list with something in it.
store::Inspection full() {
    store::Inspection found;
    found.soundness = store::Soundness::damaged;
    found.log.identity.node.bytes.fill(0x11);
    found.log.identity.timeline.bytes.fill(0x22);
    found.log.first = 7;
    found.log.last = 99;
    found.log.torn_bytes = 512;
    found.log.repaired_records = 2;
    found.log.members.push_back({"node/log", true, false, "", 99, 65536, 3});
    found.log.members.push_back({"mirror", true, true, "", 80, 4096, 1});
    found.log.notes.emplace_back("Log disk mirror lacks 1 part of the log that another disk has right.");
    store::Inspection::Store store;
    store.store.bytes.fill(0x33);
    store.folded_sequence = 40;
    store.sequence = 41;
    store.pages = 12;
    store.file_bytes = 49152;
    store.soundness = store::Soundness::repairable;
    store.damaged = {3, 5};
    found.stores.push_back(store);
    store.store.bytes.fill(0x44);
    store.soundness = store::Soundness::sound;
    store.damaged.clear();
    found.stores.push_back(store);
    found.log_damage = {"log.22222222.0000000000000007", 8192, 90, 91, "the log is damaged"};
    return found;
}

std::string read_all(const std::string& path) {
    std::ifstream in(FIREDRILL_SOURCE_ROOT "/" + path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

TEST(InspectionText, TheJsonIsTheGoldenOne) {
    EXPECT_EQ(boost::json::serialize(inspection_json(full())) + "\n", read_all("tests/data/inspection.json"));
}

TEST(InspectionText, TheDocumentNamesEveryField) {
    const std::string document = read_all("docs/formats/inspection.md");
    const boost::json::object json = inspection_json(full());
    const auto expect_named = [&document](const boost::json::object& object) {
        for (const auto& field : object) {
            EXPECT_NE(document.find("`" + std::string(field.key()) + "`"), std::string::npos) << field.key();
        }
    };
    expect_named(json);
    expect_named(json.at("log").as_object());
    expect_named(json.at("log").as_object().at("disks").as_array().at(0).as_object());
    expect_named(json.at("log_damage").as_object());
    expect_named(json.at("stores").as_array().at(0).as_object());
}

TEST(InspectionText, SoundRepairableAndDamagedEndDifferently) {
    EXPECT_EQ(exit_code_of(store::Soundness::sound), ExitCode::ok);
    EXPECT_EQ(exit_code_of(store::Soundness::repairable), ExitCode::repairable);
    EXPECT_EQ(exit_code_of(store::Soundness::damaged), ExitCode::damaged);
}

TEST(InspectionText, TheLastLineSaysTheVerdict) {
    store::Inspection found = full();
    EXPECT_EQ(inspection_lines(found).back().find("DAMAGED"), 0U);
    found.soundness = store::Soundness::repairable;
    EXPECT_EQ(inspection_lines(found).back().find("REPAIRABLE"), 0U);
    found.soundness = store::Soundness::sound;
    EXPECT_EQ(inspection_lines(found).back(), "sound");
}

}  // namespace
}  // namespace firedrill::cli
