// The judge of integrity: a read returns what was submitted, or an error; never anything else.
//
// Single-threaded. Facts about a state: no canary is readable under two ids; no page was confirmed under two
// ids. Facts about a change: every answered read has the content of the submission that it names, in the
// practice it was meant for, or of one that was attempted and never confirmed; no id stands in a list twice.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/ledger.h"

namespace firedrill::sim {

struct IntegrityFinding {
    enum class Kind : std::uint8_t { altered, phantom, duplicate, wrong_practice } kind = Kind::altered;
    std::string id;
    Instant at;
};
std::string_view integrity_kind_name(IntegrityFinding::Kind kind) noexcept;

class IntegrityJudge {
  public:
    explicit IntegrityJudge(Ledger& ledger) : ledger_(ledger) {}
    /// Staff of `practice` read `id`: what stood on the page. True when it is what was submitted.
    bool saw_read(const std::string& practice, const std::string& id, const Digest& digest,
                  const std::vector<std::string>& canaries, Instant now);
    void saw_list(const std::vector<std::string>& ids, Instant now);
    /// One page was confirmed as two submissions.
    void saw_second_id(const std::string& id, Instant now) {
        add(IntegrityFinding::Kind::duplicate, id, now);
    }

    [[nodiscard]] std::uint64_t reads() const noexcept { return reads_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] const std::vector<IntegrityFinding>& first() const noexcept {
        return first_;
    }  ///< at most 20

  private:
    void add(IntegrityFinding::Kind kind, const std::string& id, Instant now);
    Ledger& ledger_;
    std::map<std::string, std::string> canary_ids_;  // canary → the id it was read under
    std::uint64_t reads_ = 0;
    std::uint64_t count_ = 0;
    std::vector<IntegrityFinding> first_;
};

}  // namespace firedrill::sim
