// Kit and escrow over the whole node: the pages that owners use and print, and what the operator sees.
#include <gtest/gtest.h>

#include "tests/node/people_site_fixture.h"

namespace firedrill::node {
namespace {

class SafekeepingSiteTest : public PeopleSiteTest {
  protected:
    web::Response act(const std::string& cookie, const std::string& verb, Pairs fields,
                      std::string_view password = kOwnerPassword) {
        fields.emplace_back("csrf", csrf(cookie));
        fields.emplace_back("password", std::string(password));
        return post("/p/harbor/kit/" + verb, fields, cookie);
    }
    web::Response recover(const std::string& code, const std::string& login = "ada") {
        return post("/recover", {{"practice", "harbor"},
                                 {"code", code},
                                 {"login", login},
                                 {"new", std::string(kNewPassword)},
                                 {"again", std::string(kNewPassword)}});
    }
    /// The six lines of every share on a page of new shares.
    static std::vector<std::string> shares_of(const std::string& page) {
        std::vector<std::string> out;
        const std::regex line("<code>((?:[a-z0-9]{4}-){5}[a-z0-9]{4})</code>");
        std::size_t count = 0;
        for (auto at = std::sregex_iterator(page.begin(), page.end(), line); at != std::sregex_iterator();
             ++at, ++count) {
            if (count % 6 == 0) {
                out.emplace_back();
            }
            out.back() += (*at)[1].str() + "%0D%0A";
        }
        return out;
    }
    web::Response recover_by(const std::vector<std::string>& shares) {
        Pairs fields{{"practice", "harbor"},
                     {"login", "ada"},
                     {"new", std::string(kNewPassword)},
                     {"again", std::string(kNewPassword)}};
        for (const std::string& share : shares) {
            fields.emplace_back("share", share);
        }
        return post("/recover/shares", fields);
    }
    static bool has(const std::string& page, std::string_view words) {
        return page.find(words) != std::string::npos;
    }
};

TEST_F(SafekeepingSiteTest, AnOwnerIsAskedForAKitUntilOneWasMade) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    constexpr std::string_view kAsks = "Make a recovery kit of your own";
    EXPECT_TRUE(has(get("/p/harbor/submissions", owner).body, kAsks));
    ASSERT_EQ(join(invite(owner, "bob", "clinician"), kPassword).status, 200u);
    EXPECT_FALSE(has(get("/p/harbor/submissions", sign_in("bob", kPassword)).body, kAsks));

    const auto made = act(owner, "replace", {});

    ASSERT_EQ(made.status, 200u) << made.body;
    EXPECT_FALSE(has(get("/p/harbor/submissions", owner).body, kAsks));
    EXPECT_TRUE(has(get("/p/harbor/kit", owner).body, "Made by ada on"));
}

TEST_F(SafekeepingSiteTest, TheKitIsOneSheetThatSaysAllThatIsNeeded) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    const auto made = act(owner, "replace", {});
    ASSERT_EQ(made.status, 200u);
    for (const char* words : {"Recovery kit of Harbor PT", "https://localhost/recover", "Where to keep it",
                              "nobody can open them then, not the operator", "by ada"}) {
        EXPECT_TRUE(has(made.body, words)) << words;
    }
    EXPECT_FALSE(has(made.body, "<script"));
    const auto field = [&](std::string_view name) {
        for (const auto& [key, value] : made.fields) {
            if (key == name) {
                return value;
            }
        }
        return std::string();
    };
    EXPECT_EQ(field("Cache-Control"), "no-store");
    EXPECT_TRUE(has(field("Content-Security-Policy"), "default-src 'none'"));
    const std::string code = first_of(made.body, "<code>([a-z0-9-]{49})</code>");
    ASSERT_FALSE(code.empty());
    EXPECT_NE(code, recovery_code_);
    EXPECT_FALSE(has(get("/p/harbor/kit", owner).body, code)) << "shown once";
    EXPECT_EQ(recover(recovery_code_).status, 422u) << "the old code is void";
    const auto done = recover(code);
    ASSERT_EQ(done.status, 200u) << done.body;
    EXPECT_TRUE(has(done.body, "Recovery kit of Harbor PT"));
    EXPECT_FALSE(sign_in("ada", kNewPassword).empty());
}

