// The HTTPS server of a node: TLS, HTTP, deadlines; and Site, which answers requests.
//
// Loop only. A connection serves one request at a time; limits in limits.h (connections, deadlines, queue).
#pragma once

#include <functional>
#include <memory>

#include "crypto/tls.h"
#include "forms/submissions.h"
#include "identity/identity.h"
#include "seams/seams.h"
#include "web/http.h"

namespace firedrill::web {

using Respond = std::function<void(Response)>;

/// Answers requests; without any transport, so that tests and fuzzers call it directly.
class Handler {
  public:
    virtual ~Handler() = default;
    /// `respond` is called exactly once, maybe later, never after the Handler is gone.
    virtual void handle(Request request, Respond respond) = 0;
};

struct SiteOptions {
    std::vector<std::string> hosts;  ///< names this site answers to (421 otherwise)
    /// "ok", or why the node cannot serve: /status says it, without details.
    std::function<bool()> is_healthy;
    /// It serves, with fewer copies than it was given: /status and the pages of staff say so, without
    /// details.
    std::function<bool()> is_degraded;
    /// It serves, but cannot bring what is written into a store's own files: /status says degraded, the pages
    /// of that practice's staff say so.
    std::function<bool()> is_unfolded;
    /// It serves, and had to correct what its data disk gave back: /status says degraded, the pages of staff
    /// say so.
    std::function<bool()> is_suspect;
    /// What the node holds of a practice; staff see whether it is brought into its files, owners how far its
    /// pages are sealed anew after a key was replaced.
    std::function<store::StoreHealth(StoreId)> store_health;
    std::function<void(std::string_view)> journal;
};
/// The pages: public (home, form list, form, thanks, status, css), private (sign-in, submissions, one
/// submission, sign-out). Server-rendered HTML that works without JavaScript; routes in docs/routes.md.
std::unique_ptr<Handler> make_site(Seams seams, identity::Identity& identity, forms::Submissions& submissions,
                                   SiteOptions options);

struct ServerOptions {
    Endpoint listen;
    /// Null: plain TCP, for simulated worlds without TLS only (the program's serve verb always sets it).
    std::shared_ptr<crypto::TlsServerContext> tls;
    std::function<void(std::string_view)> journal;
};
class Server {
  public:
    /// in_use: the port is taken.
    static Result<std::unique_ptr<Server>> create(Seams seams, Handler& handler, ServerOptions options);
    virtual ~Server() = default;  ///< drops everything at once
    virtual Endpoint local() const = 0;
    /// Connections accepted from now on use `tls`; the others go on with what they began with.
    virtual void use_certificate(std::shared_ptr<crypto::TlsServerContext> tls) = 0;
    /// Stops accepting, lets running requests finish for at most 5 s, then `then`.
    virtual void stop(std::function<void()> then) = 0;
    virtual std::size_t connection_count() const = 0;
};

}  // namespace firedrill::web
