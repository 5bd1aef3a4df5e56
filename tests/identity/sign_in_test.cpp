// Identity over real storage on a simulated machine: who gets in, and what is left when they go.
#include <gtest/gtest.h>

#include "crypto/keypair.h"
#include "tests/support/practice_world.h"

namespace firedrill::identity {
namespace {

using test::PracticeWorld;
using test::secret;

TEST(Identity, APracticeIsLockedAfterItsCreation) {
    PracticeWorld world(1);
    const auto made = world.create();
    ASSERT_TRUE(made.is_ok()) << made.error().text;
    EXPECT_EQ(made->name, "harbor");
    EXPECT_EQ(made->staff, 1u);
    EXPECT_FALSE(made->is_open);
    EXPECT_TRUE(world.storage->has_store(made->id));
    EXPECT_FALSE(world.storage->is_unlocked(made->id));
    EXPECT_EQ(world.custody->find(made->id), nullptr);
}

TEST(Identity, ThePasswordOpensThePractice) {
    PracticeWorld world(2);
    ASSERT_TRUE(world.create().is_ok());
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok()) << in.error().text;
    EXPECT_EQ(in->token.size(), 43u);
    EXPECT_EQ(in->session.login, "ada");
    EXPECT_EQ(in->session.role, Role::owner);
    EXPECT_NE(in->session.csrf, in->token);
    EXPECT_TRUE(world.storage->is_unlocked(world.practice_id()));
    EXPECT_NE(world.custody->find(world.practice_id()), nullptr);
    EXPECT_TRUE(world.identity->find_practice("harbor")->is_open);
    const Session* session = world.identity->find_session(in->token);
    ASSERT_NE(session, nullptr);
    EXPECT_EQ(session->practice, world.practice_id());
}

TEST(Identity, TheKeyIsGoneAfterTheLastSignOut) {
    PracticeWorld world(3);
    ASSERT_TRUE(world.create().is_ok());
    const auto first = world.sign_in();
    const auto second = world.sign_in();
    ASSERT_TRUE(first.is_ok() && second.is_ok());
    ASSERT_TRUE(world.sign_out(first->token).is_ok());
    EXPECT_TRUE(world.storage->is_unlocked(world.practice_id()));
    ASSERT_TRUE(world.sign_out(second->token).is_ok());
    EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));
    EXPECT_EQ(world.custody->find(world.practice_id()), nullptr);
    EXPECT_EQ(world.identity->find_session(first->token), nullptr);
    EXPECT_TRUE(world.sign_out(first->token).is_ok());  // again: nothing to do
}

TEST(Identity, ALeakyCustodyIsSeenByTheSameLook) {
    PracticeWorld world(4, true);
    ASSERT_TRUE(world.create().is_ok());
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    ASSERT_TRUE(world.sign_out(in->token).is_ok());
    EXPECT_NE(world.custody->find(world.practice_id()), nullptr);
}

TEST(Identity, EveryWrongSignInGetsTheSameAnswerAfterTheSameWork) {
    PracticeWorld world(5);
    ASSERT_TRUE(world.create().is_ok());
    struct Guess {
        std::string practice, login, password;
    };
    const std::vector<Guess> guesses{{"harbor", "ada", "plum-kettle-orbit-43"},
                                     {"harbor", "bob", std::string(PracticeWorld::kPassword)},
                                     {"nowhere", "ada", std::string(PracticeWorld::kPassword)},
                                     {"harbor", "ada", ""},
                                     {"", "", ""},
                                     {"harbor", "ada", std::string(5000, 'x')},
                                     {"harbor' OR 1=1 --", "ada", "x"}};
    std::optional<Duration> work;
    std::optional<std::string> text;
    int number = 0;
    for (const Guess& guess : guesses) {
        const Instant before = world.universe.loop.now();
        const auto refused =
            world.sign_in(guess.password, guess.login, guess.practice, "10.0.1." + std::to_string(number++));
        const Duration took = world.universe.loop.now() - before;
        ASSERT_FALSE(refused.is_ok());
        EXPECT_EQ(refused.error().fault, Fault::refused);
        EXPECT_EQ(refused.error().text, text.value_or(refused.error().text));
        text = refused.error().text;
        EXPECT_GT(took, std::chrono::milliseconds(10));  // the hash was paid for
        EXPECT_LT(work ? std::chrono::abs(took - *work) : Duration::zero(), std::chrono::milliseconds(1));
        work = took;
        EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));
    }
}

