// The operator's verbs practice.restore and staff.sign_out over a whole node.
#include <algorithm>

#include "tests/node/people_site_fixture.h"

namespace firedrill::node {
namespace {

class PracticeRestoreTest : public PeopleSiteTest {
  protected:
    /// Somebody signs in, and the store gets a commit. Yields the LSN before it.
    std::string change_the_store() {
        cookie_ = sign_in("ada", kOwnerPassword);
        EXPECT_FALSE(cookie_.empty());
        const std::string before = durable();
        EXPECT_TRUE(command(R"({"verb":"practice.compact","name":"harbor"})"));
        EXPECT_NE(durable(), before);
        return before;
    }
    std::string durable() { return first_of(*command(R"({"verb":"status"})"), R"re("durable":([0-9]+))re"); }
    Result<std::string> restore(const std::string& until, const std::string& more) {
        return command(R"({"verb":"practice.restore","name":"harbor","until":")" + until + "\"" + more + "}");
    }
    bool is_signed_in() { return get("/account", cookie_).status == 200; }
    bool is_journalled(std::string_view words) const {
        return std::ranges::any_of(journal_, [&](const std::string& line) { return has(line, words); });
    }
    std::string cookie_;
};

constexpr const char* kGo = R"(,"mode":"go")";

TEST_F(PracticeRestoreTest, IsRefusedWhileSomebodyIsSignedInAndNamesTheWayOut) {
    const std::string before = change_the_store();

    const auto refused = restore(before, kGo);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::refused);
    EXPECT_TRUE(has(refused.error().text, "--end-sessions")) << refused.error().text;
    EXPECT_TRUE(is_signed_in());
    EXPECT_FALSE(is_journalled("took practice harbor back"));
}

TEST_F(PracticeRestoreTest, EndsTheSessionsFirstWhenAskedTo) {
    const std::string before = change_the_store();

    const auto done = restore(before, R"(,"mode":"go","end_sessions":"yes")");

    ASSERT_TRUE(done) << done.error().text;
    EXPECT_TRUE(has(*done, R"("is_done":true)")) << *done;
    EXPECT_FALSE(is_signed_in());
    EXPECT_TRUE(has(*command(R"({"verb":"practice.show","name":"harbor"})"), R"("is_open":false)"));
    EXPECT_TRUE(is_journalled("signed everybody of practice harbor out: 1 session(s)"));
    EXPECT_TRUE(is_journalled("took practice harbor back to LSN"));
    EXPECT_FALSE(sign_in("ada", kOwnerPassword).empty());
}

TEST_F(PracticeRestoreTest, AnLsnThatNeverWasIsRefused) {
    change_the_store();
    const std::string newest = durable();
    ASSERT_TRUE(command(R"({"verb":"staff.sign_out","practice":"harbor"})"));

    const auto refused = restore("123456789", R"(,"mode":"plan")");

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::not_found);
    EXPECT_TRUE(has(refused.error().text, "there is no LSN 123456789")) << refused.error().text;
    const auto plan = restore("1", R"(,"mode":"plan")");
    EXPECT_TRUE(!plan || has(*plan, R"("backwards":null)"));
}

TEST_F(PracticeRestoreTest, APlanEndsNoSession) {
    const std::string before = change_the_store();

    const auto refused = restore(before, R"(,"mode":"plan","end_sessions":"yes")");

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::bad_usage);
    EXPECT_EQ(restore(before, R"(,"mode":"go","end_sessions":"no")").error().fault, Fault::bad_usage);
    EXPECT_TRUE(is_signed_in());
}

TEST_F(PracticeRestoreTest, TellsItsProgressToWhoAsks) {
    const std::string before = change_the_store();
    std::vector<std::string> told;
    std::optional<Result<std::string>> answer;
    for (const char* wish : {"", R"(,"progress":"yes")"}) {
        told.clear();
        answer.reset();
        node_->command(
            R"({"verb":"practice.restore","name":"harbor","mode":"go","end_sessions":"yes","until":")" +
                before + "\"" + wish + "}",
            [&](const CommandProgress& progress) { told.push_back(progress.what); },
            [&](Result<std::string> got) { answer = std::move(got); });
        machine_.run_until([&] { return answer.has_value(); });
        ASSERT_TRUE(answer.has_value());
        EXPECT_EQ(told.empty(), std::string_view(wish).empty());
    }
    EXPECT_EQ(told.front(), "reading the log");
}

TEST_F(PracticeRestoreTest, SignOutEndsEverySessionOfOnePracticeAndLocksIt) {
    cookie_ = sign_in("ada", kOwnerPassword);
    const std::string other = sign_in("ada", kOwnerPassword);
    ASSERT_FALSE(cookie_.empty() || other.empty());

    const auto done = command(R"({"verb":"staff.sign_out","practice":"harbor"})");

    ASSERT_TRUE(done) << done.error().text;
    EXPECT_EQ(*done, R"({"practice":"harbor","sessions_ended":2})");
    EXPECT_FALSE(is_signed_in());
    EXPECT_NE(get("/account", other).status, 200u);
    EXPECT_TRUE(has(*command(R"({"verb":"practice.show","name":"harbor"})"), R"("is_open":false)"));
    EXPECT_TRUE(has(*command(R"({"verb":"staff.sign_out","practice":"harbor"})"), R"("sessions_ended":0)"));
    EXPECT_EQ(command(R"({"verb":"staff.sign_out","practice":"nobody"})").error().fault, Fault::not_found);
    EXPECT_EQ(command(R"({"verb":"staff.sign_out"})").error().fault, Fault::bad_usage);
    EXPECT_EQ(command(R"({"verb":"staff.sign_out","practice":"harbor","login":"x"})").error().fault,
              Fault::bad_usage);
}

}  // namespace
}  // namespace firedrill::node
