// How a practice is opened when every password is lost: by its recovery code, or by enough escrow shares.
//
// Both make an owner with a new password and a next recovery code, and replace the practice key: a code or
// shares that were typed into a machine open nothing that is written later.
#include <fmt/format.h>

#include "identity/codes.h"
#include "identity/escrow.h"
#include "identity/people_node.h"
#include "identity/rules.h"

namespace firedrill::identity {

struct PeopleNode::Rescue {
    PersonState kind = PersonState::recovery;  ///< of the pair that opens
    std::string practice_name;
    std::string login;
    crypto::Secret password;
    std::string source;
    Then<Recovered> then;
    crypto::Secret code;                 ///< recovery
    std::vector<crypto::Secret> shares;  ///< escrow
    Credentials credentials;
    Roster roster;
    Result<crypto::Secret> practice_key = Error{};
    Result<PersonRow> owner = Error{};
    PersonRow next;  ///< the pair behind the next code
    std::string next_code;
    WallTime now;
    bool is_stored = false;

    [[nodiscard]] Error mismatch() const {
        return {Fault::refused, kind == PersonState::recovery
                                    ? "the practice and the recovery code do not belong together"
                                    : "the practice and these shares do not belong together"};
    }
};

void PeopleNode::recover(Recovery recovery, Then<Recovered> then) {
    auto code = read_code(CodeKind::recovery, recovery.code);
    crypto::zeroise(recovery.code);
    if (!code) {
        answer<Recovered>(std::move(then), code.error());
        return;
    }
    auto rescue = std::make_shared<Rescue>();
    rescue->practice_name = lower_ascii(recovery.practice);
    rescue->login = lower_ascii(recovery.login);
    rescue->password = std::move(recovery.password);
    rescue->source = std::move(recovery.source);
    rescue->then = std::move(then);
    rescue->code = std::move(code).value();
    begin_rescue(rescue);
}

void PeopleNode::recover_by_shares(ShareRecovery recovery, Then<Recovered> then) {
    auto rescue = std::make_shared<Rescue>();
    rescue->kind = PersonState::escrow;
    Status read;
    if (recovery.shares.size() > crypto::kMostShares) {
        read = Error{Fault::bad_input, fmt::format("an escrow has at most {} shares", crypto::kMostShares)};
    }
    for (std::size_t i = 0; i < recovery.shares.size() && read; ++i) {
        auto share = read_share(recovery.shares[i]);
        if (share) {
            rescue->shares.push_back(std::move(share).value());
        } else {
            read =
                Error{share.error().fault, fmt::format("share in field {}: {}", i + 1, share.error().text)};
        }
    }
    for (std::string& typed : recovery.shares) {
        crypto::zeroise(typed);
    }
    if (read) {
        read = check_shares(rescue->shares);
    }
    if (!read) {
        answer<Recovered>(std::move(then), read.error());
        return;
    }
    rescue->practice_name = lower_ascii(recovery.practice);
    rescue->login = lower_ascii(recovery.login);
    rescue->password = std::move(recovery.password);
    rescue->source = std::move(recovery.source);
    rescue->then = std::move(then);
    begin_rescue(rescue);
}

void PeopleNode::begin_rescue(const RescuePtr& rescue) {
    Status ready = check_login(rescue->login);
    if (ready) {
        ready = admit("recover", rescue->source, rescue->source);
    }
    if (!ready) {
        answer<Recovered>(rescue->then, ready.error());
        return;
    }
    ++tools_.waiting;
    rescue->now = tools_.seams.clock.wall();
    load_rescue(rescue);
}

void PeopleNode::load_rescue(const RescuePtr& rescue) {
    tools_.storage.transact(
        kDirectory, store::Access::read,
        [rescue](store::Database& database) -> Status {
            auto found = TRY(load_key_pair(database, rescue->practice_name, rescue->kind));
            auto roster = found ? TRY(load_roster(database, found->practice.id)) : std::optional<Roster>();
            if (!roster) {
                return rescue->mismatch();
            }
            rescue->credentials = std::move(*found);
            rescue->roster = std::move(*roster);
            if (rescue->kind == PersonState::recovery) {
                return {};
            }
            const EscrowRecord* record = rescue->roster.safekeeping.open_escrow();
            const auto head = TRY(crypto::read_share_head(rescue->shares.front().view()));
            if (record == nullptr || record->id.bytes != head.identifier) {
                return rescue->mismatch();
            }
            return match_shares(*record, rescue->shares);
        },
        alive_.guard([this, rescue](const Status& status) {
            if (!status) {
                --tools_.waiting;
                rescue->then(status.error());
                return;
            }
            open_rescue(rescue);
        }));
}

void PeopleNode::open_rescue(const RescuePtr& rescue) {
    tools_.seams.workers.run(
        Lane::passwords,
        [rescue, cost = tools_.options.cost, &entropy = tools_.seams.entropy,
         &workers = tools_.seams.workers] {
            rescue->practice_key = rescue->kind == PersonState::recovery
                                       ? open_recovery(rescue->credentials, rescue->code)
                                       : open_escrow(rescue->credentials, rescue->shares);
            rescue->code = {};
            rescue->shares.clear();
            if (!rescue->practice_key) {
                const Error& error = rescue->practice_key.error();
                rescue->owner = error.fault == Fault::wrong_secret ? rescue->mismatch() : error;
                return;
            }
            const PracticeRow& practice = rescue->roster.practice;
            const Member* known = rescue->roster.find(rescue->login);
            if (known != nullptr && known->row.role != Role::owner) {
                rescue->owner = Error{Fault::refused,
                                      "that login name is a colleague's who is not an owner; give an "
                                      "owner's or a new one"};
                return;
            }
            auto password = take_new_password(rescue->password, PasswordUse::staff_alone, practice.name,
                                              practice.title, rescue->login);
            rescue->password = {};
            if (!password) {
                rescue->owner = password.error();
                return;
            }
            workers.charge(Work::password_hash, 1);
            rescue->owner =
                make_person(practice.id, known == nullptr ? draw_id<PersonId>(entropy) : known->row.id,
                            rescue->login, Role::owner, *password, cost, entropy);
            const crypto::Secret code = draw_code(CodeKind::recovery, entropy);
            rescue->next = make_recovery(practice.id, code, entropy);
            rescue->next_code = write_code(CodeKind::recovery, code);
        },
        alive_.guard([this, rescue] {
            --tools_.waiting;
            if (!rescue->owner) {
                rescue->then(rescue->owner.error());
                return;
            }
            store_rescue(rescue);
        }));
}

void PeopleNode::store_rescue(const RescuePtr& rescue) {
    const StoreId practice = rescue->roster.practice.id;
    auto key = std::make_shared<crypto::Secret>(rescue->practice_key->copy());
    replace_key(
        practice, std::move(rescue->practice_key).value(),
        [rescue, key, &entropy = tools_.seams.entropy](store::Database& database, Roster& roster) -> Status {
            const Member* used = roster.find(rescue->credentials.person.id);
            const Member* known = roster.find(rescue->login);
            if (used == nullptr || (known != nullptr && known->row.id != rescue->owner->id)) {
                return Error{Fault::unavailable, "the practice was changed at this moment; try again"};
            }
            roster.drop_pair(PersonState::recovery);
            TRY(admit_member(roster, *rescue->owner, *key, entropy));
            TRY(admit_member(roster, rescue->next, *key, entropy));
            SafekeepingRecords& records = roster.safekeeping;
            const bool by_code = rescue->kind == PersonState::recovery;
            records.kit = KitRecord{rescue->next.id, by_code ? KitMaker::code : KitMaker::shares,
                                    rescue->login, rescue->now};
            if (!by_code) {
                roster.drop_pair(PersonState::escrow);
                EscrowRecord* escrow = records.open_escrow();
                escrow->state = EscrowState::used;
                escrow->ended_by = rescue->login;
                escrow->ended = rescue->now;
            }
            vouch_for(roster, *key);
            return delete_second_factor(database, rescue->owner->id);  // went with their old keys
        },
        [this, rescue, practice] {
            rescue->is_stored = true;
            const std::string& source = rescue->source;
            tools_.slow_down.succeeded("recover", source, source, tools_.seams.clock.now());
            end_sessions(practice, rescue->owner->id, {});
        },
        [rescue](const Status& status) {
            if (!rescue->is_stored) {
                rescue->then(status.error());
                return;
            }
            // Also when the open store could not take the new keys yet: the next code must be seen.
            const PracticeRow& row = rescue->roster.practice;
            rescue->then(Recovered{row.name, rescue->login, rescue->next_code, row.title, rescue->now});
        });
}

}  // namespace firedrill::identity