TEST(Identity, NamesAreTypedInAnyCase) {
    PracticeWorld world(6);
    ASSERT_TRUE(world.create().is_ok());
    EXPECT_TRUE(world.sign_in(PracticeWorld::kPassword, "ADA", "Harbor").is_ok());
}

TEST(Identity, RefusesIllFormedAndWeakRequestsByField) {
    PracticeWorld world(7);
    struct Bad {
        std::string name, title, login, password, field;
    };
    const std::string good(PracticeWorld::kPassword);
    const std::vector<Bad> all{{"h", "T", "ada", good, "practice name"},
                               {"Harbor", "T", "ada", good, "practice name"},
                               {"-harbor", "T", "ada", good, "practice name"},
                               {std::string(41, 'a'), "T", "ada", good, "practice name"},
                               {"harbor", "", "ada", good, "title"},
                               {"harbor", " ", "ada", good, "title"},
                               {"harbor", "\xC0\xAF", "ada", good, "title"},
                               {"harbor", std::string(201, 'a'), "ada", good, "title"},
                               {"harbor", "T", "a", good, "login"},
                               {"harbor", "T", "a b", good, "login"},
                               {"harbor", "T", "ada", "short", "password"},
                               {"harbor", "T", "ada", "harborharbor", "password"},
                               {"harbor", "T", "ada", "HarborAda2026", "password"},
                               {"harbor", "T", "ada", "aaaaaaaaaaaaaaaaaaaa", "password"},
                               {"harbor", "Willow Lane Clinic", "ada", "willow lane clinic 7", "password"},
                               {"harbor", "T", "ada", "sunlit-0tter-4", "15 characters"},
                               {"harbor", "T", "ada", std::string(1025, 'x'), "password"},
                               {"harbor", "T", "ada", "\xFF\xFE-plum-kettle-orbit", "password"}};
    for (const Bad& bad : all) {
        const auto refused = world.wait<PracticeInfo>([&](auto then) {
            world.identity->create_practice({bad.name, bad.title, bad.login, secret(bad.password)}, then);
        });
        ASSERT_FALSE(refused.is_ok()) << bad.field;
        EXPECT_EQ(refused.error().fault, Fault::bad_input);
        EXPECT_NE(refused.error().text.find(bad.field), std::string::npos) << refused.error().text;
    }
    EXPECT_EQ(world.identity->find_practice("harbor").error().fault, Fault::not_found);
}

TEST(Identity, ANameIsTakenOnce) {
    PracticeWorld world(8);
    ASSERT_TRUE(world.create().is_ok());
    EXPECT_EQ(world.create().error().fault, Fault::exists);
    // Two at the same moment: one wins.
    std::vector<Result<PracticeInfo>> answers;
    for (int i = 0; i < 2; ++i) {
        world.identity->create_practice(
            {"twin", "Twin", "ada", secret(PracticeWorld::kPassword)},
            [&](Result<PracticeInfo> answer) { answers.push_back(std::move(answer)); });
    }
    world.pass(std::chrono::minutes(1));
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_NE(answers[0].is_ok(), answers[1].is_ok());
}

TEST(Identity, PracticesAndPasswordsSurviveAReboot) {
    PracticeWorld world(9);
    ASSERT_TRUE(world.create().is_ok());
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    world.reboot();
    EXPECT_EQ(world.identity->find_session(in->token), nullptr);
    EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));
    EXPECT_FALSE(world.sign_in("plum-kettle-orbit-43").is_ok());
    EXPECT_TRUE(world.sign_in().is_ok());
}

TEST(Identity, TwoSignInsAtOnceShareOneOpening) {
    PracticeWorld world(10);
    ASSERT_TRUE(world.create().is_ok());
    std::vector<Result<SignedIn>> answers;
    for (int i = 0; i < 3; ++i) {
        world.identity->sign_in({"harbor", "ada", secret(PracticeWorld::kPassword), "10.0.0.1"},
                                [&](Result<SignedIn> answer) { answers.push_back(std::move(answer)); });
    }
    world.pass(std::chrono::minutes(1));
    ASSERT_EQ(answers.size(), 3u);
    for (const auto& answer : answers) {
        ASSERT_TRUE(answer.is_ok()) << answer.error().text;
        EXPECT_NE(world.identity->find_session(answer->token), nullptr);
    }
}

