// The list of submitted forms, a page at a time: which page an address asks for, the links to its neighbours,
// and the list as JSON. Pure. A page begins beside a form, not at a count: what arrives meanwhile neither
// repeats nor skips one. docs/routes.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "forms/submissions.h"
#include "web/http.h"

namespace firedrill::web {

inline constexpr std::uint32_t kListLimit = 500;  ///< submissions on one page

struct ListQuery {
    forms::ListWish wish;
    bool is_json = false;
};
/// Of "older=KEY", "newer=KEY", "as=json"; anything else is ignored. nullopt: one of these is malformed or
/// came twice, or both keys came.
std::optional<ListQuery> read_list_query(std::string_view query);

/// "1790000000000000000-00112233445566778899aabbccddeeff": when it came, in nanoseconds, and its id.
std::string key_text(const forms::Summary& summary);

/// Addresses of the neighbours; nullopt where there is none.
std::optional<std::string> newer_page(std::string_view practice, const forms::SummaryPage& page);
std::optional<std::string> older_page(std::string_view practice, const forms::SummaryPage& page);

Response list_json(std::string_view practice, const forms::SummaryPage& page);

}  // namespace firedrill::web
