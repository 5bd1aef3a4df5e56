#include "identity/escrow.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "crypto/aead.h"
#include "crypto/threshold.h"

namespace firedrill::identity {

namespace {

// The login column is unique within a practice; no person can choose this name.
constexpr std::string_view kEscrowLogin = ":escrow";

Bytes context_of(StoreId practice, PersonId pair) {
    Bytes out;
    append(out, as_bytes("firedrill escrow key v1"));
    append(out, practice.view());
    append(out, pair.view());
    return out;
}

crypto::Secret kek_of(const crypto::Secret& secret) {
    return crypto::hkdf_sha256(secret.view(), {}, "firedrill escrow secret v1", crypto::kKeySize);
}

}  // namespace

NewEscrowPair make_escrow(StoreId practice, std::uint8_t needed, const std::vector<std::string>& holders,
                          Entropy& entropy) {
    NewEscrowPair out;
    out.pair.id = draw_id<PersonId>(entropy);
    out.pair.login = kEscrowLogin;
    out.pair.state = PersonState::escrow;
    crypto::SealingPair pair = crypto::make_sealing_pair(entropy);
    out.pair.public_key = std::move(pair.public_key);
    crypto::Secret secret(crypto::kSharedSecretSize);
    entropy.fill(secret.mutable_view());
    out.pair.wrapped_private =
        crypto::wrap(kek_of(secret), context_of(practice, out.pair.id), pair.private_key.view(), entropy);
    out.shares = crypto::split_secret(secret, needed, static_cast<std::uint8_t>(holders.size()),
                                      out.pair.id.bytes, entropy);
    out.record.id = out.pair.id;
    out.record.needed = needed;
    for (std::size_t i = 0; i < out.shares.size(); ++i) {
        out.record.shares.push_back({static_cast<std::uint8_t>(i + 1),
                                     holders[i],
                                     share_fingerprint(out.shares[i]),
                                     share_checksum(out.shares[i]),
                                     {}});
    }
    return out;
}

Status check_shares(std::span<const crypto::Secret> shares) {
    std::set<std::uint8_t> numbers;
    std::optional<crypto::ShareHead> first;
    for (const crypto::Secret& share : shares) {
        const crypto::ShareHead head = TRY(crypto::read_share_head(share.view()));
        first = first ? first : head;
        if (head.identifier != first->identifier || head.needed != first->needed) {
            return Error{Fault::bad_input, fmt::format("share {} is of another escrow than share {}",
                                                       head.number, first->number)};
        }
        if (!numbers.insert(head.number).second) {
            return Error{Fault::bad_input, fmt::format("share {} was given twice", head.number)};
        }
    }
    if (!first) {
        return Error{Fault::bad_input, "no share was given"};
    }
    if (numbers.size() < first->needed) {
        const std::string given = numbers.size() == 1 ? "one was" : fmt::format("{} were", numbers.size());
        return Error{Fault::bad_input,
                     fmt::format("{} shares are needed, and only {} given", first->needed, given)};
    }
    return {};
}

Status match_shares(const EscrowRecord& record, std::span<const crypto::Secret> shares) {
    for (const crypto::Secret& share : shares) {
        const crypto::ShareHead head = TRY(crypto::read_share_head(share.view()));
        const bool is_known = head.needed == record.needed && head.number <= record.shares.size() &&
                              record.shares[head.number - 1U].fingerprint == share_fingerprint(share);
        if (!is_known) {
            return Error{Fault::bad_input,
                         fmt::format("share {} is not the one that was handed out", head.number)};
        }
    }
    return {};
}

Result<crypto::Secret> open_escrow(const Credentials& credentials, std::span<const crypto::Secret> shares) {
    const crypto::Secret secret = TRY(crypto::join_shares(shares));
    const PersonRow& pair = credentials.person;
    const crypto::Secret private_key = TRY(
        crypto::unwrap(kek_of(secret), context_of(credentials.practice.id, pair.id), pair.wrapped_private));
    return open_own_slot(credentials, private_key);
}

}  // namespace firedrill::identity
