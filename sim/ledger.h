// Ledger: what was acknowledged, when, and to whom. It lives outside the simulated world and no fault reaches
// it.
//
// Single-threaded. A patient's page has an id of its own; under which id the practice finds the submission is
// known only from the confirmation, or from reading it. Facts about a state: an acknowledged entry never
// becomes unacknowledged. Facts about a change: one page is never sent with two contents (a retry repeats its
// content exactly; CHECKed, it would be our bug).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace firedrill::sim {

/// What a person reads: a question and its answer, in the order of the form. Questions left out have no line.
struct ContentLine {
    std::string question;
    std::string answer;
    bool operator==(const ContentLine&) const = default;
};
using Content = std::vector<ContentLine>;
/// SHA-256 over every line, lengths included.
Digest content_digest(const Content& content);

struct LedgerEntry {
    std::string page;  ///< the page's id, 32 hex digits
    std::string id;    ///< of the submission, 32 hex digits; empty until it is known
    std::string practice;
    std::string form;
    std::string patient;  ///< to whom it was acknowledged
    std::string canary;   ///< stands in one of the answers
    Digest digest;
    Instant attempted;
    std::optional<Instant> acknowledged;
    std::uint32_t attempts = 0;
};

class Ledger {
  public:
    /// A patient is about to submit; again for a retry of the same page.
    void attempt(LedgerEntry entry);
    /// The patient was told that page `page` (attempted, CHECKed) is confirmed as submission `id`. False when
    /// the same page was confirmed as another submission before.
    [[nodiscard]] bool acknowledge(const std::string& page, const std::string& id, Instant now);
    /// Staff read, under an id not known yet, something that was attempted: the first such entry of the
    /// practice with this digest and without an id takes it. Null when there is none.
    const LedgerEntry* bind(const std::string& practice, const Digest& digest, const std::string& id);

    /// By submission id; null when unknown.
    [[nodiscard]] const LedgerEntry* find(const std::string& id) const;
    [[nodiscard]] const std::map<std::string, LedgerEntry>& entries() const noexcept {
        return entries_;
    }  // by page
    [[nodiscard]] std::uint64_t acknowledged_count() const noexcept { return acknowledged_; }
    [[nodiscard]] std::uint64_t acknowledged_before(Instant at) const;
    /// Ids of a practice that were acknowledged, in order of time and id.
    [[nodiscard]] std::vector<std::string> acknowledged_ids(const std::string& practice) const;

  private:
    std::map<std::string, LedgerEntry> entries_;
    std::map<std::string, std::string> pages_;  // by submission id
    std::uint64_t acknowledged_ = 0;
};

}  // namespace firedrill::sim
