// GuessWatch: sees guessing that is spread so thin that no single account or source is slowed down. Pure but
// for what it remembers; used inside identity/.
//
// It counts refused sign-ins of one hour: from how many sources one account was tried, how many accounts one
// source tried, and how many accounts were tried at all. Each alert comes once an hour for the same account,
// source or node. It slows nobody down. Memory only, bounded; keys are hashes, and no alert repeats a typed
// name: people type passwords into the wrong field.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace firedrill::identity {

inline constexpr std::size_t kSourcesOfOneAccount = 10;
inline constexpr std::size_t kAccountsOfOneSource = 10;  ///< a household mistypes fewer names in an hour
inline constexpr std::size_t kAccountsOfAll = 100;
inline constexpr std::size_t kWatchedKeys = 10'000;  ///< accounts and sources each; more are counted as one
inline constexpr Duration kWatchWindow = std::chrono::hours(1);

class GuessWatch {
  public:
    /// A sign-in was refused. `known_practice` is empty when there is none of the name that was typed.
    /// Sentences for the journal, usually none.
    std::vector<std::string> refused(std::string_view practice, std::string_view login,
                                     std::string_view known_practice, std::string_view source, Instant now);

  private:
    using Tallies = std::map<Digest, std::set<Digest>>;
    /// True when `member` is the one that makes the tally of `key` reach `limit`.
    static bool reaches(Tallies& tallies, const Digest& key, const Digest& member, std::size_t limit);

    Instant since_;
    bool has_begun_ = false;
    Tallies sources_by_account_;
    Tallies accounts_by_source_;
    std::set<Digest> accounts_;
};

}  // namespace firedrill::identity
