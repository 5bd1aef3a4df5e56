#include "sim/claims.h"

#include <array>

namespace firedrill::sim {

namespace {

constexpr std::array<ClaimInfo, 6> kClaims{{
    {"C2", "Confirmed data does not disappear when hardware fails.", "modern", "0 lost",
     ClaimRule::nothing_lost, 0},
    {"C8", "Every created or changed item is in the transaction log when it is confirmed.", "modern",
     "0 lost with the database gone", ClaimRule::all_in_log, 0},
    {"C11", "A crashed or corrupted database is restored in minutes.", "literal", "<= 10 min",
     ClaimRule::recovery_time, 600},
    {"C17", "Every copy is always in sealed form.", "literal", "0 canaries in copies",
     ClaimRule::copies_sealed, 0},
    {"C23", "Nobody who listens to the network reads anything.", "literal", "0 canaries in packets",
     ClaimRule::wire_sealed, 0},
    {"C27", "What has arrived is stored in sealed form only.", "literal", "0 canaries on disks",
     ClaimRule::storage_sealed, 0},
}};

}  // namespace

std::span<const ClaimInfo> claims() {
    return kClaims;
}

const ClaimInfo* find_claim(std::string_view id) {
    for (const ClaimInfo& claim : kClaims) {
        if (claim.id == id) {
            return &claim;
        }
    }
    return nullptr;
}

std::vector<std::string_view> claim_ids() {
    std::vector<std::string_view> ids;
    for (const ClaimInfo& claim : kClaims) {
        ids.push_back(claim.id);
    }
    return ids;
}

}  // namespace firedrill::sim
