#include "web/act_replies.h"

#include "web/pages.h"
#include "web/replies.h"

namespace firedrill::web {

Response unreadable() {
    return page_reply(400,
                      pages::notice("The form could not be read", "Open the page again and send it anew."));
}

Response forbidden() {
    return page_reply(403, pages::notice("Not yours to do",
                                         "Your role does not allow that. Ask an owner of the practice."));
}

unsigned status_of(const Error& error) {
    switch (error.fault) {
        case Fault::bad_input:
        case Fault::wrong_secret:
        case Fault::refused:
        case Fault::exists:
        case Fault::limit:
        case Fault::not_found: return 422;
        default: return 503;
    }
}

std::string words_of(const Error& error) {
    if (status_of(error) == 422 || error.fault == Fault::unavailable) {
        std::string out = error.text + ".";
        out[0] = out[0] >= 'a' && out[0] <= 'z' ? static_cast<char>(out[0] - 'a' + 'A') : out[0];
        return out;
    }
    return "That does not work at the moment, and it may or may not have happened. Look again in a few "
           "minutes.";
}

crypto::Secret secret_of(std::string_view text) {
    return crypto::Secret(as_bytes(text));
}

bool has_session_token(const WipedFields& fields, const identity::Session& session) {
    const auto token = only_value(fields.all(), pages::kCsrfField);
    return token && crypto::equal_secret(as_bytes(*token), as_bytes(session.csrf));
}

Response not_sent_from_here() {
    return page_reply(403, pages::notice("Not accepted", "Open the page again and send it from there."));
}

std::string address_of(const Request& request) {
    return "https://" + std::string(request.field("host")) + "/";
}

}  // namespace firedrill::web
