// The table of routes: docs/routes.md in code. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/http.h"

namespace firedrill::web {

enum class Page : std::uint8_t {
    home,
    status,
    style,
    practice,
    form,
    thanks,
    sign_in,
    sign_out,
    submissions,
    submission,
    staff,
    staff_invite,
    staff_disable,
    join,
    account,
    account_password,
    account_sessions,
    recover,
    recover_shares,
    safekeeping,
    kit_replace,
    escrow_make,
    escrow_confirm,
    escrow_end,
    second_factor,
    second_factor_new,
    second_factor_codes,
    second_factor_off,
};
struct Route {
    Page page = Page::home;
    std::string practice;  ///< as in the path; not looked up yet
    std::string object;    ///< form name or submission id
};
/// One row of the table as docs/routes.md has it; ":" stands for any one segment.
struct RouteRow {
    std::string path;
    std::string_view methods;
};
/// Every route there is: docs/routes.md and the walk of tests/browser are held against it.
std::vector<RouteRow> all_routes();
/// nullopt: no such page.
std::optional<Route> find_route(std::string_view path);
/// "GET, HEAD", "POST" or both.
std::string_view methods_of(Page page) noexcept;
bool is_allowed(Page page, Method method) noexcept;

}  // namespace firedrill::web
