#include "identity/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/keypair.h"
#include "crypto/totp.h"
#include "identity/codes.h"

namespace firedrill::identity {

namespace {

constexpr std::size_t kPrivateSize = 96;
constexpr std::size_t kPublicSize = 1216;
constexpr std::size_t kSealedKeySize = 1224;
constexpr std::size_t kBothSize = kPrivateSize + crypto::kTotpSecretSize;
constexpr std::uint32_t kMostMemoryKib = 1024 * 1024;
constexpr std::uint32_t kMostPasses = 16;

Bytes context_of(std::string_view what, std::initializer_list<ByteView> pieces) {
    Bytes out(what.begin(), what.end());
    for (const ByteView piece : pieces) {
        append(out, piece);
    }
    return out;
}
Bytes private_context(StoreId practice, PersonId person) {
    return context_of("firedrill person key v1", {practice.view(), person.view()});
}
Bytes recovery_context(StoreId practice, PersonId person) {
    return context_of("firedrill recovery key v1", {practice.view(), person.view()});
}
Bytes inbox_context(StoreId practice, const std::array<Byte, 32>& recipient) {
    return context_of("firedrill inbox identity v1", {practice.view(), recipient});
}
Bytes slot_context(StoreId practice, PersonId person) {
    return context_of("firedrill practice slot v1", {practice.view(), person.view()});
}
Bytes epoch_context(StoreId practice, store::KeyEpoch epoch, TimelineId timeline) {
    std::array<Byte, 4> number{};
    store_u32(number.data(), epoch);
    return context_of("firedrill page key v1", {practice.view(), number, timeline.view()});
}

crypto::Secret draw_secret(std::size_t size_bytes, Entropy& entropy) {
    crypto::Secret out(size_bytes);
    entropy.fill(out.mutable_view());
    return out;
}

Error altered(std::string_view what) {
    return Error{
        Fault::damaged,
        fmt::format("practice: {} in the directory was altered; restore the directory from a copy", what)};
}

// A number without sign or leading zeroes, up to and including `end`.
std::optional<std::uint32_t> take_number(std::string_view& text, char end) {
    std::uint32_t value = 0;
    const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto used = static_cast<std::size_t>(stop - text.data());
    if (fault != std::errc{} || used == text.size() || *stop != end || std::to_string(value).size() != used) {
        return std::nullopt;
    }
    text.remove_prefix(used + 1);
    return value;
}

bool take_word(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) {
        return false;
    }
    text.remove_prefix(word.size());
    return true;
}

crypto::Secret recovery_kek(const crypto::Secret& code) {
    return crypto::hkdf_sha256(code.view(), {}, "firedrill recovery code v1", crypto::kKeySize);
}

// Wraps a private half, with or without a second factor behind it, under a fresh record of a password.
void set_password(StoreId practice, PersonRow& person, const crypto::Secret& secrets,
                  const crypto::Secret& password, crypto::PasswordCost cost, Entropy& entropy) {
    PasswordRecord record;
    record.cost = cost;
    entropy.fill(record.salt);
    person.password = write_phc(record);
    const crypto::Secret kek = crypto::argon2id(password.view(), record.salt, cost, crypto::kKeySize);
    person.wrapped_private = crypto::wrap(kek, private_context(practice, person.id), secrets.view(), entropy);
}

// The other way: 96 or 116 bytes.
Result<crypto::Secret> open_private(StoreId practice, const PersonRow& person,
                                    const crypto::Secret& password) {
    const PasswordRecord record = TRY(read_phc(person.password));
    const crypto::Secret kek = crypto::argon2id(password.view(), record.salt, record.cost, crypto::kKeySize);
    auto secrets = crypto::unwrap(kek, private_context(practice, person.id), person.wrapped_private);
    if (secrets && secrets->size_bytes() != kPrivateSize && secrets->size_bytes() != kBothSize) {
        return altered("a person's private half");
    }
    return secrets;
}

// The practice key out of a slot, vouched for by the slot list tag.
Result<crypto::Secret> open_slot(const Credentials& credentials, const crypto::Secret& private_key) {
    const PersonRow& person = credentials.person;
    const Bytes no_slot(kSealedKeySize, 9);  // opens for nobody, at the same price
    const Bytes& sealed = credentials.sealed_practice_key.empty() ? no_slot : credentials.sealed_practice_key;
    auto practice_key = crypto::open_sealed(private_key, person.public_key,
                                            slot_context(credentials.practice.id, person.id), sealed);
    const bool is_opened = practice_key && practice_key->size_bytes() == crypto::kKeySize;
    const crypto::Secret no_key(crypto::kKeySize);
    const Digest tag =
        slot_list_tag(is_opened ? *practice_key : no_key, credentials.practice, credentials.slots);
    if (!is_opened) {
        return altered("a practice slot");
    }
    if (!crypto::equal_secret(tag.view(), credentials.practice.slot_list_tag.view())) {
        return altered("the list of people or the inbox recipient");
    }
    return practice_key;
}

}  // namespace

