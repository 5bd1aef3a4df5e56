// Spread guessing is seen, and a flood of sign-ins does not keep signed-in people from working.
#include "identity/guess_watch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/practice_world.h"

namespace firedrill::identity {
namespace {

using test::PracticeWorld;
using test::secret;

constexpr Instant kStart{1'000'000'000'000};

std::size_t count_of(const std::vector<std::string>& lines, std::string_view words) {
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(words) != std::string::npos; }));
}

TEST(GuessWatch, OneAccountFromManySourcesIsSaidOnce) {
    GuessWatch watch;
    std::vector<std::string> said;
    for (int i = 0; i < 100; ++i) {
        for (std::string& line : watch.refused("harbor", "ada", "harbor", std::to_string(i), kStart)) {
            said.push_back(std::move(line));
        }
    }
    ASSERT_EQ(said.size(), 1u);
    EXPECT_NE(said[0].find("practice harbor"), std::string::npos);
    EXPECT_EQ(said[0].find("ada"), std::string::npos);
}

TEST(GuessWatch, ManyAccountsFromOneSourceIsSaidOnceAndNamesTheSource) {
    GuessWatch watch;
    std::vector<std::string> said;
    for (int i = 0; i < 50; ++i) {
        for (std::string& line :
             watch.refused("harbor", "name" + std::to_string(i), "harbor", "10.9.8.7", kStart)) {
            said.push_back(std::move(line));
        }
    }
    ASSERT_EQ(said.size(), 1u);
    EXPECT_NE(said[0].find("10.9.8.7"), std::string::npos);
    EXPECT_EQ(said[0].find("name"), std::string::npos);
}

TEST(GuessWatch, OneTryOnEachOfAThousandAccountsFromAThousandSourcesIsSeen) {
    GuessWatch watch;
    std::size_t said = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::string number = std::to_string(i);
        said += watch.refused("harbor", "n" + number, "harbor", "s" + number, kStart).size();
        EXPECT_EQ(said, i + 1 < static_cast<int>(kAccountsOfAll) ? 0u : 1u);
    }
}

TEST(GuessWatch, OrdinaryMistakesSayNothing) {
    GuessWatch watch;
    for (int i = 0; i < 500; ++i) {  // one person at one desk, who has forgotten the password
        EXPECT_TRUE(watch.refused("harbor", "ada", "harbor", "10.0.0.1", kStart).empty());
    }
    for (int i = 0; i + 1 < static_cast<int>(kSourcesOfOneAccount); ++i) {
        EXPECT_TRUE(watch.refused("harbor", "bob", "harbor", std::to_string(i), kStart).empty());
    }
}

TEST(GuessWatch, AnHourLaterItIsSaidAgain) {
    GuessWatch watch;
    std::size_t said = 0;
    for (const Duration later : {Duration::zero(), Duration(std::chrono::minutes(59)), kWatchWindow}) {
        for (int i = 0; i < 20; ++i) {
            said += watch.refused("harbor", "ada", "harbor", std::to_string(i), kStart + later).size();
        }
    }
    EXPECT_EQ(said, 2u);
}

TEST(GuessWatch, BeyondItsBoundItSaysTooMuchRatherThanTooLittle) {
    GuessWatch watch;
    for (std::size_t i = 0; i < kWatchedKeys; ++i) {
        (void)watch.refused("harbor", "n" + std::to_string(i), "harbor", "s" + std::to_string(i), kStart);
    }
    std::size_t said = 0;
    for (std::size_t i = 0; i < kSourcesOfOneAccount; ++i) {
        said += watch.refused("harbor", "late", "", "late" + std::to_string(i), kStart).size();
    }
    EXPECT_GE(said, 1u);
}

TEST(SpreadGuessing, StandsInTheJournalOfTheNode) {
    PracticeWorld world(31);
    ASSERT_TRUE(world.create().is_ok());
    world.journal.clear();
    for (int i = 0; i < 12; ++i) {
        (void)world.sign_in("wrong-guess-number", "ada", "harbor", "10.3.0." + std::to_string(i));
        world.pass(std::chrono::seconds(31));
    }
    EXPECT_EQ(count_of(world.journal, "one account of practice harbor"), 1u);
    for (int i = 0; i < 12; ++i) {
        (void)world.sign_in("wrong-guess-number", "n" + std::to_string(i), "harbor", "10.3.1.1");
    }
    EXPECT_EQ(count_of(world.journal, "10.3.1.1 was refused for 10 different accounts"), 1u);
    EXPECT_EQ(count_of(world.journal, "ada"), 0u);
}

// Virtual time: the simulator charges each password hash its price on its lane, and lanes run side by side.
TEST(SignInFlood, DoesNotKeepSignedInPeopleWaiting) {
    PracticeWorld world(32);
    ASSERT_TRUE(world.create().is_ok());
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    const auto longest_list = [&](int times) {
        Duration longest{};
        for (int i = 0; i < times; ++i) {
            const Instant before = world.universe.loop.now();
            EXPECT_NE(world.identity->find_session(in->token), nullptr);
            EXPECT_TRUE(world.list(world.practice_id()).is_ok());
            longest = std::max(longest, world.universe.loop.now() - before);
        }
        return longest;
    };
    const Duration quiet = longest_list(20);

    std::size_t answered = 0;
    for (int i = 0; i < 500; ++i) {
        world.identity->sign_in(
            {"harbor", "n" + std::to_string(i), secret("whatever-it-is"), "10.4.1." + std::to_string(i)},
            [&](const Result<SignedIn>&) { ++answered; });
    }
    world.pass(std::chrono::milliseconds(200));  // their rows are read; the hashes wait
    std::optional<Instant> served;
    const Instant asked = world.universe.loop.now();
    world.machine->seams().workers.run(Lane::passwords, [] {}, [&] { served = world.universe.loop.now(); });
    const Duration flooded = longest_list(20);
    EXPECT_LE(flooded, quiet + std::chrono::milliseconds(50));
    // The control: the flood still goes on, and what stands in its lane does wait.
    EXPECT_LT(answered, 500u);
    world.pass(std::chrono::minutes(2));
    EXPECT_EQ(answered, 500u);
    ASSERT_TRUE(served);
    EXPECT_GT(*served - asked, std::chrono::seconds(1));
}

}  // namespace
}  // namespace firedrill::identity
