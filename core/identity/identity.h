// Identity: practices, people, sign-in, sessions; keeper of practice keys while somebody of the practice is
// signed in.
//
// Used on the loop; dear work (Argon2id) runs on Lane::passwords, at most kPasswordQueue waiting. Invariants:
//  1. A practice key is in memory only while the practice has a live session (or inside create_practice and
//     sign_in); it goes, and its store is locked, when the last one ends or expires.
//  2. Unknown practice, unknown person, wrong password, wrong or missing code and disabled account give the
//     same answer after the same work.
//  3. Session tokens are 256-bit, known to the browser only; here stands their SHA-256.
// The directory store holds public facts and wraps only: docs/formats/key_slots.md, docs/threat_model.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "identity/authority.h"
#include "identity/node_keys.h"
#include "seams/seams.h"
#include "store/storage.h"

namespace firedrill::identity {

inline constexpr StoreId kDirectory{};             // all zero bytes
inline constexpr std::size_t kPasswordQueue = 64;  ///< waiting sign-ins; more answer unavailable
inline constexpr Duration kIdleLimit = std::chrono::minutes(15);
inline constexpr Duration kAbsoluteLimit = std::chrono::hours(12);

struct PracticeInfo {
    StoreId id;
    std::string name;                        ///< 2–40 of [a-z0-9-], unique on the node, stands in addresses
    std::string title;                       ///< 1–200 bytes of UTF-8
    std::array<Byte, 32> inbox_recipient{};  ///< age X25519 recipient
    bool is_open = false;                    ///< somebody is signed in
    std::uint32_t staff = 0;                 ///< active accounts
    bool has_own_kit = false;                ///< an owner made the recovery kit: nobody else saw its code
    std::string recovery_code;               ///< only in the answer of create_practice; shown once
    std::string invitation_code;             ///< the same, when the owner was invited
    WallTime invitation_expires;
};

struct NewPractice {
    std::string name;
    std::string title;
    std::string owner_login;  ///< 2–64 of [a-z0-9._@-]
    /// As typed; password_policy.h says which are taken. Nullopt: the owner is invited and chooses their own.
    std::optional<crypto::Secret> owner_password;
};

struct SignIn {
    std::string practice;
    std::string login;
    crypto::Secret password;
    std::string source;   ///< peer address, for slow-down
    crypto::Secret code;  ///< of the app, or a spare one; looked at when the person has a second factor
};

struct Session {
    StoreId practice;
    PersonId person;
    std::string practice_name;
    std::string login;
    Role role = Role::owner;
    std::string csrf;    ///< token for forms of this session
    std::string source;  ///< peer address at sign-in
    Instant started;
    Instant seen;
    bool has_second_factor = false;
    bool needs_second_factor = false;  ///< the node asks for one: nothing else may be done before
};
/// What the role may do, in this session.
[[nodiscard]] inline bool may(const Session& session, Action action) noexcept {
    return may(session.role, action) &&
           (!session.needs_second_factor || action == Action::set_up_second_factor);
}
struct SignedIn {
    std::string token;  ///< 43 characters of base64url; goes into the cookie only
    Session session;
};

/// Where practice keys live while open. A replaceable part: the real one keeps them in Secrets, nowhere else.
class KeyCustody {
  public:
    virtual ~KeyCustody() = default;
    virtual void keep(StoreId practice, crypto::Secret practice_key) = 0;
    /// Null when not kept.
    virtual const crypto::Secret* find(StoreId practice) const = 0;
    virtual void forget(StoreId practice) = 0;
};
std::unique_ptr<KeyCustody> make_key_custody();

/// Whether staff may work without a second factor.
enum class SecondFactorRule : std::uint8_t { optional, required };

struct IdentityOptions {
    /// Of new passwords; an account with less in memory or passes gets it at its next sign-in.
    crypto::PasswordCost cost = crypto::kProductionCost;
    SecondFactorRule second_factor = SecondFactorRule::optional;
    std::unique_ptr<KeyCustody> custody;  ///< null: make_key_custody()
    /// Migrations of a practice's store.
    std::span<const store::Migration> practice_migrations;
    /// Runs after a practice's store was unlocked by a sign-in, before the sign-in is answered (drains the
    /// inbox). Its failure is journalled and does not fail the sign-in.
    std::function<void(StoreId, store::Storage::Done)> on_unlocked;
    /// Stores an inbox identity (32 secret bytes) in a practice's store unless it is there: in the first
    /// transaction of a new one, and whenever one is opened.
    std::function<Status(store::Database&, const crypto::Secret& inbox_identity)> on_created;
    /// One sentence for operators; never patient data or secrets.
    std::function<void(std::string_view)> journal;
};

class People;
class Safekeeping;

class Identity {
  public:
    template <class T>
    using Then = std::function<void(Result<T>)>;

    /// Unlocks the directory (migrating it) with keys.directory; `then` says ok once ready. One at a time.
    static std::unique_ptr<Identity> create(Seams seams, store::Storage& storage, IdentityOptions options);
    virtual ~Identity() = default;
    virtual void start(store::KeyRing directory, Then<void> then) = 0;

    /// exists; bad_input naming the field (weak or ill-formed). Durable on ok. The practice is locked
    /// afterwards.
    virtual void create_practice(NewPractice request, Then<PracticeInfo> then) = 0;
    virtual void list_practices(Then<std::vector<PracticeInfo>> then) = 0;
    /// not_found. Answered from memory.
    virtual Result<PracticeInfo> find_practice(std::string_view name) const = 0;

    /// refused: wrong in any way. unavailable: too many waiting, or slowed down (the text says how long).
    virtual void sign_in(SignIn request, Then<SignedIn> then) = 0;
    /// Null when unknown or past a limit; marks it seen otherwise. Valid until the next call.
    virtual const Session* find_session(std::string_view token) = 0;
    /// Ends it. When it was the practice's last, the store is locked and the key gone before `then` runs.
    virtual void sign_out(std::string_view token, Then<void> then) = 0;
    /// The operator's: ends every session of a practice. Its store is locked and its key gone when `then`
    /// runs with how many there were; somebody may have signed in again by then. not_found.
    virtual void end_sessions(std::string_view practice, Then<std::size_t> then) = 0;
    /// Ends sessions past their limits; the node calls it every minute.
    virtual void expire_sessions() = 0;
    virtual People& people() = 0;
    virtual Safekeeping& safekeeping() = 0;
    /// Ends all, locks all (clean stop).
    virtual void close_all(Then<void> then) = 0;
};

}  // namespace firedrill::identity
