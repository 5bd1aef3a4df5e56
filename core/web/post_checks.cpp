#include "web/post_checks.h"

#include <algorithm>

#include "crypto/secret.h"
#include "web/text.h"

namespace firedrill::web {
namespace {

/// Browsers leave the scheme's own port out of Origin and of Host.
std::string_view without_default_port(std::string_view host) {
    return host.ends_with(":443") ? host.substr(0, host.size() - 4) : host;
}

}  // namespace

std::optional<Refusal> check_post(const Request& request) {
    const std::string_view type = request.field("content-type");
    if (lower_case(trim(type.substr(0, type.find(';')))) != "application/x-www-form-urlencoded") {
        return Refusal{415, "Only forms are accepted here (application/x-www-form-urlencoded)."};
    }
    const Refusal foreign{
        403, "This request did not come from one of our pages. Open the page again and send it anew."};
    const std::string_view site = request.field("sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") {
        return foreign;
    }
    const bool has_origin =
        std::ranges::any_of(request.fields, [](const auto& field) { return field.first == "origin"; });
    if (has_origin) {
        constexpr std::string_view kScheme = "https://";
        if (request.field("origin") == "null") {
            // A page of ours whose origin the browser keeps to itself, for example because an extension or a
            // proxy made its referrer policy stricter. Fetch Metadata alone then says whose page it was.
            return site == "same-origin" ? std::nullopt : std::optional(foreign);
        }
        const std::string origin = lower_case(request.field("origin"));
        const std::string host = lower_case(request.field("host"));
        if (!origin.starts_with(kScheme) || without_default_port(std::string_view(origin).substr(
                                                kScheme.size())) != without_default_port(host)) {
            return foreign;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> only_value(const std::multimap<std::string, std::string>& fields,
                                           std::string_view name) {
    const auto [from, to] = fields.equal_range(std::string(name));
    if (from == to || std::next(from) != to) {
        return std::nullopt;
    }
    return from->second;
}

WipedFields::~WipedFields() {
    for (auto& [name, value] : fields_) {
        crypto::zeroise(value);
    }
}

void WipedFields::remove(std::string_view name) {
    const auto [from, to] = fields_.equal_range(std::string(name));
    for (auto at = from; at != to; ++at) {
        crypto::zeroise(at->second);
    }
    fields_.erase(from, to);
}

}  // namespace firedrill::web
