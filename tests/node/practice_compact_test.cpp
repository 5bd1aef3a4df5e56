// The operator's verb practice.compact over a whole node.
#include "tests/node/people_site_fixture.h"

namespace firedrill::node {
namespace {

class PracticeCompactTest : public PeopleSiteTest {
  protected:
    Result<std::string> compact(std::string more = "") {
        return command(R"({"verb":"practice.compact","name":"harbor")" + more + "}");
    }
};

TEST_F(PracticeCompactTest, IsRefusedWithTheWayOutWhileNobodyIsSignedIn) {
    const auto refused = compact();

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
    EXPECT_TRUE(has(refused.error().text, "sign in")) << refused.error().text;
}

TEST_F(PracticeCompactTest, SaysPagesBeforeAndAfterWhileSomebodyIsSignedIn) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    ASSERT_FALSE(owner.empty());

    const auto done = compact();

    ASSERT_TRUE(done) << done.error().text;
    const int before = std::stoi(first_of(*done, R"re("pages_before":([0-9]+))re"));
    const int after = std::stoi(first_of(*done, R"re("pages_after":([0-9]+))re"));
    EXPECT_GT(before, 0);
    EXPECT_GT(after, 0);
    EXPECT_LE(after, before);
    EXPECT_TRUE(has(*done, R"("free_after":0)")) << *done;
    EXPECT_TRUE(has(*done, R"("is_folded":true)")) << *done;
    EXPECT_EQ(get("/account", owner).status, 200u);
}

TEST_F(PracticeCompactTest, RefusesWhatItDoesNotKnow) {
    ASSERT_FALSE(sign_in("ada", kOwnerPassword).empty());

    EXPECT_EQ(command(R"({"verb":"practice.compact","name":"nobody"})").error().fault, Fault::not_found);
    EXPECT_EQ(command(R"({"verb":"practice.compact"})").error().fault, Fault::bad_usage);
    EXPECT_EQ(compact(R"(,"pages":"1")").error().fault, Fault::bad_usage);
    EXPECT_EQ(compact(R"(,"progress":"no")").error().fault, Fault::bad_usage);
    EXPECT_TRUE(compact(R"(,"progress":"yes")"));
}

}  // namespace
}  // namespace firedrill::node
