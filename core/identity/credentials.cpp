#include "identity/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/keypair.h"

namespace firedrill::identity {

namespace {

constexpr std::size_t kPrivateSize = 96;
constexpr std::size_t kPublicSize = 1216;
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

SlotFact slot_fact(const PersonRow& person) {
    return {person.id, person.role, crypto::sha256(person.public_key)};
}

}  // namespace

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

Result<crypto::Secret> open_credentials(const Credentials& credentials, const crypto::Secret& password) {
    const PersonRow& person = credentials.person;
    const StoreId practice = credentials.practice.id;
    const PasswordRecord record = TRY(read_phc(person.password));
    const crypto::Secret kek = crypto::argon2id(password.view(), record.salt, record.cost, crypto::kKeySize);
    const crypto::Secret private_key =
        TRY(crypto::unwrap(kek, private_context(practice, person.id), person.wrapped_private));
    if (person.state != PersonState::active) {
        return Error{Fault::wrong_secret, "account: it is disabled; ask the practice's owner"};
    }
    auto practice_key = crypto::open_sealed(private_key, person.public_key, slot_context(practice, person.id),
                                            credentials.sealed_practice_key);
    if (!practice_key || practice_key->size_bytes() != crypto::kKeySize) {
        return altered("a practice slot");
    }
    const Digest tag = slot_list_tag(*practice_key, credentials.practice, credentials.slots);
    if (!crypto::equal_secret(tag.view(), credentials.practice.slot_list_tag.view())) {
        return altered("the list of people or the inbox recipient");
    }
    return practice_key;
}

NewEpoch make_epoch(StoreId practice, store::KeyEpoch epoch, TimelineId timeline,
                    const crypto::Secret& practice_key, Entropy& entropy) {
    const Bytes context = epoch_context(practice, epoch, timeline);
    NewEpoch out;
    out.key = {epoch, timeline, draw_secret(crypto::kKeySize, entropy)};
    out.row = {epoch, timeline, crypto::wrap(practice_key, context, out.key.key.view(), entropy),
               crypto::key_commitment(out.key.key, context)};
    return out;
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

CreatedPractice make_practice(const NewPractice& request, TimelineId timeline, crypto::PasswordCost cost,
                              Entropy& entropy) {
    CreatedPractice out;
    const crypto::Secret practice_key = draw_secret(crypto::kKeySize, entropy);
    crypto::AgeIdentity inbox = crypto::make_age_identity(entropy);
    PracticeRow& practice = out.rows.practice;
    practice.id = draw_id<StoreId>(entropy);
    practice.name = request.name;
    practice.title = request.title;
    practice.inbox_recipient = inbox.public_key;
    out.inbox_identity = std::move(inbox.private_key);

    PersonRow& owner = out.rows.person;
    owner.id = draw_id<PersonId>(entropy);
    owner.login = request.owner_login;
    PasswordRecord record;
    record.cost = cost;
    entropy.fill(record.salt);
    owner.password = write_phc(record);
    crypto::SealingPair pair = crypto::make_sealing_pair(entropy);
    const crypto::Secret kek =
        crypto::argon2id(request.owner_password.view(), record.salt, cost, crypto::kKeySize);
    owner.wrapped_private =
        crypto::wrap(kek, private_context(practice.id, owner.id), pair.private_key.view(), entropy);
    owner.public_key = std::move(pair.public_key);
    auto sealed =
        crypto::seal_to(owner.public_key, slot_context(practice.id, owner.id), practice_key.view(), entropy);
    CHECK(sealed.is_ok());
    out.rows.sealed_practice_key = std::move(sealed).value();
    out.rows.slots.push_back(slot_fact(owner));
    practice.slot_list_tag = slot_list_tag(practice_key, practice, out.rows.slots);

    NewEpoch epoch = make_epoch(practice.id, 1, timeline, practice_key, entropy);
    out.epoch = std::move(epoch.row);
    out.ring.push_back(std::move(epoch.key));
    return out;
}

}  // namespace firedrill::identity
