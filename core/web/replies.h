// Replies: Responses with the fields that every answer of a node carries. Pure.
#pragma once

#include <string>
#include <string_view>

#include "web/html.h"
#include "web/http.h"

namespace firedrill::web {

/// Adds HSTS, Content-Security-Policy, nosniff, COOP, CORP, Referrer-Policy, Permissions-Policy, and
/// Cache-Control no-store unless the response says otherwise. Every response passes here exactly once.
void add_security_fields(Response& response);

Response page_reply(unsigned status, const html::Markup& document);
/// `address` is one of ours, percent-encoded (html::path).
Response see_other(std::string address);
/// A few plain words for clients whose request could not be read; closes the connection.
Response refusal_reply(unsigned status, std::string_view text);

}  // namespace firedrill::web