TEST_F(SafekeepingSiteTest, WhatIsFinalIsSaidBeforeItCanHappen) {
    constexpr std::string_view kFinal = "lost for good";
    const std::string owner = sign_in("ada", kOwnerPassword);
    EXPECT_TRUE(has(get("/p/harbor/kit", owner).body, kFinal));
    EXPECT_TRUE(has(get("/p/harbor/staff", owner).body, kFinal)) << "one owner";
    EXPECT_TRUE(has(get("/join", "").body, kFinal));
    ASSERT_EQ(join(invite(owner, "bob", "owner"), kPassword).status, 200u);
    EXPECT_FALSE(has(get("/p/harbor/staff", owner).body, kFinal)) << "two owners";
}

TEST_F(SafekeepingSiteTest, AnEscrowIsMadeConfirmedAndOpensThePractice) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    const auto made = act(owner, "escrow",
                          {{"needed", "2"}, {"holders", "Ada+L.%0D%0A%0D%0ADr.+Noor%0D%0ANotary+%3Cb%3E"}});
    ASSERT_EQ(made.status, 200u) << made.body;
    const auto shares = shares_of(made.body);
    ASSERT_EQ(shares.size(), 3u) << made.body;
    EXPECT_TRUE(has(made.body, "Share 3 of 3: Notary &lt;b&gt;"));
    const std::string checksum = first_of(made.body, "<code>([a-z0-9]{4}-[a-z0-9]{4})</code>");
    const std::string page = get("/p/harbor/kit", owner).body;
    EXPECT_FALSE(has(page, checksum)) << "the page does not give away what holders confirm with";
    EXPECT_TRUE(has(page, "Checksum on the sheet of Ada L."));
    EXPECT_EQ(act(owner, "confirm", {{"checksum", "aaaa-aaaa"}, {"checksum", ""}}).status, 422u);
    ASSERT_EQ(act(owner, "confirm", {{"checksum", checksum}, {"checksum", ""}}).status, 200u);
    EXPECT_FALSE(has(get("/p/harbor/kit", owner).body, "Checksum on the sheet of Ada L."));
    const auto shown = command(R"({"verb":"practice.show","name":"harbor"})");
    ASSERT_TRUE(shown);
    EXPECT_TRUE(has(*shown, R"("state":"open","needed":2,"count":3,"made_by":"ada")")) << *shown;
    EXPECT_TRUE(has(*shown, R"("holder":"Dr. Noor")"));
    EXPECT_FALSE(has(*shown, checksum));

    EXPECT_EQ(recover_by({shares[1]}).status, 422u);
    EXPECT_EQ(recover_by({shares[1], shares[1]}).status, 422u);
    const auto opened = recover_by({"", shares[2], shares[0]});

    ASSERT_EQ(opened.status, 200u) << opened.body;
    EXPECT_FALSE(sign_in("ada", kNewPassword).empty());
    EXPECT_EQ(recover_by({shares[0], shares[1]}).status, 422u) << "used up";
    EXPECT_TRUE(has(*command(R"({"verb":"practice.show","name":"harbor"})"), R"("state":"used")"));
}

TEST_F(SafekeepingSiteTest, AnEscrowThatEndedOpensNothing) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    const auto made = act(owner, "escrow", {{"needed", "2"}, {"holders", "a%0Ab"}});
    const auto shares = shares_of(made.body);
    ASSERT_EQ(shares.size(), 2u);
    EXPECT_EQ(act(owner, "escrow", {{"needed", "2"}, {"holders", "a%0Ab"}}).status, 422u) << "one at a time";
    EXPECT_EQ(act(owner, "end", {}, "not the password").status, 422u);
    ASSERT_EQ(act(owner, "end", {}).status, 200u);
    EXPECT_EQ(recover_by(shares).status, 422u);
    EXPECT_EQ(act(owner, "end", {}).status, 422u);
    EXPECT_TRUE(has(get("/p/harbor/kit", owner).body, "Ended by ada"));
}

