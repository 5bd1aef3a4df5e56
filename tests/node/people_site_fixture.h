// PeopleSiteTest: a whole node with one practice on simulated seams, and its pages called directly. Header
// only.
#pragma once

#include <gtest/gtest.h>

#include <regex>

#include "node/node.h"
#include "tests/support/sim_machine.h"

namespace firedrill::node {

inline constexpr std::string_view kOwnerPassword = "plum-lantern-orbit-57";
inline constexpr std::string_view kPassword = "gravel-mosaic-harvest-8";
inline constexpr std::string_view kNewPassword = "willow-cobalt-kettle-31";

class PeopleSiteTest : public testing::Test {
  protected:
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    void SetUp() override {
        const crypto::Secret passphrase(as_bytes("a passphrase of the node"));
        Config config;
        config.listen = Endpoint{"10.0.0.1:443"};
        config.hosts = {"localhost"};
        config.cost = crypto::kToyCost;
        config.serves_tls = false;
        config.journal = [this](std::string_view line) { journal_.emplace_back(line); };
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
        const auto made = command(R"({"verb":"practice.create","name":"harbor","title":"Harbor PT",)"
                                  R"("login":"ada","password":"plum-lantern-orbit-57"})");
        ASSERT_TRUE(made) << made.error().text;
        recovery_code_ = first_of(*made, R"re("recovery_code":"([a-z0-9-]+)")re");
        ASSERT_FALSE(recovery_code_.empty());
    }
    Result<std::string> command(std::string request) {
        std::optional<Result<std::string>> answer;
        node_->command(std::move(request), [&](Result<std::string> got) { answer = std::move(got); });
        machine_.run_until([&] { return answer.has_value(); });
        return answer ? *answer : Result<std::string>(Error{Fault::internal, "no answer"});
    }
    static bool has(const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    }
    static std::string first_of(const std::string& text, const char* pattern) {
        std::smatch found;
        return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : "";
    }
    web::Response call(web::Method method, std::string path, const Pairs& fields, const std::string& cookie) {
        web::Request request;
        request.method = method;
        request.path = std::move(path);
        request.host = "localhost";
        request.peer = "10.0.0.9";
        request.fields = {{"host", "localhost"}, {"content-type", "application/x-www-form-urlencoded"}};
        if (!cookie.empty()) {
            request.fields.emplace_back("cookie", "__Host-session=" + cookie);
        }
        for (const auto& [name, value] : fields) {
            request.body += (request.body.empty() ? "" : "&") + name + "=" + value;
        }
        std::optional<web::Response> out;
        site_->handle(std::move(request), [&](web::Response response) { out = std::move(response); });
        EXPECT_TRUE(machine_.run_until([&] { return out.has_value(); }));
        return out.value_or(web::Response{});
    }
    web::Response get(std::string path, const std::string& cookie) {
        return call(web::Method::get, std::move(path), {}, cookie);
    }
    web::Response post(std::string path, const Pairs& fields, const std::string& cookie = "") {
        return call(web::Method::post, std::move(path), fields, cookie);
    }
    /// The session cookie's value; empty when refused.
    std::string sign_in(std::string_view login, std::string_view password) {
        const auto reply = post(
            "/sign-in",
            {{"practice", "harbor"}, {"login", std::string(login)}, {"password", std::string(password)}});
        for (const auto& [name, value] : reply.fields) {
            if (name == "Set-Cookie") {
                return value.substr(value.find('=') + 1, value.find(';') - value.find('=') - 1);
            }
        }
        return "";
    }
    std::string csrf(const std::string& cookie) {
        return first_of(get("/account", cookie).body, R"re(name="csrf" value="([^"]+)")re");
    }
    std::string invite(const std::string& owner, const char* login, const char* role) {
        const auto reply = post("/p/harbor/staff/invite",
                                {{"csrf", csrf(owner)},
                                 {"login", login},
                                 {"role", role},
                                 {"password", std::string(kOwnerPassword)}},
                                owner);
        EXPECT_EQ(reply.status, 200u) << reply.body;
        return first_of(reply.body, "<code>([a-z0-9-]{39})</code>");
    }
    web::Response join(const std::string& code, std::string_view password) {
        return post("/join",
                    {{"code", code}, {"new", std::string(password)}, {"again", std::string(password)}});
    }
    std::string person(const std::string& owner) {
        return first_of(get("/p/harbor/staff", owner).body, R"re(name="person" value="([0-9a-f]{32})")re");
    }

    sim::SimMachine machine_{1};
    std::unique_ptr<Node> node_;
    web::Handler* site_ = nullptr;
    std::string recovery_code_;
    std::vector<std::string> journal_;
};

}  // namespace firedrill::node
