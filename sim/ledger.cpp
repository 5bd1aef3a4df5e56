#include "sim/ledger.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::sim {

Digest content_digest(std::string_view form, const Content& content) {
    Bytes all;
    Writer writer(all);
    writer.sized(as_bytes(form));
    for (const ContentLine& line : content) {
        writer.sized(as_bytes(line.question));
        writer.sized(as_bytes(line.answer));
    }
    return crypto::sha256(all);
}

void Ledger::attempt(LedgerEntry entry) {
    auto [at, is_new] = entries_.try_emplace(entry.id, entry);
    if (!is_new) {
        CHECK(at->second.digest == entry.digest);
        CHECK(at->second.practice == entry.practice);
    }
    ++at->second.attempts;
}

void Ledger::acknowledge(const std::string& id, Instant now) {
    auto at = entries_.find(id);
    CHECK(at != entries_.end());
    if (!at->second.acknowledged) {
        at->second.acknowledged = now;
        ++acknowledged_;
    }
}

const LedgerEntry* Ledger::find(const std::string& id) const {
    auto at = entries_.find(id);
    return at == entries_.end() ? nullptr : &at->second;
}

std::uint64_t Ledger::acknowledged_before(Instant at) const {
    return static_cast<std::uint64_t>(std::count_if(entries_.begin(), entries_.end(), [&](const auto& one) {
        return one.second.acknowledged && *one.second.acknowledged < at;
    }));
}

std::vector<std::string> Ledger::acknowledged_ids(const std::string& practice) const {
    std::vector<std::pair<Instant, std::string>> found;
    for (const auto& [id, entry] : entries_) {
        if (entry.practice == practice && entry.acknowledged) {
            found.emplace_back(*entry.acknowledged, id);
        }
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> ids;
    for (auto& [at, id] : found) {
        ids.push_back(std::move(id));
    }
    return ids;
}

}  // namespace firedrill::sim
