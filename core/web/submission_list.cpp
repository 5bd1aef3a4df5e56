#include "web/submission_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "forms/json.h"
#include "web/html.h"
#include "web/post_checks.h"

namespace firedrill::web {
namespace {

std::optional<forms::ListKey> read_key(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    forms::ListKey key;
    const std::string_view number = text.substr(0, dash);
    const auto read = std::from_chars(number.data(), number.data() + number.size(), key.received.ns);
    const auto id = from_hex(text.substr(dash + 1));
    if (read.ec != std::errc() || read.ptr != number.data() + number.size() || !id ||
        id->size() != key.id.bytes.size()) {
        return std::nullopt;
    }
    std::ranges::copy(*id, key.id.bytes.begin());
    return key;
}

std::string address_of(std::string_view practice) {
    return html::path({"p", practice, "submissions"});
}

void append_address(std::string& out, const std::optional<std::string>& address) {
    if (address) {
        forms::append_json_string(out, *address + "&as=json");
    } else {
        out += "null";
    }
}

}  // namespace

std::optional<ListQuery> read_list_query(std::string_view query) {
    const auto fields = parse_form(query);
    if (!fields) {
        return std::nullopt;
    }
    ListQuery out;
    out.wish.limit = kListLimit;
    for (const std::string_view name : {"older", "newer"}) {
        if (!fields->contains(std::string(name))) {
            continue;
        }
        const auto text = only_value(*fields, name);
        const auto key = text ? read_key(*text) : std::nullopt;
        if (!key || out.wish.from != forms::ListFrom::newest) {
            return std::nullopt;
        }
        out.wish.key = *key;
        out.wish.from = name == "older" ? forms::ListFrom::older_than : forms::ListFrom::newer_than;
    }
    if (fields->contains("as")) {
        const auto form = only_value(*fields, "as");
        if (!form || *form != "json") {
            return std::nullopt;
        }
        out.is_json = true;
    }
    return out;
}

std::string key_text(const forms::Summary& summary) {
    return fmt::format("{}-{}", summary.received.ns, to_hex(summary.id.view()));
}

std::optional<std::string> newer_page(std::string_view practice, const forms::SummaryPage& page) {
    return page.has_newer && !page.items.empty()
               ? std::optional(address_of(practice) + "?newer=" + key_text(page.items.front()))
               : std::nullopt;
}

std::optional<std::string> older_page(std::string_view practice, const forms::SummaryPage& page) {
    return page.has_older && !page.items.empty()
               ? std::optional(address_of(practice) + "?older=" + key_text(page.items.back()))
               : std::nullopt;
}

Response list_json(std::string_view practice, const forms::SummaryPage& page) {
    std::string body = "{\"submissions\":[";
    for (const forms::Summary& summary : page.items) {
        body += fmt::format("{}{{\"id\":\"{}\",\"form\":", body.back() == '[' ? "" : ",",
                            to_hex(summary.id.view()));
        forms::append_json_string(body, summary.form);
        body += fmt::format(",\"received\":\"{}\"}}", format_utc(summary.received));
    }
    body += "],\"newer\":";
    append_address(body, newer_page(practice, page));
    body += ",\"older\":";
    append_address(body, older_page(practice, page));
    Response out;
    out.fields = {{"Content-Type", "application/json"}};
    out.body = body + "}\n";
    return out;
}

}  // namespace firedrill::web
