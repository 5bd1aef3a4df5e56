// The house rules that a program can check, each a pure function of one file (and, for the last, of the
// tree).
#pragma once

#include <span>

#include "tidy/source_tree.h"

namespace firedrill::tidy {

/// Names that reach past a seam or hide a bug, each with what to use instead. Code only: comments and texts
/// may speak.
Findings check_banned_names(const SourceFile& file);
/// Words that mean two things; code, comments and documents alike.
Findings check_banned_words(const SourceFile& file);
/// At most 600 lines a code file.
Findings check_file_length(const SourceFile& file);
/// At most 70 lines a function, found by its braces.
Findings check_function_length(const SourceFile& file);
/// At most 110 columns (a literal in one piece may be wider), no tabs, no blanks at a line's end, a line
/// break at the end of the file.
Findings check_layout(const SourceFile& file);
/// A TODO names its kind: soon, someday, perf or security.
Findings check_todo(const SourceFile& file);
/// A document has one title, on its first line.
Findings check_title(const SourceFile& file);
/// A header begins with a comment that says what it is, and has #pragma once.
Findings check_header(const SourceFile& file);
/// Every .cpp is named in the meson.build of its folder or of one above it: nothing lies about unbuilt.
Findings check_built(std::span<const SourceFile> tree);

}  // namespace firedrill::tidy
