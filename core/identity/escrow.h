// The key pair behind an escrow: its private half is wrapped under a secret that stands nowhere but in
// shares.
//
// Pure but for entropy. Used inside identity/. docs/formats/key_slots.md, part 2.
#pragma once

#include <string>
#include <vector>

#include "identity/credentials.h"
#include "identity/safekeeping_records.h"

namespace firedrill::identity {

struct NewEscrowPair {
    PersonRow pair;
    EscrowRecord record;                 ///< without who and when
    std::vector<crypto::Secret> shares;  ///< as record.shares
};
/// `needed` and the number of holders as crypto::split_secret() takes them.
NewEscrowPair make_escrow(StoreId practice, std::uint8_t needed, const std::vector<std::string>& holders,
                          Entropy& entropy);

/// bad_input unless all are shares of one escrow, each given once, and enough; the text says which.
Status check_shares(std::span<const crypto::Secret> shares);
/// bad_input naming the first share that is not one of those that were handed out.
Status match_shares(const EscrowRecord& record, std::span<const crypto::Secret> shares);
/// The practice key by shares; `credentials` are those of the escrow pair. bad_input: the shares do not fit
/// together. wrong_secret: they are of another escrow. damaged: rows were altered.
Result<crypto::Secret> open_escrow(const Credentials& credentials, std::span<const crypto::Secret> shares);

}  // namespace firedrill::identity
