// FactorSite: the part of the site about one's own second factor.
//
// Site routes here after its own checks of the request; every act is decided by identity::authority(). These
// are the only pages of a session that needs a second factor and has none.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "identity/people.h"
#include "web/http.h"
#include "web/people_site.h"
#include "web/post_checks.h"
#include "web/routes.h"

namespace firedrill::web {

class FactorSite {
  public:
    using Reply = std::function<void(Response)>;

    /// `identity` outlives it.
    explicit FactorSite(identity::Identity& identity) : identity_(identity) {}

    void handle(Request& request, Page page, const Visitor& visitor, Reply reply);

  private:
    void propose(const Visitor& visitor, unsigned status, std::string_view problem, const Reply& reply);
    void confirm(const WipedFields& fields, identity::Confirmation who, const Visitor& visitor, Reply reply);
    void renew(identity::Confirmation who, const Visitor& visitor, Reply reply);
    void turn_off(identity::Confirmation who, const Visitor& visitor, Reply reply);

    template <class Function>
    auto guard(Function function) const {
        return [alive = std::weak_ptr<int>(alive_), function = std::move(function)](auto result) {
            if (!alive.expired()) {
                function(std::move(result));
            }
        };
    }

    identity::Identity& identity_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< owned here alone; callbacks hold it weakly
};

}  // namespace firedrill::web
