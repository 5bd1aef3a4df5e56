// Browser: a person's browser: cookies, forms, redirects. Over HttpsClient, so simulated and real alike.
//
// Loop only; one page at a time. `then` runs once a call, never inside it, never after the browser is gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

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

    void get(const std::string& target, Then then);
    void post(const std::string& target, const FormValues& values, Redirects redirects, Then then);
    /// Ends the connection; cookies stay.
    void rest() { client_.close(); }

  private:
    static constexpr int kRedirectLimit = 5;
    void send(HttpRequest request, Redirects redirects, int followed, Then then);
    void keep_cookies(const HttpResponse& response);
    [[nodiscard]] std::string cookie_line() const;

    std::string origin_;
    std::map<std::string, std::string> cookies_;
    HttpsClient client_;
};

}  // namespace firedrill::sim
