// HttpsClient: one client's connection to one server, over the Network and Clock seams; so it drives the
// simulated and the real network alike. TLS by crypto/tls.h, responses by http_response.h.
//
// Loop only. One request at a time; a kept connection is used again, a closed one is made anew. `then` is
// called exactly once a request, never inside send(), never after the client is gone; it may destroy the
// client.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/tls.h"
#include "seams/clock.h"
#include "seams/network.h"
#include "sim/http_response.h"

namespace firedrill::sim {

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";
    std::vector<std::pair<std::string, std::string>>
        fields;  ///< Host is added, and Content-Length where it is missing
    std::string body;
};

struct HttpsClientOptions {
    Endpoint server;
    std::string host;                               ///< the Host field
    std::string server_name;                        ///< checked against the certificate
    std::shared_ptr<crypto::TlsClientContext> tls;  ///< null: plain TCP
    Duration deadline = std::chrono::seconds(60);   ///< for one request, connecting included
    /// Sees every byte of plaintext, sent and received.
    std::function<void(ByteView)> on_plaintext;
};

class HttpsClient {
  public:
    using Then = std::function<void(Result<HttpResponse>)>;

    HttpsClient(Clock& clock, Network& network, HttpsClientOptions options);
    ~HttpsClient();
    HttpsClient(const HttpsClient&) = delete;
    HttpsClient& operator=(const HttpsClient&) = delete;

    /// Faults: unavailable, closed, timeout, refused (certificate), bad_input (the server broke a rule).
    /// After a fault nobody knows whether the server acted on the request.
    void send(HttpRequest request, Then then);
    /// Ends the connection, orderly if it is up; the next send() makes a new one. No request may be pending
    /// (CHECK).
    void close();

  private:
    struct Link;
    void connect();
    void flush();
    void read();
    void took(std::size_t size_bytes);
    void finish(Result<HttpResponse> result);
    void drop_link();

    Clock& clock_;
    Network& network_;
    HttpsClientOptions options_;
    std::unique_ptr<Link> link_;
    std::shared_ptr<bool>
        alive_;  // owners: this client, and handlers that outlive it only to see that it is gone
    Then then_;
    Bytes request_;
    TimerId deadline_ = TimerId::none;
};

}  // namespace firedrill::sim
