// The directory store's tables, and the rows of them that identity reads and writes. Jobs on Lane::directory
// only.
//
// Public facts and wraps: nothing here opens a practice without a password. docs/formats/key_slots.md,
// part 2.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "identity/creation.h"
#include "identity/credentials.h"
#include "identity/roster.h"
#include "store/database.h"
#include "store/storage.h"

namespace firedrill::identity {

std::span<const store::Migration> directory_migrations();

struct ListedPractice {
    PracticeRow practice;
    std::uint32_t staff = 0;
    bool has_own_kit = false;  ///< no stranger saw the recovery code
};
Result<std::vector<ListedPractice>> load_practices(store::Database& database);

/// exists when the name is taken.
Status insert_practice(store::Database& database, const CreatedPractice& created);

/// Somebody by name, or somebody else who stands in for one who is not there: the same queries and the same
/// amount of work. Nullopt when there is nobody at all.
struct SignInRows {
    Credentials credentials;
    bool is_known = false;
};
Result<std::optional<SignInRows>> load_for_sign_in(store::Database& database, std::string_view practice_name,
                                                   std::string_view login);
/// Nullopt for unknown practice or login.
Result<std::optional<Credentials>> load_credentials(store::Database& database, std::string_view practice_name,
                                                    std::string_view login);

/// The practice with the pair behind its recovery code, or behind its escrow, as the person. Nullopt when
/// there is none.
Result<std::optional<Credentials>> load_key_pair(store::Database& database, std::string_view practice_name,
                                                 PersonState kind);

/// Password record and wrapped private half of an active person, unless they changed since `known_wrap` was
/// read (unavailable).
Status replace_wrap(store::Database& database, PersonId person, const Bytes& known_wrap,
                    const PersonRow& changed);

Result<std::optional<Roster>> load_roster(store::Database& database, StoreId practice);
/// Replaces every row of the practice.
Status store_roster(store::Database& database, const Roster& roster);
/// Private halves of all inbox identities.
Result<std::vector<crypto::Secret>> load_inbox(store::Database& database, StoreId practice,
                                               const crypto::Secret& practice_key);

/// Every page key of a practice; when the newest is not of `timeline`, a new one is made, inserted and added.
Result<store::KeyRing> load_ring(store::Database& database, StoreId practice, TimelineId timeline,
                                 const crypto::Secret& practice_key, Entropy& entropy);

}  // namespace firedrill::identity
