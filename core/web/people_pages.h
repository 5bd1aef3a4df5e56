// The pages about people: who is there, joining, one's own account, recovery. Pure, like pages.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "identity/people.h"
#include "web/html.h"

namespace firedrill::web::pages {

/// What the node does for a practice's copies and keys, as its owners read it.
struct Upkeep {
    bool is_degraded = false;
    store::StoreHealth store;
};
/// `problem` empty: nothing went wrong.
html::Markup staff(const identity::Session& session, const identity::PeopleList& list,
                   std::string_view problem, const Upkeep& upkeep);
/// The one time that an invitation's code is shown.
html::Markup invited(const identity::Session& session, const identity::Invitation& invitation);
html::Markup join(std::string_view problem);
html::Markup joined(const identity::Joined& joined);
html::Markup account(const identity::Session& session, std::span<const identity::SessionInfo> sessions,
                     Instant now, std::string_view problem, std::string_view done);
html::Markup recover(std::string_view practice, std::string_view login, std::string_view problem);
/// The one time that the next recovery code is shown: on the next kit. `address` as on the kit.
html::Markup recovered(const identity::Recovered& recovered, std::string_view address);

}  // namespace firedrill::web::pages
