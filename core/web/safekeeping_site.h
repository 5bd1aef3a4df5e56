// SafekeepingSite: the part of the site about recovery kit and escrow.
//
// Site routes here after its own checks of the request; every private act is decided by
// identity::authority().
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "identity/safekeeping.h"
#include "web/http.h"
#include "web/people_site.h"
#include "web/post_checks.h"
#include "web/routes.h"

namespace firedrill::web {

class SafekeepingSite {
  public:
    using Reply = std::function<void(Response)>;

    /// `identity` outlives it.
    explicit SafekeepingSite(identity::Identity& identity) : identity_(identity) {}

    /// Nullopt for pages that are not of this part.
    static std::optional<identity::Action> action_of(Page page);
    /// Recovery by shares: nobody needs to be signed in.
    void handle_public(Request& request, Reply reply);
    /// The practice of the page is the visitor's already.
    void handle_private(Request& request, Page page, const Visitor& visitor, Reply reply);

  private:
    void show(const Visitor& visitor, unsigned status, std::string problem, std::string done,
              const Reply& reply);
    void replace_kit(identity::Confirmation who, const Visitor& visitor, std::string address, Reply reply);
    void make_escrow(const WipedFields& fields, identity::Confirmation who, const Visitor& visitor,
                     std::string address, Reply reply);
    void confirm(const WipedFields& fields, identity::Confirmation who, const Visitor& visitor, Reply reply);
    void end_escrow(identity::Confirmation who, const Visitor& visitor, Reply reply);
    void recover(const WipedFields& fields, const Request& request, std::size_t count, Reply reply);

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
