// The sessions of a node, in memory only: a restart ends them all. Loop only; used inside identity/.
//
// Keyed by SHA-256 of the token; the token itself is drawn here, handed out once, and forgotten.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/identity.h"
#include "identity/people.h"

namespace firedrill::identity {

inline constexpr std::size_t kSessionsPerPerson = 16;  ///< beyond, the one unused longest ends

class SessionTable {
  public:
    explicit SessionTable(Entropy& entropy) : entropy_(entropy) {}

    /// Draws token and csrf.
    SignedIn add(Session session, Instant now);
    /// The live session, marked seen; null when unknown. One past a limit is ended, and its practice put into
    /// `ended`.
    const Session* find(std::string_view token, Instant now, std::vector<StoreId>& ended);
    /// Ends it; its practice goes into `ended`.
    void remove(std::string_view token, std::vector<StoreId>& ended);
    /// Ends all sessions of a person but the one of `except_token` (empty: all).
    void remove_person(StoreId practice, PersonId person, std::string_view except_token,
                       std::vector<StoreId>& ended);
    /// Ends all sessions of a practice; yields how many.
    std::size_t remove_practice(StoreId practice);
    /// The session goes on under a new token, with its rights as they are now; nullopt when it has ended.
    std::optional<SignedIn> renew(std::string_view token, bool has_second_factor);
    void set_second_factor(std::string_view token, bool has_second_factor);
    [[nodiscard]] std::vector<SessionInfo> list_person(StoreId practice, PersonId person,
                                                       std::string_view token, Instant now) const;
    /// False when the person has no session of that id.
    bool remove_one(StoreId practice, PersonId person, std::string_view id, std::vector<StoreId>& ended);
    void expire(Instant now, std::vector<StoreId>& ended);
    void remove_all() { sessions_.clear(); }
    [[nodiscard]] bool has_any(StoreId practice) const;

  private:
    Entropy& entropy_;
    std::map<Digest, Session> sessions_;
};

}  // namespace firedrill::identity
