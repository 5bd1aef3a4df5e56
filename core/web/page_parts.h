// Pieces that the pages for staff are made of. Pure; used by the page functions of this folder only.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/time.h"
#include "web/html.h"

namespace firedrill::web::pages {

html::Markup paragraph(std::string_view words);
html::Markup link_to(const std::string& address, std::string_view label);
html::Markup hidden(std::string_view name, std::string_view value);
html::Markup button(std::string_view label);
/// `id` "invite:password" is the id of a field "password".
html::Markup field(const std::string& id, std::string_view label, html::Attributes attributes,
                   std::string_view hint = {});
html::Markup password_field(const std::string& id, std::string_view label);
html::Markup new_password_fields();
html::Markup plain_field(const std::string& id, std::string_view label, std::string_view value,
                         std::string_view autocomplete);
html::Markup post(const std::string& address, const html::Markup& inside);
/// Empty markup for an empty `problem`.
html::Markup problem_of(std::string_view problem);
std::string title_of(std::string_view title, std::string_view problem);
/// "2026-03-01 12:00 UTC".
std::string minute_of(WallTime at);
html::Markup heads(std::initializer_list<std::string_view> names);
html::Markup code_box(std::string_view code);
/// What cannot be undone.
html::Markup warning(std::string_view words);

}  // namespace firedrill::web::pages
