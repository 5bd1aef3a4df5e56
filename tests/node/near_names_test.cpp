// Goal: on a whole node too, what only begins like the right thing is not the right thing. Method: a practice
// beside ones whose names begin alike, with people of one name; names, passwords, codes and session ids a
// little longer, shorter, or with a letter changed.
#include "people_site_fixture.h"
#include "web/routes.h"

namespace firedrill::node {
namespace {

class NearNamesTest : public PeopleSiteTest {
  protected:
    void SetUp() override {
        PeopleSiteTest::SetUp();
        for (const char* name : {"harbor-2", "harbo", "harborage"}) {
            ASSERT_TRUE(command(std::string(R"({"verb":"practice.create","name":")") + name +
                                R"(","title":"Another","login":"ada","password":"other-gravel-lantern-9"})"));
        }
    }
    /// The session cookie's value; empty when refused.
    std::string sign_in_to(std::string_view practice, std::string_view login, std::string_view password) {
        const auto reply = post("/sign-in", {{"practice", std::string(practice)},
                                             {"login", std::string(login)},
                                             {"password", std::string(password)}});
        for (const auto& [name, value] : reply.fields) {
            if (name == "Set-Cookie") {
                return value.substr(value.find('=') + 1, value.find(';') - value.find('=') - 1);
            }
        }
        return "";
    }
    /// Two minutes go by, so that nobody is slowed down for guessing.
    void rest() {
        bool is_over = false;
        Clock& clock = machine_.seams().clock;
        clock.call_at(clock.now() + std::chrono::minutes(2), [&] { is_over = true; });
        ASSERT_TRUE(machine_.run_until([&] { return is_over; }));
    }
    static std::string changed(std::string text, std::size_t at) {
        text[at] = text[at] == '7' ? '8' : '7';
        return text;
    }
};

TEST_F(NearNamesTest, ASessionOpensNoPracticeWhoseNameBeginsLikeItsOwn) {
    const std::string cookie = sign_in("ada", kOwnerPassword);
    ASSERT_FALSE(cookie.empty());
    const std::string token = csrf(cookie);
    for (const char* other : {"harbor-2", "harbo", "harborage"}) {
        for (const web::RouteRow& row : web::all_routes()) {
            const bool is_public = has(row.path, "/forms/") || has(row.path, "/thanks/");
            if (!row.path.starts_with("/p/:/") || is_public) {
                continue;
            }
            const std::string address = "/p/" + (other + row.path.substr(4));
            const auto reply =
                row.methods == "POST" ? post(address, {{"csrf", token}}, cookie) : get(address, cookie);
            EXPECT_EQ(reply.status, 404U) << address;
            EXPECT_TRUE(has(reply.body, "Page not found")) << address;
        }
    }
    EXPECT_EQ(get("/p/harbor/staff", cookie).status, 200U);
}

TEST_F(NearNamesTest, SigningInTakesTheWholeNameOfPracticeAndPersonAndTheWholePassword) {
    const std::string right(kOwnerPassword);
    for (const auto& [practice, login, password] :
         {std::tuple<std::string, std::string, std::string>{"harbor-2", "ada", right},
          {"harbo", "ada", right},
          {"harborage", "ada", right},
          {"harbo%", "ada", right},
          {"harbor*", "ada", right},
          {"harbor", "ad", right},
          {"harbor", "adaa", right},
          {"harbor", "ada%25", right},
          {"harbor", "ad_", right},
          {"harbor", "ada", right.substr(0, right.size() - 1)},
          {"harbor", "ada", right + "7"},
          {"harbor", "ada", "other-gravel-lantern-9"}}) {
        EXPECT_EQ(sign_in_to(practice, login, password), "") << practice << " " << login << " " << password;
        rest();
    }
    EXPECT_NE(sign_in_to("harbor", "ada", right), "");
}

TEST_F(NearNamesTest, AnInvitationIsItsWholeCode) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    const std::string code = invite(owner, "ben", "clinician");
    ASSERT_EQ(code.size(), 39U);
    std::vector<std::string> wrong = {code + "7", code + "-7777", "7" + code, code + code};
    for (std::size_t at = 0; at < code.size(); ++at) {
        wrong.push_back(code.substr(0, at));
        if (code[at] != '-') {
            wrong.push_back(changed(code, at));
        }
    }
    for (const std::string& one : wrong) {
        EXPECT_EQ(join(one, kPassword).status, 422U) << one;
        rest();
    }
    EXPECT_EQ(join(code, kPassword).status, 200U);
}

TEST_F(NearNamesTest, TheRecoveryCodeIsItsWholeSelf) {
    std::vector<std::string> wrong = {recovery_code_ + "7", recovery_code_ + "-7777"};
    for (std::size_t at = 0; at < recovery_code_.size(); at += 3) {
        wrong.push_back(recovery_code_.substr(0, at));
        if (recovery_code_[at] != '-') {
            wrong.push_back(changed(recovery_code_, at));
        }
    }
    const auto recover = [this](const std::string& practice, const std::string& code) {
        rest();
        return post("/recover", {{"practice", practice},
                                 {"code", code},
                                 {"login", "ada"},
                                 {"new", std::string(kNewPassword)},
                                 {"again", std::string(kNewPassword)}})
            .status;
    };
    for (const std::string& one : wrong) {
        EXPECT_EQ(recover("harbor", one), 422U) << one;
    }
    EXPECT_EQ(recover("harbor-2", recovery_code_), 422U);
    EXPECT_EQ(recover("harbo", recovery_code_), 422U);
    EXPECT_EQ(recover("harbor", recovery_code_), 200U);
}

TEST_F(NearNamesTest, ASessionIsEndedByItsWholeId) {
    const std::string here = sign_in("ada", kOwnerPassword);
    const std::string there = sign_in("ada", kOwnerPassword);
    const std::string id = first_of(get("/account", here).body, R"re(name="session" value="([0-9a-f]+)")re");
    ASSERT_GE(id.size(), 16U);
    for (std::size_t at = 0; at < id.size(); ++at) {
        for (const std::string& one : {id.substr(0, at), changed(id, at), id + "0"}) {
            EXPECT_EQ(post("/account/sessions", {{"csrf", csrf(here)}, {"session", one}}, here).status, 422U)
                << one;
        }
    }
    EXPECT_EQ(get("/account", there).status, 200U);
    EXPECT_EQ(post("/account/sessions", {{"csrf", csrf(here)}, {"session", id}}, here).status, 303U);
    EXPECT_EQ(get("/account", there).status, 401U);
}

}  // namespace
}  // namespace firedrill::node
