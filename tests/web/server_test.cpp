#include <gtest/gtest.h>

#include <optional>

#include "framing_cases.h"
#include "test_client.h"
#include "tests/support/sim_machine.h"
#include "web/limits.h"
#include "web/server.h"

namespace firedrill::web {
namespace {

using test::get_with;
using test::post_with;
using test::TestClient;

/// Answers with the path; "/later…" waits for release(), "/never" is never answered, "/big" is 60 KiB.
class EchoHandler final : public Handler {
  public:
    std::vector<std::string> paths;
    std::vector<std::string> peers;
    void handle(Request request, Respond respond) override {
        paths.push_back(request.path);
        peers.push_back(request.peer);
        Response response{200, {{"Content-Type", "text/plain"}}, request.path + request.body, false};
        if (request.path == "/big") {
            response.body = std::string(60'000, 'x');
        }
        if (request.path.starts_with("/later") || request.path == "/never") {
            held_.emplace_back(std::move(respond), std::move(response));
        } else {
            respond(std::move(response));
        }
    }
    void release() {
        for (auto& [respond, response] : std::exchange(held_, {})) {
            respond(std::move(response));
        }
    }

  private:
    std::vector<std::pair<Respond, Response>> held_;
};

class ServerTest : public testing::Test {
  protected:
    void serve(std::shared_ptr<crypto::TlsServerContext> tls = nullptr) {
        ServerOptions options;
        options.listen = Endpoint{"10.0.0.1:443"};
        options.tls = std::move(tls);
        options.journal = [this](std::string_view line) { journal_.emplace_back(line); };
        auto server = Server::create(machine_.seams(), handler_, std::move(options));
        ASSERT_TRUE(server.is_ok());
        server_ = std::move(*server);
    }
    void serve_tls() {
        const std::vector<std::string> names = {"localhost"};
        auto made = crypto::make_development_certificates(names, sim::kUniverseStart, entropy_);
        serve(crypto::TlsServerContext::create(made.chain_pem, made.server_key_pem, entropy_).value());
        tls_ = crypto::TlsClientContext::create(made.authority_pem, entropy_).value();
    }
    std::unique_ptr<TestClient> connect() {
        auto client = std::make_unique<TestClient>(*client_host_, tls_);
        machine_.loop().run_for(5ms);
        return client;
    }
    void run_for(Duration duration) { machine_.loop().run_for(duration); }

