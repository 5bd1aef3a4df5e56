#include "node/control.h"

#include <gtest/gtest.h>

namespace firedrill::node {
namespace {

TEST(ControlAnswer, CarriesAResultAndAnError) {
    Result<std::string> good = decode_answer(encode_answer(std::string(R"({"a":[1,"x"]})")));
    ASSERT_TRUE(good);
    EXPECT_EQ(*good, R"({"a":[1,"x"]})");

    Result<std::string> bad =
        decode_answer(encode_answer(Error{Fault::exists, "practice \"a\" exists already"}));
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().fault, Fault::exists);
    EXPECT_EQ(bad.error().text, "practice \"a\" exists already");
}

TEST(ControlAnswer, RefusesWhatIsNotOne) {
    for (const char* line : {"", "{}", "[]", "{\"ok\":1}", "{\"ok\":true}", "{\"ok\":false}", "nonsense",
                             "{\"ok\":false,\"fault\":1,\"text\":\"x\"}"}) {
        Result<std::string> answer = decode_answer(line);
        ASSERT_FALSE(answer) << line;
        EXPECT_EQ(answer.error().fault, Fault::bad_input) << line;
    }
}

}  // namespace
}  // namespace firedrill::node
