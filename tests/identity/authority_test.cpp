// The whole table of who may do what, written out a second time: a change of one must be a change of both.
#include "identity/authority.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace firedrill::identity {
namespace {

// One letter a role, in the order owner, clinician, front desk, biller, read-only: y yes, p with password, -
// no.
const std::map<Action, std::string> kExpected{
    {Action::list_submissions, "yyyyy"},     {Action::read_submission, "yyy-y"},
    {Action::list_people, "y----"},          {Action::invite_person, "p----"},
    {Action::disable_person, "p----"},       {Action::change_own_password, "ppppp"},
    {Action::list_own_sessions, "yyyyy"},    {Action::end_own_sessions, "yyyyy"},
    {Action::set_up_second_factor, "ppppp"}, {Action::turn_off_second_factor, "ppppp"},
    {Action::renew_spare_codes, "ppppp"},    {Action::see_safekeeping, "y----"},
    {Action::replace_kit, "p----"},          {Action::make_escrow, "p----"},
    {Action::confirm_share, "p----"},        {Action::end_escrow, "p----"},
};

TEST(Authority, IsThisTableAndNothingElse) {
    ASSERT_EQ(kExpected.size(), kActions.size());
    for (const Action action : kActions) {
        for (std::size_t i = 0; i < kRoles.size(); ++i) {
            const char letter = kExpected.at(action).at(i);
            const Answer expected = letter == 'y'   ? Answer::yes
                                    : letter == 'p' ? Answer::yes_with_password
                                                    : Answer::no;
            EXPECT_EQ(authority(kRoles[i], action), expected)
                << action_name(action) << ", " << role_name(kRoles[i]);
            EXPECT_EQ(may(kRoles[i], action), letter != '-');
        }
    }
}

TEST(Authority, AnUnknownRoleOrActionMayDoNothing) {
    for (const Action action : kActions) {
        EXPECT_EQ(authority(static_cast<Role>(5), action), Answer::no);
        EXPECT_EQ(authority(static_cast<Role>(255), action), Answer::no);
    }
    EXPECT_EQ(authority(Role::owner, static_cast<Action>(kActions.size())), Answer::no);
}

TEST(Authority, EveryRoleAndActionHasANameOfItsOwn) {
    std::set<std::string_view> names;
    for (const Role role : kRoles) {
        EXPECT_TRUE(names.insert(role_name(role)).second);
    }
    for (const Action action : kActions) {
        EXPECT_TRUE(names.insert(action_name(action)).second);
    }
    EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace firedrill::identity
