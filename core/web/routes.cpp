#include "web/routes.h"

#include <array>

namespace firedrill::web {
namespace {

constexpr std::string_view kRead = "GET, HEAD";
constexpr std::string_view kWrite = "POST";
constexpr std::string_view kBoth = "GET, HEAD, POST";

/// ":" stands for any one segment: first the practice, then the object.
struct Entry {
    Page page;
    std::string_view methods;
    std::array<std::string_view, 4> segments;
    std::size_t count;
};
constexpr std::array<Entry, 28> kRoutes = {{
    {Page::home, kRead, {}, 0},
    {Page::status, kRead, {"status"}, 1},
    {Page::style, kRead, {"style.css"}, 1},
    {Page::practice, kRead, {"p", ":"}, 2},
    {Page::form, kBoth, {"p", ":", "forms", ":"}, 4},
    {Page::thanks, kRead, {"p", ":", "thanks", ":"}, 4},
    {Page::sign_in, kBoth, {"sign-in"}, 1},
    {Page::sign_out, kWrite, {"sign-out"}, 1},
    {Page::submissions, kRead, {"p", ":", "submissions"}, 3},
    {Page::submission, kRead, {"p", ":", "submissions", ":"}, 4},
    {Page::staff, kRead, {"p", ":", "staff"}, 3},
    {Page::staff_invite, kWrite, {"p", ":", "staff", "invite"}, 4},
    {Page::staff_disable, kWrite, {"p", ":", "staff", "disable"}, 4},
    {Page::join, kBoth, {"join"}, 1},
    {Page::account, kRead, {"account"}, 1},
    {Page::account_password, kWrite, {"account", "password"}, 2},
    {Page::account_sessions, kWrite, {"account", "sessions"}, 2},
    {Page::recover, kBoth, {"recover"}, 1},
    {Page::recover_shares, kBoth, {"recover", "shares"}, 2},
    {Page::safekeeping, kRead, {"p", ":", "kit"}, 3},
    {Page::kit_replace, kWrite, {"p", ":", "kit", "replace"}, 4},
    {Page::escrow_make, kWrite, {"p", ":", "kit", "escrow"}, 4},
    {Page::escrow_confirm, kWrite, {"p", ":", "kit", "confirm"}, 4},
    {Page::escrow_end, kWrite, {"p", ":", "kit", "end"}, 4},
    {Page::second_factor, kBoth, {"account", "second-factor"}, 2},
    {Page::second_factor_new, kWrite, {"account", "second-factor", "new"}, 3},
    {Page::second_factor_codes, kWrite, {"account", "second-factor", "codes"}, 3},
    {Page::second_factor_off, kWrite, {"account", "second-factor", "off"}, 3},
}};

/// "/a/b" to {"a", "b"}; "/" to nothing; nullopt when there are more than any route has, or an empty one.
std::optional<std::vector<std::string_view>> split(std::string_view path) {
    std::vector<std::string_view> out;
    path.remove_prefix(1);
    while (!path.empty()) {
        const std::size_t end = path.find('/');
        if (end == 0 || end + 1 == path.size() || out.size() == 4) {
            return std::nullopt;
        }
        out.push_back(path.substr(0, end));
        path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
    }
    return out;
}

}  // namespace

std::vector<RouteRow> all_routes() {
    std::vector<RouteRow> out;
    for (const Entry& entry : kRoutes) {
        std::string path;
        for (std::size_t i = 0; i < entry.count; ++i) {
            path += '/';
            path += entry.segments[i];
        }
        out.push_back({path.empty() ? "/" : path, entry.methods});
    }
    return out;
}

std::optional<Route> find_route(std::string_view path) {
    const auto segments = split(path);
    if (!segments) {
        return std::nullopt;
    }
    for (const Entry& entry : kRoutes) {
        if (entry.count != segments->size()) {
            continue;
        }
        Route route{entry.page, {}, {}};
        bool is_match = true;
        for (std::size_t i = 0; i < entry.count && is_match; ++i) {
            if (entry.segments[i] != ":") {
                is_match = entry.segments[i] == (*segments)[i];
            } else if (i == 1) {
                route.practice = (*segments)[i];
            } else {
                route.object = (*segments)[i];
            }
        }
        if (is_match) {
            return route;
        }
    }
    return std::nullopt;
}

std::string_view methods_of(Page page) noexcept {
    for (const Entry& entry : kRoutes) {
        if (entry.page == page) {
            return entry.methods;
        }
    }
    return {};
}

bool is_allowed(Page page, Method method) noexcept {
    const std::string_view methods = methods_of(page);
    return method == Method::post ? methods != kRead : methods != kWrite;
}

}  // namespace firedrill::web
