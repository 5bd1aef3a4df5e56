// Ledger: what was acknowledged, when, and to whom. It lives outside the simulated world and no fault reaches it.
//
// Single-threaded. Facts about a state: an acknowledged entry never becomes unacknowledged. Facts about a change: the
// same id is never attempted with two contents (a retry repeats its content exactly; CHECKed, it would be our bug).
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
/// SHA-256 over the form's name and every line, lengths included.
Digest content_digest(std::string_view form, const Content& content);

struct LedgerEntry {
    std::string id;        ///< 32 hex digits
    std::string practice;
    std::string form;
    std::string patient;   ///< to whom it was acknowledged
    std::string canary;    ///< stands in one of the answers
    Digest digest;
    Instant attempted;
    std::optional<Instant> acknowledged;
    std::uint32_t attempts = 0;
};

class Ledger {
  public:
    /// A patient is about to submit; again for a retry of the same id.
    void attempt(LedgerEntry entry);
    /// The patient was told that it is confirmed. The id must have been attempted (CHECK).
    void acknowledge(const std::string& id, Instant now);

    [[nodiscard]] const LedgerEntry* find(const std::string& id) const;
    [[nodiscard]] const std::map<std::string, LedgerEntry>& entries() const noexcept { return entries_; }
    [[nodiscard]] std::uint64_t acknowledged_count() const noexcept { return acknowledged_; }
    [[nodiscard]] std::uint64_t acknowledged_before(Instant at) const;
    /// Ids of a practice that were acknowledged, in order of time and id.
    [[nodiscard]] std::vector<std::string> acknowledged_ids(const std::string& practice) const;

  private:
    std::map<std::string, LedgerEntry> entries_;
    std::uint64_t acknowledged_ = 0;
};

}  // namespace firedrill::sim
