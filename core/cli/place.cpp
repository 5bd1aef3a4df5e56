#include "cli/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/real_world.h"
#include "posix/paths.h"
#include "posix/secret_files.h"
#include "posix/terminal.h"
#include "store/log_format.h"

namespace firedrill::cli {

namespace {

constexpr std::string_view kDefaultSettings = "firedrill.toml";
constexpr std::size_t kSettingsFileLimit = 64 * 1024;

Status load_settings(const std::string& named, Settled& out) {
    const bool is_named = !named.empty();
    const std::string path = is_named ? named : std::string(kDefaultSettings);
    Result<std::string> text = posix::read_small_file(path, kSettingsFileLimit);
    if (!text) {
        return !is_named && text.error().fault == Fault::not_found ? Status() : std::move(text).error();
    }
    out.settings = TRY(node::parse_settings(*text, path));
    out.settings_path = posix::absolute_path(path);
    return {};
}

/// As one word of a shell's command line.
std::string quoted_for_shell(std::string_view word) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=,-";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
        return std::string(word);
    }
    std::string out = "'";
    for (const char c : word) {
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out + "'";
}

/// Names of the files in a folder; none where it cannot be read.
std::vector<std::string> names_in(const std::string& folder) {
    const auto opened = open_folders({folder}, MakeFolders::no);
    if (!opened) {
        return {};
    }
    auto names = opened->front()->list();
    return names ? std::move(*names) : std::vector<std::string>();
}

bool has_name(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<Settled> settle(const CommonOptions& options) {
    Settled out;
    TRY(load_settings(options.settings_file, out));
    auto pick = [](const std::string& said, const std::string& set) { return said.empty() ? set : said; };
    out.place.data = posix::absolute_path(pick(options.place.data, out.settings.data));
    for (const std::string& log : options.place.logs.empty() ? out.settings.logs : options.place.logs) {
        out.place.logs.push_back(posix::absolute_path(log));
    }
    if (out.place.logs.empty()) {
        out.place.logs.push_back(out.place.data + "/log");
    }
    const std::string passphrase = pick(options.place.passphrase_file, out.settings.passphrase_file);
    out.place.passphrase_file = passphrase.empty() ? "" : posix::absolute_path(passphrase);
    // The command line's way of giving it counts, not the settings' other way.
    const bool is_said = !options.place.passphrase_file.empty();
    const std::string key =
        is_said ? options.place.key_file : pick(options.place.key_file, out.settings.key_file);
    out.place.key_file = key.empty() ? "" : posix::absolute_path(key);
    if (!options.place.key_file.empty() && !is_said) {
        out.place.passphrase_file.clear();
    }
    if (!out.place.key_file.empty() && !out.place.passphrase_file.empty()) {
        return Error{Fault::bad_usage, "give a passphrase file or a key file, not both"};
    }
    return out;
}

Result<Settled> settle_folder(const CommonOptions& options) {
    Settled out = TRY(settle(options));
    const bool is_said = !options.place.logs.empty() || !options.settings_file.empty();
    if (!is_said && posix::absolute_path(out.settings.data) != out.place.data) {
        out.place.logs = {out.place.data + "/log"};
    }
    return out;
}

std::string command_line(std::string_view verb, const Settled& settled) {
    const Place& place = settled.place;
    std::string out = fmt::format("firedrill {}", verb);
    const auto add = [&out](std::string_view option, const std::string& value) {
        if (!value.empty()) {
            out += fmt::format(" {} {}", option, quoted_for_shell(value));
        }
    };
    add("--data", place.data);
    if (place.logs != std::vector<std::string>{place.data + "/log"}) {
        for (const std::string& log : place.logs) {
            add("--log", log);
        }
    }
    add("--passphrase-file", place.passphrase_file);
    add("--key-file", place.key_file);
    for (const std::string& host : settled.hosts) {
        add("--host", host);
    }
    add("--config", settled.settings_path);
    return out;
}

std::string data_folder(const Place& place) {
    return place.data + "/data";
}
std::string authority_path(const Place& place) {
    return place.data + "/authority.pem";
}
std::string control_endpoint(const Place& place) {
    return "unix:" + place.data + "/control.sock";
}

Result<bool> node_exists(const Place& place) {
    const std::string folder = data_folder(place);
    // Written last of all by create and restore.
    if (TRY(posix::exists(folder + "/firedrill.node"))) {
        return true;
    }
    const std::vector<std::string> names = names_in(folder);
    if (names.empty() || has_name(names, "firedrill.creating")) {  // creating begins anew
        return false;
    }
    if (has_name(names, "log.members")) {
        return Error{
            Fault::damaged,
            fmt::format(
                "{} holds a node's files, but its file firedrill.node is missing: nothing is made over "
                "them; put that file back from a copy, or restore the node from its log (firedrill "
                "restore --from LOG --to NEW)",
                folder)};
    }
    return Error{
        Fault::damaged,
        fmt::format("{} holds {} and no node: a restore into it did not end, or it is another folder than "
                    "you mean. Nothing is made over that; remove it if a restore left it, and restore again "
                    "(firedrill restore --from LOG --to NEW)",
                    folder, names.front())};
}

Error no_node(const Place& place, std::string_view otherwise) {
    for (const std::string& log : place.logs) {
        for (const std::string& name : names_in(log)) {
            if (store::parse_segment_name(name)) {
                return Error{
                    Fault::not_found,
                    fmt::format("no node in {}, but {} holds a log: mount the data disk if it is not, or "
                                "restore the node (firedrill restore --from {} --to NEW)",
                                data_folder(place), log, quoted_for_shell(log))};
            }
        }
    }
    return Error{Fault::not_found, fmt::format("no node in {}{}", place.data, otherwise)};
}

namespace {

constexpr const char* kCredential = "firedrill.passphrase";

Status check_outside(const Place& place, const std::string& file, std::string_view what) {
    std::vector<std::string> folders = place.logs;
    folders.push_back(place.data);
    for (const std::string& folder : folders) {
        if (posix::is_inside(file, folder)) {
            return Error{Fault::refused,
                         fmt::format("the {} {} lies beside the data in {}: a thief of that disk would have "
                                     "both; keep it elsewhere",
                                     what, file, folder)};
        }
    }
    return {};
}

/// Empty when no file is named.
Result<crypto::Secret> read_named(const Place& place, const std::string& passphrase_file,
                                  const std::string& key_file) {
    if (!key_file.empty()) {
        TRY(check_outside(place, key_file, "key file"));
        return posix::read_key_file(key_file);
    }
    if (!passphrase_file.empty()) {
        TRY(check_outside(place, passphrase_file, "passphrase file"));
        return posix::read_passphrase_file(passphrase_file);
    }
    return crypto::Secret();
}

}  // namespace

Result<crypto::Secret> obtain_new_passphrase(const Place& place, const std::string& passphrase_file,
                                             const std::string& key_file) {
    if (!passphrase_file.empty() && !key_file.empty()) {
        return Error{Fault::bad_usage, "give a new passphrase file or a new key file, not both"};
    }
    const auto absolute = [](const std::string& path) {
        return path.empty() ? path : posix::absolute_path(path);
    };
    crypto::Secret named = TRY(read_named(place, absolute(passphrase_file), absolute(key_file)));
    if (!named.is_empty()) {
        return named;
    }
    std::optional<crypto::Secret> typed = TRY(ask_new_secret("new passphrase of the node"));
    if (!typed) {
        return Error{
            Fault::bad_usage,
            "the new passphrase is needed: give --new-passphrase-file or --new-key-file, or run on a "
            "terminal"};
    }
    return *std::move(typed);
}

Result<Passphrase> obtain_passphrase(const Place& place, bool is_new, bool is_demo) {
    Passphrase out;
    out.secret = TRY(read_named(place, place.passphrase_file, place.key_file));
    if (!out.secret.is_empty()) {
        return out;
    }
    if (const auto credential = TRY(posix::find_credential(kCredential))) {
        out.secret = TRY(posix::read_credential(*credential));
        return out;
    }
    Result<std::optional<crypto::Secret>> typed =
        is_new ? ask_new_secret("new passphrase of the node") : ask_secret("passphrase of the node");
    if (!typed) {
        return std::move(typed).error();
    }
    if (typed->has_value()) {
        out.secret = std::move(**typed);
        out.was_typed = true;
        return out;
    }
    if (is_new && is_demo) {
        std::string drawn = draw_readable(system_entropy());
        out.secret = crypto::Secret(as_bytes(drawn));
        crypto::zeroise(drawn);
        out.was_drawn = true;
        return out;
    }
    return Error{
        Fault::bad_usage,
        "the node's passphrase is needed: give --passphrase-file or --key-file, pass the systemd credential "
        "firedrill.passphrase, or run on a terminal"};
}

Result<std::optional<crypto::Secret>> ask_secret(const std::string& what) {
    Result<crypto::Secret> typed = posix::ask_passphrase(what + ": ");
    if (!typed) {
        if (typed.error().fault == Fault::unavailable) {
            return std::optional<crypto::Secret>();
        }
        return std::move(typed).error();
    }
    return std::optional<crypto::Secret>(std::move(typed).value());
}

Result<std::optional<crypto::Secret>> ask_new_secret(const std::string& what) {
    auto first = TRY(ask_secret(what));
    if (!first) {
        return first;
    }
    auto second = TRY(ask_secret(what + ", again"));
    if (!second || !crypto::equal_secret(first->view(), second->view())) {
        return Error{Fault::bad_input,
                     fmt::format("the two {}s differ; nothing was changed, try again", what)};
    }
    return first;
}

Status write_authority(const Place& place, const std::string& pem) {
    Status written = posix::replace_small_file(authority_path(place), pem);
    if (!written) {
        // It nearly always is what it was: then a full disk does not keep the node from starting.
        const auto present = posix::read_small_file(authority_path(place), pem.size() + 1);
        return present && *present == pem ? Status() : written;
    }
    return {};
}

std::string draw_readable(Entropy& entropy) {
    constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";  // 32, none that look alike
    static_assert(kLetters.size() == 32);
    std::array<Byte, 20> drawn{};
    entropy.fill(drawn);
    std::string out;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
        if (i > 0 && i % 4 == 0) {
            out.push_back('-');
        }
        out.push_back(kLetters[drawn[i] % 32]);
    }
    crypto::zeroise(drawn);
    return out;
}

}  // namespace firedrill::cli
