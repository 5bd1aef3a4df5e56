#include "web/submission_list.h"

#include <gtest/gtest.h>

#include <limits>

namespace firedrill::web {
namespace {

TEST(SubmissionList, APlaceInTheListIsReadBackAsItWasWritten) {
    for (const std::int64_t received :
         {std::int64_t{0}, std::int64_t{-5}, std::int64_t{1'790'000'000'000'000'000},
          std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        forms::Summary summary{{}, "phq-9", WallTime{received}};
        summary.id.bytes.fill(0xab);

        const auto older = read_list_query("older=" + key_text(summary));
        const auto newer = read_list_query("as=json&newer=" + key_text(summary));

        ASSERT_TRUE(older && newer) << received;
        EXPECT_EQ(older->wish.from, forms::ListFrom::older_than);
        EXPECT_EQ(older->wish.limit, kListLimit);
        EXPECT_EQ(older->wish.key, (forms::ListKey{summary.received, summary.id}));
        EXPECT_FALSE(older->is_json);
        EXPECT_EQ(newer->wish.from, forms::ListFrom::newer_than);
        EXPECT_EQ(newer->wish.key, older->wish.key);
        EXPECT_TRUE(newer->is_json);
    }
}

TEST(SubmissionList, AnEmptyQueryAsksForTheNewest) {
    const auto query = read_list_query("");
    ASSERT_TRUE(query.has_value());
    EXPECT_EQ(query->wish.from, forms::ListFrom::newest);
    EXPECT_EQ(query->wish.limit, kListLimit);
}

TEST(SubmissionList, TheJsonNamesTheFormsAndTheNeighbours) {
    forms::SummaryPage page;
    EXPECT_EQ(list_json("alpha", page).body, "{\"submissions\":[],\"newer\":null,\"older\":null}\n");
    forms::Summary summary{{}, "phq-9", WallTime{1'790'000'000'000'000'000}};
    summary.id.bytes.fill(0xaa);
    page.items = {summary, summary};
    page.items[1].received.ns += 1;
    page.has_older = true;

    const std::string id(32, 'a');
    const std::string one = "{\"id\":\"" + id + R"(","form":"phq-9","received":"2026-09-21T14:13:20Z"})";
    EXPECT_EQ(list_json("alpha", page).body,
              "{\"submissions\":[" + one + "," + one + R"(],"newer":null,)" +
                  R"("older":"/p/alpha/submissions?older=1790000000000000001-)" + id + "&as=json\"}\n");
}

TEST(SubmissionList, AMalformedQueryIsRefused) {
    const std::string id(32, 'a');
    const std::vector<std::string> wrong{"older=",
                                         "older=7",
                                         "older=-" + id,
                                         "older=x7-" + id,
                                         "older=7x-" + id,
                                         "older=7-" + id + "0",
                                         "older=7-" + id.substr(1),
                                         "older=7-" + std::string(32, 'g'),
                                         "older=99999999999999999999-" + id,
                                         "older=7-" + id + "&older=7-" + id,
                                         "older=7-" + id + "&newer=7-" + id,
                                         "newer=%00-" + id,
                                         "newer=%zz",
                                         "as=xml",
                                         "as=json&as=json"};
    for (const std::string& query : wrong) {
        EXPECT_FALSE(read_list_query(query).has_value()) << query;
    }
}

}  // namespace
}  // namespace firedrill::web
