// Roster: everything the directory holds of one practice, changed as a whole.
//
// Joining, leaving, recovery and a new password are each: load in a transaction, check under the practice
// key, change here, store in the same transaction. Pure but for entropy; used inside identity/, on
// Lane::directory.
#pragma once

#include <optional>
#include <vector>

#include "identity/credentials.h"
#include "identity/safekeeping_records.h"

namespace firedrill::identity {

struct Member {
    PersonRow row;
    Bytes sealed;  ///< their slot; empty: none
};
struct Roster {
    PracticeRow practice;
    std::vector<Member> members;   ///< ascending by id
    std::vector<EpochRow> epochs;  ///< ascending
    std::vector<InboxRow> inbox;
    SafekeepingRecords safekeeping;

    /// Null when there is none.
    Member* find(PersonId person);
    Member* find(std::string_view login);
    [[nodiscard]] std::uint32_t active_count() const;
    [[nodiscard]] std::uint32_t owner_count() const;  ///< active ones with a slot
    [[nodiscard]] bool has_active_owner() const { return owner_count() > 0; }
    [[nodiscard]] bool has_leaver() const;
    /// Removes the pair behind the recovery code, or behind the escrow, and with it its slot.
    void drop_pair(PersonState kind);
};

/// damaged when the list of people, their roles and keys, or the inbox recipient are not those that the
/// practice key vouched for last; or when the records of kit and escrow are not.
Status check_roster(const Roster& roster, const crypto::Secret& practice_key);
/// Vouches for the roster as it is now.
void vouch_for(Roster& roster, const crypto::Secret& practice_key);

/// Adds a member with a slot, or gives the one of the same id new keys, role and slot.
Status admit_member(Roster& roster, PersonRow person, const crypto::Secret& practice_key, Entropy& entropy);

/// What the practice opens with after its key was replaced.
struct Replacement {
    crypto::Secret practice_key;
    store::KeyRing ring;                ///< every epoch; the last one is new
    std::vector<crypto::Secret> inbox;  ///< every identity; the last one is new
};
/// A new practice key, sealed to every member who is not disabled; their slots are the only ones left. All
/// page keys and inbox identities are wrapped under it, and there is one more of each for what is written
/// from now on.
Result<Replacement> replace_practice_key(Roster& roster, const crypto::Secret& old_key, TimelineId timeline,
                                         Entropy& entropy);

}  // namespace firedrill::identity
