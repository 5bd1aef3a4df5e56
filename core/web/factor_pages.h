// The pages about one's own second factor. Pure, like pages.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "identity/people.h"
#include "web/html.h"

namespace firedrill::web::pages {

inline constexpr std::string_view kSecondFactorPath = "/account/second-factor";

/// What there is, and what can be done. `problem` and `done` empty: nothing to say.
html::Markup second_factor(const identity::Session& session, std::string_view problem, std::string_view done);
/// The secret, as QR code and to type, and the form that confirms it.
html::Markup second_factor_proposal(const identity::Session& session,
                                    const identity::SecondFactorProposal& proposal, std::string_view problem);
/// The one time that spare codes are shown; made to be printed.
html::Markup spare_codes(const identity::Session& session, std::span<const std::string> codes);

}  // namespace firedrill::web::pages