TEST_F(SafekeepingSiteTest, BadCeremoniesAndPostsAreRefused) {
    const std::string owner = sign_in("ada", kOwnerPassword);
    for (const Pairs& bad :
         {Pairs{{"needed", "1"}, {"holders", "a%0Ab"}}, Pairs{{"needed", "x"}, {"holders", "a%0Ab"}},
          Pairs{{"needed", "3"}, {"holders", "a%0Ab"}}, Pairs{{"needed", "2"}, {"holders", ""}}}) {
        EXPECT_EQ(act(owner, "escrow", bad).status, 422u);
    }
    EXPECT_EQ(act(owner, "escrow", {}).status, 400u);
    EXPECT_EQ(act(owner, "replace", {}, "not the password").status, 422u);
    for (const char* verb : {"replace", "escrow", "confirm", "end"}) {
        const std::string address = "/p/harbor/kit/" + std::string(verb);
        EXPECT_EQ(post(address, {{"password", std::string(kOwnerPassword)}}, owner).status, 403u) << verb;
        EXPECT_EQ(post(address, {{"csrf", csrf(owner)}}, owner).status, 400u) << verb;
        EXPECT_EQ(post(address, {}, "").status, 401u) << verb;
        EXPECT_EQ(get(address, owner).status, 405u) << verb;
    }
    ASSERT_EQ(join(invite(owner, "bob", "clinician"), kPassword).status, 200u);
    const std::string bob = sign_in("bob", kPassword);
    EXPECT_EQ(get("/p/harbor/kit", bob).status, 403u);
    EXPECT_EQ(act(bob, "replace", {}, kPassword).status, 403u);
    EXPECT_EQ(get("/p/other/kit", owner).status, 404u);
    EXPECT_FALSE(recover(recovery_code_).status != 200u) << "nothing was replaced";
}

TEST_F(SafekeepingSiteTest, APracticeWhoseOwnerIsInvitedStartsWithoutAPassword) {
    const auto made = command(R"({"verb":"practice.create","name":"cove","title":"Cove PT","login":"eve"})");
    ASSERT_TRUE(made) << made.error().text;
    const std::string code = first_of(*made, R"re("invitation_code":"([a-z0-9-]+)")re");
    ASSERT_FALSE(code.empty()) << *made;
    EXPECT_TRUE(has(*made, R"("staff":0)"));
    const auto joined = join(code, kPassword);
    ASSERT_EQ(joined.status, 200u) << joined.body;
    EXPECT_TRUE(has(joined.body, "lost for good")) << "said to an owner";
    const auto in =
        post("/sign-in", {{"practice", "cove"}, {"login", "eve"}, {"password", std::string(kPassword)}});
    EXPECT_EQ(in.status, 303u) << in.body;
    EXPECT_TRUE(has(*command(R"({"verb":"practice.show","name":"cove"})"), R"("made_by":"creator")"));
    EXPECT_EQ(command(R"({"verb":"practice.create","name":"bay","title":"Bay","login":"eve","password":""})")
                  .error()
                  .fault,
              Fault::bad_input)
        << "an empty password is not an invitation";
}

TEST_F(SafekeepingSiteTest, ThePageForSharesHasAsManyFieldsAsAsked) {
    const auto fields_at = [&](const char* query) {
        web::Request request;
        request.method = web::Method::get;
        request.path = "/recover/shares";
        request.query = query;
        request.host = "localhost";
        request.fields = {{"host", "localhost"}};
        std::string body;
        site_->handle(std::move(request), [&](web::Response response) { body = std::move(response.body); });
        machine_.run_until([&] { return !body.empty(); });
        std::size_t count = 0;
        for (std::size_t at = body.find("<textarea"); at != std::string::npos;
             at = body.find("<textarea", at + 1)) {
            ++count;
        }
        return count;
    };
    EXPECT_EQ(fields_at(""), 3u);
    EXPECT_EQ(fields_at("fields=5"), 5u);
    EXPECT_EQ(fields_at("fields=10"), 10u);
    EXPECT_EQ(fields_at("fields=4000000000"), 10u);
    EXPECT_EQ(fields_at("fields=-1"), 3u);
}

}  // namespace
}  // namespace firedrill::node
