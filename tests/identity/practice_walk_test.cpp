// Whoever should be able to open a practice can, nobody else can, and no submission is lost or doubled,
// whatever people do and whenever the power goes.
#include "tests/identity/practice_walk.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>

namespace firedrill::identity {
namespace {

using test::Act;
using test::PracticeWalk;
using test::Step;

rc::Gen<Step> any_step() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange<std::uint32_t>(0, test::kActs),
                       rc::gen::inRange<std::uint32_t>(0, 60), rc::gen::inRange<std::uint32_t>(0, 60),
                       rc::gen::weightedOneOf<std::uint32_t>({{3, rc::gen::just<std::uint32_t>(0)},
                                                              {1, rc::gen::inRange<std::uint32_t>(1, 30)}})),
        [](const std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>& drawn) {
            const auto [act, who, what, cut] = drawn;
            return Step{static_cast<Act>(act), who, what, cut};
        });
}

RC_GTEST_PROP(PracticeModel, RandomHistoriesAgreeWithAPlainModel, ()) {
    const bool is_long = std::getenv("FIREDRILL_LONG") != nullptr;
    // At full size from the first case on: at a small one the last acts would never be drawn.
    const auto count =
        *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(10, is_long ? 200 : 40));
    const auto steps =
        *rc::gen::resize(rc::kNominalSize, rc::gen::container<std::vector<Step>>(count, any_step()));
    PracticeWalk walk;
    for (const Step& step : steps) {
        walk.run(step);
    }
    walk.finish();
    RC_CLASSIFY(walk.acts() > 5, "more than five acts");
    RC_CLASSIFY(walk.restores() > 0, "the practice was taken back");
}

// Every act, in an order in which each has something to do: no luck is needed to meet them.
TEST(PracticeModel, AHistoryThatHoldsEveryActAgreesToo) {
    const std::vector<Step> steps{{Act::submit, 0, 0, 0},
                                  {Act::invite, 1, 0, 0},
                                  {Act::join, 0, 0, 0},
                                  {Act::invite, 1, 1, 0},
                                  {Act::join, 0, 0, 0},
                                  {Act::stay_signed_in, 1, 0, 0},
                                  {Act::stay_signed_in, 2, 0, 0},
                                  {Act::make_escrow, 2, 1, 0},
                                  {Act::wrong_sign_in, 1, 0, 0},
                                  {Act::change_password, 1, 0, 0},
                                  {Act::invite, 1, 1, 0},
                                  {Act::disable, 1, 0, 0},
                                  {Act::submit, 0, 0, 0},
                                  {Act::disable_by_operator, 2, 0, 0},
                                  {Act::stay_signed_in, 0, 0, 0},
                                  {Act::replace_kit, 0, 0, 0},
                                  {Act::restore_all, 0, 0, 0},
                                  {Act::use_escrow, 0, 0, 0},
                                  {Act::make_escrow, 3, 0, 0},
                                  {Act::end_escrow, 0, 0, 0},
                                  {Act::use_code, 0, 0, 0},
                                  {Act::reboot, 0, 0, 0},
                                  {Act::submit, 0, 0, 9},
                                  {Act::replace_kit, 0, 0, 9},
                                  {Act::factor_on, 0, 0, 0},
                                  {Act::sign_in_with_code, 0, 0, 0},
                                  {Act::sign_in_with_code, 1, 1, 0},
                                  {Act::sign_in_with_code, 0, 5, 0},
                                  {Act::sign_in_with_code, 1, 2, 0},
                                  {Act::sign_in_with_code, 1, 2, 4},
                                  {Act::sign_in_with_code, 0, 3, 0},
                                  {Act::sign_in_with_code, 1, 1, 6},
                                  {Act::restore_all, 0, 0, 0},
                                  {Act::change_password, 0, 0, 0},
                                  {Act::factor_off, 0, 0, 0},
                                  {Act::factor_on, 0, 0, 0},
                                  {Act::submit, 0, 0, 0},
                                  {Act::stay_signed_in, 0, 0, 0},
                                  {Act::restore_practice, 0, 4, 0},
                                  {Act::submit, 0, 0, 0},
                                  {Act::stay_signed_in, 0, 0, 0},
                                  {Act::restore_practice, 0, 1, 0},
                                  {Act::submit, 0, 0, 0},
                                  {Act::restore_practice, 0, 0, 5}};
    try {
        PracticeWalk walk;
        for (const Step& step : steps) {
            walk.run(step);
        }
        walk.finish();
        EXPECT_GE(walk.acts(), 26u);
        EXPECT_GE(walk.restores(), 2u);
    } catch (const rc::detail::CaseResult& disagreement) {
        FAIL() << disagreement.description;
    }
}

}  // namespace
}  // namespace firedrill::identity