TEST(Identity, ASignInDuringASignOutOpensThePracticeAgain) {
    PracticeWorld world(11);
    ASSERT_TRUE(world.create().is_ok());
    // Sweep the moment of the sign-out over the whole length of a sign-in.
    for (int step = 0; step < 60; ++step) {
        const auto first = world.sign_in();
        ASSERT_TRUE(first.is_ok());
        std::optional<Result<SignedIn>> second;
        std::optional<Status> left;
        world.identity->sign_in({"harbor", "ada", secret(PracticeWorld::kPassword), "10.0.0.1"},
                                [&](Result<SignedIn> answer) { second = std::move(answer); });
        world.pass(std::chrono::milliseconds(5 * step));
        world.identity->sign_out(first->token, [&](Status status) { left = std::move(status); });
        world.pass(std::chrono::seconds(5));
        ASSERT_TRUE(second && second->is_ok() && left && left->is_ok()) << step;
        EXPECT_TRUE(world.storage->is_unlocked(world.practice_id()));
        ASSERT_NE(world.identity->find_session((*second)->token), nullptr);
        ASSERT_TRUE(world.sign_out((*second)->token).is_ok());
        EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));
        EXPECT_EQ(world.custody->find(world.practice_id()), nullptr);
    }
}

TEST(Identity, SessionsEndWhenIdleAndAtTheirAbsoluteLimit) {
    PracticeWorld world(12);
    ASSERT_TRUE(world.create().is_ok());
    const auto idle = world.sign_in();
    ASSERT_TRUE(idle.is_ok());
    world.pass(std::chrono::minutes(14));
    EXPECT_NE(world.identity->find_session(idle->token), nullptr);
    world.pass(std::chrono::minutes(15));
    EXPECT_EQ(world.identity->find_session(idle->token), nullptr);
    world.pass(std::chrono::seconds(1));
    EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));

    const auto busy = world.sign_in();
    ASSERT_TRUE(busy.is_ok());
    for (int i = 0; i < 71; ++i) {
        world.pass(std::chrono::minutes(10));
        ASSERT_NE(world.identity->find_session(busy->token), nullptr) << i;
    }
    world.pass(std::chrono::minutes(10));
    EXPECT_EQ(world.identity->find_session(busy->token), nullptr);
}

TEST(Identity, ExpiryLocksThePracticeWithoutAnybodyAsking) {
    PracticeWorld world(13);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    world.pass(std::chrono::minutes(16));
    world.identity->expire_sessions();
    EXPECT_EQ(world.custody->find(world.practice_id()), nullptr);
    world.pass(std::chrono::seconds(1));
    EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));
}

TEST(Identity, OnePersonHasABoundedNumberOfSessions) {
    PracticeWorld world(14);
    ASSERT_TRUE(world.create().is_ok());
    const auto first = world.sign_in();
    ASSERT_TRUE(first.is_ok());
    for (int i = 0; i < 16; ++i) {
        ASSERT_TRUE(world.sign_in().is_ok());
    }
    EXPECT_EQ(world.identity->find_session(first->token), nullptr);
}

TEST(Identity, AnythingButAWholeTokenIsNobody) {
    PracticeWorld world(15);
    ASSERT_TRUE(world.create().is_ok());
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    EXPECT_EQ(world.identity->find_session(""), nullptr);
    EXPECT_EQ(world.identity->find_session(in->token.substr(1)), nullptr);
    EXPECT_EQ(world.identity->find_session(in->token + "A"), nullptr);
    std::string other = in->token;
    other[10] = other[10] == 'A' ? 'B' : 'A';
    EXPECT_EQ(world.identity->find_session(other), nullptr);
    EXPECT_EQ(world.identity->find_session(to_base64url(crypto::sha256(as_bytes(in->token)).view())),
              nullptr);
}

