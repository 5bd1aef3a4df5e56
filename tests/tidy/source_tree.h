// The files of the source tree as the house rules see them, and what a rule says about one.
//
// Rules are pure functions of a SourceFile, so that made-up files can prove that each rule catches what it
// should.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace firedrill::tidy {

struct SourceFile {
    std::string path;  ///< from the top of the tree: "core/base/bytes.h"
    std::string text;
};

struct Finding {
    std::string path;
    std::size_t line = 0;  ///< 1-based
    std::string words;     ///< what is wrong, and what to do instead
};
using Findings = std::vector<Finding>;

/// All files below the given top-level folders, plus the files of the top itself, sorted by path. Build
/// folders and hidden folders are left out.
std::vector<SourceFile> read_tree(const std::string& root);

/// "core/base/bytes.h" is in "core/base" and in "core".
bool is_in(const SourceFile& file, std::string_view folder);
/// `place` is a folder, a file, or, with a '*' at its end, the beginning of a path.
bool is_at(const SourceFile& file, std::string_view place);
/// Units of sim that serve verbs and the live drill: they read files, start processes and look at the real
/// clock, always outside a universe.
std::span<const std::string_view> verb_units();
bool is_code(const SourceFile& file);  ///< .h or .cpp
bool has_suffix(const SourceFile& file, std::string_view suffix);

/// The text with every comment, and if asked every string and character literal, blanked; line breaks stay.
enum class Literals { keep, blank };
std::string blank_comments(std::string_view text, Literals literals);

std::vector<std::string_view> split_lines(std::string_view text);
std::size_t line_at(std::string_view text, std::size_t offset);

/// One line a finding, "path:line: words", for a failing test.
std::string describe(const Findings& findings);

}  // namespace firedrill::tidy
