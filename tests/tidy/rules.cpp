#include "tidy/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace firedrill::tidy {
namespace {

constexpr std::size_t kFileLines = 600;
constexpr std::size_t kFunctionLines = 70;
constexpr std::size_t kColumns = 110;

enum class Match { whole, prefix, part };  ///< the whole identifier; its beginning; any part of it

constexpr std::string_view kVerbs = "the simulator's verbs";  ///< stands for verb_units()

struct Banned {
    std::string_view name;
    Match match;
    std::string_view instead;
    std::vector<std::string_view> allowed{};  ///< places inside core and sim
};

const std::vector<Banned>& banned_names() {
    static const std::vector<Banned> kBanned{
        {"system_clock", Match::whole, "Clock::wall()", {"core/posix"}},
        {"steady_clock", Match::whole, "Clock::now()", {"core/posix", kVerbs}},
        {"clock_gettime", Match::whole, "Clock", {"core/posix", kVerbs}},
        {"gettimeofday", Match::whole, "Clock"},
        {"time(", Match::whole, "Clock::wall()"},
        {"steady_timer", Match::whole, "Clock::call_at()"},
        {"tcp_stream", Match::whole, "Stream"},
        {"sleep_for", Match::whole, "Clock::call_at()", {kVerbs}},
        {"rand(", Match::whole, "Entropy"},
        {"srand(", Match::whole, "Entropy"},
        {"random_device", Match::whole, "Entropy", {kVerbs}},
        {"mt19937", Match::prefix, "Entropy"},
        {"uniform_int_distribution", Match::whole, "Entropy"},
        {"getrandom", Match::whole, "Entropy", {"core/posix"}},
        {"AutoSeeded_RNG", Match::whole, "Entropy"},
        {"System_RNG", Match::whole, "Entropy"},
        {"fopen", Match::whole, "Disk", {"core/posix", kVerbs}},
        {"ifstream", Match::whole, "Disk", {"core/cli", "core/posix", kVerbs}},
        {"ofstream", Match::whole, "Disk", {"core/cli", "core/posix", kVerbs}},
        {"filesystem", Match::whole, "Disk", {"core/cli", "core/posix", kVerbs}},
        {"getenv", Match::whole, "Config"},
        {"setlocale", Match::whole, "Config"},
        {"thread(", Match::whole, "Workers", {"core/posix"}},
        {"jthread", Match::whole, "Workers", {"core/posix"}},
        {"mutex", Match::whole, "Workers", {"core/posix", "core/crypto/locked_arena.cpp"}},
        {"atomic", Match::whole, "Workers", {"core/posix"}},
        {"assert(", Match::whole, "CHECK"},
        {"co_await", Match::whole, "callbacks (docs/decisions)"},
        {"co_spawn", Match::whole, "callbacks (docs/decisions)"},
        {"gmtime", Match::prefix, "format_utc()"},
        {"localtime", Match::prefix, "format_utc()"},
        {"strtol", Match::prefix, "std::from_chars"},
        {"stoi", Match::whole, "std::from_chars"},
        {"atoi", Match::whole, "std::from_chars"},
        {"is_simulated", Match::part, "a seam: production code never asks in which world it is"},
        {"FRIEND_TEST", Match::whole, "a seam or an observable event"},
        {"TEST_", Match::prefix, "a seam or an observable event"},
        {"backup", Match::part, "snapshot"},
        {"tenant", Match::part, "practice"},
        {"master_key", Match::part, "practice_key or node_key"},
        {"checkpoint", Match::part, "fold"},
    };
    return kBanned;
}

struct Word {
    std::string_view word;
    std::string_view instead;
};
constexpr std::array kWords{
    Word{"tenant", "practice"},
    Word{"checkpoint", "fold, segment close or chain head"},
    Word{"master key", "practice key or node key"},
    Word{"FIXME", "a fix, or TODO(kind): text"},
};

bool is_word_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Offsets of `name` in `code` as `match` reads it. A name that ends in '(' matches a call that is no
/// member's.
std::vector<std::size_t> find_name(std::string_view code, std::string_view name, Match match) {
    std::vector<std::size_t> found;
    const bool is_call = name.ends_with('(');
    for (std::size_t at = code.find(name); at != std::string_view::npos; at = code.find(name, at + 1)) {
        const char before = at == 0 ? ' ' : code[at - 1];
        const char after = at + name.size() < code.size() ? code[at + name.size()] : ' ';
        const bool begins = !is_word_char(before) && !(is_call && (before == '.' || before == '>'));
        const bool ends = is_call || !is_word_char(after);
        if (match == Match::part || (begins && (match == Match::prefix || ends))) {
            found.push_back(at);
        }
    }
    return found;
}

bool is_exempt(const SourceFile& file, const Banned& banned) {
    return std::ranges::any_of(banned.allowed, [&](std::string_view place) {
        return place == kVerbs
                   ? std::ranges::any_of(verb_units(), [&](auto unit) { return is_at(file, unit); })
                   : is_at(file, place);
    });
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::size_t columns(std::string_view line) {
    return static_cast<std::size_t>(
        std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::size_t trimmed(std::string_view line) {
    return columns(line.substr(0, line.find_last_not_of(' ') + 1));
}

std::size_t columns_without_blanks(std::string_view line) {
    return columns(line) - static_cast<std::size_t>(std::ranges::count(line, ' '));
}

/// What stands before an opening brace, back to the previous statement: enough to tell what the brace opens.
enum class Opens { scope, function, other };
Opens what_opens(std::string_view before, bool is_inside_function) {
    if (is_inside_function) {
        return Opens::other;
    }
    const auto has = [&](std::string_view word) { return !find_name(before, word, Match::whole).empty(); };
    if (has("namespace") || before.find("extern") != std::string_view::npos) {
        return Opens::scope;
    }
    if (before.find(')') != std::string_view::npos) {
        return Opens::function;
    }
    return has("class") || has("struct") || has("union") ? Opens::scope : Opens::other;
}

bool is_quoted_in(const std::string& text, const std::string& name) {
    return text.find("'" + name + "'") != std::string::npos;
}

struct Brace {
    Opens opens;
    std::size_t offset;
    std::size_t statement;  ///< where the text goes on that a closed initialiser was part of
};

}  // namespace

Findings check_banned_names(const SourceFile& file) {
    Findings findings;
    if (!is_code(file) || (!is_in(file, "core") && !is_in(file, "sim"))) {
        return findings;
    }
    const std::string code = blank_comments(file.text, Literals::blank);
    for (const Banned& banned : banned_names()) {
        if (is_exempt(file, banned)) {
            continue;
        }
        for (std::size_t at : find_name(code, banned.name, banned.match)) {
            const std::size_t begin =
                code.rfind('\n', at) == std::string::npos ? 0 : code.rfind('\n', at) + 1;
            if (code.compare(begin, 1, "#") != 0) {  // includes are the layers test's
                findings.push_back({file.path, line_at(code, at),
                                    fmt::format("{} is banned; use {}", banned.name, banned.instead)});
            }
        }
    }
    return findings;
}

Findings check_banned_words(const SourceFile& file) {
    Findings findings;
    if (is_in(file, "tests/tidy")) {  // the rules must name what they forbid
        return findings;
    }
    const std::string text = lower(file.text);
    for (const Word& word : kWords) {
        const std::string wanted = lower(word.word);
        for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
            findings.push_back({file.path, line_at(text, at),
                                fmt::format("\"{}\" means several things; say {}", word.word, word.instead)});
        }
    }
    return findings;
}

Findings check_file_length(const SourceFile& file) {
    const std::size_t lines = split_lines(file.text).size();
    if (!is_code(file) || lines <= kFileLines) {
        return {};
    }
    return {{file.path, lines, fmt::format("{} lines; split it by noun before {}", lines, kFileLines)}};
}

Findings check_function_length(const SourceFile& file) {
    Findings findings;
    if (!is_code(file)) {
        return findings;
    }
    const std::string code = blank_comments(file.text, Literals::blank);
    std::vector<Brace> open;
    std::size_t statement = 0;  // where the text before the next brace begins
    for (std::size_t at = 0; at < code.size(); ++at) {
        if (code[at] == '{') {
            const bool is_inside =
                std::ranges::any_of(open, [](const Brace& b) { return b.opens == Opens::function; });
            const bool is_initialiser = at > 0 && is_word_char(code[at - 1]);
            const std::string_view before = std::string_view(code).substr(statement, at - statement);
            open.push_back({is_initialiser ? Opens::other : what_opens(before, is_inside), at,
                            is_initialiser ? statement : std::string::npos});
            statement = at + 1;
        } else if (code[at] == '}' && !open.empty()) {
            const std::size_t lines = line_at(code, at) - line_at(code, open.back().offset) + 1;
            if (open.back().opens == Opens::function && lines > kFunctionLines) {
                findings.push_back(
                    {file.path, line_at(code, open.back().offset),
                     fmt::format("a function of {} lines; at most {}", lines, kFunctionLines)});
            }
            statement = open.back().statement == std::string::npos ? at + 1 : open.back().statement;
            open.pop_back();
        } else if (code[at] == ';' || (code[at] == '\n' && code.compare(statement, 1, "#") == 0)) {
            statement = at + 1;
        } else if (code[at] == '\n' &&
                   code.substr(statement, at - statement).find_first_not_of(" \n") == std::string::npos) {
            statement = at + 1;
        }
    }
    return findings;
}

Findings check_layout(const SourceFile& file) {
    Findings findings;
    if (!is_code(file)) {
        return findings;
    }
    const std::string without_literals = blank_comments(file.text, Literals::blank);
    const std::string without_comments = blank_comments(file.text, Literals::keep);
    const auto is_wide_literal = [&](std::size_t line) {  // a text that must stay in one piece
        return trimmed(split_lines(without_comments)[line - 1]) > kColumns &&
               columns_without_blanks(split_lines(without_literals)[line - 1]) <= kColumns;
    };
    std::size_t number = 0;
    for (std::string_view line : split_lines(file.text)) {
        ++number;
        if (columns(line) > kColumns && !is_wide_literal(number)) {
            findings.push_back(
                {file.path, number, fmt::format("{} columns; at most {}", columns(line), kColumns)});
        }
        if (line.find('\t') != std::string_view::npos) {
            findings.push_back({file.path, number, "a tab; indent with four spaces"});
        }
        if (line.ends_with(' ') || line.ends_with('\r')) {
            findings.push_back({file.path, number, "blanks at the end of the line"});
        }
    }
    if (!file.text.empty() && !file.text.ends_with('\n')) {
        findings.push_back({file.path, number, "no line break at the end of the file"});
    }
    return findings;
}

Findings check_todo(const SourceFile& file) {
    Findings findings;
    if (!is_code(file) || is_in(file, "tests/tidy")) {
        return findings;
    }
    for (std::size_t at : find_name(file.text, "TODO", Match::whole)) {
        const std::string_view rest = std::string_view(file.text).substr(at + 4);
        const std::array kinds{"(soon): ", "(someday): ", "(perf): ", "(security): "};
        if (std::ranges::none_of(kinds, [&](const char* kind) { return rest.starts_with(kind); })) {
            findings.push_back({file.path, line_at(file.text, at),
                                "write TODO(kind): text, with kind soon, someday, perf or security"});
        }
    }
    return findings;
}

Findings check_title(const SourceFile& file) {
    Findings findings;
    if (!has_suffix(file, ".md")) {
        return findings;
    }
    std::size_t number = 0;
    std::size_t titles = 0;
    bool is_fenced = false;
    for (std::string_view line : split_lines(file.text)) {
        ++number;
        if (line.starts_with("```")) {
            is_fenced = !is_fenced;
        }
        if (!is_fenced && line.starts_with("# ") && ++titles > 1) {
            findings.push_back({file.path, number, "a second title; a document has one"});
        }
    }
    if (!file.text.starts_with("# ")) {
        findings.push_back({file.path, 1, "the first line is not the title (\"# …\")"});
    }
    return findings;
}

Findings check_header(const SourceFile& file) {
    Findings findings;
    if (!has_suffix(file, ".h")) {
        return findings;
    }
    if (!file.text.starts_with("// ")) {
        findings.push_back({file.path, 1, "a header begins with a comment that says what it is"});
    }
    if (file.text.find("\n#pragma once\n") == std::string::npos) {
        findings.push_back({file.path, 1, "no #pragma once"});
    }
    return findings;
}

Findings check_built(std::span<const SourceFile> tree) {
    std::map<std::string, const SourceFile*> builds;
    for (const SourceFile& file : tree) {
        if (file.path.ends_with("meson.build")) {
            builds[file.path] = &file;
        }
    }
    Findings findings;
    for (const SourceFile& file : tree) {
        if (!has_suffix(file, ".cpp")) {
            continue;
        }
        bool is_named = false;
        for (std::size_t begin = file.path.rfind('/') + 1;; begin = file.path.rfind('/', begin - 2) + 1) {
            const auto build = builds.find(file.path.substr(0, begin) + "meson.build");
            const std::string name = file.path.substr(begin);  // as that folder's meson.build would write it
            is_named |=
                build != builds.end() && (is_quoted_in(build->second->text, name) ||
                                          is_quoted_in(build->second->text, name.substr(0, name.size() - 4)));
            if (begin == 0) {
                break;
            }
        }
        if (!is_named) {
            findings.push_back({file.path, 1, "no meson.build names this file; build it or remove it"});
        }
    }
    return findings;
}

}  // namespace firedrill::tidy
