// Goal: the forms of our own pages arrive from every browser, and nobody else's do. Method: every Origin that
// a browser may send times every Sec-Fetch-Site, with the verdict of each pair written out.
#include "site_fixture.h"

namespace firedrill::web {
namespace {

constexpr std::array<std::string_view, 5> kSites = {"same-origin", "none", "", "same-site", "cross-site"};

/// One Origin and whether a post with it is ours, by Sec-Fetch-Site in the order of kSites; nullopt: no
/// field.
struct Row {
    std::optional<std::string> origin;
    std::array<bool, kSites.size()> is_ours;
};

const std::vector<Row> kMatrix = {
    // Clients that are no browsers send nothing; old browsers send no Sec-Fetch-Site.
    {std::nullopt, {true, true, true, false, false}},
    {"https://localhost:8443", {true, true, true, false, false}},
    {"https://LOCALHOST:8443", {true, true, true, false, false}},
    // Our page, when the browser keeps its origin to itself; every other "null" may be anybody's page.
    {"null", {true, false, false, false, false}},
    {"NULL", {}},
    {"null, null", {}},
    {"null https://localhost:8443", {}},
    {"", {}},
    {"localhost:8443", {}},
    {"https://", {}},
    {"https://localhost", {}},
    {"https://localhost:84430", {}},
    {"https://localhost:844", {}},
    {"http://localhost:8443", {}},
    {"https://evil.example", {}},
    {"https://localhost:8443.evil.example", {}},
    {"https://evil.example/https://localhost:8443", {}},
    {"https://xlocalhost:8443", {}},
    {"https://ocalhost:8443", {}},
    {"https://localhost:8443 https://evil.example", {}},
};

Pairs fields_of(const std::optional<std::string>& origin, std::string_view site) {
    Pairs out;
    if (origin) {
        out.emplace_back("origin", *origin);
    }
    if (!site.empty()) {
        out.emplace_back("sec-fetch-site", std::string(site));
    }
    return out;
}

TEST_F(SiteTest, AcceptsPostsOfItsOwnPagesOnly) {
    for (const char* path : {"/sign-in", "/p/alpha/forms/phq-9", "/sign-out", "/join", "/recover",
                             "/recover/shares", "/account/password"}) {
        for (const Row& row : kMatrix) {
            for (std::size_t i = 0; i < kSites.size(); ++i) {
                const Pairs fields = fields_of(row.origin, kSites[i]);
                const Response response = call(post(path, {}, fields));
                const bool is_foreign = response.status == 403 && has(response.body, "our pages");
                EXPECT_EQ(!is_foreign, row.is_ours[i]) << path << " " << encode(fields);
            }
        }
    }
    EXPECT_EQ(identity_.password_checks, 0U);
    EXPECT_EQ(submissions_.submit_calls, 0U);
}

TEST_F(SiteTest, SavesAFormWhoseOriginTheBrowserKeepsToItself) {
    const Response kept = call(post("/p/alpha/forms/phq-9", phq9(), fields_of("null", "same-origin")));

    EXPECT_EQ(kept.status, 303U);
    EXPECT_EQ(submissions_.submit_calls, 1U);
}

TEST_F(SiteTest, KnowsNoOtherSiteThanTheFourOfFetchMetadata) {
    for (const char* site : {"Same-Origin", "same-origin, cross-site", "same-originx", "same-origi", "x"}) {
        for (const std::optional<std::string>& origin :
             {std::optional<std::string>(), std::optional<std::string>("null"),
              std::optional<std::string>("https://localhost:8443")}) {
            EXPECT_EQ(call(post("/sign-in", kSignIn, fields_of(origin, site))).status, 403U) << site;
        }
    }
    EXPECT_EQ(identity_.password_checks, 0U);
}

TEST_F(SiteTest, LeavesTheSchemesOwnPortOutOfTheComparison) {
    for (const auto& [host, origin] :
         {std::pair("localhost", "https://localhost:443"), std::pair("localhost:443", "https://localhost")}) {
        Request request = post("/p/alpha/forms/phq-9", phq9(), fields_of(origin, "same-origin"));
        for (auto& [name, value] : request.fields) {
            value = name == "host" ? host : value;
        }
        EXPECT_EQ(call(request).status, 303U) << host;
    }
}

}  // namespace
}  // namespace firedrill::web
