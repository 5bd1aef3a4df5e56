#include "tidy/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace firedrill::tidy {
namespace {

using Names = std::vector<std::string_view>;

/// What a folder of core may include beside itself. Missing: siblings (identity and forms), everything above,
/// sim.
struct Layer {
    std::string_view folder;
    Names may_include;
};
const std::array kLayers{
    Layer{"base", {}},
    Layer{"seams", {"base"}},
    Layer{"crypto", {"base", "seams"}},
    Layer{"posix", {"base", "seams", "crypto"}},
    Layer{"store", {"base", "seams", "crypto"}},
    Layer{"identity", {"base", "seams", "crypto", "store"}},
    Layer{"forms", {"base", "seams", "crypto", "store"}},
    Layer{"web", {"base", "seams", "crypto", "store", "identity", "forms"}},
    Layer{"node", {"base", "seams", "crypto", "store", "identity", "forms", "web"}},
    Layer{"cli", {"base", "seams", "crypto", "store", "identity", "forms", "web", "node", "posix"}},
};

/// Headers with a home: a file outside these places may not include them.
struct Home {
    std::string_view prefix;  ///< of the header's name
    Names places;             ///< folders, or single files
    std::string_view reason;
};
const std::array kHomes{
    Home{"botan/",
         {"core/crypto", "tests/crypto", "bench"},
         "Botan is named in core/crypto only; use crypto/*.h"},
    Home{"sqlite3.h",
         {"core/store", "tests/store", "bench"},
         "SQLite is named in core/store only; use store/database.h"},
    Home{"boost/beast", {"core/web/http.cpp"}, "Beast is named in core/web/http.cpp only; use web/http.h"},
    Home{"boost/asio", {"core/posix"}, "core is callbacks over seams; the loop is seams/clock.h"},
};

/// The operating system and the parts of the standard library that reach past the seams.
constexpr std::string_view kSystemHeaders[] = {
    "sys/",       "net/",     "netinet/",     "arpa/",     "linux/",     "unistd.h",
    "fcntl.h",    "poll.h",   "netdb.h",      "signal.h",  "csignal",    "pwd.h",
    "dirent.h",   "dlfcn.h",  "spawn.h",      "termios.h", "time.h",     "ctime",
    "filesystem", "fstream",  "thread",       "mutex",     "atomic",     "condition_variable",
    "random",     "future",   "shared_mutex", "iostream",  "stop_token", "semaphore",
    "sched.h",    "pthread.h"};
/// Where they may be named. The arena locks memory and keeps it out of core dumps; the terminal is the cli's.
constexpr std::string_view kSystemPlaces[] = {"core/posix", "core/crypto/locked_arena.cpp", "core/cli"};

struct Include {
    std::string_view name;
    bool is_quoted;
};
std::optional<Include> parse_include(std::string_view line) {
    const std::size_t at = line.find_first_not_of(" \t");
    if (at == std::string_view::npos || !line.substr(at).starts_with('#')) {
        return std::nullopt;
    }
    const std::size_t open = line.find_first_of("\"<", at);
    if (line.find("include") == std::string_view::npos || open == std::string_view::npos) {
        return std::nullopt;
    }
    const char close = line[open] == '<' ? '>' : '"';
    const std::size_t end = line.find(close, open + 1);
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    return Include{line.substr(open + 1, end - open - 1), close == '"'};
}

bool is_at_any(const SourceFile& file, std::span<const std::string_view> places) {
    return std::ranges::any_of(places, [&](std::string_view place) { return is_at(file, place); });
}

std::string_view first_part(std::string_view path) {
    return path.substr(0, path.find('/'));
}

std::string own_violation(const SourceFile& file, std::string_view name) {
    const std::string_view folder = first_part(std::string_view(file.path).substr(5));
    const std::string_view wanted = first_part(name);
    const auto* layer = std::ranges::find(kLayers, folder, &Layer::folder);
    if (layer == kLayers.end()) {
        return fmt::format("core/{} is not a layer; add it to tests/tidy/layers.cpp", folder);
    }
    if (wanted == folder || std::ranges::find(layer->may_include, wanted) != layer->may_include.end()) {
        return "";
    }
    return fmt::format("core/{} may not include {}: only what lies below it", folder, name);
}

bool is_system(std::string_view name) {
    return std::ranges::any_of(kSystemHeaders, [&](std::string_view header) {
        return header.ends_with('/') ? name.starts_with(header) : name == header;
    });
}

std::string library_violation(const SourceFile& file, std::string_view name) {
    for (const Home& home : kHomes) {
        if (name.starts_with(home.prefix) &&
            std::ranges::none_of(home.places, [&](std::string_view place) { return is_at(file, place); })) {
            return std::string(home.reason);
        }
    }
    const bool is_production = is_in(file, "core") || is_in(file, "sim");
    if (is_production && is_system(name) && !is_at_any(file, kSystemPlaces) &&
        !is_at_any(file, verb_units())) {
        return fmt::format("<{}> reaches past the seams; use Clock, Disk, Network, Entropy or Workers", name);
    }
    return "";
}

std::string violation(const SourceFile& file, const Include& include) {
    if (!include.is_quoted) {
        return library_violation(file, include.name);
    }
    if (is_in(file, "core")) {
        return own_violation(file, include.name);
    }
    if (is_in(file, "sim") && first_part(include.name) == "posix" && !is_at_any(file, verb_units())) {
        return "only main() and the live drill may name the real world (posix)";
    }
    return "";
}

}  // namespace

Findings check_layers(const SourceFile& file) {
    Findings findings;
    if (!is_code(file)) {
        return findings;
    }
    const std::string code = blank_comments(file.text, Literals::keep);
    std::size_t number = 0;
    for (std::string_view line : split_lines(code)) {
        ++number;
        if (const auto include = parse_include(line)) {
            if (std::string words = violation(file, *include); !words.empty()) {
                findings.push_back({file.path, number, std::move(words)});
            }
        }
    }
    return findings;
}

}  // namespace firedrill::tidy
