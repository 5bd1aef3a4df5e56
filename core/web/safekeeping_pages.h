// The pages about recovery kit and escrow, and the sheets that are printed from them. Pure, like pages.h.
#pragma once

#include <string>
#include <string_view>

#include "identity/safekeeping.h"
#include "web/html.h"

namespace firedrill::web::pages {

/// What stands on a printed kit.
struct KitView {
    std::string_view practice_title;
    std::string_view practice_name;
    std::string_view code;
    std::string_view login;    ///< who made it
    std::string_view address;  ///< of this server, as the browser knows it
    WallTime made;
};
/// One sheet of paper.
html::Markup kit_sheet(const KitView& view);

/// What opens the practice when its passwords are lost, and an owner's acts on it.
html::Markup safekeeping(const identity::Session& session, const identity::Safekept& kept,
                         std::string_view problem, std::string_view done);
/// The one time that a kit's code is shown.
html::Markup new_kit(const identity::Session& session, const identity::NewKit& kit, std::string_view address);
/// The one time that shares are shown: a sheet each.
html::Markup new_shares(const identity::Session& session, const identity::NewEscrow& escrow,
                        std::string_view address);
/// `fields`: how many shares can be typed, 2 to 10. What was typed is not shown again.
html::Markup recover_by_shares(std::string_view practice, std::string_view login, std::size_t fields,
                               std::string_view problem);

}  // namespace firedrill::web::pages
