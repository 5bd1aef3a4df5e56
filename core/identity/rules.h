// What names and passwords may look like. Pure; used inside identity/ only.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"
#include "identity/identity.h"
#include "identity/password_policy.h"

namespace firedrill::identity {

inline constexpr std::size_t kShortestPassword = 12;  ///< bytes

/// ASCII letters in lower case: names of practices and logins are typed by people.
std::string lower_ascii(std::string_view text);

/// bad_input naming the first field that is ill-formed or weak.
Status check_new_practice(const NewPractice& request);
/// bad_input when too short, too long, not UTF-8, or made of the words that surround it.
Status check_password(const crypto::Secret& password, std::string_view practice, std::string_view login);

}  // namespace firedrill::identity
