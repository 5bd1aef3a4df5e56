// Goal: the printed table of exit codes and the program agree. Method: read docs/exit_codes.md from the
// source tree.
#include "cli/exit_codes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace firedrill::cli {
namespace {

std::vector<std::string> documented_rows() {
    std::ifstream in(FIREDRILL_SOURCE_ROOT "/docs/exit_codes.md");
    std::vector<std::string> rows;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("| ") && line.size() > 2 && line[2] >= '0' && line[2] <= '9') {
            rows.push_back(line);
        }
    }
    return rows;
}

TEST(ExitCodes, AgreeWithTheDocument) {
    std::vector<std::string> expected;
    for (const ExitCodeRow& row : exit_code_table()) {
        expected.push_back(
            fmt::format("| {} | `{}` | {} |", static_cast<int>(row.code), row.name, row.meaning));
    }
    EXPECT_EQ(documented_rows(), expected);
}

TEST(ExitCodes, AreAscendingAndNamedOnce) {
    int last = -1;
    std::set<std::string_view> names;
    for (const ExitCodeRow& row : exit_code_table()) {
        EXPECT_GT(static_cast<int>(row.code), last) << row.name;
        last = static_cast<int>(row.code);
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
    }
}

// A failure must never look like success, and what only the simulator says must never look like an ordinary
// fault.
TEST(ExitCodes, GiveEveryFaultACodeOfTheTable) {
    for (int i = 0; i <= static_cast<int>(Fault::internal); ++i) {
        const Fault fault = static_cast<Fault>(i);
        const ExitCode code = exit_code(fault);
        EXPECT_NE(code, ExitCode::ok) << fault_name(fault);
        bool is_in_table = false;
        for (const ExitCodeRow& row : exit_code_table()) {
            is_in_table |= row.code == code;
        }
        EXPECT_TRUE(is_in_table) << fault_name(fault);
        if (static_cast<int>(code) >= 20) {
            EXPECT_EQ(fault, Fault::powered_off) << fault_name(fault);
        }
    }
}

TEST(ExitCodes, KeepDistinctWhatAScriptMustTellApart) {
    std::set<ExitCode> codes;
    for (Fault fault : {Fault::internal, Fault::bad_usage, Fault::bad_input, Fault::not_found, Fault::in_use,
                        Fault::permission, Fault::newer_format, Fault::wrong_secret, Fault::damaged,
                        Fault::exists, Fault::disk_full, Fault::disk_failed, Fault::refused, Fault::limit,
                        Fault::timeout, Fault::unavailable}) {
        EXPECT_TRUE(codes.insert(exit_code(fault)).second) << fault_name(fault);
    }
}

}  // namespace
}  // namespace firedrill::cli
