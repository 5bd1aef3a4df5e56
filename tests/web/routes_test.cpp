// Goal: docs/routes.md and the program have the same routes, and no address is taken for one that only begins
// like it. Method: the rows of the document against all_routes(); every route with segments a letter longer
// and shorter.
#include "web/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

namespace firedrill::web {
namespace {

using Rows = std::set<std::pair<std::string, std::string>>;

/// PRACTICE, FORM and ID stand for any one segment.
std::string pattern_of(const std::string& path) {
    return std::regex_replace(path, std::regex("[A-Z]+"), ":");
}

/// HEAD comes with GET; the document does not repeat it.
std::string without_head(std::string methods) {
    const std::size_t at = methods.find(", HEAD");
    return at == std::string::npos ? methods : methods.erase(at, 6);
}

Rows documented(const std::string& text) {
    Rows out;
    const std::regex row(R"(\n\| `(/[^`]*)` \| ([A-Z, ]+) \|)");
    for (auto at = std::sregex_iterator(text.begin(), text.end(), row); at != std::sregex_iterator(); ++at) {
        out.emplace(pattern_of((*at)[1].str()), (*at)[2].str());
    }
    return out;
}

Rows known() {
    Rows out;
    for (const RouteRow& row : all_routes()) {
        out.emplace(row.path, without_head(std::string(row.methods)));
    }
    return out;
}

/// The document has one row for each method of two that say different things.
Rows merged(const Rows& rows) {
    std::map<std::string, std::set<std::string>> methods;
    for (const auto& [path, list] : rows) {
        for (const char* one : {"GET", "POST"}) {
            if (list.find(one) != std::string::npos) {
                methods[path].insert(one);
            }
        }
    }
    Rows out;
    for (const auto& [path, some] : methods) {
        out.emplace(path, some.size() == 2 ? "GET, POST" : *some.begin());
    }
    return out;
}

/// The route's address with a name in each place that takes any.
std::string example_of(const RouteRow& row) {
    return std::regex_replace(row.path, std::regex(":"), "hill");
}

TEST(Routes, AreThoseOfTheDocument) {
    std::ifstream in(FIREDRILL_SOURCE_ROOT "/docs/routes.md");
    const std::string text{std::istreambuf_iterator<char>(in), {}};

    EXPECT_EQ(merged(documented(text)), known());
}

TEST(Routes, AreReadFromTheRowsOfADocument) {
    EXPECT_EQ(merged(documented("\n| `/a/NAME` | GET | x |\n| `/a/NAME` | POST | x |\n| `b` | GET | x |\n")),
              (Rows{{"/a/:", "GET, POST"}}));
}

TEST(Routes, EveryOneIsFoundAtItsAddress) {
    std::set<Page> pages;
    for (const RouteRow& row : all_routes()) {
        const auto found = find_route(example_of(row));
        ASSERT_TRUE(found) << row.path;
        EXPECT_TRUE(pages.insert(found->page).second) << row.path;
        EXPECT_EQ(methods_of(found->page), row.methods);
    }
}

/// Whether a row of the table is this address segment for segment, read in another way than find_route does.
bool is_row(const std::string& address) {
    const auto rows = all_routes();
    return std::ranges::any_of(rows, [&](const RouteRow& row) {
        return std::regex_match(address, std::regex(std::regex_replace(row.path, std::regex(":"), "[^/]+")));
    });
}

TEST(Routes, NoAddressIsTakenForOneThatBeginsOrEndsLikeIt) {
    std::size_t strangers = 0;
    for (const RouteRow& row : all_routes()) {
        const std::string whole = example_of(row);
        std::vector<std::string> near = {"/x" + whole, whole + "/x", whole + "/x/y"};
        for (std::size_t at = 1; at <= whole.size(); ++at) {
            if (at == whole.size() || whole[at] == '/') {  // where a segment ends
                near.push_back(whole.substr(0, at) + "x" + whole.substr(at));
                near.push_back(whole.substr(0, at) + "-2" + whole.substr(at));
                near.push_back(whole.substr(0, at - 1) + whole.substr(at));
            }
            near.push_back(whole.substr(0, at));
        }
        for (const std::string& address : near) {
            if (address.empty() || address.ends_with('/') || address.find("//") != std::string::npos) {
                continue;  // the guard of requests lets none of these through
            }
            EXPECT_EQ(find_route(address).has_value(), is_row(address)) << address;
            strangers += is_row(address) ? 0U : 1U;
        }
    }
    EXPECT_GT(strangers, 100U);
}

TEST(Routes, ANameIsTheWholeSegment) {
    for (const char* name : {"hill", "hill-", "hill-2", "hil", "hilly"}) {
        const auto found = find_route("/p/" + std::string(name) + "/submissions");
        ASSERT_TRUE(found);
        EXPECT_EQ(found->page, Page::submissions);
        EXPECT_EQ(found->practice, name);
    }
}

}  // namespace
}  // namespace firedrill::web
