// How people come, leave and change, over real storage on a simulated machine.
#include "identity/people.h"

#include <gtest/gtest.h>

#include "crypto/keypair.h"
#include "identity/codes.h"
#include "identity/directory.h"
#include "tests/support/practice_world.h"

namespace firedrill::identity {
namespace {

using test::PracticeWorld;
using test::secret;

constexpr std::string_view kColleaguePassword = "gravel-lantern-mosaic-8";
constexpr std::string_view kNewPassword = "willow-cobalt-harvest-31";

class PeopleWorld : public PracticeWorld {
  public:
    explicit PeopleWorld(std::uint64_t seed) : PracticeWorld(seed) {
        const auto made = create();
        EXPECT_TRUE(made.is_ok());
        recovery_code = made->recovery_code;
    }
    Confirmation confirm(const SignedIn& who, std::string_view password = kPassword) {
        return {who.session, secret(password), "10.0.0.9"};
    }
    Result<Invitation> invite(const SignedIn& owner, std::string login = "bob", Role role = Role::clinician,
                              std::string_view password = kPassword) {
        return wait<Invitation>(
            [&](auto then) { identity->people().invite(confirm(owner, password), login, role, then); });
    }
    Result<Joined> join(std::string code, std::string_view password = kColleaguePassword) {
        return wait<Joined>(
            [&](auto then) { identity->people().join({code, secret(password), "10.0.0.7"}, then); });
    }
    Result<PeopleList> people() {
        return wait<PeopleList>([&](auto then) { identity->people().list("harbor", then); });
    }
    PersonId person(std::string_view login) {
        const auto listed = people();
        for (const Person& one : listed ? listed->people : std::vector<Person>()) {
            if (one.login == login) {
                return one.id;
            }
        }
        return {};
    }
    Status disable(const SignedIn& owner, PersonId who, std::string_view password = kPassword) {
        return wait<void>(
            [&](auto then) { identity->people().disable(confirm(owner, password), who, then); });
    }
    Result<Recovered> recover(std::string code, std::string login = "ada",
                              std::string_view password = kNewPassword) {
        return wait<Recovered>([&](auto then) {
            identity->people().recover({"harbor", code, login, secret(password), "10.0.0.7"}, then);
        });
    }
    /// Owner signed in and bob, a clinician, with an account.
    SignedIn with_bob() {
        const auto owner = sign_in();
        EXPECT_TRUE(owner.is_ok());
        const auto invitation = invite(*owner);
        EXPECT_TRUE(invitation.is_ok()) << invitation.error().text;
        const auto joined = join(invitation->code);
        EXPECT_TRUE(joined.is_ok()) << joined.error().text;
        return *owner;
    }
    Result<SignedIn> sign_in_bob(std::string_view password = kColleaguePassword) {
        return sign_in(password, "bob");
    }
    /// What stands in the directory for a login.
    Credentials rows_of(std::string login) {
        Credentials out;
        const Status loaded = wait<void>([&](auto then) {
            storage->transact(
                kDirectory, store::Access::read,
                [&](store::Database& database) -> Status {
                    out = TRY(load_credentials(database, "harbor", login)).value();
                    return {};
                },
                then);
        });
        EXPECT_TRUE(loaded.is_ok());
        return out;
    }
    Roster roster() {
        Roster out;
        const StoreId practice = practice_id();
        const Status loaded = wait<void>([&](auto then) {
            storage->transact(
                kDirectory, store::Access::read,
                [&](store::Database& database) -> Status {
                    out = TRY(load_roster(database, practice)).value();
                    return {};
                },
                then);
        });
        EXPECT_TRUE(loaded.is_ok());
        return out;
    }
    Status alter(const char* sql) {
        return wait<void>([&](auto then) {
            storage->transact(
                kDirectory, store::Access::write,
                [sql](store::Database& database) { return database.execute(sql); }, then);
        });
    }

