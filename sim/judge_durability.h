// The judge of durability: whatever was acknowledged can be read by the practice's staff at the end, with
// equal content.
//
// Pure. Facts about a state: every acknowledged id has one outcome of the audit. `lost` counts acknowledged
// ids that the server, asked by staff, does not have; ids that could not be asked about make the audit
// incomplete, not lossy.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/ledger.h"

namespace firedrill::sim {

enum class AuditOutcome : std::uint8_t {
    equal,        ///< read by staff, same content
    different,    ///< read by staff, other content: a matter of integrity, and not lost
    absent,       ///< the server answered that there is no such submission
    unreachable,  ///< no answer: nothing is known
};
using Audit = std::map<std::string, AuditOutcome>;  // by submission id

struct DurabilityFinding {
    std::uint64_t acknowledged = 0;
    std::uint64_t readable = 0;  ///< equal or different
    std::uint64_t lost = 0;
    std::uint64_t unknown = 0;  ///< unreachable or never asked about
    double rpo_seconds = 0;     ///< from the oldest lost acknowledgement to `failure`; 0 when nothing is lost
    std::vector<std::string> first_lost;  ///< at most 10 ids
    [[nodiscard]] bool is_complete() const noexcept { return unknown == 0; }
};

/// `failure`: the instant of the last hazard that took disks or pages; the end of the run when there was
/// none.
DurabilityFinding judge_durability(const Ledger& ledger, const Audit& audit, Instant failure);

}  // namespace firedrill::sim
