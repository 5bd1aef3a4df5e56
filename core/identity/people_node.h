// PeopleNode: People and Safekeeping over the node's directory. Loop only; used inside identity/.
//
// It shares sessions, gates and slow-down with IdentityNode, which owns them and lives longer.
#pragma once

#include <map>
#include <memory>

#include "identity/alive.h"
#include "identity/directory.h"
#include "identity/gates.h"
#include "identity/invitations.h"
#include "identity/people.h"
#include "identity/safekeeping.h"
#include "identity/second_factor.h"
#include "identity/sessions.h"
#include "identity/slow_down.h"

namespace firedrill::identity {

/// How often the people of a practice changed so that a sign-in that began before must not succeed after.
using Generations = std::map<StoreId, std::uint64_t>;

struct PeopleTools {
    Seams seams;
    store::Storage& storage;
    const IdentityOptions& options;
    SessionTable& sessions;
    Gates& gates;
    SlowDown& slow_down;
    std::size_t& waiting;  ///< jobs given to Lane::passwords
    Generations& generations;
    /// Takes over what the directory says now.
    std::function<void(const PracticeRow&, std::uint32_t staff, bool has_own_kit)> remember;
    std::function<Result<PracticeInfo>(std::string_view name)> find_practice;
};

class PeopleNode final : public People, public Safekeeping {
  public:
    template <class T>
    using Then = std::function<void(Result<T>)>;

    explicit PeopleNode(PeopleTools tools) : tools_(std::move(tools)) {}

    void list(std::string_view practice_name, Then<PeopleList> then) override;
    void invite(Confirmation who, std::string login, Role role, Then<Invitation> then) override;
    void join(Joining joining, Then<Joined> then) override;
    void disable(Confirmation who, PersonId person, Then<void> then) override;
    void disable_by_operator(std::string_view practice_name, std::string_view login,
                             Then<void> then) override;
    void change_password(Confirmation who, crypto::Secret new_password, std::string token,
                         Then<void> then) override;
    Result<SecondFactorProposal> propose_second_factor(std::string_view token) override;
    void confirm_second_factor(Confirmation who, crypto::Secret code, std::string token,
                               Then<SecondFactorOn> then) override;
    void turn_off_second_factor(Confirmation who, std::string token, Then<void> then) override;
    void renew_spare_codes(Confirmation who, Then<std::vector<std::string>> then) override;
    std::vector<SessionInfo> list_sessions(std::string_view token) override;
    Status end_session(std::string_view token, std::string_view id) override;
    void recover(Recovery recovery, Then<Recovered> then) override;

    void look(std::string_view practice_name, Then<Safekept> then) override;
    void replace_kit(Confirmation who, Then<NewKit> then) override;
    void make_escrow(Confirmation who, std::uint32_t needed, std::vector<std::string> holders,
                     Then<NewEscrow> then) override;
    void confirm_shares(Confirmation who, std::vector<std::string> checksums, Then<void> then) override;
    void end_escrow(Confirmation who, Then<void> then) override;
    void recover_by_shares(ShareRecovery recovery, Then<Recovered> then) override;

    /// Replaces the practice key if somebody disabled still holds a slot: an owner has signed in after the
    /// operator disabled an account.
    void replace_due_key(StoreId practice, crypto::Secret practice_key, Then<void> then);

  private:
    /// One act of a signed-in person, from password to done.
    struct Act {
        Confirmation who;
        Action action = Action::list_people;
        Credentials credentials;
        Result<crypto::Secret> practice_key = Error{};
        Status also;  ///< of `work`
        /// Further dear work with the right password, on Lane::passwords.
        std::function<Status(Act&, OpenedAccount&, const crypto::Secret& password)> work;
        std::function<void(Status)> next;
        PersonRow changed;  ///< what `work` made
    };
    using ActPtr = std::shared_ptr<Act>;
    using RosterPtr = std::shared_ptr<Roster>;
    using Change = std::function<Status(store::Database&, Roster&)>;
    struct Entry;
    using EntryPtr = std::shared_ptr<Entry>;
    struct Rescue;
    struct Proposal {
        crypto::Secret secret;
        Instant expires;
    };
    using RescuePtr = std::shared_ptr<Rescue>;

    void confirm(const ActPtr& act);
    void check_password(const ActPtr& act);
    void judge(const ActPtr& act);
    /// Error when this source must wait or too many people do.
    Status admit(std::string_view practice, std::string_view login, std::string_view source);
    /// One transaction: load, change, store. Remembers the outcome.
    void change(StoreId practice, Change change, Then<void> then);
    /// A transaction that replaces the practice key after `before` changed the roster. `stored` runs once it
    /// is durable, also when the open store then cannot go on with the new keys: its next opening takes them.
    void replace_key(StoreId practice, crypto::Secret practice_key, Change before,
                     std::function<void()> stored, Then<void> then);
    /// A transaction under the practice key that keeps it: checked before `change`, vouched for after it.
    void change_vouched(const ActPtr& act, Change change, Then<void> then);
    void end_sessions(StoreId practice, PersonId person, std::string_view except_token);
    void leave_ended(const std::vector<StoreId>& ended);

    /// A transaction that stores the person as `work` made them, with `also` beside it.
    void store_changed(const ActPtr& act, std::function<Status(store::Database&, PersonId)> also,
                       Then<void> then);
    const Proposal* find_proposal(PersonId person);

    void find_invitation(const EntryPtr& entry);
    void make_entrant(const EntryPtr& entry);
    void store_entrant(const EntryPtr& entry);
    void begin_rescue(const RescuePtr& rescue);
    void load_rescue(const RescuePtr& rescue);
    void open_rescue(const RescuePtr& rescue);
    void store_rescue(const RescuePtr& rescue);

    template <class T>
    void answer(Then<T> then, Result<T> result) {
        tools_.seams.clock.defer(
            alive_.guard([then = std::move(then), result = std::move(result)] { then(result); }));
    }

    PeopleTools tools_;
    std::map<PersonId, Proposal> proposals_;  ///< at most one for everybody with a session
    Alive alive_;
};

}  // namespace firedrill::identity
