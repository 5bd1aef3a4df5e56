// The second factor over the whole node: the pages that staff use, on simulated seams.
#include <gtest/gtest.h>

#include <regex>

#include "crypto/totp.h"
#include "node/node.h"
#include "tests/support/authenticator.h"
#include "tests/support/sim_machine.h"

namespace firedrill::node {
namespace {

constexpr std::string_view kPassword = "plum-lantern-orbit-57";
constexpr std::string_view kShorter = "plum-orbit-7qx";  // 14 characters

class FactorSiteTest : public testing::Test {
  protected:
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    void boot(identity::SecondFactorRule rule) {
        const crypto::Secret passphrase(as_bytes("a passphrase of the node"));
        Config config;
        config.listen = Endpoint{"10.0.0.1:443"};
        config.hosts = {"localhost"};
        config.cost = crypto::kToyCost;
        config.serves_tls = false;
        config.second_factor = rule;
        ASSERT_TRUE(create_node(machine_.seams(), config, {}, passphrase));
        Parts parts;
        parts.site = [this](std::unique_ptr<web::Handler> site) {
            site_ = site.get();
            return site;
        };
        bool is_ready = false;
        auto booted = Node::boot(machine_.seams(), config, parts, passphrase,
                                 [&](Status status) { is_ready = status.is_ok(); });
        ASSERT_TRUE(booted);
        node_ = std::move(*booted);
        ASSERT_TRUE(machine_.run_until([&] { return is_ready; }));
        std::optional<Result<identity::PracticeInfo>> made;
        node_->identity().create_practice(
            {"harbor", "Harbor PT", "ada", crypto::Secret(as_bytes(kPassword))},
            [&](Result<identity::PracticeInfo> answer) { made = std::move(answer); });
        ASSERT_TRUE(machine_.run_until([&] { return made.has_value(); }));
        ASSERT_TRUE(made->is_ok());
    }
    static std::string first_of(const std::string& text, const char* pattern) {
        std::smatch found;
        return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : "";
    }
    web::Response call(web::Method method, std::string path, const Pairs& fields) {
        web::Request request;
        request.method = method;
        request.path = std::move(path);
        request.host = "localhost";
        request.peer = "10.0.0.9";
        request.fields = {{"host", "localhost"}, {"content-type", "application/x-www-form-urlencoded"}};
        if (!cookie_.empty()) {
            request.fields.emplace_back("cookie", "__Host-session=" + cookie_);
        }
        for (const auto& [name, value] : fields) {
            request.body += (request.body.empty() ? "" : "&") + name + "=" + value;
        }
        std::optional<web::Response> out;
        site_->handle(std::move(request), [&](web::Response response) { out = std::move(response); });
        EXPECT_TRUE(machine_.run_until([&] { return out.has_value(); }));
        const std::string set = field_of(*out, "Set-Cookie");
        if (!set.empty()) {
            cookie_ = set.substr(set.find('=') + 1, set.find(';') - set.find('=') - 1);
        }
        return std::move(*out);
    }
    static std::string field_of(const web::Response& response, std::string_view name) {
        for (const auto& [field, value] : response.fields) {
            if (field == name) {
                return value;
            }
        }
        return "";
    }
    web::Response get(std::string path) { return call(web::Method::get, std::move(path), {}); }
    /// A post with the session's token.
    web::Response act(std::string path, Pairs fields) {
        const std::string page = get("/account/second-factor").body;
        fields.emplace_back("csrf", first_of(page, R"re(name="csrf" value="([^"]+)")re"));
        return call(web::Method::post, std::move(path), fields);
    }
    web::Response sign_in(std::string_view password, std::string_view code = {}) {
        cookie_.clear();
        Pairs fields{{"practice", "harbor"}, {"login", "ada"}, {"password", std::string(password)}};
        if (!code.empty()) {
            fields.emplace_back("code", std::string(code));
        }
        return call(web::Method::post, "/sign-in", fields);
    }
    std::string code() {
        const std::uint64_t step = crypto::totp_step(machine_.seams().clock.wall());
        return crypto::write_totp_code(crypto::totp_code(app_, step));
    }
    void next_step() { machine_.loop().run_for(std::chrono::seconds(30)); }
    /// Signed in without a second factor; afterwards with one. The page of spare codes.
    std::string set_up() {
        const auto proposal = act("/account/second-factor/new", {});
        EXPECT_EQ(proposal.status, 200u);
        std::string letters = first_of(proposal.body, "<code>([A-Z2-7 ]{39})</code>");
        std::erase(letters, ' ');
        app_ = test::from_base32(letters).value_or(Bytes());
        const auto on =
            act("/account/second-factor", {{"code", code()}, {"password", std::string(kPassword)}});
        EXPECT_EQ(on.status, 200u) << on.body;
        next_step();
        return on.body;
    }

    sim::SimMachine machine_{1};
    std::unique_ptr<Node> node_;
    web::Handler* site_ = nullptr;
    std::string cookie_;
    Bytes app_;
};

TEST_F(FactorSiteTest, IsSetUpUsedAndTurnedOffOnTheWeb) {
    boot(identity::SecondFactorRule::optional);
    ASSERT_EQ(sign_in(kPassword).status, 303u);
    EXPECT_NE(get("/account").body.find("Second factor: off"), std::string::npos);
    const std::string old_cookie = cookie_;
    const std::string page = set_up();
    EXPECT_NE(cookie_, old_cookie);
    EXPECT_NE(get("/account").body.find("Second factor: on"), std::string::npos);
    const std::string spare =
        first_of(page, "<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>");
    ASSERT_FALSE(spare.empty());

    const auto without = sign_in(kPassword);
    const auto wrong_code = sign_in(kPassword, "000000");
    const auto wrong_password = sign_in("plum-lantern-orbit-58", code());
    EXPECT_EQ(without.status, 401u);
    EXPECT_EQ(without.body, wrong_code.body);
    EXPECT_EQ(without.body, wrong_password.body);
    EXPECT_EQ(sign_in(kPassword, code()).status, 303u);
    EXPECT_EQ(sign_in(kPassword, spare).status, 303u);
    EXPECT_EQ(get("/p/harbor/submissions").status, 200u);

    const auto codes = act("/account/second-factor/codes", {{"password", std::string(kPassword)}});
    EXPECT_EQ(codes.status, 200u);
    EXPECT_EQ(codes.body.find(spare), std::string::npos);
    EXPECT_EQ(act("/account/second-factor/off", {{"password", "not-it"}}).status, 422u);
    EXPECT_EQ(act("/account/second-factor/off", {{"password", std::string(kPassword)}}).status, 200u);
    EXPECT_EQ(sign_in(kPassword).status, 303u);
}

TEST_F(FactorSiteTest, AShorterPasswordIsTakenOnlyBesideASecondFactor) {
    boot(identity::SecondFactorRule::optional);
    ASSERT_EQ(sign_in(kPassword).status, 303u);
    const Pairs change{
        {"old", std::string(kPassword)}, {"new", std::string(kShorter)}, {"again", std::string(kShorter)}};
    EXPECT_EQ(act("/account/password", change).status, 422u);
    set_up();
    EXPECT_EQ(act("/account/password", change).status, 200u);
    const auto off = act("/account/second-factor/off", {{"password", std::string(kShorter)}});
    EXPECT_EQ(off.status, 422u);
    EXPECT_NE(off.body.find("15 characters"), std::string::npos);
}

TEST_F(FactorSiteTest, AWrongCodeShowsTheSameSecretAgain) {
    boot(identity::SecondFactorRule::optional);
    ASSERT_EQ(sign_in(kPassword).status, 303u);
    const auto proposal = act("/account/second-factor/new", {});
    const std::string letters = first_of(proposal.body, "<code>([A-Z2-7 ]{39})</code>");
    ASSERT_FALSE(letters.empty());
    EXPECT_NE(proposal.body.find("<svg class=\"qr\""), std::string::npos);
    const auto again =
        act("/account/second-factor", {{"code", "000000"}, {"password", std::string(kPassword)}});
    EXPECT_EQ(again.status, 422u);
    EXPECT_NE(again.body.find(letters), std::string::npos);
    EXPECT_EQ(sign_in(kPassword).status, 303u);
}

TEST_F(FactorSiteTest, EveryActNeedsTheSessionsTokenAndASession) {
    boot(identity::SecondFactorRule::optional);
    ASSERT_EQ(sign_in(kPassword).status, 303u);
    const Pairs fields{{"csrf", "x"}, {"password", std::string(kPassword)}, {"code", "000000"}};
    for (const char* path : {"/account/second-factor", "/account/second-factor/new",
                             "/account/second-factor/codes", "/account/second-factor/off"}) {
        EXPECT_EQ(call(web::Method::post, path, fields).status, 403u) << path;
    }
    cookie_.clear();
    for (const char* path : {"/account/second-factor", "/account/second-factor/new",
                             "/account/second-factor/codes", "/account/second-factor/off"}) {
        EXPECT_EQ(call(web::Method::post, path, fields).status, 401u) << path;
    }
    EXPECT_EQ(get("/account/second-factor").status, 401u);
    EXPECT_EQ(get("/account/second-factor/off").status, 405u);
}

TEST_F(FactorSiteTest, WhereItIsRequiredNothingElseOpensBefore) {
    boot(identity::SecondFactorRule::required);
    const auto in = sign_in(kPassword);
    ASSERT_EQ(in.status, 303u);
    EXPECT_EQ(field_of(in, "Location"), "/account/second-factor");
    for (const char* path : {"/account", "/p/harbor/submissions", "/p/harbor/staff",
                             "/p/harbor/submissions/00000000000000000000000000000000"}) {
        const auto held = get(path);
        EXPECT_EQ(held.status, 303u) << path;
        EXPECT_EQ(field_of(held, "Location"), "/account/second-factor") << path;
    }
    for (const char* path : {"/account/password", "/account/sessions", "/p/harbor/staff/invite",
                             "/p/harbor/staff/disable", "/account/second-factor/off"}) {
        EXPECT_EQ(act(path, {{"password", std::string(kPassword)}}).status, 403u) << path;
    }
    set_up();
    EXPECT_EQ(get("/account").status, 200u);
    EXPECT_EQ(get("/p/harbor/submissions").status, 200u);
    EXPECT_EQ(act("/account/second-factor/off", {{"password", std::string(kPassword)}}).status, 422u);
    EXPECT_EQ(field_of(sign_in(kPassword, code()), "Location"), "/p/harbor/submissions");
}

TEST_F(FactorSiteTest, AnOwnerWithASecondFactorInvitesFromTheMachineWithACodeOnly) {
    boot(identity::SecondFactorRule::optional);
    ASSERT_EQ(sign_in(kPassword).status, 303u);
    set_up();
    next_step();
    const auto add = [&](const std::string& more) {
        std::optional<Result<std::string>> answer;
        node_->command(R"({"verb":"staff.add","practice":"harbor","login":"bob","role":"clinician",)"
                       R"("owner":"ada","password":"plum-lantern-orbit-57")" +
                           more + "}",
                       [&](Result<std::string> got) { answer = std::move(got); });
        EXPECT_TRUE(machine_.run_until([&] { return answer.has_value(); }));
        return answer.value_or(Result<std::string>(Error{Fault::internal, "no answer"}));
    };
    EXPECT_EQ(add("").error().fault, Fault::refused);
    const std::string good = R"(,"code":")" + code() + "\"";
    const auto made = add(good);
    ASSERT_TRUE(made.is_ok()) << made.error().text;
    EXPECT_NE(made->find(R"("code":")"), std::string::npos);
    EXPECT_EQ(add(good).error().fault, Fault::refused) << "a code opens once";
}

}  // namespace
}  // namespace firedrill::node
