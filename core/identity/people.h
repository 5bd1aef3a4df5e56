// People of a practice: who is there, how they come, how they leave, what they change about themselves.
//
// Used on the loop; dear work runs on lanes. Invariants:
//  1. Every act of a signed-in person is decided by authority() from their role as it stands in the
//  directory, and
//     dangerous ones take the password again.
//  2. Each act is one transaction of the directory: whatever crashes, it happened or it did not. What remains
//  to be done
//     in the practice's store afterwards is done again at its next opening.
//  3. After disable() said ok, nothing that is written opens with any key that the person ever had.
//  4. A practice always keeps an active owner, and a recovery code that opens it.
// Formats: docs/formats/key_slots.md, part 2.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/secret.h"
#include "identity/identity.h"

namespace firedrill::identity {

inline constexpr Duration kInvitationLife = std::chrono::hours(72);
inline constexpr Duration kProposalLife = std::chrono::minutes(10);  ///< of a second factor not yet confirmed
inline constexpr std::size_t kMostPeople = 500;       ///< accounts of one practice, disabled ones too
inline constexpr std::size_t kMostInvitations = 100;  ///< open ones of one practice

struct Person {
    PersonId id;
    std::string login;
    Role role = Role::owner;
    bool is_active = false;
    bool holds_key = false;  ///< a slot stands in the directory
    bool has_second_factor = false;
};
struct OpenInvitation {
    std::string login;
    Role role = Role::owner;
    WallTime expires;
};
struct PeopleList {
    std::vector<Person> people;  ///< by login
    std::vector<OpenInvitation> invitations;
};

/// A signed-in person who gives their password once more.
struct Confirmation {
    Session session;
    crypto::Secret password;
    std::string source;
};
struct Invitation {
    std::string code;  ///< shown once; stands nowhere
    std::string login;
    Role role = Role::owner;
    WallTime expires;
};
struct Joining {
    std::string code;
    crypto::Secret password;
    std::string source;
};
struct Joined {
    std::string practice_name;
    std::string login;
    Role role = Role::owner;
};
struct Recovery {
    std::string practice;
    std::string code;
    std::string login;  ///< of an owner, or of nobody yet
    crypto::Secret password;
    std::string source;
};
struct Recovered {
    std::string practice_name;
    std::string login;
    std::string code;  ///< the next recovery code, shown once; the used one is void
    std::string practice_title;
    WallTime made;  ///< the next code
};
/// A secret for an app, before the person proved that the app has it.
struct SecondFactorProposal {
    std::string otpauth;  ///< for a QR code
    std::string secret;   ///< base 32, to type
};
struct SecondFactorOn {
    std::vector<std::string> spare_codes;  ///< shown once; each opens once
    SignedIn fresh;                        ///< the session goes on under this token; the old one is void
};
struct SessionInfo {
    std::string id;  ///< 16 hex digits; ends it, opens nothing
    std::string source;
    Instant started;
    Instant seen;
    bool is_this = false;
};

class People {
  public:
    template <class T>
    using Then = std::function<void(Result<T>)>;
    virtual ~People() = default;

    /// From the directory: for the operator, and for owners.
    virtual void list(std::string_view practice_name, Then<PeopleList> then) = 0;

    /// For a login that is free (a colleague), or taken (somebody who forgot their password or returns: their
    /// keys are replaced when they accept). refused: password or authority. Open until it expires, is used,
    /// or somebody leaves.
    virtual void invite(Confirmation who, std::string login, Role role, Then<Invitation> then) = 0;
    /// refused: unknown, used or expired code. bad_input: mistyped code, or a password that may not be
    /// chosen.
    virtual void join(Joining joining, Then<Joined> then) = 0;

    /// Off-boarding in one act: account off, sessions dead, slot gone, practice key replaced for those who
    /// remain, new page key and inbox identity. Nobody disables themselves.
    virtual void disable(Confirmation who, PersonId person, Then<void> then) = 0;
    /// What the operator can do without keys: account off, sessions dead. The key is replaced when an owner
    /// signs in next. refused for the last owner.
    virtual void disable_by_operator(std::string_view practice_name, std::string_view login,
                                     Then<void> then) = 0;

    /// refused: the old password is wrong. Ends the person's other sessions than `token`.
    virtual void change_password(Confirmation who, crypto::Secret new_password, std::string token,
                                 Then<void> then) = 0;
    /// For the person of `token`: the same one until kProposalLife is over, it is confirmed, or the node
    /// stops. refused: they have a second factor.
    virtual Result<SecondFactorProposal> propose_second_factor(std::string_view token) = 0;
    /// Durable on ok: from then on a sign-in needs a code. Ends the person's other sessions. wrong_secret:
    /// the password; bad_input: the code is not the app's, or nothing was proposed.
    virtual void confirm_second_factor(Confirmation who, crypto::Secret code, std::string token,
                                       Then<SecondFactorOn> then) = 0;
    /// refused: the node asks everybody for one. bad_input: the password is too short to stand alone. Ends
    /// the person's other sessions than `token`.
    virtual void turn_off_second_factor(Confirmation who, std::string token, Then<void> then) = 0;
    /// New ones; the old ones are void. refused: there is no second factor.
    virtual void renew_spare_codes(Confirmation who, Then<std::vector<std::string>> then) = 0;
    virtual std::vector<SessionInfo> list_sessions(std::string_view token) = 0;
    /// Ends one of the sessions of the person of `token`. not_found.
    virtual Status end_session(std::string_view token, std::string_view id) = 0;

    /// Opens the practice by its recovery code and makes `login` an owner with a new password. refused:
    /// practice and code do not belong together.
    virtual void recover(Recovery recovery, Then<Recovered> then) = 0;
};

}  // namespace firedrill::identity
