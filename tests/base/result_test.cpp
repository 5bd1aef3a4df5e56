#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace firedrill {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) {
        return Error{Fault::bad_input, "odd"};
    }
    return number / 2;
}

Result<int> quarter(int number) {
    const int once = TRY(half(number));
    return half(once);
}

Status only_even(int number) {
    TRY(half(number));
    return {};
}

TEST(Result, HoldsAValueOrAnError) {
    const auto good = half(4);
    ASSERT_TRUE(good.is_ok());
    EXPECT_EQ(*good, 2);
    const auto bad = half(3);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().fault, Fault::bad_input);
    EXPECT_EQ(bad.error().text, "odd");
}

TEST(Result, TryReturnsTheFirstErrorUnchanged) {
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(6).error().text, "odd");
    EXPECT_EQ(quarter(5).error().fault, Fault::bad_input);
    EXPECT_TRUE(only_even(2).is_ok());
    EXPECT_FALSE(only_even(1).is_ok());
}

TEST(Result, CarriesMoveOnlyValues) {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
    const std::unique_ptr<int> taken = std::move(result).value();
    EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ReadingTheWrongSideAborts) {
    EXPECT_DEATH((void)half(3).value(), "CHECK failed");
    EXPECT_DEATH((void)half(4).error(), "CHECK failed");
    EXPECT_DEATH(Status(Error{Fault::refused, "no"}).value(), "CHECK failed");
}

TEST(Fault, EveryNameIsDifferentAndPlain) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Fault::internal); ++i) {
        const std::string_view name = fault_name(static_cast<Fault>(i));
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Fault::internal) + 1);
}

}  // namespace
}  // namespace firedrill
