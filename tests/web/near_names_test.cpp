// Goal: what only begins like the right thing is not the right thing: a practice's name, a session's token,
// the cookie's name, the token of a form. Method: each of them a little longer, a little shorter, and with
// one letter changed, place by place.
#include "site_fixture.h"
#include "web/routes.h"

namespace firedrill::web {
namespace {

/// Longer, shorter, empty, in other case, and with each letter changed.
std::vector<std::string> near(const std::string& right) {
    std::vector<std::string> out = {"",          right + "x",   right + "-2", right + right,
                                    "x" + right, right + "%20", right + "*",  right.substr(1)};
    for (std::size_t i = 0; i < right.size(); ++i) {
        out.push_back(right.substr(0, i));
        std::string changed = right;
        changed[i] = changed[i] == 'q' ? 'w' : 'q';
        out.push_back(changed);
    }
    return out;
}

/// Every private address of a practice, with its methods.
std::vector<std::pair<std::string, std::string_view>> private_addresses(const std::string& practice) {
    std::vector<std::pair<std::string, std::string_view>> out;
    for (const RouteRow& row : all_routes()) {
        const bool is_public = has(row.path, "/forms/") || has(row.path, "/thanks/");
        if (row.path.starts_with("/p/:/") && !is_public) {
            std::string path = row.path;
            path.replace(path.find(':'), 1, practice);
            const std::size_t object = path.find(':');
            if (object != std::string::npos) {
                path.replace(object, 1, std::string(32, 'a'));
            }
            out.emplace_back(path, row.methods);
        }
    }
    return out;
}

class NearNamesTest : public SiteTest {
  protected:
    NearNamesTest() {
        for (const char* name : {"hill", "hill-2", "hil", "hill-", "hilly", "thehill"}) {
            identity_.add(name, "Practice");
            names_.emplace_back(name);
        }
    }
    std::vector<std::string> names_;
};

TEST_F(NearNamesTest, ASessionOpensNoPracticeWhoseNameBeginsLikeItsOwn) {
    for (const std::string& own : names_) {
        const std::string cookie = sign_in(own);
        ASSERT_FALSE(cookie.empty()) << own;
        for (const std::string& other : names_) {
            const auto addresses = private_addresses(other);
            ASSERT_GE(addresses.size(), 9U);
            for (const auto& [address, methods] : addresses) {
                for (const bool is_post : {false, true}) {
                    if (!has(std::string(methods), is_post ? "POST" : "GET")) {
                        continue;
                    }
                    const Response response = call(is_post ? post(address, {}, {{"cookie", cookie}})
                                                           : get(address, {{"cookie", cookie}}));
                    const bool is_hidden = response.status == 404 && has(response.body, "Page not found");
                    const bool is_unknown_object = address.ends_with(std::string(32, 'a'));
                    EXPECT_EQ(is_hidden, own != other || is_unknown_object) << own << " on " << address;
                }
            }
        }
    }
    EXPECT_EQ(submissions_.submit_calls, 0U);
}

TEST_F(NearNamesTest, ASessionsTokenIsComparedWhole) {
    const std::string cookie = sign_in("hill");
    const std::string name = "__Host-session=";
    ASSERT_EQ(call(get("/p/hill/submissions", {{"cookie", cookie}})).status, 200U);
    for (const std::string& token : near(cookie.substr(name.size()))) {
        EXPECT_EQ(call(get("/p/hill/submissions", {{"cookie", name + token}})).status, 401U) << token;
    }
}

TEST_F(NearNamesTest, TheCookiesNameIsComparedWhole) {
    const std::string cookie = sign_in("hill");
    const std::string token = cookie.substr(cookie.find('='));
    for (const std::string& name : near("__Host-session")) {
        EXPECT_EQ(call(get("/p/hill/submissions", {{"cookie", name + token}})).status, 401U) << name;
        // Beside the right one it neither counts nor makes it count for nothing.
        EXPECT_EQ(call(get("/p/hill/submissions", {{"cookie", name + "=x; " + cookie}})).status, 200U)
            << name;
    }
    EXPECT_EQ(call(get("/p/hill/submissions", {{"cookie", "__host-session" + token}})).status, 401U);
}

TEST_F(NearNamesTest, TheTokenOfAFormIsComparedWhole) {
    const std::string cookie = sign_in("hill");
    const std::string page = call(get("/p/hill/submissions", {{"cookie", cookie}})).body;
    const std::string_view mark = "name=\"csrf\" value=\"";
    const std::size_t at = page.find(mark) + mark.size();
    const std::string right = page.substr(at, page.find('"', at) - at);
    ASSERT_EQ(right.size(), 43U);
    for (const char* address : {"/sign-out", "/account/password", "/p/hill/staff/invite",
                                "/p/hill/kit/replace", "/account/second-factor/new"}) {
        for (const std::string& token : near(right)) {
            EXPECT_EQ(call(post(address, {{"csrf", token}}, {{"cookie", cookie}})).status, 403U)
                << address << " " << token;
        }
        EXPECT_EQ(call(post(address, {{"csrF", right}}, {{"cookie", cookie}})).status, 403U) << address;
    }
    EXPECT_EQ(identity_.session_count(), 1U);
    EXPECT_EQ(call(post("/sign-out", {{"csrf", right}}, {{"cookie", cookie}})).status, 303U);
}

TEST_F(NearNamesTest, AFormIsOfThePracticeThatTheAddressNamesWhole) {
    for (const std::string& name : near("hilly")) {
        const bool is_one = std::ranges::find(names_, name) != names_.end();
        if (!name.empty() && !is_one) {
            EXPECT_EQ(call(post("/p/" + name + "/forms/phq-9", phq9())).status, 404U) << name;
        }
    }
    for (const std::string& form : near("phq-9")) {
        EXPECT_EQ(call(post("/p/hill/forms/" + form, phq9())).status, 404U) << form;
    }
    EXPECT_EQ(submissions_.submit_calls, 0U);
}

TEST_F(NearNamesTest, TheHostIsComparedWhole) {
    for (const std::string& host : near("localhost")) {
        Request request = get("/");
        request.host = host;
        EXPECT_EQ(call(request).status, 421U) << host;
    }
}

}  // namespace
}  // namespace firedrill::web
