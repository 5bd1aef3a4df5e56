// The second factor over real storage on a simulated machine: codes of an app, spare codes, and that each
// opens once.
#include "identity/second_factor.h"

#include <gtest/gtest.h>

#include "identity/slow_down.h"
#include "tests/support/factor_world.h"

namespace firedrill::identity {
namespace {

using test::FactorWorld;
using test::PracticeWorld;
using test::secret;

constexpr std::string_view kShorter = "plum-kettle-7q";  // 14 characters

TEST(SecondFactor, IsOffUntilACodeConfirmsIt) {
    FactorWorld world(1);
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    const auto proposed = world.identity->people().propose_second_factor(in->token);
    ASSERT_TRUE(proposed.is_ok());
    EXPECT_EQ(world.identity->people().propose_second_factor(in->token)->secret, proposed->secret);
    const auto app = test::read_otpauth(proposed->otpauth);
    ASSERT_TRUE(app);
    EXPECT_EQ(app->issuer, "harbor");
    EXPECT_EQ(app->account, "ada");
    EXPECT_EQ(test::from_base32(proposed->secret), app->secret);

    EXPECT_EQ(world.confirm_code(*in, "000000").error().fault, Fault::bad_input);
    EXPECT_EQ(world.confirm_code(*in, "").error().fault, Fault::bad_input);
    EXPECT_EQ(world.confirm_code(*in, world.app_code(app->secret), "not-the-password").error().fault,
              Fault::wrong_secret);
    EXPECT_FALSE(has_second_factor(world.rows().person));
    EXPECT_TRUE(world.sign_in().is_ok());

    const auto on = world.confirm_code(*in, world.app_code(app->secret));
    ASSERT_TRUE(on.is_ok()) << on.error().text;
    EXPECT_EQ(on->spare_codes.size(), kSpareCodes);
    EXPECT_TRUE(has_second_factor(world.rows().person));
    EXPECT_EQ(world.sign_in().error().fault, Fault::refused);
}

TEST(SecondFactor, TheSessionGoesOnUnderANewTokenAndTheOthersEnd) {
    FactorWorld world(2);
    const auto other = world.sign_in();
    const auto in = world.sign_in();
    ASSERT_TRUE(other.is_ok() && in.is_ok());
    const SignedIn fresh = world.set_up(*in);
    EXPECT_EQ(world.identity->find_session(in->token), nullptr);
    EXPECT_EQ(world.identity->find_session(other->token), nullptr);
    const Session* session = world.identity->find_session(fresh.token);
    ASSERT_NE(session, nullptr);
    EXPECT_TRUE(session->has_second_factor);
    EXPECT_NE(session->csrf, in->session.csrf);
    EXPECT_EQ(world.identity->people().propose_second_factor(fresh.token).error().fault, Fault::refused);
}

TEST(SecondFactor, AProposalExpires) {
    FactorWorld world(3);
    const auto in = world.sign_in();
    const auto proposed = world.identity->people().propose_second_factor(in->token);
    const Bytes app = test::read_otpauth(proposed->otpauth)->secret;
    world.pass(kProposalLife);
    EXPECT_EQ(world.confirm_code(*in, world.app_code(app)).error().fault, Fault::bad_input);
    EXPECT_NE(world.identity->people().propose_second_factor(in->token)->secret, proposed->secret);
}

TEST(SecondFactor, ASignInNeedsTheCodeOfTheMomentOrOfAStepBesideIt) {
    FactorWorld world(4);
    world.set_up(*world.sign_in());
    for (const std::int64_t steps : {-2, 2, 5}) {
        EXPECT_EQ(world.sign_in_with(world.code(steps)).error().fault, Fault::refused) << steps;
    }
    world.pass(std::chrono::minutes(10));
    EXPECT_TRUE(world.sign_in_with(world.code(-1)).is_ok());
    EXPECT_TRUE(world.sign_in_with(world.code(0)).is_ok());
    EXPECT_TRUE(world.sign_in_with(world.code(1)).is_ok());
    EXPECT_FALSE(world.sign_in_with(world.code(2)).is_ok());
}

TEST(SecondFactor, EveryWrongWayIsOneAnswerAfterTheSameWork) {
    FactorWorld world(5);
    world.set_up(*world.sign_in());
    const std::string right = world.code();
    struct Guess {
        std::string login, password, code;
    };
    const std::string password(PracticeWorld::kPassword);
    const std::vector<Guess> guesses{{"ada", "plum-kettle-orbit-43", right},
                                     {"ada", password, ""},
                                     {"ada", password, "123456"},
                                     {"ada", password, "not a code"},
                                     {"ada", password, std::string(5000, '1')},
                                     {"ada", password, "abcd-efgh-ijkm-npqr"},
                                     {"bob", password, right}};
    std::optional<Duration> work;
    std::optional<std::string> text;
    int number = 0;
    for (const Guess& guess : guesses) {
        const Instant before = world.universe.loop.now();
        const auto refused = world.sign_in(guess.password, guess.login, "harbor",
                                           "10.0.1." + std::to_string(number++), guess.code);
        const Duration took = world.universe.loop.now() - before;
        ASSERT_FALSE(refused.is_ok());
        EXPECT_EQ(refused.error().fault, Fault::refused);
        EXPECT_EQ(refused.error().text, text.value_or(refused.error().text));
        text = refused.error().text;
        EXPECT_EQ(took, work.value_or(took));
        work = took;
    }
    EXPECT_TRUE(world.sign_in_with(right).is_ok());
}

TEST(SecondFactor, ACodeIsTakenOnceAlsoFromElsewhereAndAfterARestart) {
    FactorWorld world(6);
    world.set_up(*world.sign_in());
    const std::string code = world.code();
    ASSERT_TRUE(world.sign_in_with(code).is_ok());
    EXPECT_EQ(world.sign_in_with(code).error().fault, Fault::refused);
    EXPECT_EQ(world.sign_in_with(code, "10.0.0.77").error().fault, Fault::refused);
    world.reboot();
    const std::uint64_t step = crypto::totp_step(world.machine->seams().clock.wall());
    ASSERT_LE(step, world.rows().second_factor.last_step + 1);  // the code would still be in the window
    EXPECT_EQ(world.sign_in_with(code).error().fault, Fault::refused);
    world.next_step();
    EXPECT_TRUE(world.sign_in_with(world.code(1)).is_ok());
}

TEST(SecondFactor, TheCodeThatConfirmedItDoesNotSignIn) {
    FactorWorld world(7);
    const auto in = world.sign_in();
    const auto proposed = world.identity->people().propose_second_factor(in->token);
    const std::string code = world.app_code(test::read_otpauth(proposed->otpauth)->secret);
    ASSERT_TRUE(world.confirm_code(*in, code).is_ok());
    EXPECT_EQ(world.sign_in_with(code).error().fault, Fault::refused);
}

TEST(SecondFactor, OfTwoSignInsWithOneCodeAtTheSameMomentOneIsRefused) {
    FactorWorld world(8);
    world.set_up(*world.sign_in());
    const std::string code = world.code();
    int in = 0;
    int refused = 0;
    for (const char* source : {"10.0.0.1", "10.0.0.2"}) {
        world.identity->sign_in({"harbor", "ada", secret(PracticeWorld::kPassword), source, secret(code)},
                                [&](const Result<SignedIn>& answer) {
                                    in += answer.is_ok() ? 1 : 0;
                                    refused +=
                                        !answer.is_ok() && answer.error().fault == Fault::refused ? 1 : 0;
                                });
    }
    world.pass(std::chrono::seconds(10));
    EXPECT_EQ(in, 1);
    EXPECT_EQ(refused, 1);
}

TEST(SecondFactor, APowerCutNeverGivesACodeASecondLife) {
    int signed_in = 0;
    for (const bool on_log : {false, true}) {
        bool was_cut = true;
        for (std::uint64_t k = 1; was_cut; ++k) {
            FactorWorld world(6000 + k);
            world.set_up(*world.sign_in());
            const std::string code = world.code();
            (on_log ? world.log : world.data)->cut_power_after(k);
            const auto first = world.sign_in_with(code);
            was_cut = !world.machine->is_on();
            world.reboot();
            const auto again = world.sign_in_with(code);
            signed_in += first.is_ok() ? 1 : 0;
            ASSERT_FALSE(first.is_ok() && again.is_ok()) << k;
            world.next_step();
            ASSERT_TRUE(world.sign_in_with(world.code(1)).is_ok()) << k;
            ASSERT_LT(k, 200u);
        }
    }
    EXPECT_GT(signed_in, 0);
}

TEST(SecondFactor, ASpareCodeOpensOnceAndTypingIsForgiving) {
    FactorWorld world(9);
    world.set_up(*world.sign_in());
    std::string shouted = " " + world.spare[0];
    for (char& c : shouted) {
        c = c == '-' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    ASSERT_TRUE(world.sign_in_with(shouted).is_ok());
    EXPECT_EQ(world.sign_in_with(world.spare[0]).error().fault, Fault::refused);
    world.reboot();
    EXPECT_EQ(world.sign_in_with(world.spare[0]).error().fault, Fault::refused);
    for (std::size_t i = 1; i < kSpareCodes; ++i) {
        EXPECT_TRUE(world.sign_in_with(world.spare[i]).is_ok()) << i;
    }
    EXPECT_TRUE(world.rows().second_factor.spare_codes.empty());
}

TEST(SecondFactor, NewSpareCodesVoidTheOldOnes) {
    FactorWorld world(10);
    const SignedIn in = world.set_up(*world.sign_in());
    EXPECT_EQ(world.renew(in, "not-the-password").error().fault, Fault::wrong_secret);
    const auto renewed = world.renew(in);
    ASSERT_TRUE(renewed.is_ok());
    ASSERT_EQ(renewed->size(), kSpareCodes);
    EXPECT_EQ(world.sign_in_with(world.spare[0]).error().fault, Fault::refused);
    EXPECT_TRUE(world.sign_in_with(renewed->front()).is_ok());
}

TEST(SecondFactor, WithoutOneThereAreNoSpareCodesAndATypedCodeIsNotLookedAt) {
    FactorWorld world(11);
    const auto in = world.sign_in_with("whatever");
    ASSERT_TRUE(in.is_ok());
    EXPECT_EQ(world.renew(*in).error().fault, Fault::refused);
    EXPECT_EQ(world.turn_off(*in).error().fault, Fault::refused);
}

TEST(SecondFactor, IsTurnedOffOnlyWithAPasswordThatStandsAlone) {
    FactorWorld world(12);
    const SignedIn in = world.set_up(*world.sign_in());
    ASSERT_TRUE(world.change_password(in, PracticeWorld::kPassword, kShorter).is_ok());
    world.next_step();
    const auto again = world.sign_in_with(world.code(), "10.0.0.9", kShorter);
    ASSERT_TRUE(again.is_ok());
    const Status too_short = world.turn_off(*again, kShorter);
    ASSERT_FALSE(too_short.is_ok());
    EXPECT_EQ(too_short.error().fault, Fault::bad_input);
    EXPECT_TRUE(has_second_factor(world.rows().person));

    ASSERT_TRUE(world.change_password(*again, kShorter, PracticeWorld::kPassword).is_ok());
    ASSERT_TRUE(world.turn_off(*again).is_ok());
    EXPECT_FALSE(has_second_factor(world.rows().person));
    EXPECT_FALSE(world.identity->find_session(again->token)->has_second_factor);
    EXPECT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(world.change_password(*again, PracticeWorld::kPassword, kShorter).error().fault,
              Fault::bad_input);
}

TEST(SecondFactor, ASignInThatBeganBeforeItWasOnDoesNotEndWithoutIt) {
    FactorWorld world(13);
    const auto in = world.sign_in();
    const auto proposed = world.identity->people().propose_second_factor(in->token);
    const std::string code = world.app_code(test::read_otpauth(proposed->otpauth)->secret);
    std::optional<Result<SecondFactorOn>> on;
    std::vector<Result<SignedIn>> late;
    world.identity->people().confirm_second_factor(
        world.confirm(*in), secret(code), in->token,
        [&](Result<SecondFactorOn> made) { on = std::move(made); });
    for (int i = 0; i < 3; ++i) {
        world.identity->sign_in(
            {"harbor", "ada", secret(PracticeWorld::kPassword), "10.0.0." + std::to_string(i)},
            [&](Result<SignedIn> answer) { late.push_back(std::move(answer)); });
    }
    world.pass(std::chrono::seconds(20));
    ASSERT_TRUE(on && on->is_ok());
    ASSERT_EQ(late.size(), 3u);
    for (const auto& answer : late) {
        // Whoever got in before it was on has been signed out by it.
        EXPECT_TRUE(!answer.is_ok() || world.identity->find_session(answer->token) == nullptr);
    }
}

TEST(SecondFactor, GoesWithTheOldKeysWhenAnotherOwnerResetsTheColleague) {
    FactorWorld world(14);
    constexpr std::string_view kBob = "cobalt-harvest-lamp-9";
    constexpr std::string_view kNew = "gravel-lantern-mosaic-8";
    const auto invite_and_join = [&](const Confirmation& who, std::string login, std::string_view password) {
        const auto invitation = world.wait<Invitation>([&](auto then) {
            world.identity->people().invite({who.session, who.password.copy(), who.source}, login,
                                            Role::owner, then);
        });
        ASSERT_TRUE(invitation.is_ok()) << invitation.error().text;
        const auto joined = world.wait<Joined>([&](auto then) {
            world.identity->people().join({invitation->code, secret(password), "10.0.0.7"}, then);
        });
        ASSERT_TRUE(joined.is_ok()) << joined.error().text;
    };
    const SignedIn owner = world.set_up(*world.sign_in());
    invite_and_join(world.confirm(owner), "bob", kBob);
    const auto bob = world.sign_in(kBob, "bob");
    ASSERT_TRUE(bob.is_ok());

    invite_and_join(world.confirm(*bob, kBob), "ada", kNew);

    const Credentials rows = world.rows();
    EXPECT_FALSE(has_second_factor(rows.person));
    EXPECT_EQ(rows.second_factor.last_step, 0u);
    EXPECT_TRUE(rows.second_factor.spare_codes.empty());
    EXPECT_TRUE(world.sign_in(kNew).is_ok());
}

TEST(SecondFactor, TheDirectoryHoldsNothingThatGivesACodeAndTheFactorCannotBeTakenOut) {
    FactorWorld world(15);
    world.set_up(*world.sign_in());
    const Credentials rows = world.rows();
    const std::string wrap(as_text(rows.person.wrapped_private));
    EXPECT_EQ(wrap.find(as_text(world.app)), std::string::npos);
    for (const Digest& tag : rows.second_factor.spare_codes) {
        for (const std::string& code : world.spare) {
            EXPECT_NE(tag, crypto::sha256(as_bytes(code)));
        }
    }
    // Whoever writes to the directory cannot make the account one without a second factor.
    ASSERT_TRUE(world.alter("UPDATE person SET wrapped_private = substr(wrapped_private, 1, 168)").is_ok());
    EXPECT_FALSE(world.sign_in().is_ok());
    ASSERT_TRUE(world.alter("DELETE FROM second_factor").is_ok());
    EXPECT_FALSE(world.sign_in_with(world.code()).is_ok());
}

TEST(SecondFactor, AMissingRowRefusesRatherThanForgetsWhichCodesWereUsed) {
    FactorWorld world(16);
    world.set_up(*world.sign_in());
    ASSERT_TRUE(world.alter("DELETE FROM second_factor").is_ok());
    EXPECT_EQ(world.sign_in_with(world.code()).error().fault, Fault::refused);
    EXPECT_TRUE(world.sign_in_with(world.spare[0]).is_ok());
}

TEST(SecondFactor, GuessingAtCodesEndsForTheDayAndNothingSaysSo) {
    FactorWorld world(17);
    world.set_up(*world.sign_in());
    std::optional<std::string> text;
    std::uint32_t guessed = 0;
    for (int i = 0; guessed < kWrongCodesADay && i < 2000; ++i) {
        const auto answer = world.sign_in_with("000000", "10.7.0." + std::to_string(i));
        if (!answer.is_ok() && answer.error().fault == Fault::refused) {
            ++guessed;
            EXPECT_EQ(answer.error().text, text.value_or(answer.error().text));
            text = answer.error().text;
        }
        world.pass(std::chrono::seconds(31));
    }
    ASSERT_EQ(guessed, kWrongCodesADay);
    ASSERT_FALSE(world.journal.empty());
    EXPECT_NE(world.journal.back().find("wrong codes"), std::string::npos);
    EXPECT_EQ(world.journal.back().find("ada"), std::string::npos);

    const auto right_but_late = world.sign_in_with(world.code(), "10.7.1.1");
    ASSERT_FALSE(right_but_late.is_ok());
    EXPECT_EQ(right_but_late.error().text, *text);
    world.pass(std::chrono::seconds(31));
    EXPECT_TRUE(world.sign_in_with(world.spare[0], "10.7.1.2").is_ok());  // cannot be guessed: still opens
    EXPECT_TRUE(world.sign_in_with(world.code(1), "10.7.1.2").is_ok());   // a source that is known now
    world.pass(kCodeDay);
    EXPECT_TRUE(world.sign_in_with(world.code(), "10.7.1.3").is_ok());
}

TEST(SecondFactor, WhereTheNodeAsksForOneNothingElseMayBeDoneBefore) {
    FactorWorld world(18);
    world.second_factor = SecondFactorRule::required;
    world.reboot();
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    EXPECT_TRUE(in->session.needs_second_factor);
    for (const Action action : kActions) {
        EXPECT_EQ(may(in->session, action), action == Action::set_up_second_factor) << action_name(action);
    }
    const auto invited = world.wait<Invitation>([&](auto then) {
        world.identity->people().invite(world.confirm(*in), "bob", Role::clinician, then);
    });
    EXPECT_EQ(invited.error().fault, Fault::refused);
    const SignedIn fresh = world.set_up(*in);
    EXPECT_FALSE(fresh.session.needs_second_factor);
    for (const Action action : kActions) {
        EXPECT_EQ(may(fresh.session, action), may(Role::owner, action)) << action_name(action);
    }
    EXPECT_EQ(world.turn_off(fresh).error().fault, Fault::refused);
    EXPECT_FALSE(world.sign_in_with(world.code())->session.needs_second_factor);
}

// --- the cost of passwords

PasswordRecord record_of(FactorWorld& world) {
    return read_phc(world.rows().person.password).value();
}

TEST(PasswordCostPolicy, IsRaisedAtTheNextSignInAndNeverLowered) {
    FactorWorld world(20);
    world.set_up(*world.sign_in());
    const PasswordRecord before = record_of(world);
    ASSERT_EQ(before.cost, crypto::kToyCost);
    world.cost = {32, 2};
    world.reboot();
    EXPECT_FALSE(world.sign_in("plum-kettle-orbit-43").is_ok());
    EXPECT_FALSE(world.sign_in_with("000000").is_ok());
    EXPECT_EQ(record_of(world).cost, crypto::kToyCost);  // only who has everything right changes it
    ASSERT_TRUE(world.sign_in_with(world.code()).is_ok());
    const PasswordRecord raised = record_of(world);
    EXPECT_EQ(raised.cost, world.cost);
    EXPECT_NE(raised.salt, before.salt);
    EXPECT_TRUE(has_second_factor(world.rows().person));

    world.cost = {16, 1};
    world.reboot();
    world.next_step();
    ASSERT_TRUE(world.sign_in_with(world.code()).is_ok());
    EXPECT_EQ(record_of(world).cost, raised.cost);
    EXPECT_EQ(record_of(world).salt, raised.salt);  // not even written
    world.cost = {16, 4};
    world.reboot();
    world.next_step();
    ASSERT_TRUE(world.sign_in_with(world.code()).is_ok());
    EXPECT_EQ(record_of(world).cost, (crypto::PasswordCost{32, 4}));
}

TEST(PasswordCostPolicy, ASignInDoesNotFailWhenTheRowCannotBeWritten) {
    FactorWorld world(21);
    world.cost = {32, 2};
    world.reboot();
    ASSERT_TRUE(world
                    .alter("CREATE TRIGGER refusing BEFORE UPDATE OF password ON person "
                           "BEGIN SELECT RAISE(ABORT, 'no'); END")
                    .is_ok());
    world.journal.clear();
    EXPECT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(record_of(world).cost, crypto::kToyCost);
    ASSERT_FALSE(world.journal.empty());
    EXPECT_NE(world.journal.back().find("cost of a password was not raised"), std::string::npos);
    ASSERT_TRUE(world.alter("DROP TRIGGER refusing").is_ok());
    EXPECT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(record_of(world).cost, world.cost);
}

TEST(PasswordCostPolicy, APowerCutAtAnyMomentOfARaiseLeavesAnAccountThatOpens) {
    int raised = 0;
    int not_raised = 0;
    for (const bool on_log : {false, true}) {
        bool was_cut = true;
        for (std::uint64_t k = 1; was_cut; ++k) {
            FactorWorld world(7000 + k);
            world.cost = {32, 2};
            world.reboot();
            (on_log ? world.log : world.data)->cut_power_after(k);
            const auto first = world.sign_in();
            was_cut = !world.machine->is_on();
            world.cost = crypto::kToyCost;
            world.reboot();
            (record_of(world).cost == crypto::PasswordCost{32, 2} ? raised : not_raised)++;
            ASSERT_TRUE(world.sign_in().is_ok()) << k;
            ASSERT_LT(k, 200u);
        }
    }
    EXPECT_GT(raised, 0);
    EXPECT_GT(not_raised, 0);
}

TEST(PasswordCostPolicy, SomebodyWhoIsNotThereCostsWhatSomebodyOfThePracticeCosts) {
    FactorWorld world(22);
    const auto rows_for = [&](std::string practice, std::string login) {
        SignInRows out;
        const Status loaded = world.wait<void>([&](auto then) {
            world.storage->transact(
                kDirectory, store::Access::read,
                [&](store::Database& database) -> Status {
                    out = TRY(load_for_sign_in(database, practice, login)).value();
                    return {};
                },
                then);
        });
        EXPECT_TRUE(loaded.is_ok());
        return out;
    };
    ASSERT_TRUE(world.create("willow").is_ok());
    world.cost = {32, 2};
    world.reboot();
    ASSERT_TRUE(world.sign_in().is_ok());  // harbor's owner has the new cost now, willow's the old one
    for (const char* login : {"bob", "eve", "zoe", "a-b-c"}) {
        const SignInRows harbor = rows_for("harbor", login);
        EXPECT_FALSE(harbor.is_known);
        EXPECT_EQ(read_phc(harbor.credentials.person.password)->cost, world.cost);
        EXPECT_EQ(read_phc(rows_for("willow", login).credentials.person.password)->cost, crypto::kToyCost);
        EXPECT_EQ(rows_for("nowhere", login).credentials.person.id,
                  rows_for("nowhere", login).credentials.person.id);
        EXPECT_FALSE(harbor.credentials.slots.empty());
    }
    EXPECT_TRUE(rows_for("harbor", "ada").is_known);
    // Nobody's password opens the rows that stand in for somebody else.
    EXPECT_EQ(world.sign_in(PracticeWorld::kPassword, "bob").error().fault, Fault::refused);
}

}  // namespace
}  // namespace firedrill::identity
