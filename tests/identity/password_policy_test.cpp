#include "identity/password_policy.h"

#include <gtest/gtest.h>

#include <array>

namespace firedrill::identity {
namespace {

Status check(std::string_view text, PasswordUse use = PasswordUse::staff_alone) {
    constexpr std::array<std::string_view, 2> kAround{"harbor-pt", "jordan"};
    Result<crypto::Secret> normalised = normalise_password(as_bytes(text));
    return normalised ? check_new_password(*normalised, use, kAround) : Status(normalised.error());
}

TEST(PasswordPolicy, TakesLongUnrelatedWordsAndRandomLetters) {
    for (const char* good :
         {"sunlit otter 42 basket", "correcter hearse buttery stapler", "k7mq-x2pd-9wet-hhrn-44vz",
          "ein Zug fährt nach Łódź am Montag", "пятнадцать воронов летят"}) {
        EXPECT_TRUE(check(good)) << good;
    }
}

TEST(PasswordPolicy, RefusesShortCommonRelatedAndGuessableOnes) {
    for (const char* bad : {"short", "14 characters!", "123456789012345", "aaaaaaaaaaaaaaaaaaaa",
                            "passwordpassword", "abcdefghijklmnopqrst", "qwertyuiopasdfgh", "Harbor-PT 2026!",
                            "jordanjordanjordan", "1q2w3e4r5t6y7u8i"}) {
        EXPECT_FALSE(check(bad)) << bad;
    }
}

TEST(PasswordPolicy, AsksLessWhereASecondFactorHelps) {
    EXPECT_FALSE(check("vexing-0tter", PasswordUse::staff_alone));
    EXPECT_TRUE(check("vexing-0tter", PasswordUse::staff_second_factor));
    EXPECT_TRUE(check("zk4!pwqr", PasswordUse::patient_second_factor));
    EXPECT_FALSE(check("zk4!pwq", PasswordUse::patient_second_factor));
}

TEST(PasswordPolicy, KnowsCommonPasswordsInAnyCase) {
    for (const char* common : {"password1", "PASSWORD1", "iloveyou1", "qwertyuiop", "1qaz2wsx3edc"}) {
        EXPECT_TRUE(is_common_password(as_bytes(common))) << common;
    }
    EXPECT_FALSE(is_common_password(as_bytes("sunlit otter 42 basket")));
}

TEST(PasswordPolicy, WronglyRefusesFewerThanOneInAThousand) {
    int refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        refused += is_common_password(as_bytes("never listed " + std::to_string(i * 7919))) ? 1 : 0;
    }

    EXPECT_LT(refused, 20);
}

TEST(PasswordPolicy, NormalisesSoThatTwoKeyboardsAgree) {
    Result<crypto::Secret> composed = normalise_password(as_bytes("caf\xc3\xa9 terrace"));
    Result<crypto::Secret> combining = normalise_password(as_bytes("cafe\xcc\x81 terrace"));

    ASSERT_TRUE(composed);
    ASSERT_TRUE(combining);
    EXPECT_TRUE(crypto::equal_secret(composed->view(), combining->view()));
}

TEST(PasswordPolicy, KeepsEveryByteUpToItsLimitAndRefusesBrokenText) {
    const std::string longest(kLongestPassword, 'x');
    EXPECT_EQ(normalise_password(as_bytes(longest))->size_bytes(), kLongestPassword);
    EXPECT_FALSE(normalise_password(as_bytes(longest + "x")));
    EXPECT_FALSE(normalise_password({}));
    EXPECT_FALSE(normalise_password(as_bytes("\xff\xfe broken text here")));
    EXPECT_EQ(normalise_password(as_bytes(std::string_view("a\0b", 3)))->size_bytes(), 3u);
}

TEST(PasswordPolicy, SaysWhatToDoAndNeverThePassword) {
    Status refused = check("passwordpassword");

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::bad_input);
    EXPECT_EQ(refused.error().text.find("passwordpassword"), std::string::npos);
}

}  // namespace
}  // namespace firedrill::identity
