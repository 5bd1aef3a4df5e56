// Goal: no two derivations share a context text, and docs/formats/keys.md lists them all. Method: every
// string "firedrill … v<number> …" in the code of core against the first column of that document's table.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tidy/source_tree.h"

namespace firedrill::tidy {
namespace {

constexpr std::string_view kStart = "\"firedrill ";

bool has_version(std::string_view text) {
    for (std::size_t at = text.find(" v"); at != std::string_view::npos; at = text.find(" v", at + 1)) {
        if (at + 2 < text.size() && text[at + 2] >= '0' && text[at + 2] <= '9') {
            return true;
        }
    }
    return false;
}

/// How often each context text stands in `code`, comments left out.
void count_contexts(std::string_view code, std::map<std::string, int>& into) {
    const std::string text = blank_comments(code, Literals::keep);
    for (std::size_t at = text.find(kStart); at != std::string::npos; at = text.find(kStart, at + 1)) {
        const std::size_t end = text.find('"', at + 1);
        const std::string found = text.substr(at + 1, end - at - 1);
        if (has_version(found)) {
            ++into[found];
        }
    }
}

std::set<std::string> listed(std::string_view document) {
    std::set<std::string> out;
    const std::size_t from = document.find("\n## Contexts\n");
    const std::size_t to = document.find("\n## ", from + 1);
    for (const std::string_view line : split_lines(document.substr(from, to - from))) {
        if (line.starts_with("| `")) {
            out.emplace(line.substr(3, line.find('`', 3) - 3));
        }
    }
    return out;
}

TEST(KeyContexts, AreListedInTheDocumentAndStandOnceInTheCode) {
    std::map<std::string, int> found;
    std::set<std::string> documented;
    for (const SourceFile& file : read_tree(FIREDRILL_SOURCE_ROOT)) {
        if (is_in(file, "core") && is_code(file)) {
            count_contexts(file.text, found);
        }
        if (file.path == "docs/formats/keys.md") {
            documented = listed(file.text);
        }
    }
    std::set<std::string> in_code;
    for (const auto& [text, times] : found) {
        EXPECT_EQ(times, 1) << "\"" << text << "\" separates two derivations: give each its own";
        in_code.insert(text);
    }
    EXPECT_GT(in_code.size(), 15U);
    EXPECT_EQ(documented, in_code) << "docs/formats/keys.md, Contexts, must list what the code has";
}

TEST(KeyContexts, AreSeenWhereverTheyStandAndNotInComments) {
    std::map<std::string, int> found;
    count_contexts("a(\"firedrill x v1\"); // \"firedrill y v1\"\nb(\"firedrill x v1\", \"firedrill node\");",
                   found);
    EXPECT_EQ(found, (std::map<std::string, int>{{"firedrill x v1", 2}}));
}

}  // namespace
}  // namespace firedrill::tidy
