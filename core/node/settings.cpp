#include "node/settings.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>

#include "crypto/tls.h"

namespace firedrill::node {

namespace {

constexpr std::size_t kSettingsLimit = 64 * 1024;
constexpr std::string_view kKnown =
    "data, logs, listen, hosts, passphrase_file, key_file, staff_second_factor, password_memory_kib, "
    "password_passes, secrets";
constexpr std::int64_t kMostMemoryKib = 1024 * 1024;
constexpr std::int64_t kMostPasses = 16;

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

Status read_number(std::string_view name, std::string_view key, const toml::node& node, std::int64_t most,
                   std::uint32_t& out) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < out || number->get() > most) {
        return wrong(name, node, fmt::format("\"{}\" must be a number from {} to {}", key, out, most));
    }
    out = static_cast<std::uint32_t>(number->get());
    return {};
}

Status read_second_factor(std::string_view name, std::string_view key, const toml::node& node,
                          identity::SecondFactorRule& out) {
    const auto* text = node.as_string();
    if (text == nullptr || (text->get() != "optional" && text->get() != "required")) {
        return wrong(name, node, fmt::format("\"{}\" must be \"optional\" or \"required\"", key));
    }
    out = text->get() == "required" ? identity::SecondFactorRule::required
                                    : identity::SecondFactorRule::optional;
    return {};
}

constexpr std::int64_t kMostDays = 3650;

Status read_days(std::string_view name, std::string_view key, const toml::node& node, Duration& out) {
    const auto* days = node.as_integer();
    if (days == nullptr || days->get() < 1 || days->get() > kMostDays) {
        return wrong(name, node, fmt::format("\"{}\" must be a number of days from 1 to {}", key, kMostDays));
    }
    out = std::chrono::hours(24 * days->get());
    return {};
}

Status read_secrets(std::string_view name, const toml::node& node, SecretLimits& out) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        return wrong(name, node, "\"secrets\" must be a table");
    }
    const std::array<std::pair<std::string_view, Duration*>, 6> known{
        {{"passphrase_days", &out.passphrase},
         {"directory_days", &out.directory},
         {"signing_days", &out.signing},
         {"certificate_days", &out.certificate},
         {"certificate_notice_days", &out.certificate_notice},
         {"authority_notice_days", &out.authority_notice}}};
    for (const auto& [key, value] : *table) {
        const auto found =
            std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.first == key.str(); });
        if (found == known.end()) {
            return wrong(name, value, fmt::format("unknown setting \"secrets.{}\"", key.str()));
        }
        TRY(read_days(name, found->first, value, *found->second));
    }
    if (out.certificate > crypto::kLongestServerValidity || out.certificate_notice >= out.certificate) {
        return wrong(
            name, node,
            "\"certificate_days\" must be at most 397, and \"certificate_notice_days\" less than it");
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
        } else if (field == "secrets") {
            TRY(read_secrets(name, node, out.secrets));
        } else if (field == "key_file") {
            TRY(read_text(name, field, node, out.key_file));
        } else if (field == "passphrase_file") {
            TRY(read_text(name, field, node, out.passphrase_file));
        } else if (field == "staff_second_factor") {
            TRY(read_second_factor(name, field, node, out.staff_second_factor));
        } else if (field == "password_memory_kib") {
            TRY(read_number(name, field, node, kMostMemoryKib, out.cost.memory_kib));
        } else if (field == "password_passes") {
            TRY(read_number(name, field, node, kMostPasses, out.cost.passes));
        } else {
            return wrong(name, node, fmt::format("unknown setting \"{}\"; known: {}", field, kKnown));
        }
    }
    return out;
}

}  // namespace firedrill::node
