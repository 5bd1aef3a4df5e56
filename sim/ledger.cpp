#include "sim/ledger.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::sim {

Digest content_digest(const Content& content) {
    Bytes all;
    Writer writer(all);
    for (const ContentLine& line : content) {
        writer.sized(as_bytes(line.question));
        writer.sized(as_bytes(line.answer));
    }
    return crypto::sha256(all);
}

void Ledger::attempt(LedgerEntry entry) {
    auto [at, is_new] = entries_.try_emplace(entry.page, entry);
    if (!is_new) {
        CHECK(at->second.digest == entry.digest);
        CHECK(at->second.practice == entry.practice);
    }
    ++at->second.attempts;
}

bool Ledger::acknowledge(const std::string& page, const std::string& id, Instant now) {
    auto at = entries_.find(page);
    CHECK(at != entries_.end());
    LedgerEntry& entry = at->second;
    if (!entry.acknowledged) {
        entry.acknowledged = now;
        ++acknowledged_;
    }
    if (entry.id.empty()) {
        entry.id = id;
        pages_[id] = page;
    }
    return entry.id == id;
}

const LedgerEntry* Ledger::bind(const std::string& practice, const Digest& digest, const std::string& id) {
    for (auto& [page, entry] : entries_) {
        if (entry.practice == practice && entry.digest == digest && entry.id.empty()) {
            entry.id = id;
            pages_[id] = page;
            return &entry;
        }
    }
    return nullptr;
}

const LedgerEntry* Ledger::find(const std::string& id) const {
    const auto at = pages_.find(id);
    return at == pages_.end() ? nullptr : &entries_.at(at->second);
}

std::uint64_t Ledger::acknowledged_before(Instant at) const {
    return static_cast<std::uint64_t>(std::count_if(entries_.begin(), entries_.end(), [&](const auto& one) {
        return one.second.acknowledged && *one.second.acknowledged < at;
    }));
}

std::vector<std::string> Ledger::acknowledged_ids(const std::string& practice) const {
    std::vector<std::pair<Instant, std::string>> found;
    for (const auto& [page, entry] : entries_) {
        if (entry.practice == practice && entry.acknowledged) {
            found.emplace_back(*entry.acknowledged, entry.id);
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