    std::string recovery_code;
};

TEST(Codes, ComeBackHoweverTheyAreTypedAndCatchEverySlip) {
    PeopleWorld world(90);
    Entropy& entropy = world.machine->seams().entropy;
    for (const CodeKind kind : {CodeKind::invitation, CodeKind::recovery}) {
        const crypto::Secret code = draw_code(kind, entropy);
        const std::string text = write_code(kind, code);
        std::string shouted;
        for (const char c : text) {
            shouted += c == '-' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
        ASSERT_TRUE(read_code(kind, text).is_ok());
        EXPECT_TRUE(crypto::equal_secret(read_code(kind, shouted)->view(), code.view()));
        EXPECT_FALSE(read_code(kind == CodeKind::invitation ? CodeKind::recovery : CodeKind::invitation, text)
                         .is_ok());
        for (std::size_t i = 0; i < text.size(); ++i) {
            std::string slip = text;
            slip[i] = slip[i] == 'a' ? 'b' : 'a';
            EXPECT_FALSE(read_code(kind, slip).is_ok()) << i;
        }
        EXPECT_FALSE(read_code(kind, text.substr(1)).is_ok());
        EXPECT_FALSE(read_code(kind, text + "a").is_ok());
        EXPECT_FALSE(read_code(kind, "").is_ok());
    }
}

TEST(People, AnInvitedColleagueGetsAnAccountOfTheirOwn) {
    PeopleWorld world(1);
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    const SignedIn owner = world.with_bob();
    ASSERT_TRUE(world.sign_out(owner.token).is_ok());

    const auto bob = world.sign_in_bob();

    ASSERT_TRUE(bob.is_ok()) << bob.error().text;
    EXPECT_EQ(bob->session.role, Role::clinician);
    EXPECT_EQ(world.list(world.practice_id())->size(), 1u);
    EXPECT_EQ(world.identity->find_practice("harbor")->staff, 2u);
    EXPECT_NE(world.rows_of("bob").person.public_key, world.rows_of("ada").person.public_key);
}

TEST(People, AnInvitationWorksOnceAndExpires) {
    PeopleWorld world(2);
    const auto owner = world.sign_in();
    const auto first = world.invite(*owner);
    ASSERT_TRUE(first.is_ok());
    ASSERT_TRUE(world.join(first->code).is_ok());
    EXPECT_EQ(world.join(first->code).error().fault, Fault::refused);

    const auto again = world.sign_in();
    const auto second = world.invite(*again, "cyd");
    ASSERT_TRUE(second.is_ok());
    world.pass(kInvitationLife);
    EXPECT_EQ(world.join(second->code).error().fault, Fault::refused);
    EXPECT_TRUE(world.people()->invitations.empty());
}

TEST(People, ABadPasswordDoesNotUseUpTheInvitation) {
    PeopleWorld world(3);
    const auto owner = world.sign_in();
    const auto invitation = world.invite(*owner);
    ASSERT_TRUE(invitation.is_ok());
    EXPECT_EQ(world.join(invitation->code, "too short").error().fault, Fault::bad_input);
    EXPECT_EQ(world.join(invitation->code, "harbor therapy bob").error().fault, Fault::bad_input);
    EXPECT_TRUE(world.join(invitation->code).is_ok());
}

TEST(People, OnlyAnOwnerWithTheRightPasswordInvitesAndDisables) {
    PeopleWorld world(4);
    const SignedIn owner = world.with_bob();
    const auto bob = world.sign_in_bob();
    ASSERT_TRUE(bob.is_ok());
    EXPECT_EQ(world.invite(owner, "cyd", Role::biller, "not the password").error().fault,
              Fault::wrong_secret);
    EXPECT_EQ(world.disable(owner, world.person("bob"), "not the password").error().fault,
              Fault::wrong_secret);
    EXPECT_EQ(world.invite(*bob, "cyd", Role::owner, kColleaguePassword).error().fault, Fault::refused);
    EXPECT_EQ(world.disable(*bob, world.person("ada"), kColleaguePassword).error().fault, Fault::refused);
    EXPECT_EQ(world.disable(owner, world.person("ada")).error().fault, Fault::refused);
    EXPECT_EQ(world.disable(owner, PersonId{{9}}).error().fault, Fault::not_found);
    EXPECT_EQ(world.invite(owner, "A B").error().fault, Fault::bad_input);
    EXPECT_NE(world.identity->find_session(bob->token), nullptr);
    EXPECT_EQ(world.people()->people.size(), 2u);
}

TEST(People, AnInvitationThatTheOperatorAlteredIsRefused) {
    PeopleWorld world(5);
    const auto owner = world.sign_in();
    const auto invitation = world.invite(*owner, "bob", Role::read_only);
    ASSERT_TRUE(invitation.is_ok());
    ASSERT_TRUE(world.alter("UPDATE invitation SET role = 0").is_ok());
    EXPECT_EQ(world.join(invitation->code).error().fault, Fault::damaged);
    ASSERT_TRUE(world.alter("UPDATE invitation SET role = 4, expires_ns = expires_ns + 1").is_ok());
    EXPECT_EQ(world.join(invitation->code).error().fault, Fault::damaged);
    ASSERT_TRUE(world.alter("UPDATE invitation SET expires_ns = expires_ns - 1").is_ok());
    EXPECT_TRUE(world.join(invitation->code).is_ok());
}

TEST(People, WhoeverLeavesOpensNothingWrittenSince) {
    PeopleWorld world(6);
    const SignedIn owner = world.with_bob();
    const auto bob = world.sign_in_bob();
    ASSERT_TRUE(bob.is_ok());
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    ASSERT_TRUE(world.list(world.practice_id()).is_ok());
    // Everything that bob could have kept: the directory's rows of that time, and what they open.
    const Credentials old_rows = world.rows_of("bob");
    const Roster old_roster = world.roster();
    const auto old_key = open_credentials(old_rows, secret(kColleaguePassword));
    ASSERT_TRUE(old_key.is_ok());
    const PersonId leaver = world.person("bob");

    ASSERT_TRUE(world.disable(owner, leaver).is_ok());

    EXPECT_EQ(world.identity->find_session(bob->token), nullptr);
    EXPECT_NE(world.identity->find_session(owner.token), nullptr);
    EXPECT_EQ(world.sign_in_bob().error().fault, Fault::refused);
    Roster now = world.roster();
    EXPECT_TRUE(now.find(leaver)->sealed.empty());
    EXPECT_NE(now.practice.inbox_recipient, old_roster.practice.inbox_recipient);
    EXPECT_EQ(now.epochs.size(), old_roster.epochs.size() + 1);
    EXPECT_FALSE(check_roster(now, *old_key).is_ok());
    for (const EpochRow& row : now.epochs) {
        EXPECT_FALSE(open_epoch(now.practice.id, row, *old_key).is_ok());
    }
    for (const InboxRow& row : now.inbox) {
        EXPECT_FALSE(open_inbox_row(now.practice.id, row, *old_key).is_ok());
    }
    // What is written now is under the new page key: the store does not even open with all the old ones.
    ASSERT_TRUE(world.submit(SubmissionId{{2}}).is_ok());
    EXPECT_EQ(world.list(world.practice_id())->size(), 2u);
    ASSERT_TRUE(world.sign_out(owner.token).is_ok());
    store::KeyRing old_ring;
    for (const EpochRow& row : old_roster.epochs) {
        old_ring.push_back(open_epoch(now.practice.id, row, *old_key).value());
    }
    const Status opened = world.wait<void>([&](auto then) {
        world.storage->unlock(now.practice.id, std::move(old_ring), forms::practice_migrations(), then);
    });
    if (opened) {  // its first page may be older than the change; what was written since is not
        const auto listed = world.list(now.practice.id);
        EXPECT_FALSE(listed.is_ok() && listed->size() > 1);
        ASSERT_TRUE(world.wait<void>([&](auto then) { world.storage->lock(now.practice.id, then); }).is_ok());
    }
    // Those who remain read all of it.
    ASSERT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(world.list(now.practice.id)->size(), 2u);
}

TEST(People, ThoseWhoAreSignedOutOpenThePracticeAfterItsKeyWasReplaced) {
    PeopleWorld world(7);
    const SignedIn owner = world.with_bob();
    const auto cyd = world.invite(owner, "cyd", Role::front_desk);
    ASSERT_TRUE(cyd.is_ok());
    ASSERT_TRUE(world.join(cyd->code, kNewPassword).is_ok());
    ASSERT_TRUE(world.disable(owner, world.person("bob")).is_ok());
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    ASSERT_TRUE(world.sign_out(owner.token).is_ok());
    world.reboot();

    const auto in = world.sign_in(kNewPassword, "cyd");

    ASSERT_TRUE(in.is_ok()) << in.error().text;
    EXPECT_EQ(world.list(world.practice_id())->size(), 1u);
    EXPECT_TRUE(world.journal.empty()) << world.journal.front();
}

TEST(People, ASignInUnderWayWhenTheAccountIsDisabledDoesNotSucceed) {
    PeopleWorld world(8);
    const SignedIn owner = world.with_bob();
    const PersonId leaver = world.person("bob");
    for (int pause = 0; pause < 40; ++pause) {
        std::optional<Result<SignedIn>> late;
        std::optional<Status> left;
        world.identity->people().disable(world.confirm(owner), leaver, [&](Status status) { left = status; });
        world.pass(std::chrono::milliseconds(10 * pause));
        world.identity->sign_in({"harbor", "bob", secret(kColleaguePassword), "10.0.0.8"},
                                [&](Result<SignedIn> answer) { late = std::move(answer); });
        world.pass(std::chrono::seconds(20));
        ASSERT_TRUE(left && late);
        ASSERT_TRUE(left->is_ok()) << left->error().text;
        if (late->is_ok()) {
            EXPECT_EQ(world.identity->find_session((*late)->token), nullptr) << pause;
        }
        world.pass(std::chrono::minutes(2));
        const auto again = world.invite(owner);
        ASSERT_TRUE(again.is_ok()) << again.error().text;
        ASSERT_TRUE(world.join(again->code).is_ok());
    }
}

TEST(People, TheOperatorDisablesAtOnceAndAnOwnerReplacesTheKeyLater) {
    PeopleWorld world(9);
    const SignedIn owner = world.with_bob();
    const auto bob = world.sign_in_bob();
    ASSERT_TRUE(bob.is_ok());
    const auto disable = [&](std::string_view login) {
        return world.wait<void>(
            [&](auto then) { world.identity->people().disable_by_operator("harbor", login, then); });
    };
    const auto open = world.invite(owner);
    ASSERT_TRUE(open.is_ok());
    ASSERT_TRUE(disable("bob").is_ok());
    EXPECT_EQ(disable("ada").error().fault, Fault::refused);
    EXPECT_EQ(disable("eve").error().fault, Fault::not_found);
    EXPECT_EQ(world.identity->find_session(bob->token), nullptr);
    EXPECT_EQ(world.sign_in_bob().error().fault, Fault::refused);
    EXPECT_TRUE(world.people()->people.at(1).holds_key);
    EXPECT_EQ(world.join(open->code).error().fault, Fault::refused) << "his own way back is void";
    EXPECT_EQ(world.invite(owner).error().fault, Fault::refused) << "it would hide that the key is due";

    ASSERT_TRUE(world.sign_out(owner.token).is_ok());
    const auto back = world.sign_in();
    ASSERT_TRUE(back.is_ok());
    EXPECT_TRUE(world.invite(*back).is_ok());

    EXPECT_FALSE(world.people()->people.at(1).holds_key);
    EXPECT_EQ(world.roster().epochs.size(), 2u);
    EXPECT_TRUE(world.journal.empty());
}

TEST(People, APowerCutAtAnyMomentLeavesOffBoardingDoneOrNotAndNothingLost) {
    for (const bool on_log : {false, true}) {
        bool was_cut = true;
        int done = 0;
        for (std::uint64_t k = 1; was_cut; ++k) {
            PeopleWorld world(2000 + k);
            const SignedIn owner = world.with_bob();
            ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
            const PersonId leaver = world.person("bob");
            (on_log ? world.log : world.data)->cut_power_after(k);
            const Status left = world.disable(owner, leaver);
            was_cut = !world.machine->is_on();
            world.reboot();
            Roster roster = world.roster();
            const bool is_gone = roster.find(leaver)->row.state == PersonState::disabled;
            EXPECT_EQ(world.sign_in_bob().is_ok(), !is_gone) << k;
            EXPECT_TRUE(is_gone || !left.is_ok());
            done += is_gone ? 1 : 0;
            ASSERT_TRUE(world.submit(SubmissionId{{2}}).is_ok());
            ASSERT_TRUE(world.sign_in().is_ok());
            const auto listed = world.list(world.practice_id());
            ASSERT_TRUE(listed.is_ok()) << listed.error().text;
            EXPECT_EQ(listed->size(), 2u);
            ASSERT_LT(k, 500u);
        }
        EXPECT_GT(done, 0);
    }
}

TEST(People, AChangedPasswordEndsTheOtherSessionsAndTheOldOneOpensNothing) {
    PeopleWorld world(10);
    const auto here = world.sign_in();
    const auto there = world.sign_in();
    ASSERT_TRUE(here.is_ok() && there.is_ok());
    const auto change = [&](std::string_view old_one, std::string_view new_one) {
        return world.wait<void>([&](auto then) {
            world.identity->people().change_password(world.confirm(*here, old_one), secret(new_one),
                                                     here->token, then);
        });
    };
    EXPECT_EQ(change("not the password", kNewPassword).error().fault, Fault::wrong_secret);
    EXPECT_EQ(change(PracticeWorld::kPassword, "password").error().fault, Fault::bad_input);
    EXPECT_NE(world.identity->find_session(there->token), nullptr);

    ASSERT_TRUE(change(PracticeWorld::kPassword, kNewPassword).is_ok());

    EXPECT_NE(world.identity->find_session(here->token), nullptr);
    EXPECT_EQ(world.identity->find_session(there->token), nullptr);
    EXPECT_EQ(world.sign_in().error().fault, Fault::refused);
    EXPECT_TRUE(world.sign_in(kNewPassword).is_ok());
}

TEST(People, APersonListsAndEndsTheirOwnSessionsOnly) {
    PeopleWorld world(11);
    const SignedIn owner = world.with_bob();
    const auto other = world.sign_in();
    const auto bob = world.sign_in_bob();
    ASSERT_TRUE(other.is_ok() && bob.is_ok());
    const auto mine = world.identity->people().list_sessions(owner.token);
    ASSERT_EQ(mine.size(), 2u);
    const auto bobs = world.identity->people().list_sessions(bob->token);
    ASSERT_EQ(bobs.size(), 1u);
    EXPECT_EQ(world.identity->people().end_session(owner.token, bobs[0].id).error().fault, Fault::not_found);
    EXPECT_EQ(world.identity->people().end_session("nobody's", bobs[0].id).error().fault, Fault::not_found);
    const std::string& gone = mine[0].is_this ? mine[1].id : mine[0].id;
    EXPECT_TRUE(world.identity->people().end_session(owner.token, gone).is_ok());
    EXPECT_EQ(world.identity->find_session(other->token), nullptr);
    EXPECT_NE(world.identity->find_session(bob->token), nullptr);
}

TEST(People, TheRecoveryCodeOpensThePracticeOnceWithoutAnyPassword) {
    PeopleWorld world(12);
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    const SignedIn owner = world.with_bob();
    EXPECT_EQ(world.recover("a").error().fault, Fault::bad_input);
    EXPECT_EQ(world.recover(world.recovery_code, "bob").error().fault, Fault::refused);
    EXPECT_EQ(world.recover(world.recovery_code, "ada", "short").error().fault, Fault::bad_input);

    const auto recovered = world.recover(world.recovery_code);

    ASSERT_TRUE(recovered.is_ok()) << recovered.error().text;
    EXPECT_EQ(world.identity->find_session(owner.token), nullptr);
    EXPECT_EQ(world.sign_in().error().fault, Fault::refused);
    ASSERT_TRUE(world.sign_in(kNewPassword).is_ok());
    EXPECT_EQ(world.list(world.practice_id())->size(), 1u);
    EXPECT_EQ(world.recover(world.recovery_code).error().fault, Fault::refused);
    EXPECT_TRUE(world.recover(recovered->code, "zoe", "gravel-lantern-mosaic-8").is_ok());
    EXPECT_TRUE(world.sign_in("gravel-lantern-mosaic-8", "zoe").is_ok());
    EXPECT_TRUE(world.sign_in_bob().is_ok());
}

TEST(People, TheRecoveryCodeSurvivesEveryReplacementOfTheKey) {
    PeopleWorld world(13);
    const SignedIn owner = world.with_bob();
    ASSERT_TRUE(world.disable(owner, world.person("bob")).is_ok());
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    world.reboot();
    ASSERT_TRUE(world.recover(world.recovery_code).is_ok());
    ASSERT_TRUE(world.sign_in(kNewPassword).is_ok());
    EXPECT_EQ(world.list(world.practice_id())->size(), 1u);
}

TEST(People, NobodySignsInAsTheRecoveryCode) {
    PeopleWorld world(14);
    EXPECT_EQ(world.sign_in("", "").error().fault, Fault::refused);
    EXPECT_EQ(world.sign_in(world.recovery_code, "").error().fault, Fault::refused);
    EXPECT_EQ(world.people()->people.size(), 1u);
    EXPECT_EQ(world.identity->find_practice("harbor")->staff, 1u);
}

}  // namespace
}  // namespace firedrill::identity
