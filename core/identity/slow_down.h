// Slow-down of failed sign-ins: who must wait, and how long. Pure but for what it remembers; used inside
// identity/.
//
// Every attempt counts as failed until it succeeds, so that a burst of parallel guesses gains nothing. Three
// bounded tables: a source on its own (many accounts, one machine), a source on one account (guessing), and
// an account from everywhere (spread guessing). The last never keeps away a source from which that account
// signed in before, and its delay is short: nobody can lock the rightful person out for good. Memory only;
// keys are hashes, because people type passwords into the wrong field.
//
// Codes of an app have only six digits. So after some wrong ones behind the right password the app's codes
// are refused for that account until the day is over, and nothing tells the guesser so; spare codes, which
// cannot be guessed, still open it.
#pragma once

#include <list>
#include <map>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace firedrill::identity {

/// What one table forgives and how it grows: the first `free` failures cost nothing, then 1 s, 2 s, 4 s …
/// `longest`.
struct SlowDownRule {
    std::uint32_t free;
    Duration longest;
};
inline constexpr SlowDownRule kSourceRule{30, std::chrono::minutes(5)};
inline constexpr SlowDownRule kPairRule{4, std::chrono::minutes(1)};
inline constexpr SlowDownRule kAccountRule{20, std::chrono::seconds(30)};
inline constexpr std::uint32_t kWrongCodesADay = 20;        ///< of one account, from unknown sources
inline constexpr std::uint32_t kKnownWrongCodesADay = 100;  ///< from sources where it signed in before
inline constexpr Duration kCodeDay = std::chrono::hours(24);
inline constexpr std::size_t kSlowDownEntries = 10'000;  ///< each table; the longest unused goes first
inline constexpr Duration kSlowDownMemory = std::chrono::hours(1);  ///< without an attempt all is forgiven

class SlowDown {
  public:
    /// How long this attempt must wait; zero: it may go on, and is counted.
    Duration admit(std::string_view practice, std::string_view login, std::string_view source, Instant now);
    void succeeded(std::string_view practice, std::string_view login, std::string_view source, Instant now);

    /// Whether a code of the app counts at all; ask whoever tries, before it is known whether they are right.
    [[nodiscard]] bool takes_codes(std::string_view practice, std::string_view login, std::string_view source,
                                   Instant now) const;
    /// A wrong code after the right password. True when it is the one that makes kWrongCodesADay full.
    bool wrong_code(std::string_view practice, std::string_view login, Instant now);
    /// The same work for an attempt whose password was wrong: nothing of it counts.
    void pretend_wrong_code(std::string_view practice, std::string_view login, Instant now);

  private:
    struct Entry {
        Digest key;
        std::uint32_t failures = 0;
        Instant last;
        Instant next;  ///< not before
    };
    class Table {
      public:
        Duration wait(const Digest& key, Instant now) const;
        void count(const Digest& key, const SlowDownRule& rule, Instant now);
        /// Takes one count back.
        void uncount(const Digest& key, const SlowDownRule& rule);
        void forgive(const Digest& key);
        [[nodiscard]] bool has(const Digest& key) const { return index_.contains(key); }

      private:
        std::list<Entry> entries_;  ///< longest unused first
        std::map<Digest, std::list<Entry>::iterator> index_;
    };

    struct WrongCodes {
        std::uint32_t count = 0;
        Instant since;
    };

    bool count_code(std::map<Digest, WrongCodes>& codes, std::string_view practice, std::string_view login,
                    Instant now);

    std::map<Digest, WrongCodes> pretended_;  ///< of attempts with a wrong password; nothing reads it
    std::map<Digest, WrongCodes> codes_;  ///< by account; only people whose password somebody knows are here
    Table sources_;
    Table pairs_;
    Table accounts_;
    Table known_;  ///< sources from which an account signed in; only presence counts
};

}  // namespace firedrill::identity
