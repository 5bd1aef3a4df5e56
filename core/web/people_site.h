// PeopleSite: the part of the site about people: staff, invitations, one's own account, recovery.
//
// Site routes here after its own checks of the request; every private act is decided by
// identity::authority().
#pragma once

#include <functional>
#include <optional>

#include "identity/people.h"
#include "seams/clock.h"
#include "web/http.h"
#include "web/post_checks.h"
#include "web/routes.h"
#include "web/server.h"

namespace firedrill::web {

/// Who asks: the live session of the request's cookie, and the cookie's token.
struct Visitor {
    identity::Session session;
    std::string token;
};

class PeopleSite {
  public:
    using Reply = std::function<void(Response)>;

    /// All outlive it.
    PeopleSite(Clock& clock, identity::Identity& identity, const SiteOptions& options)
        : clock_(clock), identity_(identity), options_(options) {}

    /// Pages that nobody needs to be signed in for: join, recover.
    void handle_public(Request& request, Page page, Reply reply);
    /// Pages of a signed-in person; a staff page's practice is theirs already.
    void handle_private(Request& request, Page page, const Visitor& visitor, Reply reply);

  private:
    void show_staff(const Visitor& visitor, unsigned status, std::string problem, const Reply& reply);
    void show_account(const Visitor& visitor, unsigned status, std::string_view problem,
                      std::string_view done, const Reply& reply);
    void invite(const WipedFields& fields, const std::string& peer, const Visitor& visitor, Reply reply);
    void disable(const WipedFields& fields, const std::string& peer, const Visitor& visitor, Reply reply);
    void change_password(const WipedFields& fields, const std::string& peer, const Visitor& visitor,
                         Reply reply);
    void end_session(const WipedFields& fields, const Visitor& visitor, const Reply& reply);
    void join(const WipedFields& fields, const std::string& peer, Reply reply);
    void recover(const WipedFields& fields, const Request& request, Reply reply);

    template <class Function>
    auto guard(Function function) const {
        return [alive = std::weak_ptr<int>(alive_), function = std::move(function)](auto result) {
            if (!alive.expired()) {
                function(std::move(result));
            }
        };
    }

    Clock& clock_;
    identity::Identity& identity_;
    const SiteOptions& options_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< owned here alone; callbacks hold it weakly
};

}  // namespace firedrill::web