SlotFact slot_fact(const PersonRow& person) {
    return {person.id, person.role, crypto::sha256(person.public_key)};
}

PersonRow make_person(StoreId practice, PersonId id, std::string login, Role role,
                      const crypto::Secret& password, crypto::PasswordCost cost, Entropy& entropy) {
    PersonRow out;
    out.id = id;
    out.login = std::move(login);
    out.role = role;
    crypto::SealingPair pair = crypto::make_sealing_pair(entropy);
    out.public_key = std::move(pair.public_key);
    set_password(practice, out, pair.private_key, password, cost, entropy);
    return out;
}

PersonRow make_recovery(StoreId practice, const crypto::Secret& code, Entropy& entropy) {
    PersonRow out;
    out.id = draw_id<PersonId>(entropy);
    out.state = PersonState::recovery;
    crypto::SealingPair pair = crypto::make_sealing_pair(entropy);
    out.public_key = std::move(pair.public_key);
    out.wrapped_private = crypto::wrap(recovery_kek(code), recovery_context(practice, out.id),
                                       pair.private_key.view(), entropy);
    return out;
}

Result<crypto::Secret> open_recovery(const Credentials& credentials, const crypto::Secret& code) {
    const crypto::Secret private_key = TRY(
        crypto::unwrap(recovery_kek(code), recovery_context(credentials.practice.id, credentials.person.id),
                       credentials.person.wrapped_private));
    return open_slot(credentials, private_key);
}

Result<crypto::Secret> open_own_slot(const Credentials& credentials, const crypto::Secret& private_key) {
    return open_slot(credentials, private_key);
}

Result<Bytes> seal_practice_key(StoreId practice, const PersonRow& person, const crypto::Secret& practice_key,
                                Entropy& entropy) {
    auto sealed =
        crypto::seal_to(person.public_key, slot_context(practice, person.id), practice_key.view(), entropy);
    if (!sealed) {
        return altered("a person's public key");
    }
    return sealed;
}

std::string write_phc(const PasswordRecord& record) {
    return fmt::format("$argon2id$v=19$m={},t={},p=1${}", record.cost.memory_kib, record.cost.passes,
                       to_base64_raw(record.salt));
}

Result<PasswordRecord> read_phc(std::string_view text) {
    PasswordRecord out;
    std::optional<std::uint32_t> memory;
    std::optional<std::uint32_t> passes;
    const bool is_whole = take_word(text, "$argon2id$v=19$m=") && (memory = take_number(text, ',')) &&
                          take_word(text, "t=") && (passes = take_number(text, ',')) &&
                          take_word(text, "p=1$");
    const auto salt = from_base64_raw(text);
    if (!is_whole || !salt || salt->size() != out.salt.size() || *memory < 8 || *memory > kMostMemoryKib ||
        *passes < 1 || *passes > kMostPasses) {
        return altered("a password record");
    }
    out.cost = {*memory, *passes};
    std::ranges::copy(*salt, out.salt.begin());
    return out;
}

Digest slot_list_tag(const crypto::Secret& practice_key, const PracticeRow& practice,
                     const std::vector<SlotFact>& slots) {
    const crypto::Secret key =
        crypto::hkdf_sha256(practice_key.view(), {}, "firedrill slot list v1", crypto::kKeySize);
    Bytes list;
    Writer writer(list);
    writer.bytes(practice.id.view());
    writer.bytes(practice.inbox_recipient);
    writer.u32(static_cast<std::uint32_t>(slots.size()));
    for (const SlotFact& slot : slots) {
        writer.bytes(slot.person.view());
        writer.u8(static_cast<std::uint8_t>(slot.role));
        writer.bytes(slot.public_key.view());
    }
    return crypto::hmac_sha256(key.view(), {list});
}

Credentials make_decoy(crypto::PasswordCost cost, Entropy& entropy) {
    Credentials out;
    PasswordRecord record;
    record.cost = cost;
    entropy.fill(record.salt);
    out.person.password = write_phc(record);
    out.person.public_key.resize(kPublicSize);
    out.person.wrapped_private.resize(crypto::kWrapOverhead + kPrivateSize);
    entropy.fill(out.person.wrapped_private);
    return out;
}

