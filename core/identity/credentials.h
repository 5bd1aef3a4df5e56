// From a password to a practice key: the wraps that stand in the directory, made and opened.
//
// Pure but dear (Argon2id): make_practice() and open_credentials() run on Lane::passwords only. Used inside
// identity/. Every context string and layout: docs/formats/key_slots.md, part 2.
#pragma once

#include <string>
#include <vector>

#include "crypto/hash.h"
#include "crypto/keypair.h"
#include "identity/identity.h"
#include "store/page.h"

namespace firedrill::identity {

/// Argon2id parameters in PHC string format, without the hash: the hash is a key and stands nowhere.
struct PasswordRecord {
    crypto::PasswordCost cost;
    std::array<Byte, 16> salt{};
};
std::string write_phc(const PasswordRecord& record);
/// damaged unless it is exactly what write_phc() writes, within 1 GiB and 16 passes.
Result<PasswordRecord> read_phc(std::string_view text);

/// `recovery`, `escrow`: nobody; the key pair behind the practice's recovery code, or behind its escrow
/// shares. It holds a slot like a person.
enum class PersonState : std::uint8_t { active = 0, disabled = 1, recovery = 2, escrow = 3 };
/// Whether it is somebody with a login name.
[[nodiscard]] constexpr bool is_account(PersonState state) noexcept {
    return state == PersonState::active || state == PersonState::disabled;
}

struct PersonRow {
    PersonId id;
    std::string login;
    Role role = Role::owner;
    PersonState state = PersonState::active;
    Bytes public_key;
    std::string password;  ///< PHC
    Bytes wrapped_private;
};
struct PracticeRow {
    StoreId id;
    std::string name;
    std::string title;
    std::array<Byte, 32> inbox_recipient{};
    Digest slot_list_tag;  ///< the practice key vouches for people and inbox recipient
};
struct EpochRow {
    store::KeyEpoch epoch = 0;
    TimelineId timeline;
    Bytes wrapped;
    Digest commitment;
};
/// An inbox identity of the practice, so that its store need not be the only place that knows it.
struct InboxRow {
    std::array<Byte, 32> recipient{};
    Bytes wrapped;
};
/// One line of the list that slot_list_tag covers: who holds a slot.
struct SlotFact {
    PersonId person;
    Role role = Role::owner;
    Digest public_key;  ///< SHA-256
};

/// What the directory remembers of a person's second factor; the secret itself stands in wrapped_private.
struct SecondFactorRow {
    std::uint64_t last_step = 0;      ///< of the last code that was accepted; none of an earlier step is
    std::vector<Digest> spare_codes;  ///< tags of those that were not used yet
};

struct Credentials {
    PracticeRow practice;
    PersonRow person;
    SecondFactorRow second_factor;
    Bytes sealed_practice_key;
    std::vector<SlotFact> slots;  ///< of all people of the practice, ascending by person
    bool has_leaver =
        false;  ///< somebody disabled still holds a slot: the practice key is due for replacement
};

/// Somebody new, or the same person with new keys: fresh pair under `password` (normalised).
PersonRow make_person(StoreId practice, PersonId id, std::string login, Role role,
                      const crypto::Secret& password, crypto::PasswordCost cost, Entropy& entropy);
/// The pair behind a recovery code.
PersonRow make_recovery(StoreId practice, const crypto::Secret& code, Entropy& entropy);
/// The practice key by recovery code. wrong_secret: another code. damaged: rows were altered.
Result<crypto::Secret> open_recovery(const Credentials& credentials, const crypto::Secret& code);
/// The practice key by the private half of the credentials' person. damaged: rows were altered.
Result<crypto::Secret> open_own_slot(const Credentials& credentials, const crypto::Secret& private_key);
/// damaged: the person's public half was altered.
Result<Bytes> seal_practice_key(StoreId practice, const PersonRow& person, const crypto::Secret& practice_key,
                                Entropy& entropy);
/// What slot_list_tag() covers of one holder of a slot.
SlotFact slot_fact(const PersonRow& person);

/// For somebody who does not exist, where nobody does who could stand in: opens for nobody.
Credentials make_decoy(crypto::PasswordCost cost, Entropy& entropy);
/// For somebody who does not exist: another person's rows, which no password opens any more. Takes the same
/// work.
Credentials make_decoy_like(Credentials stand_in, Entropy& entropy);
/// What make_decoy_like() puts in place of a wrapped private half: drawn for everybody, used for who is not
/// there.
Bytes draw_decoy_wrap(const Credentials& stand_in, Entropy& entropy);

/// What a password opens.
struct OpenedAccount {
    crypto::Secret practice_key;
    crypto::Secret private_key;
    crypto::Secret totp_secret;  ///< empty: no second factor
};
/// wrong_secret: not this password, or the account is disabled; after the same work as for the right one.
/// damaged: rows were altered.
Result<OpenedAccount> open_account(const Credentials& credentials, const crypto::Secret& password);
/// Its practice key alone.
Result<crypto::Secret> open_credentials(const Credentials& credentials, const crypto::Secret& password);
/// Wraps private half and second factor anew under `password`, with fresh salt.
void seal_account(StoreId practice, PersonRow& person, const OpenedAccount& account,
                  const crypto::Secret& password, crypto::PasswordCost cost, Entropy& entropy);
/// Whether a second factor stands beside the private half. The size of the wrap says so to everybody; nobody
/// takes it away without the password.
[[nodiscard]] bool has_second_factor(const PersonRow& person) noexcept;

/// Tag over inbox recipient and slots (ascending by person) under the practice key.
Digest slot_list_tag(const crypto::Secret& practice_key, const PracticeRow& practice,
                     const std::vector<SlotFact>& slots);

/// A fresh page key, wrapped under the practice key.
struct NewEpoch {
    EpochRow row;
    store::EpochKey key;
};
NewEpoch make_epoch(StoreId practice, store::KeyEpoch epoch, TimelineId timeline,
                    const crypto::Secret& practice_key, Entropy& entropy);
/// damaged when a row does not open under this practice key or is not the key it commits to.
Result<store::EpochKey> open_epoch(StoreId practice, const EpochRow& row, const crypto::Secret& practice_key);

/// The same page key under another practice key.
EpochRow wrap_epoch(StoreId practice, const store::EpochKey& key, const crypto::Secret& practice_key,
                    Entropy& entropy);

InboxRow make_inbox_row(StoreId practice, const crypto::AgeIdentity& identity,
                        const crypto::Secret& practice_key, Entropy& entropy);
/// The private half. damaged when it does not open under this practice key.
Result<crypto::Secret> open_inbox_row(StoreId practice, const InboxRow& row,
                                      const crypto::Secret& practice_key);

}  // namespace firedrill::identity
