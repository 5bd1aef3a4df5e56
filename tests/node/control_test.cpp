#include "node/control.h"

#include <gtest/gtest.h>

#include "tests/support/sim_machine.h"

namespace firedrill::node {
namespace {

TEST(ControlAnswer, CarriesAResultAndAnError) {
    Result<std::string> good = decode_answer(encode_answer(std::string(R"({"a":[1,"x"]})")));
    ASSERT_TRUE(good);
    EXPECT_EQ(*good, R"({"a":[1,"x"]})");

    Result<std::string> bad =
        decode_answer(encode_answer(Error{Fault::exists, "practice \"a\" exists already"}));
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().fault, Fault::exists);
    EXPECT_EQ(bad.error().text, "practice \"a\" exists already");
}

TEST(ControlAnswer, RefusesWhatIsNotOne) {
    for (const char* line : {"", "{}", "[]", "{\"ok\":1}", "{\"ok\":true}", "{\"ok\":false}", "nonsense",
                             "{\"ok\":false,\"fault\":1,\"text\":\"x\"}"}) {
        Result<std::string> answer = decode_answer(line);
        ASSERT_FALSE(answer) << line;
        EXPECT_EQ(answer.error().fault, Fault::bad_input) << line;
    }
}

TEST(ControlProgress, IsToldFromAnAnswer) {
    const auto progress = decode_progress(encode_progress({"giving back", 3, 10, "pages"}));
    ASSERT_TRUE(progress.has_value());
    EXPECT_EQ(progress->what, "giving back");
    EXPECT_EQ(progress->done, 3u);
    EXPECT_EQ(progress->total, 10u);
    EXPECT_EQ(progress->unit, "pages");
    for (const char* line : {"", "{}", "[]", R"({"ok":true,"result":{}})", R"({"progress":1})", "nonsense"}) {
        EXPECT_FALSE(decode_progress(line).has_value()) << line;
    }
    EXPECT_EQ(decode_answer(encode_progress({"giving back", 3, 10, "pages"})).error().fault,
              Fault::bad_input);
}

/// A control server in a simulated world whose only command is the test's.
struct ControlOverTheSocket : testing::Test {
    sim::SimMachine machine{1};
    Endpoint at{"unix:control.sock"};
    std::unique_ptr<ControlServer> server;
    OnProgress progress;                            // of the command under way
    std::function<void(Result<std::string>)> then;  // likewise
    std::vector<std::uint64_t> told;
    std::optional<Result<std::string>> answer;

    void SetUp() override {
        auto made = ControlServer::create(machine.seams().network, at,
                                          [this](const std::string&, OnProgress tell, auto done) {
                                              progress = std::move(tell);
                                              then = std::move(done);
                                          });
        ASSERT_TRUE(made) << made.error().text;
        server = std::move(*made);
    }
    void call() {
        answer.reset();
        then = nullptr;
        call_control(
            machine.seams().network, at, "{}",
            [this](const CommandProgress& one) { told.push_back(one.done); },
            [this](Result<std::string> got) { answer = std::move(got); });
        machine.run_until([&] { return then != nullptr; });
    }
    void tell(std::uint64_t done) { progress({"giving back", done, 100, "pages"}); }
};

TEST_F(ControlOverTheSocket, ProgressComesBeforeTheAnswerAndTheNewestCounts) {
    call();
    tell(1);
    machine.run_until([&] { return told.size() == 1; });
    for (std::uint64_t done = 2; done <= 50; ++done) {
        tell(done);  // faster than they are sent
    }
    machine.run_until([&] { return !told.empty() && told.back() == 50; });
    then(std::string("7"));
    machine.run_until([&] { return answer.has_value(); });

    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ(**answer, "7");
    EXPECT_EQ(told.front(), 1u);
    EXPECT_EQ(told.back(), 50u);
    EXPECT_LT(told.size(), 10u);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
}

TEST_F(ControlOverTheSocket, AnAnswerGivenWhileProgressIsWrittenFollowsIt) {
    call();
    tell(1);
    tell(2);
    then(Error{Fault::refused, "no"});
    machine.run_until([&] { return answer.has_value(); });

    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->error().fault, Fault::refused);
    call();
    then(std::string("8"));
    machine.run_until([&] { return answer.has_value(); });
    EXPECT_EQ(**answer, "8");
}

TEST_F(ControlOverTheSocket, NothingIsTouchedWhenTheServerHasGoneMeanwhile) {
    call();
    server.reset();

    tell(1);
    then(std::string("9"));
    machine.run_until([&] { return answer.has_value(); });

    ASSERT_TRUE(answer.has_value());
    EXPECT_FALSE(answer->is_ok());
    EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace firedrill::node
