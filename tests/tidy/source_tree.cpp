#include "tidy/source_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace firedrill::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolders[] = {"core", "sim",   "tests",     "fuzz", "bench",
                                         "docs", "tools", "scenarios", "data"};
constexpr std::string_view kSuffixes[] = {".h",     ".cpp",  ".md", ".py", ".sh",
                                          ".build", ".toml", ".in", ".txt"};

bool is_wanted(const fs::path& path) {
    return std::ranges::any_of(kSuffixes,
                               [&](std::string_view suffix) { return path.string().ends_with(suffix); });
}

SourceFile read_one(const fs::path& root, const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {fs::relative(path, root).generic_string(), {std::istreambuf_iterator<char>(in), {}}};
}

/// Where the literal or comment that begins at `at` ends; `at` itself when none begins there.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
    if (text.substr(at).starts_with("//")) {
        return std::min(text.find('\n', at), text.size());
    }
    if (text.substr(at).starts_with("/*")) {
        const std::size_t end = text.find("*/", at + 2);
        return end == std::string_view::npos ? text.size() : end + 2;
    }
    return at;
}

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::size_t end_of_literal(std::string_view text, std::size_t at) {
    const bool is_raw =
        text[at] == '"' && at > 0 && text[at - 1] == 'R' && (at < 2 || !is_word(text[at - 2]));
    if (is_raw) {
        const std::size_t open = text.find('(', at);
        if (open != std::string_view::npos) {
            const std::string close = fmt::format("){}\"", text.substr(at + 1, open - at - 1));
            const std::size_t end = text.find(close, open);
            return end == std::string_view::npos ? text.size() : end + close.size();
        }
    }
    const bool is_digit_separator =
        text[at] == '\'' && at > 0 && std::isxdigit(static_cast<unsigned char>(text[at - 1]));
    if ((text[at] != '"' && text[at] != '\'') || is_digit_separator) {
        return at;
    }
    for (std::size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == text[at]) {
            return i + 1;
        }
    }
    return at + 1;
}

void blank(std::string& out, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < std::min(to, out.size()); ++i) {
        if (out[i] != '\n') {
            out[i] = ' ';
        }
    }
}

}  // namespace

std::vector<SourceFile> read_tree(const std::string& root) {
    std::vector<SourceFile> files;
    for (const auto& entry : fs::directory_iterator(root)) {
        if (entry.is_regular_file() && is_wanted(entry.path())) {
            files.push_back(read_one(root, entry.path()));
        }
    }
    for (std::string_view folder : kFolders) {
        if (!fs::exists(fs::path(root) / folder)) {
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / folder)) {
            if (entry.is_regular_file() && is_wanted(entry.path())) {
                files.push_back(read_one(root, entry.path()));
            }
        }
    }
    std::ranges::sort(files, {}, &SourceFile::path);
    return files;
}

bool is_in(const SourceFile& file, std::string_view folder) {
    return file.path.starts_with(folder) && file.path.size() > folder.size() &&
           file.path[folder.size()] == '/';
}
bool is_at(const SourceFile& file, std::string_view place) {
    if (place.ends_with('*')) {
        return file.path.starts_with(place.substr(0, place.size() - 1));
    }
    return file.path == place || is_in(file, place);
}

std::span<const std::string_view> verb_units() {
    static constexpr std::string_view kUnits[] = {"sim/main.cpp",          "sim/verbs_*",
                                                  "sim/process.cpp",       "sim/scenario_files.cpp",
                                                  "sim/scenario_load.cpp", "sim/live*"};
    return kUnits;
}

bool is_code(const SourceFile& file) {
    return has_suffix(file, ".h") || has_suffix(file, ".cpp");
}
bool has_suffix(const SourceFile& file, std::string_view suffix) {
    return file.path.ends_with(suffix);
}

std::string blank_comments(std::string_view text, Literals literals) {
    std::string out(text);
    for (std::size_t at = 0; at < text.size();) {
        if (const std::size_t end = end_of_comment(text, at); end > at) {
            blank(out, at, end);
            at = end;
        } else if (const std::size_t literal_end = end_of_literal(text, at); literal_end > at) {
            if (literals == Literals::blank) {
                blank(out, at, literal_end);
            }
            at = literal_end;
        } else {
            ++at;
        }
    }
    return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::size_t line_at(std::string_view text, std::size_t offset) {
    return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, offset), '\n'));
}

std::string describe(const Findings& findings) {
    std::string out;
    for (const Finding& finding : findings) {
        out += fmt::format("{}:{}: {}\n", finding.path, finding.line, finding.words);
    }
    return out;
}

}  // namespace firedrill::tidy
