// People over the whole node: the pages that staff use, and what the operator sees, on simulated seams.
#include <gtest/gtest.h>

#include "tests/node/people_site_fixture.h"

namespace firedrill::node {
namespace {

TEST_F(PeopleSiteTest, AColleagueIsInvitedJoinsWorksAndLeaves) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    ASSERT_FALSE(owner.empty());
    const std::string code = invite(owner, "bob", "clinician");
    ASSERT_FALSE(code.empty());
    EXPECT_EQ(get("/p/harbor/staff", owner).body.find(code), std::string::npos);
    EXPECT_EQ(join(code, "short").status, 422u);
    ASSERT_EQ(join(code, kPassword).status, 200u);
    EXPECT_EQ(join(code, kPassword).status, 422u);
    const std::string bob = sign_in("bob", kPassword);
    ASSERT_FALSE(bob.empty());
    EXPECT_EQ(get("/p/harbor/submissions", bob).status, 200u);

    const auto left = post(
        "/p/harbor/staff/disable",
        {{"csrf", csrf(owner)}, {"person", person(owner)}, {"password", std::string(kOwnerPassword)}}, owner);

    EXPECT_EQ(left.status, 303u) << left.body;
    EXPECT_EQ(get("/p/harbor/submissions", bob).status, 401u);
    EXPECT_TRUE(sign_in("bob", kPassword).empty());
    EXPECT_EQ(get("/p/harbor/submissions", owner).status, 200u);
}

TEST_F(PeopleSiteTest, WhatTheTableForbidsIsRefusedOnEveryPage) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    ASSERT_EQ(join(invite(owner, "bea", "biller"), kPassword).status, 200u);
    const std::string biller = sign_in("bea", kPassword);
    ASSERT_FALSE(biller.empty());
    const std::string token = csrf(biller);
    EXPECT_EQ(get("/p/harbor/submissions", biller).status, 200u);
    EXPECT_EQ(get("/p/harbor/submissions/" + std::string(32, '0'), biller).status, 403u);
    EXPECT_EQ(get("/p/harbor/submissions/" + std::string(32, '0'), owner).status, 404u);
    EXPECT_EQ(get("/p/harbor/staff", biller).status, 403u);
    const Pairs wish{
        {"csrf", token}, {"login", "eve"}, {"role", "owner"}, {"password", std::string(kPassword)}};
    EXPECT_EQ(post("/p/harbor/staff/invite", wish, biller).status, 403u);
    EXPECT_EQ(post("/p/harbor/staff/disable",
                   {{"csrf", token}, {"person", std::string(32, '0')}, {"password", std::string(kPassword)}},
                   biller)
                  .status,
              403u);
    for (const char* address : {"/p/harbor/staff", "/account"}) {
        EXPECT_EQ(get(address, "").status, 401u) << address;
    }
    EXPECT_EQ(get("/p/other/staff", owner).status, 404u);
}

TEST_F(PeopleSiteTest, PostsWithoutTheSessionsTokenAreRefused) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    for (const char* address :
         {"/p/harbor/staff/invite", "/p/harbor/staff/disable", "/account/password", "/account/sessions"}) {
        EXPECT_EQ(post(address, {{"password", std::string(kOwnerPassword)}}, owner).status, 403u) << address;
        EXPECT_EQ(post(address, {{"csrf", "guessed"}}, owner).status, 403u) << address;
        EXPECT_EQ(post(address, {{"csrf", csrf(owner)}}, owner).status, 400u) << address;
    }
}

TEST_F(PeopleSiteTest, APersonChangesTheirPasswordAndEndsAnotherSession) {
    const std::string here = sign_in("ada", kOwnerPassword);
    const std::string there = sign_in("ada", kOwnerPassword);
    const std::string id =
        first_of(get("/account", here).body, R"re(name="session" value="([0-9a-f]{16})")re");
    EXPECT_EQ(post("/account/sessions", {{"csrf", csrf(here)}, {"session", id}}, here).status, 303u);
    EXPECT_EQ(get("/account", there).status, 401u);
    const auto change = [&](std::string_view old_one, std::string_view again) {
        return post("/account/password",
                    {{"csrf", csrf(here)},
                     {"old", std::string(old_one)},
                     {"new", std::string(kNewPassword)},
                     {"again", std::string(again)}},
                    here)
            .status;
    };
    EXPECT_EQ(change("not-the-password", kNewPassword), 422u);
    EXPECT_EQ(change(kOwnerPassword, "something else"), 422u);
    EXPECT_EQ(change(kOwnerPassword, kNewPassword), 200u);
    EXPECT_TRUE(sign_in("ada", kOwnerPassword).empty());
    EXPECT_FALSE(sign_in("ada", kNewPassword).empty());
}

TEST_F(PeopleSiteTest, TheRecoveryCodeSetsANewPassword) {
    const auto recover = [&](const std::string& code) {
        return post("/recover", {{"practice", "harbor"},
                                 {"code", code},
                                 {"login", "ada"},
                                 {"new", std::string(kNewPassword)},
                                 {"again", std::string(kNewPassword)}});
    };
    std::string slip = recovery_code_;
    slip[0] = slip[0] == 'a' ? 'b' : 'a';
    EXPECT_EQ(recover(slip).status, 422u);

    const auto done = recover(recovery_code_);

    ASSERT_EQ(done.status, 200u) << done.body;
    EXPECT_NE(first_of(done.body, "<code>([a-z0-9-]{49})</code>"), recovery_code_);
    EXPECT_EQ(recover(recovery_code_).status, 422u);
    EXPECT_FALSE(sign_in("ada", kNewPassword).empty());
}

