#include "identity/creation.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/keypair.h"
#include "identity/codes.h"
#include "identity/people.h"

namespace firedrill::identity {

namespace {

// The first person: an account with the password that was chosen, or an invitation to choose one.
void add_owner(CreatedPractice& out, const NewPractice& request, const crypto::Secret& practice_key,
               crypto::PasswordCost cost, WallTime now, Entropy& entropy) {
    const StoreId practice = out.rows.practice.id;
    if (request.owner_password) {
        out.rows.person = make_person(practice, draw_id<PersonId>(entropy), request.owner_login, Role::owner,
                                      *request.owner_password, cost, entropy);
        return;
    }
    const crypto::Secret code = draw_code(CodeKind::invitation, entropy);
    out.invitation_code = write_code(CodeKind::invitation, code);
    InvitationRow& row = out.invitation.emplace();
    row.practice = practice;
    row.login = request.owner_login;
    row.role = Role::owner;
    row.expires = now + kInvitationLife;
    seal_invitation(row, code, practice_key, entropy);
}

}  // namespace

CreatedPractice make_practice(const NewPractice& request, TimelineId timeline, crypto::PasswordCost cost,
                              WallTime now, Entropy& entropy) {
    CreatedPractice out;
    crypto::Secret practice_key(crypto::kKeySize);
    entropy.fill(practice_key.mutable_view());
    crypto::AgeIdentity inbox = crypto::make_age_identity(entropy);
    PracticeRow& practice = out.rows.practice;
    practice.id = draw_id<StoreId>(entropy);
    practice.name = request.name;
    practice.title = request.title;
    practice.inbox_recipient = inbox.public_key;
    out.inbox = make_inbox_row(practice.id, inbox, practice_key, entropy);
    out.inbox_identity = std::move(inbox.private_key);

    const auto seal = [&](const PersonRow& person) {
        auto sealed = seal_practice_key(practice.id, person, practice_key, entropy);
        CHECK(sealed.is_ok());
        return std::move(sealed).value();
    };
    add_owner(out, request, practice_key, cost, now, entropy);
    std::vector<SlotFact>& slots = out.rows.slots;
    if (!out.invitation) {
        out.rows.sealed_practice_key = seal(out.rows.person);
        slots.push_back(slot_fact(out.rows.person));
    }
    const crypto::Secret code = draw_code(CodeKind::recovery, entropy);
    out.recovery_code = write_code(CodeKind::recovery, code);
    out.recovery = make_recovery(practice.id, code, entropy);
    out.recovery_sealed = seal(out.recovery);
    slots.push_back(slot_fact(out.recovery));
    std::ranges::sort(slots, {}, &SlotFact::person);
    practice.slot_list_tag = slot_list_tag(practice_key, practice, slots);
    out.safekeeping.kit = KitRecord{out.recovery.id, KitMaker::creator, "", now};
    out.safekeeping.tag = safekeeping_tag(practice_key, practice.id, out.safekeeping);

    NewEpoch epoch = make_epoch(practice.id, 1, timeline, practice_key, entropy);
    out.epoch = std::move(epoch.row);
    out.ring.push_back(std::move(epoch.key));
    return out;
}

}  // namespace firedrill::identity
