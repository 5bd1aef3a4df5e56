#include "node/settings.h"

#include <fmt/format.h>

#include <toml++/toml.h>

namespace firedrill::node {

namespace {

constexpr std::size_t kSettingsLimit = 64 * 1024;
constexpr std::string_view kKnown = "data, logs, listen, hosts, passphrase_file";

Error wrong(std::string_view name, const toml::node& at, std::string text) {
    return {Fault::bad_input, fmt::format("{}:{}: {}", name, at.source().begin.line, text)};
}

Status read_text(std::string_view name, std::string_view key, const toml::node& node, std::string& out) {
    const auto* text = node.as_string();
    if (text == nullptr || text->get().empty()) {
        return wrong(name, node, fmt::format("\"{}\" must be a text that is not empty", key));
    }
    out = text->get();
    return {};
}

Status read_texts(std::string_view name, std::string_view key, const toml::node& node,
                  std::vector<std::string>& out) {
    const auto* list = node.as_array();
    if (list == nullptr || list->empty()) {
        return wrong(name, node, fmt::format("\"{}\" must be a list of texts that is not empty", key));
    }
    out.clear();
    for (const toml::node& item : *list) {
        std::string text;
        TRY(read_text(name, key, item, text));
        out.push_back(std::move(text));
    }
    return {};
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, std::string_view name) {
    if (text.size() > kSettingsLimit) {
        return Error{Fault::limit, fmt::format("{} is larger than {} bytes", name, kSettingsLimit)};
    }
    toml::table table;
    try {
        table = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return Error{Fault::bad_input,
                     fmt::format("{}:{}: {}", name, error.source().begin.line, error.description())};
    }
    Settings out;
    for (const auto& [key, node] : table) {
        const std::string_view field = key.str();
        if (field == "data") {
            TRY(read_text(name, field, node, out.data));
        } else if (field == "logs") {
            TRY(read_texts(name, field, node, out.logs));
        } else if (field == "listen") {
            TRY(read_text(name, field, node, out.listen));
        } else if (field == "hosts") {
            TRY(read_texts(name, field, node, out.hosts));
        } else if (field == "passphrase_file") {
            TRY(read_text(name, field, node, out.passphrase_file));
        } else {
            return wrong(name, node, fmt::format("unknown setting \"{}\"; known: {}", field, kKnown));
        }
    }
    return out;
}

}  // namespace firedrill::node