TEST_F(PeopleSiteTest, TheOperatorListsAndDisablesWithoutKeys) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    ASSERT_EQ(join(invite(owner, "bob", "clinician"), kPassword).status, 200u);
    const std::string bob = sign_in("bob", kPassword);

    const auto left = command(R"({"verb":"staff.disable","practice":"harbor","login":"bob"})");

    ASSERT_TRUE(left) << left.error().text;
    EXPECT_NE(left->find("when an owner signs in"), std::string::npos);
    EXPECT_EQ(get("/account", bob).status, 401u);
    const auto before = command(R"({"verb":"staff.list","practice":"harbor"})");
    EXPECT_NE(before->find(R"("is_active":false,"holds_key":true)"), std::string::npos) << *before;
    ASSERT_FALSE(sign_in("ada", kOwnerPassword).empty());
    const auto after = command(R"({"verb":"staff.list","practice":"harbor"})");
    EXPECT_EQ(after->find(R"("is_active":false,"holds_key":true)"), std::string::npos) << *after;
    for (const char* wrong : {R"({"verb":"staff.list"})", R"({"verb":"staff.add","practice":"harbor"})",
                              R"({"verb":"staff.disable","practice":"harbor"})",
                              R"({"verb":"staff.list","practice":"harbor","login":"bob"})"}) {
        EXPECT_EQ(command(wrong).error().fault, Fault::bad_usage) << wrong;
    }
    EXPECT_EQ(command(R"({"verb":"staff.list","practice":"nowhere"})").error().fault, Fault::not_found);
    EXPECT_EQ(command(R"({"verb":"staff.disable","practice":"harbor","login":"eve"})").error().fault,
              Fault::not_found);
}

TEST_F(PeopleSiteTest, AnOwnerInvitesFromTheMachineAndTheOperatorAloneCannot) {
    const auto add = [&](const std::string& owner, std::string_view password, const char* role) {
        return command(R"({"verb":"staff.add","practice":"harbor","login":"bob","role":")" +
                       std::string(role) + R"(","owner":")" + owner + R"(","password":")" +
                       std::string(password) + "\"}");
    };
    EXPECT_EQ(add("ada", "not her password at all", "clinician").error().fault, Fault::refused);
    EXPECT_EQ(add("ada", kOwnerPassword, "janitor").error().fault, Fault::bad_input);
    const auto made = add("ada", kOwnerPassword, "clinician");
    ASSERT_TRUE(made) << made.error().text;
    const auto shown = command(R"({"verb":"practice.show","name":"harbor"})");
    ASSERT_TRUE(shown);
    EXPECT_NE(shown->find(R"("is_open":false)"), std::string::npos) << "the owner's session was ended";

    const std::string code = first_of(*made, R"re("code":"([a-z0-9-]{39})")re");
    ASSERT_EQ(join(code, kPassword).status, 200u);
    EXPECT_FALSE(sign_in("bob", kPassword).empty());
    EXPECT_EQ(
        command(R"({"verb":"staff.add","practice":"harbor","login":"eve","role":"biller","owner":"bob",)"
                R"("password":"gravel-mosaic-harvest-8"})")
            .error()
            .fault,
        Fault::refused)
        << "a clinician invites nobody";
}

TEST_F(PeopleSiteTest, AfterSomebodyLeftOwnersSeeHowFarTheOldPagesAreSealedAnew) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    ASSERT_TRUE(has(join(invite(owner, "bob", "clinician"), kPassword).body, "bob"));
    EXPECT_FALSE(has(get("/p/harbor/staff", owner).body, "replaced."));
    const auto left = post(
        "/p/harbor/staff/disable",
        {{"csrf", csrf(owner)}, {"person", person(owner)}, {"password", std::string(kOwnerPassword)}}, owner);
    ASSERT_EQ(left.status, 303u) << left.body;
    EXPECT_TRUE(has(get("/p/harbor/staff", owner).body, "looked through"));
    auto shown = command(R"({"verb":"practice.show","name":"harbor"})");
    ASSERT_TRUE(shown);
    EXPECT_TRUE(has(*shown, R"("reseal":{"state":"looking","left":0)")) << *shown;

    machine_.loop().run_for(std::chrono::seconds(10));

    EXPECT_FALSE(has(get("/p/harbor/staff", owner).body, "replaced."));
    shown = command(R"({"verb":"practice.show","name":"harbor"})");
    ASSERT_TRUE(shown);
    EXPECT_TRUE(has(*shown, R"("reseal":{"state":"none","left":0)")) << *shown;
    const auto status = command(R"({"verb":"status"})");
    ASSERT_TRUE(status);
    EXPECT_TRUE(has(*status, R"("reseal":{"state":"none")")) << *status;
}

}  // namespace
}  // namespace firedrill::node
