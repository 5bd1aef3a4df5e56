// Gates: one a practice, deciding when its store is open. Loop only; used inside identity/.
//
//   locked → unlocking → open → locking → locked …
//
// Unlocking: page keys opened (and one made for a new timeline, durable before use), store unlocked, key into
// custody, on_unlocked run. Locking: key out of custody first, then the store locked. Who comes while it is
// unlocking waits for the same opening; who comes while it is locking opens it again afterwards.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "identity/alive.h"
#include "identity/identity.h"
#include "identity/roster.h"

namespace firedrill::identity {

class Gates {
  public:
    using Then = std::function<void(Status)>;

    /// `is_used` says whether a practice has a session.
    Gates(Seams seams, store::Storage& storage, IdentityOptions& options,
          std::function<bool(StoreId)> is_used);

    /// `then` runs when the practice is open; it must make a session in that call, or the practice is locked
    /// again.
    void enter(StoreId practice, crypto::Secret practice_key, Then then);
    /// Locks it unless it is used; `then` runs when it is locked, or at once when it stays open.
    void leave(StoreId practice, Then then);
    /// After the practice's key was replaced: an open store goes on with the new page keys, and `then` runs
    /// when nothing is sealed under the old ones any more. A store that is not open takes them from the
    /// directory later.
    void replace_keys(StoreId practice, Replacement replacement, Then then);
    /// Refuses further entries, locks all.
    void close_all(Then then);
    [[nodiscard]] bool is_open(StoreId practice) const;

  private:
    enum class State : std::uint8_t { locked, unlocking, open, locking };
    struct Gate {
        State state = State::locked;
        std::optional<crypto::Secret> next_key;  ///< of the first who came while it was locking
        std::vector<Then> entering;
        std::vector<Then> leaving;
    };
    struct Opening;
    using Inbox = std::shared_ptr<std::vector<crypto::Secret>>;

    void begin_unlock(StoreId practice, crypto::Secret practice_key);
    void unlock_store(const std::shared_ptr<Opening>& opening);
    void settle_inbox(StoreId practice, Inbox inbox, Then then);
    void finish_opening(StoreId practice);
    void finish_unlock(StoreId practice);
    void fail_unlock(StoreId practice, const Error& error);
    void begin_lock(StoreId practice);
    void finish_lock(StoreId practice, const Status& status);
    void finish_close();

    Seams seams_;
    store::Storage& storage_;
    IdentityOptions& options_;
    std::function<bool(StoreId)> is_used_;
    std::map<StoreId, Gate> gates_;
    bool is_closing_ = false;
    Then closed_;
    Alive alive_;
};

}  // namespace firedrill::identity
