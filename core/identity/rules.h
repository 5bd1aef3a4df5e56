// What names and passwords may look like. Pure; used inside identity/ only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/secret.h"
#include "identity/identity.h"
#include "identity/password_policy.h"

namespace firedrill::identity {

/// ASCII letters in lower case: names of practices and logins are typed by people.
std::string lower_ascii(std::string_view text);

/// Words of at least four bytes.
std::vector<std::string_view> words_of(std::string_view text);

/// bad_input naming the first name that is ill-formed. The password is not looked at.
Status check_new_practice(const NewPractice& request);
Status check_login(std::string_view login);

/// The password as it is hashed, when it may be chosen; bad_input otherwise. Milliseconds: from a job.
Result<crypto::Secret> take_new_password(const crypto::Secret& typed, PasswordUse use,
                                         std::string_view practice, std::string_view title,
                                         std::string_view login);

}  // namespace firedrill::identity
