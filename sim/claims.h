// Claims: the promises that scenarios judge, each with the reading it is judged in and the judge that decides
// it.
//
// Pure. The promise is in our own words; the parameter (ten minutes, zero lost) is the number that is held
// against the measurement.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace firedrill::sim {

/// What a claim is decided by.
enum class ClaimRule : std::uint8_t {
    nothing_lost,    ///< durability, after a hazard that struck hardware
    all_in_log,      ///< durability, after the page files were lost and rebuilt from the log alone
    recovery_time,   ///< recovery: the slowest restore of a corrupt or crashed database
    copies_sealed,   ///< secrecy: no canary in any byte written to a log disk, or to any disk after a restore
    wire_sealed,     ///< secrecy: no canary in any packet
    storage_sealed,  ///< secrecy: no canary in any byte written to any disk
};

struct ClaimInfo {
    std::string_view id;
    std::string_view promise;
    std::string_view reading;   ///< literal, charitable or modern
    std::string_view promised;  ///< the parameter as people read it
    ClaimRule rule;
    double parameter = 0;  ///< seconds or counts, as the rule says
};

std::span<const ClaimInfo> claims();
/// Null when unknown.
const ClaimInfo* find_claim(std::string_view id);
std::vector<std::string_view> claim_ids();

}  // namespace firedrill::sim
