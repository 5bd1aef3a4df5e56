// A new practice: every key of it, drawn and sealed, before anything of it is stored.
//
// Dear when there is a password (Argon2id): from a job. Used inside identity/.
#pragma once

#include <optional>
#include <string>

#include "identity/credentials.h"
#include "identity/invitations.h"
#include "identity/safekeeping_records.h"

namespace firedrill::identity {

/// Everything a new practice consists of; the secrets of it stay with the caller.
struct CreatedPractice {
    Credentials rows;                         ///< of the owner; without person and slot when they are invited
    std::optional<InvitationRow> invitation;  ///< for an owner without a password yet
    std::string invitation_code;              ///< as it is shown, once
    PersonRow recovery;
    Bytes recovery_sealed;
    std::string recovery_code;  ///< as it is shown, once
    SafekeepingRecords safekeeping;
    EpochRow epoch;
    InboxRow inbox;
    store::KeyRing ring;
    crypto::Secret inbox_identity;
};
/// A request without a password makes an invitation instead of an account. `now` is recorded, and the
/// invitation runs from then.
CreatedPractice make_practice(const NewPractice& request, TimelineId timeline, crypto::PasswordCost cost,
                              WallTime now, Entropy& entropy);

}  // namespace firedrill::identity
