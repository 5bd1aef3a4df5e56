// Safekeeping: what opens a practice when every password is lost: its recovery kit, and an escrow whose
// shares several people hold.
//
// Used on the loop; dear work runs on lanes. Invariants:
//  1. A practice always has exactly one recovery kit, and at most one escrow that is open.
//  2. Replacing the kit, ending the escrow and using either replaces the practice key: what is void then
//  opens
//     nothing that is written afterwards, also not together with an old copy of the directory.
//  3. Codes and shares are shown once and stand nowhere. The records of them are vouched for by the practice
//     key.
// Formats: docs/formats/key_slots.md, part 2.
#pragma once

#include "identity/people.h"
#include "identity/safekeeping_records.h"

namespace firedrill::identity {

/// Said before it can happen: where a practice is made, where kit or escrow are replaced or ended, and on
/// every kit.
inline constexpr std::string_view kFinalSentence =
    "If all owners' passwords, the recovery kit and enough shares of an escrow are lost, the practice's "
    "forms are "
    "lost for good: nobody can open them then, not the operator of the server and not its makers.";
/// Said where replacing keys also withdraws what others hold.
inline constexpr std::string_view kReplacesKeys =
    "The practice's key is replaced at the same time: nothing that is written from then on opens with the "
    "old one, "
    "and open invitations have to be made again.";

inline constexpr std::size_t kLongestHolder = 80;  ///< bytes of UTF-8

/// What stands in the directory. Facts without secrets.
struct Safekept {
    /// Without a kit: it was made before there were records; take it for one of the creator.
    SafekeepingRecords records;
    std::uint32_t active_owners = 0;
    bool is_altered = false;  ///< the open practice's key does not vouch for the records
};
struct NewKit {
    std::string practice_name;
    std::string practice_title;
    std::string code;   ///< shown once
    std::string login;  ///< who made it
    WallTime made;
};
struct NewEscrow {
    EscrowRecord record;
    std::vector<ShareLines> shares;  ///< as record.shares; shown once
};
struct ShareRecovery {
    std::string practice;
    std::vector<std::string> shares;  ///< as typed, one each
    std::string login;                ///< of an owner, or of nobody yet
    crypto::Secret password;
    std::string source;
};

class Safekeeping {
  public:
    template <class T>
    using Then = std::function<void(Result<T>)>;
    virtual ~Safekeeping() = default;

    /// For owners, and for the operator.
    virtual void look(std::string_view practice_name, Then<Safekept> then) = 0;

    /// The code used so far is void once this is ok.
    virtual void replace_kit(Confirmation who, Then<NewKit> then) = 0;

    /// 2 <= needed <= holders <= 10, distinct names (bad_input). exists: an escrow is open; end it first.
    virtual void make_escrow(Confirmation who, std::uint32_t needed, std::vector<std::string> holders,
                             Then<NewEscrow> then) = 0;
    /// Records that the holders have their shares: `checksums` as they typed them. All or none; bad_input
    /// names the first that no share has.
    virtual void confirm_shares(Confirmation who, std::vector<std::string> checksums, Then<void> then) = 0;
    /// Its shares are void once this is ok. not_found: none is open.
    virtual void end_escrow(Confirmation who, Then<void> then) = 0;

    /// Opens the practice by shares and makes `login` an owner with a new password; the escrow is used up and
    /// the kit replaced. bad_input: a share is mistyped, missing, altered or of another escrow. refused:
    /// practice and shares do not belong together.
    virtual void recover_by_shares(ShareRecovery recovery, Then<Recovered> then) = 0;
};

}  // namespace firedrill::identity
