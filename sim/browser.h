// Browser: a person's browser: cookies, forms, redirects. Over HttpsClient, so simulated and real alike.
//
// Its heads are those that a real Chromium was recorded to send, but for lengths, tokens and ports:
// tests/browser/heads, held against it by tests/sim/browser_heads_test.cpp. `./dev test --record-heads`
// records anew.
//
// Loop only; one page at a time. `then` runs once a call, never inside it, never after the browser is gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/html_page.h"
#include "sim/https_client.h"

namespace firedrill::sim {

struct WebPage {
    unsigned status = 0;
    std::string address;   ///< path of the page that is shown now
    std::string location;  ///< of a redirect that was not followed
    std::string body;
};

enum class Redirects : bool { show, follow };

class Browser {
  public:
    using Then = std::function<void(Result<WebPage>)>;

    Browser(Clock& clock, Network& network, HttpsClientOptions options);

    /// As if the address were typed.
    void get(const std::string& target, Then then);
    /// As if the form of the page that is shown were sent.
    void post(const std::string& target, const FormValues& values, Redirects redirects, Then then);
    /// Ends the connection; cookies stay.
    void rest() { client_.close(); }

  private:
    static constexpr int kRedirectLimit = 5;
    /// Why a page is asked for: a typed address, a form, or a redirect of either.
    enum class Cause { address, form, redirect };
    void send(HttpRequest request, Cause cause, Redirects redirects, int followed, Then then);
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> fields_of(const HttpRequest& request,
                                                                             Cause cause) const;
    void keep_cookies(const HttpResponse& response);
    [[nodiscard]] std::string cookie_line() const;

    std::string origin_;
    std::string shown_;     ///< target of the page that is shown; empty: none yet
    std::string referrer_;  ///< of the requests under way; empty: nobody's page led here
    std::map<std::string, std::string> cookies_;
    HttpsClient client_;
};

}  // namespace firedrill::sim
