#include "sim/judge_integrity.h"

#include <set>

namespace firedrill::sim {

namespace {
constexpr std::size_t kFindingsKept = 20;
}

std::string_view integrity_kind_name(IntegrityFinding::Kind kind) noexcept {
    switch (kind) {
        case IntegrityFinding::Kind::altered: return "altered";
        case IntegrityFinding::Kind::phantom: return "phantom";
        case IntegrityFinding::Kind::duplicate: return "duplicate";
        case IntegrityFinding::Kind::wrong_practice: return "wrong practice";
    }
    return "";
}

void IntegrityJudge::add(IntegrityFinding::Kind kind, const std::string& id, Instant now) {
    ++count_;
    if (first_.size() < kFindingsKept) {
        first_.push_back({kind, id, now});
    }
}

bool IntegrityJudge::saw_read(const std::string& practice, const std::string& id, const Digest& digest,
                              const std::vector<std::string>& canaries, Instant now) {
    ++reads_;
    const std::uint64_t before = count_;
    for (const std::string& canary : canaries) {
        auto [at, is_new] = canary_ids_.try_emplace(canary, id);
        if (!is_new && at->second != id) {
            add(IntegrityFinding::Kind::duplicate, id, now);
        }
    }
    const LedgerEntry* entry = ledger_.find(id);
    if (entry == nullptr) {
        entry = ledger_.bind(practice, digest, id);
    }
    if (entry == nullptr) {
        add(IntegrityFinding::Kind::phantom, id, now);
    } else if (entry->practice != practice) {
        add(IntegrityFinding::Kind::wrong_practice, id, now);
    } else if (entry->digest != digest) {
        add(IntegrityFinding::Kind::altered, id, now);
    }
    return count_ == before;
}

void IntegrityJudge::saw_list(const std::vector<std::string>& ids, Instant now) {
    std::set<std::string> seen;
    for (const std::string& id : ids) {
        if (!seen.insert(id).second) {
            add(IntegrityFinding::Kind::duplicate, id, now);
        }
    }
}

}  // namespace firedrill::sim
