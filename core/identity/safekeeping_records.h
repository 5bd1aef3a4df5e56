// What the directory records of a practice's recovery kit and escrow: who made what, when, who holds which
// share. Facts, no secrets; the practice key vouches for them.
//
// Rows are read and written on Lane::directory; the rest is pure. docs/formats/key_slots.md, part 2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "identity/shares.h"
#include "store/database.h"

namespace firedrill::identity {

/// Who saw the current kit's code first.
enum class KitMaker : std::uint8_t {
    creator = 0,  ///< whoever created the practice
    owner = 1,    ///< an owner, with their password
    code = 2,     ///< who used the kit before
    shares = 3,   ///< who used an escrow
};
std::string_view maker_name(KitMaker maker) noexcept;
struct KitRecord {
    PersonId id;  ///< of the pair behind the code
    KitMaker maker = KitMaker::creator;
    std::string login;  ///< of the owner; empty for creator
    WallTime made;
};

struct ShareRecord {
    std::uint8_t number = 0;
    std::string holder;
    ShareFingerprint fingerprint{};
    ShareChecksum checksum{};
    WallTime confirmed;  ///< zero: not yet
    [[nodiscard]] bool is_confirmed() const noexcept { return confirmed.ns != 0; }
};
enum class EscrowState : std::uint8_t { open = 0, ended = 1, used = 2 };
std::string_view state_name(EscrowState state) noexcept;
struct EscrowRecord {
    PersonId id;  ///< of the pair; also the identifier in its shares
    std::uint8_t needed = 0;
    EscrowState state = EscrowState::open;
    std::string made_by;
    WallTime made;
    std::string ended_by;  ///< empty while open
    WallTime ended;
    std::vector<ShareRecord> shares;  ///< by number, from 1
};
inline constexpr std::size_t kKeptEscrows = 20;  ///< records of a practice; the oldest ended one goes first

struct SafekeepingRecords {
    std::optional<KitRecord> kit;
    std::vector<EscrowRecord> escrows;  ///< oldest first; at most one is open
    std::optional<Digest> tag;          ///< nullopt with records of a practice made before there were any
    [[nodiscard]] bool has_own_kit() const { return kit && kit->maker != KitMaker::creator; }
    EscrowRecord* open_escrow();
    [[nodiscard]] const EscrowRecord* open_escrow() const;
    /// Drops the oldest ended records beyond kKeptEscrows.
    void trim();
};

/// Tag over all records under the practice key.
Digest safekeeping_tag(const crypto::Secret& practice_key, StoreId practice,
                       const SafekeepingRecords& records);
/// False when records were altered, added or removed since the practice key vouched for them.
[[nodiscard]] bool is_vouched(const crypto::Secret& practice_key, StoreId practice,
                              const SafekeepingRecords& records);

Result<SafekeepingRecords> load_safekeeping(store::Database& database, StoreId practice);
/// Replaces what stands there.
Status store_safekeeping(store::Database& database, StoreId practice, const SafekeepingRecords& records);

}  // namespace firedrill::identity
