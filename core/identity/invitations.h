// Invitations: the practice key sealed under a key that only the code gives. Rows of the directory, and their
// wraps.
//
// Wraps are pure; rows are read and written on Lane::directory. Used inside identity/.
// docs/formats/key_slots.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/credentials.h"
#include "store/database.h"

namespace firedrill::identity {

struct InvitationRow {
    std::array<Byte, 16> id{};
    StoreId practice;
    std::string login;
    Role role = Role::owner;
    WallTime expires;
    Bytes wrapped;
};

/// The row's id as the code gives it: finds the row, does not open it.
std::array<Byte, 16> invitation_id(const crypto::Secret& code);
/// Fills in id and wrap. Practice, login, role and expiry are authenticated by it.
void seal_invitation(InvitationRow& row, const crypto::Secret& code, const crypto::Secret& practice_key,
                     Entropy& entropy);
/// damaged: a field of the row was altered.
Result<crypto::Secret> open_invitation(const InvitationRow& row, const crypto::Secret& code);

/// Replaces an invitation for the same login. limit: kMostInvitations are open.
Status insert_invitation(store::Database& database, const InvitationRow& row);
Result<std::optional<InvitationRow>> load_invitation(store::Database& database,
                                                     const std::array<Byte, 16>& id);
Result<std::vector<InvitationRow>> load_invitations(store::Database& database, StoreId practice);
Status delete_invitation(store::Database& database, const std::array<Byte, 16>& id);
/// All of a practice: what they seal is void once the practice key is replaced.
Status delete_invitations(store::Database& database, StoreId practice);
Status delete_expired(store::Database& database, WallTime now);

}  // namespace firedrill::identity
