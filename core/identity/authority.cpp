#include "identity/authority.h"

namespace firedrill::identity {

namespace {

struct Row {
    Action action;
    std::array<Answer, kRoles.size()> by_role;  // in the order of kRoles
};
constexpr Answer kNo = Answer::no;
constexpr Answer kYes = Answer::yes;
constexpr Answer kPassword = Answer::yes_with_password;

// A biller sees that forms came in, and when, but no answers: the minimum that the work needs.
constexpr std::array<Row, kActions.size()> kTable{{
    //                             owner      clinician  front desk biller     read-only
    {Action::list_submissions, {kYes, kYes, kYes, kYes, kYes}},
    {Action::read_submission, {kYes, kYes, kYes, kNo, kYes}},
    {Action::list_people, {kYes, kNo, kNo, kNo, kNo}},
    {Action::invite_person, {kPassword, kNo, kNo, kNo, kNo}},
    {Action::disable_person, {kPassword, kNo, kNo, kNo, kNo}},
    {Action::change_own_password, {kPassword, kPassword, kPassword, kPassword, kPassword}},
    {Action::list_own_sessions, {kYes, kYes, kYes, kYes, kYes}},
    {Action::end_own_sessions, {kYes, kYes, kYes, kYes, kYes}},
    {Action::set_up_second_factor, {kPassword, kPassword, kPassword, kPassword, kPassword}},
    {Action::turn_off_second_factor, {kPassword, kPassword, kPassword, kPassword, kPassword}},
    {Action::renew_spare_codes, {kPassword, kPassword, kPassword, kPassword, kPassword}},
    {Action::see_safekeeping, {kYes, kNo, kNo, kNo, kNo}},
    {Action::replace_kit, {kPassword, kNo, kNo, kNo, kNo}},
    {Action::make_escrow, {kPassword, kNo, kNo, kNo, kNo}},
    {Action::confirm_share, {kPassword, kNo, kNo, kNo, kNo}},
    {Action::end_escrow, {kPassword, kNo, kNo, kNo, kNo}},
}};

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kTable.size(); ++i) {
        if (static_cast<std::size_t>(kTable[i].action) != i || kActions[i] != kTable[i].action) {
            return false;
        }
    }
    return true;
}
static_assert(is_in_order());

}  // namespace

Answer authority(Role role, Action action) noexcept {
    const auto row = static_cast<std::size_t>(action);
    const auto column = static_cast<std::size_t>(role);
    return row < kTable.size() && column < kRoles.size() ? kTable[row].by_role[column] : Answer::no;
}

std::string_view role_name(Role role) noexcept {
    switch (role) {
        case Role::owner: return "owner";
        case Role::clinician: return "clinician";
        case Role::front_desk: return "front desk";
        case Role::biller: return "biller";
        case Role::read_only: return "read-only";
    }
    return "unknown";
}

std::string_view action_name(Action action) noexcept {
    switch (action) {
        case Action::list_submissions: return "list submissions";
        case Action::read_submission: return "read a submission";
        case Action::list_people: return "list people";
        case Action::invite_person: return "invite a person";
        case Action::disable_person: return "disable a person";
        case Action::change_own_password: return "change own password";
        case Action::list_own_sessions: return "list own sessions";
        case Action::end_own_sessions: return "end own sessions";
        case Action::set_up_second_factor: return "set up own second factor";
        case Action::turn_off_second_factor: return "turn off own second factor";
        case Action::renew_spare_codes: return "make own spare codes";
        case Action::see_safekeeping: return "see kit and escrow";
        case Action::replace_kit: return "replace the kit";
        case Action::make_escrow: return "make an escrow";
        case Action::confirm_share: return "confirm a share";
        case Action::end_escrow: return "end the escrow";
    }
    return "unknown";
}

std::string_view answer_name(Answer answer) noexcept {
    switch (answer) {
        case Answer::no: return "no";
        case Answer::yes: return "yes";
        case Answer::yes_with_password: return "yes, password again";
    }
    return "no";
}

}  // namespace firedrill::identity