    sim::SimMachine machine_{11};
    sim::SimEntropy entropy_{sim::Random(5)};
    sim::SimClock client_clock_{machine_.loop()};
    std::unique_ptr<sim::SimHost> client_host_ = machine_.network().attach("10.0.0.9", client_clock_);
    std::shared_ptr<crypto::TlsClientContext> tls_;
    std::vector<std::string> journal_;
    EchoHandler handler_;
    std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersOneRequestAfterAnother) {
    serve();
    auto client = connect();

    client->send(get_with("", "/one"));
    run_for(100ms);
    client->send(post_with("Content-Length: 3\r\n", "two"));
    run_for(100ms);

    const auto answers = client->answers();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_TRUE(answers[0].starts_with("HTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 00:00:00 GMT\r\n"));
    EXPECT_TRUE(answers[0].ends_with("Connection: keep-alive\r\n\r\n/one"));
    EXPECT_TRUE(answers[1].ends_with("/two"));
    EXPECT_EQ(handler_.peers[0], "10.0.0.9");
    EXPECT_FALSE(client->is_closed());
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrderOneAtATime) {
    serve();
    auto client = connect();

    client->send(get_with("", "/later1") + get_with("", "/two") + get_with("", "/later3"));
    run_for(100ms);
    EXPECT_EQ(handler_.paths, (std::vector<std::string>{"/later1"}));
    handler_.release();
    run_for(100ms);
    EXPECT_EQ(handler_.paths, (std::vector<std::string>{"/later1", "/two", "/later3"}));
    handler_.release();
    run_for(100ms);

    const auto answers = client->answers();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_TRUE(answers[0].ends_with("/later1"));
    EXPECT_TRUE(answers[1].ends_with("/two"));
    EXPECT_TRUE(answers[2].ends_with("/later3"));
}

TEST_F(ServerTest, AnswersAThousandPipelinedRequestsAndThenCloses) {
    serve();
    auto client = connect();
    std::string all;
    for (int i = 0; i < 1001; ++i) {
        all += get_with("", "/" + std::to_string(i));
    }

    client->send(all);
    run_for(30s);

    const auto answers = client->answers();
    ASSERT_EQ(answers.size(), 1000U);
    EXPECT_TRUE(answers[998].ends_with("Connection: keep-alive\r\n\r\n/998"));
    EXPECT_TRUE(answers[999].ends_with("Connection: close\r\n\r\n/999"));
    EXPECT_TRUE(client->is_closed());
    EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerTest, RefusesEveryBadFramingOnceAndCloses) {
    serve();
    for (const test::FramingCase& one : test::framing_cases()) {
        if (one.status == 0) {
            continue;
        }
        SCOPED_TRACE(one.name);
        auto client = connect();

        client->send(get_with("", "/before") + one.bytes + get_with("", "/after"));
        run_for(5s);

        const auto answers = client->answers();
        EXPECT_EQ(answers.size(), 2U);
        EXPECT_TRUE(answers.back().starts_with("HTTP/1.1 " + std::to_string(one.status)));
        EXPECT_NE(answers.back().find("Connection: close"), std::string::npos);
        EXPECT_NE(answers.back().find("Strict-Transport-Security"), std::string::npos);
        EXPECT_TRUE(client->is_closed());
    }
    for (const std::string& path : handler_.paths) {
        EXPECT_EQ(path, "/before");
    }
}

TEST_F(ServerTest, ClosesAConnectionWhoseHeadDrips) {
    serve();
    auto client = connect();

    for (int i = 0; i < 15; ++i) {
        client->send(i == 0 ? "GET / HTTP/1.1\r\nX: " : "a");
        run_for(1s);
    }

    EXPECT_TRUE(client->is_closed());
    ASSERT_EQ(client->answers().size(), 1U);
    EXPECT_TRUE(client->answers()[0].starts_with("HTTP/1.1 408 "));
    EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerTest, ClosesAConnectionWhoseBodyDrips) {
    serve();
    auto client = connect();

    client->send(post_with("Content-Length: 1000\r\n"));
    for (int i = 0; i < 35; ++i) {
        client->send("a");
        run_for(1s);
    }

    EXPECT_TRUE(client->is_closed());
    ASSERT_EQ(client->answers().size(), 1U);
    EXPECT_TRUE(client->answers()[0].starts_with("HTTP/1.1 408 "));
}

TEST_F(ServerTest, ClosesIdleConnections) {
    serve();
    auto silent = connect();
    auto busy = connect();

    for (int i = 0; i < 5; ++i) {
        run_for(20s);
        busy->send(get_with(""));
    }
    run_for(1s);

    EXPECT_TRUE(silent->is_closed());
    EXPECT_TRUE(silent->answers().empty());
    EXPECT_FALSE(busy->is_closed());
    EXPECT_EQ(busy->answers().size(), 5U);
}

TEST_F(ServerTest, ClosesAPeerThatDoesNotReadItsAnswers) {
    serve();
    auto client = connect();
    client->stop_reading();
    std::string all;
    for (int i = 0; i < 20; ++i) {
        all += get_with("", "/big");
    }

    client->send(all);
    run_for(20s);
    EXPECT_EQ(server_->connection_count(), 1U);
    EXPECT_LT(handler_.paths.size(), 5U);  // what it does not read holds back what is answered
    run_for(20s);

    EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerTest, AnswersItselfWhenTheHandlerDoesNot) {
    serve();
    auto client = connect();

    client->send(get_with("", "/never"));
    run_for(125s);

    ASSERT_EQ(client->answers().size(), 1U);
    EXPECT_TRUE(client->answers()[0].starts_with("HTTP/1.1 503 "));
    handler_.release();  // too late: nothing happens
    run_for(1s);
    EXPECT_EQ(client->answers().size(), 1U);
}

TEST_F(ServerTest, SurvivesAnAnswerToADeadConnection) {
    serve();
    auto client = connect();
    client->send(get_with("", "/later"));
    run_for(100ms);

    client.reset();
    run_for(125s);
    handler_.release();
    run_for(1s);

    EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerTest, MayBeDestroyedWithEverythingPending) {
    serve();
    auto idle = connect();
    auto half = connect();
    half->send("GET / HT");
    auto waiting = connect();
    waiting->send(get_with("", "/later"));
    run_for(100ms);
    EXPECT_EQ(server_->connection_count(), 3U);

    server_.reset();
    handler_.release();
    run_for(200s);

    EXPECT_TRUE(idle->is_closed());
    EXPECT_TRUE(half->is_closed());
    EXPECT_TRUE(waiting->is_closed());
    EXPECT_TRUE(waiting->answers().empty());
}

TEST_F(ServerTest, RefusesMoreConnectionsThanASourceMayHave) {
    serve();
    std::vector<std::unique_ptr<TestClient>> clients;
    for (std::size_t i = 0; i < kSourceConnectionLimit; ++i) {
        clients.push_back(connect());
    }
    auto further = connect();
    run_for(100ms);

    EXPECT_TRUE(further->is_closed());
    EXPECT_EQ(server_->connection_count(), kSourceConnectionLimit);
    EXPECT_EQ(journal_.size(), 1U);
    clients.pop_back();
    run_for(1s);
    auto next = connect();
    next->send(get_with(""));
    run_for(1s);
    EXPECT_EQ(next->answers().size(), 1U);
}

TEST_F(ServerTest, LetsRunningRequestsFinishWhenItStops) {
    serve();
    auto idle = connect();
    auto waiting = connect();
    waiting->send(get_with("", "/later"));
    run_for(100ms);
    bool is_stopped = false;

    server_->stop([&] { is_stopped = true; });
    run_for(1s);
    EXPECT_TRUE(idle->is_closed());
    EXPECT_FALSE(is_stopped);
    handler_.release();
    run_for(1s);

    EXPECT_TRUE(is_stopped);
    ASSERT_EQ(waiting->answers().size(), 1U);
    EXPECT_NE(waiting->answers()[0].find("Connection: close"), std::string::npos);
    EXPECT_TRUE(connect()->is_closed());
}

TEST_F(ServerTest, StopsAfterFiveSecondsWhateverIsPending) {
    serve();
    auto client = connect();
    client->send(get_with("", "/never"));
    run_for(100ms);
    bool is_stopped = false;

    server_->stop([&] { is_stopped = true; });
    run_for(4900ms);
    EXPECT_FALSE(is_stopped);
    run_for(200ms);

    EXPECT_TRUE(is_stopped);
    EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerTest, TellsAClientThatWaitsToSendItsBody) {
    serve();
    auto client = connect();

    client->send(post_with("Expect: 100-continue\r\nContent-Length: 4\r\n"));
    run_for(100ms);
    EXPECT_EQ(client->received(), "HTTP/1.1 100 Continue\r\n\r\n");
    client->send("body");
    run_for(100ms);

    EXPECT_TRUE(client->received().ends_with("/body"));
}

TEST_F(ServerTest, LeavesOutTheBodyForHead) {
    serve();
    auto client = connect();

    client->send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    run_for(100ms);

    EXPECT_TRUE(client->received().ends_with("Content-Length: 2\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_F(ServerTest, SaysWhenThePortIsTaken) {
    serve();

    const auto second =
        Server::create(machine_.seams(), handler_, ServerOptions{Endpoint{"10.0.0.1:443"}, nullptr, {}});

    ASSERT_FALSE(second.is_ok());
    EXPECT_EQ(second.error().fault, Fault::in_use);
}

TEST_F(ServerTest, ServesOverTls) {
    serve_tls();
    machine_.network().set_chopping(1, 2);
    auto client = connect();

    client->send(get_with("", "/one") + get_with("", "/big") + get_with("Connection: close\r\n", "/last"));
    run_for(5s);

    const auto answers = client->answers();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_TRUE(answers[0].ends_with("/one"));
    EXPECT_TRUE(answers[1].ends_with("xxxx"));
    EXPECT_TRUE(answers[2].ends_with("/last"));
    EXPECT_TRUE(client->is_closed_in_order());
}

TEST_F(ServerTest, RefusesBadFramingOverTlsWithAnOrderlyEnd) {
    serve_tls();
    auto client = connect();

    client->send(post_with("Transfer-Encoding: xchunked\r\n", get_with("", "/inner")));
    run_for(5s);

    ASSERT_EQ(client->answers().size(), 1U);
    EXPECT_TRUE(client->answers()[0].starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(client->is_closed_in_order());
    EXPECT_TRUE(handler_.paths.empty());
}

TEST_F(ServerTest, SpeaksNoPlainHttpOnTheTlsPort) {
    serve_tls();
    tls_ = nullptr;
    auto client = connect();

    client->send(get_with(""));
    run_for(5s);

    EXPECT_EQ(client->received().find("HTTP"), std::string::npos);
    EXPECT_TRUE(client->is_closed());
    EXPECT_TRUE(handler_.paths.empty());
}

TEST_F(ServerTest, ClosesAHandshakeThatStalls) {
    serve_tls();
    tls_ = nullptr;
    auto client = connect();

    client->send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
    run_for(9s);
    EXPECT_FALSE(client->is_closed());
    client->send("a");
    run_for(2s);

    EXPECT_TRUE(client->is_closed());
}

}  // namespace
}  // namespace firedrill::web
