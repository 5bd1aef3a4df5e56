// Who may do what inside a practice: one table, one row per role and action, and nothing else decides.
//
// Pure; callable from any thread. Site and People ask it for every private action; `firedrill authority`
// prints it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace firedrill::identity {

enum class Role : std::uint8_t { owner, clinician, front_desk, biller, read_only };
std::string_view role_name(Role role) noexcept;
inline constexpr std::array kRoles{Role::owner, Role::clinician, Role::front_desk, Role::biller,
                                   Role::read_only};

enum class Action : std::uint8_t {
    list_submissions,
    read_submission,
    list_people,
    invite_person,
    disable_person,
    change_own_password,
    list_own_sessions,
    end_own_sessions,
    set_up_second_factor,
    turn_off_second_factor,
    renew_spare_codes,
    see_safekeeping,
    replace_kit,
    make_escrow,
    confirm_share,
    end_escrow,
};
/// "list submissions" …
std::string_view action_name(Action action) noexcept;
inline constexpr std::array kActions{Action::list_submissions,     Action::read_submission,
                                     Action::list_people,          Action::invite_person,
                                     Action::disable_person,       Action::change_own_password,
                                     Action::list_own_sessions,    Action::end_own_sessions,
                                     Action::set_up_second_factor, Action::turn_off_second_factor,
                                     Action::renew_spare_codes,    Action::see_safekeeping,
                                     Action::replace_kit,          Action::make_escrow,
                                     Action::confirm_share,        Action::end_escrow};

/// What a role may do, and what it costs to ask: some acts want the password once more.
enum class Answer : std::uint8_t { no, yes, yes_with_password };
std::string_view answer_name(Answer answer) noexcept;

/// The table.
[[nodiscard]] Answer authority(Role role, Action action) noexcept;
[[nodiscard]] inline bool may(Role role, Action action) noexcept {
    return authority(role, action) != Answer::no;
}

}  // namespace firedrill::identity
