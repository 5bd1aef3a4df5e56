#include "sim/judge_durability.h"

#include <algorithm>

namespace firedrill::sim {

namespace {
constexpr std::size_t kLostKept = 10;
}

DurabilityFinding judge_durability(const Ledger& ledger, const Audit& audit, Instant failure) {
    DurabilityFinding found;
    for (const auto& [page, entry] : ledger.entries()) {
        if (!entry.acknowledged) {
            continue;
        }
        ++found.acknowledged;
        const auto at = audit.find(entry.id);
        switch (at == audit.end() ? AuditOutcome::unreachable : at->second) {
            case AuditOutcome::equal:
            case AuditOutcome::different: ++found.readable; break;
            case AuditOutcome::unreachable: ++found.unknown; break;
            case AuditOutcome::absent:
                ++found.lost;
                found.rpo_seconds =
                    std::max(found.rpo_seconds, std::max(0.0, seconds(failure - *entry.acknowledged)));
                if (found.first_lost.size() < kLostKept) {
                    found.first_lost.push_back(entry.id);
                }
                break;
        }
    }
    return found;
}

}  // namespace firedrill::sim
