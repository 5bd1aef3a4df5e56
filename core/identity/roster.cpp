#include "identity/roster.h"

#include <algorithm>

#include "crypto/aead.h"

namespace firedrill::identity {

namespace {

std::vector<SlotFact> facts_of(const Roster& roster) {
    std::vector<SlotFact> out;
    for (const Member& member : roster.members) {
        if (!member.sealed.empty()) {
            out.push_back(slot_fact(member.row));
        }
    }
    return out;
}

}  // namespace

Member* Roster::find(PersonId person) {
    const auto found = std::ranges::find_if(members, [&](const Member& one) { return one.row.id == person; });
    return found == members.end() ? nullptr : &*found;
}

Member* Roster::find(std::string_view login) {
    const auto found = std::ranges::find_if(
        members, [&](const Member& one) { return is_account(one.row.state) && one.row.login == login; });
    return found == members.end() ? nullptr : &*found;
}

std::uint32_t Roster::active_count() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(
        members, [](const Member& one) { return one.row.state == PersonState::active; }));
}

std::uint32_t Roster::owner_count() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(members, [](const Member& one) {
        return one.row.state == PersonState::active && one.row.role == Role::owner && !one.sealed.empty();
    }));
}

bool Roster::has_leaver() const {
    return std::ranges::any_of(members, [](const Member& one) {
        return one.row.state == PersonState::disabled && !one.sealed.empty();
    });
}

void Roster::drop_pair(PersonState kind) {
    std::erase_if(members, [kind](const Member& one) { return one.row.state == kind; });
}

Status check_roster(const Roster& roster, const crypto::Secret& practice_key) {
    const Digest tag = slot_list_tag(practice_key, roster.practice, facts_of(roster));
    if (!crypto::equal_secret(tag.view(), roster.practice.slot_list_tag.view())) {
        return Error{
            Fault::damaged,
            "practice: the list of people or the inbox recipient in the directory was altered; restore the "
            "directory from a copy"};
    }
    const EscrowRecord* escrow = roster.safekeeping.open_escrow();
    const bool fits = std::ranges::all_of(roster.members, [escrow](const Member& one) {
        return one.row.state != PersonState::escrow || (escrow != nullptr && escrow->id == one.row.id);
    });
    if (!fits || !is_vouched(practice_key, roster.practice.id, roster.safekeeping)) {
        return Error{
            Fault::damaged,
            "practice: the records of recovery kit and escrow in the directory were altered; restore "
            "the directory from a copy"};
    }
    return {};
}

void vouch_for(Roster& roster, const crypto::Secret& practice_key) {
    roster.practice.slot_list_tag = slot_list_tag(practice_key, roster.practice, facts_of(roster));
    roster.safekeeping.tag = safekeeping_tag(practice_key, roster.practice.id, roster.safekeeping);
}

Status admit_member(Roster& roster, PersonRow person, const crypto::Secret& practice_key, Entropy& entropy) {
    Bytes sealed = TRY(seal_practice_key(roster.practice.id, person, practice_key, entropy));
    Member* known = roster.find(person.id);
    if (known != nullptr) {
        *known = {std::move(person), std::move(sealed)};
        return {};
    }
    roster.members.push_back({std::move(person), std::move(sealed)});
    std::ranges::sort(roster.members, {}, [](const Member& one) { return one.row.id; });
    return {};
}

Result<Replacement> replace_practice_key(Roster& roster, const crypto::Secret& old_key, TimelineId timeline,
                                         Entropy& entropy) {
    TRY(check_roster(roster, old_key));
    const StoreId practice = roster.practice.id;
    Replacement out;
    out.practice_key = crypto::Secret(crypto::kKeySize);
    entropy.fill(out.practice_key.mutable_view());
    for (Member& member : roster.members) {
        if (member.row.state == PersonState::disabled || member.sealed.empty()) {
            member.sealed.clear();
            continue;
        }
        member.sealed = TRY(seal_practice_key(practice, member.row, out.practice_key, entropy));
    }
    for (EpochRow& row : roster.epochs) {
        store::EpochKey key = TRY(open_epoch(practice, row, old_key));
        row = wrap_epoch(practice, key, out.practice_key, entropy);
        out.ring.push_back(std::move(key));
    }
    const store::KeyEpoch next = out.ring.empty() ? 1 : out.ring.back().epoch + 1;
    NewEpoch fresh = make_epoch(practice, next, timeline, out.practice_key, entropy);
    roster.epochs.push_back(std::move(fresh.row));
    out.ring.push_back(std::move(fresh.key));
    for (InboxRow& row : roster.inbox) {
        crypto::AgeIdentity identity;
        identity.private_key = TRY(open_inbox_row(practice, row, old_key));
        identity.public_key = row.recipient;
        row = make_inbox_row(practice, identity, out.practice_key, entropy);
        out.inbox.push_back(std::move(identity.private_key));
    }
    crypto::AgeIdentity inbox = crypto::make_age_identity(entropy);
    roster.inbox.push_back(make_inbox_row(practice, inbox, out.practice_key, entropy));
    roster.practice.inbox_recipient = inbox.public_key;
    out.inbox.push_back(std::move(inbox.private_key));
    vouch_for(roster, out.practice_key);
    return out;
}

}  // namespace firedrill::identity