TEST(Identity, GuessingIsSlowedDownAndTheRightfulPersonStillGetsIn) {
    PracticeWorld world(16);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.sign_in(PracticeWorld::kPassword, "ada", "harbor", "10.0.0.7").is_ok());
    int refused = 0;
    int slowed = 0;
    for (int i = 0; i < 200; ++i) {
        const auto answer = world.sign_in("wrong-guess-" + std::to_string(i), "ada", "harbor",
                                          "10.9.0." + std::to_string(i % 50));
        ASSERT_FALSE(answer.is_ok());
        (answer.error().fault == Fault::unavailable ? slowed : refused)++;
    }
    EXPECT_LT(refused, 60);
    EXPECT_GT(slowed, 140);
    // From where she signed in before, spread guessing does not keep her out; from elsewhere she waits half a
    // minute.
    EXPECT_TRUE(world.sign_in(PracticeWorld::kPassword, "ada", "harbor", "10.0.0.7").is_ok());
    world.pass(std::chrono::seconds(31));
    EXPECT_TRUE(world.sign_in(PracticeWorld::kPassword, "ada", "harbor", "10.0.0.8").is_ok());
}

TEST(Identity, ABurstOfParallelGuessesGainsNothing) {
    PracticeWorld world(17);
    ASSERT_TRUE(world.create().is_ok());
    int hashed = 0;
    int answered = 0;
    for (int i = 0; i < 200; ++i) {
        world.identity->sign_in({"harbor", "ada", secret("wrong-guess-number"), "10.0.0.66"},
                                [&](const Result<SignedIn>& answer) {
                                    ++answered;
                                    hashed += answer.error().fault == Fault::refused ? 1 : 0;
                                });
    }
    world.pass(std::chrono::minutes(1));
    EXPECT_EQ(answered, 200);
    EXPECT_LE(hashed, 6);
}

TEST(Identity, WaitingSignInsAreBounded) {
    PracticeWorld world(18);
    int full = 0;
    for (int i = 0; i < 100; ++i) {
        world.identity->sign_in(
            {"p" + std::to_string(i), "ada", secret("whatever-it-is"), "s" + std::to_string(i)},
            [&](const Result<SignedIn>& answer) {
                full += answer.error().fault == Fault::unavailable ? 1 : 0;
            });
    }
    world.pass(std::chrono::minutes(5));
    EXPECT_EQ(full, 100 - static_cast<int>(kPasswordQueue));
}

TEST(Identity, CloseAllEndsEverySessionAndLocksEveryStore) {
    PracticeWorld world(19);
    ASSERT_TRUE(world.create().is_ok());
    const StoreId practice = world.practice_id();
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    std::optional<Result<SignedIn>> late;
    world.identity->sign_in({"harbor", "ada", secret(PracticeWorld::kPassword), "10.0.0.1"},
                            [&](Result<SignedIn> answer) { late = std::move(answer); });
    ASSERT_TRUE(world.wait<void>([&](auto then) { world.identity->close_all(then); }).is_ok());
    world.pass(std::chrono::seconds(5));
    EXPECT_EQ(world.identity->find_session(in->token), nullptr);
    EXPECT_EQ(world.custody->find(practice), nullptr);
    EXPECT_FALSE(world.storage->is_unlocked(practice));
    EXPECT_FALSE(world.storage->is_unlocked(kDirectory));
    ASSERT_TRUE(late);
    EXPECT_FALSE(late->is_ok());
}

TEST(Identity, APowerCutAtAnyMomentLeavesANewPracticeWholeOrAbsent) {
    for (const bool on_log : {false, true}) {
        bool was_cut = true;
        int whole = 0;
        for (std::uint64_t k = 1; was_cut; ++k) {
            PracticeWorld world(1000 + k);
            (on_log ? world.log : world.data)->cut_power_after(k);
            const auto made = world.create();
            was_cut = !world.machine->is_on();
            world.reboot();
            if (!world.identity->find_practice("harbor").is_ok()) {
                ASSERT_FALSE(made.is_ok());
                ASSERT_TRUE(world.create().is_ok());
            } else {
                ++whole;
            }
            ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
            ASSERT_TRUE(world.sign_in().is_ok());
            const auto listed = world.list(world.practice_id());
            ASSERT_TRUE(listed.is_ok());
            EXPECT_EQ(listed->size(), 1u);
            ASSERT_LT(k, 500u);
        }
        EXPECT_GT(whole, 0);
    }
}

}  // namespace
}  // namespace firedrill::identity
