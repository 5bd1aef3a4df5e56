// authority: who may do what. The other verbs about people stand here too.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/verbs.h"
#include "identity/authority.h"

namespace firedrill::cli {

int authority(Format format) {
    boost::json::array rows;
    for (const identity::Action action : identity::kActions) {
        for (const identity::Role role : identity::kRoles) {
            const identity::Answer answer = identity::authority(role, action);
            if (format == Format::text) {
                print_line(fmt::format("{:20} {:12} {}", identity::action_name(action),
                                       identity::role_name(role), identity::answer_name(answer)));
                continue;
            }
            rows.push_back(
                boost::json::object{{"action", identity::action_name(action)},
                                    {"role", identity::role_name(role)},
                                    {"is_allowed", answer != identity::Answer::no},
                                    {"needs_password", answer == identity::Answer::yes_with_password}});
        }
    }
    if (format == Format::json) {
        print_line(boost::json::serialize(rows));
    }
    return 0;
}

}  // namespace firedrill::cli