Bytes draw_decoy_wrap(const Credentials& stand_in, Entropy& entropy) {
    Bytes out(stand_in.person.wrapped_private.size());
    entropy.fill(out);
    return out;
}

Credentials make_decoy_like(Credentials stand_in, Entropy& entropy) {
    stand_in.person.wrapped_private = draw_decoy_wrap(stand_in, entropy);
    return stand_in;
}

Result<OpenedAccount> open_account(const Credentials& credentials, const crypto::Secret& password) {
    const PersonRow& person = credentials.person;
    auto secrets = open_private(credentials.practice.id, person, password);
    // From here on the work is the same whether the password was right or not.
    OpenedAccount out;
    crypto::Secret no_secrets(kBothSize);
    const Digest filler = crypto::sha256(person.wrapped_private);  // a key as irregular as a real one
    for (std::size_t i = 0; i < kBothSize; ++i) {
        no_secrets.mutable_view()[i] = filler.bytes[i % filler.bytes.size()];
    }
    const ByteView opened = secrets ? secrets->view() : no_secrets.view();
    out.private_key = crypto::Secret(opened.first(kPrivateSize));
    out.totp_secret = crypto::Secret(opened.subspan(kPrivateSize));
    auto practice_key = open_slot(credentials, out.private_key);
    if (!secrets) {
        return secrets.error();
    }
    if (person.state != PersonState::active) {
        return Error{Fault::wrong_secret, "account: it is disabled; ask the practice's owner"};
    }
    out.practice_key = TRY(std::move(practice_key));
    return out;
}

Result<crypto::Secret> open_credentials(const Credentials& credentials, const crypto::Secret& password) {
    OpenedAccount opened = TRY(open_account(credentials, password));
    return std::move(opened.practice_key);
}

void seal_account(StoreId practice, PersonRow& person, const OpenedAccount& account,
                  const crypto::Secret& password, crypto::PasswordCost cost, Entropy& entropy) {
    const ByteView first = account.private_key.view();
    const ByteView second = account.totp_secret.view();
    crypto::Secret secrets(first.size() + second.size());
    std::ranges::copy(first, secrets.mutable_view().begin());
    std::ranges::copy(second, secrets.mutable_view().subspan(first.size()).begin());
    set_password(practice, person, secrets, password, cost, entropy);
}

bool has_second_factor(const PersonRow& person) noexcept {
    return person.state != PersonState::recovery &&
           person.wrapped_private.size() == crypto::kWrapOverhead + kBothSize;
}

NewEpoch make_epoch(StoreId practice, store::KeyEpoch epoch, TimelineId timeline,
                    const crypto::Secret& practice_key, Entropy& entropy) {
    NewEpoch out;
    out.key = {epoch, timeline, draw_secret(crypto::kKeySize, entropy)};
    out.row = wrap_epoch(practice, out.key, practice_key, entropy);
    return out;
}

EpochRow wrap_epoch(StoreId practice, const store::EpochKey& key, const crypto::Secret& practice_key,
                    Entropy& entropy) {
    const Bytes context = epoch_context(practice, key.epoch, key.timeline);
    return {key.epoch, key.timeline, crypto::wrap(practice_key, context, key.key.view(), entropy),
            crypto::key_commitment(key.key, context)};
}

InboxRow make_inbox_row(StoreId practice, const crypto::AgeIdentity& identity,
                        const crypto::Secret& practice_key, Entropy& entropy) {
    return {identity.public_key, crypto::wrap(practice_key, inbox_context(practice, identity.public_key),
                                              identity.private_key.view(), entropy)};
}

Result<crypto::Secret> open_inbox_row(StoreId practice, const InboxRow& row,
                                      const crypto::Secret& practice_key) {
    auto private_key = crypto::unwrap(practice_key, inbox_context(practice, row.recipient), row.wrapped);
    if (!private_key) {
        return altered("an inbox identity");
    }
    return private_key;
}

Result<store::EpochKey> open_epoch(StoreId practice, const EpochRow& row,
                                   const crypto::Secret& practice_key) {
    const Bytes context = epoch_context(practice, row.epoch, row.timeline);
    auto key = crypto::unwrap(practice_key, context, row.wrapped);
    if (!key || key->size_bytes() != crypto::kKeySize ||
        crypto::key_commitment(*key, context) != row.commitment) {
        return altered("a page key");
    }
    return store::EpochKey{row.epoch, row.timeline, std::move(key).value()};
}

}  // namespace firedrill::identity
