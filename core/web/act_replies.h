// What the parts of the site that act on people, kit and escrow have in common: refusals and their words.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "crypto/secret.h"
#include "identity/identity.h"
#include "web/http.h"
#include "web/post_checks.h"

namespace firedrill::web {

Response unreadable();
Response forbidden();
/// The form does not carry the session's token.
Response not_sent_from_here();
[[nodiscard]] bool has_session_token(const WipedFields& fields, const identity::Session& session);
/// What is wrong with the person's input is 422; what is wrong with us or with the moment is 503.
unsigned status_of(const Error& error);
/// A sentence for people: errors of identity are written for them, those of the storage are not.
std::string words_of(const Error& error);
crypto::Secret secret_of(std::string_view text);
/// "https://" and the Host that was asked: where this server is reached from.
std::string address_of(const Request& request);

}  // namespace firedrill::web
