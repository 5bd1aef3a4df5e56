// Whether a POST was sent by one of our own pages: content type, Origin, Fetch Metadata, and session tokens.
// Pure.
#pragma once

#include <optional>

#include "web/http.h"
#include "web/request_guard.h"

namespace firedrill::web {

/// nullopt when the post may go on. 415: not a form. 403: another site's page may have sent it: Origin is not
/// "https://" and our Host, or Sec-Fetch-Site is neither same-origin nor none. Origin "null" is what browsers
/// send instead of an origin that they keep to themselves, for our pages and for an attacker's alike: it
/// counts only together with Sec-Fetch-Site same-origin, which no page can make up. Clients that send neither
/// field are not browsers, and carry nobody's cookies.
std::optional<Refusal> check_post(const Request& request);

/// The one value of a field; nullopt when it is absent or came twice.
std::optional<std::string_view> only_value(const std::multimap<std::string, std::string>& fields,
                                           std::string_view name);

/// Form fields that are zeroised when they go: answers and passwords.
class WipedFields {
  public:
    explicit WipedFields(std::multimap<std::string, std::string> fields) : fields_(std::move(fields)) {}
    ~WipedFields();
    WipedFields(WipedFields&& other) noexcept : fields_(std::exchange(other.fields_, {})) {}
    WipedFields& operator=(WipedFields&&) = delete;
    [[nodiscard]] const std::multimap<std::string, std::string>& all() const noexcept { return fields_; }
    /// Zeroises and removes every value of `name`.
    void remove(std::string_view name);

  private:
    std::multimap<std::string, std::string> fields_;
};

}  // namespace firedrill::web
