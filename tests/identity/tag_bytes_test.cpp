// Every tag of the directory is compared whole: with any one byte of it altered, what it covers is refused.
//
// Tags of pages, wraps, key slots and age files: tests/crypto; of members and records: tests/store; tokens
// of forms and sessions: tests/web/near_names_test.cpp.
#include <gtest/gtest.h>

#include "crypto/totp.h"
#include "identity/creation.h"
#include "identity/roster.h"
#include "identity/second_factor.h"
#include "tests/support/practice_world.h"
#include "tests/support/test_entropy.h"

namespace firedrill::identity {
namespace {

using test::secret;

constexpr std::string_view kPassword = "plum-kettle-orbit-42";

class TagBytes : public testing::Test {
  protected:
    test::TestEntropy entropy_{11};
    CreatedPractice made_ = make_practice({"harbor", "Harbor", "ada", secret(kPassword)}, TimelineId{{5}},
                                          crypto::kToyCost, WallTime{1'800'000'000'000'000'000}, entropy_);

    crypto::Secret practice_key() const { return open_credentials(made_.rows, secret(kPassword)).value(); }
    Roster roster() const {
        Roster out;
        out.practice = made_.rows.practice;
        out.members.push_back({made_.rows.person, made_.rows.sealed_practice_key});
        vouch_for(out, practice_key());
        return out;
    }
    /// How many bytes of `bytes` may be altered, each alone, without `is_accepted` turning false.
    template <typename Container, typename Check>
    static std::size_t unseen(Container& bytes, const Check& is_accepted) {
        EXPECT_TRUE(is_accepted()) << "the control: unaltered it is accepted";
        std::size_t count = 0;
        for (auto& byte : bytes) {
            byte ^= 0x10;
            count += is_accepted() ? 1U : 0U;
            byte ^= 0x10;
        }
        return count;
    }
};

TEST_F(TagBytes, OfTheSlotListAtASignIn) {
    EXPECT_EQ(made_.rows.practice.slot_list_tag.bytes.size(), 32U);
    const auto opens = [&] { return open_credentials(made_.rows, secret(kPassword)).is_ok(); };
    EXPECT_EQ(unseen(made_.rows.practice.slot_list_tag.bytes, opens), 0U);
    EXPECT_EQ(unseen(made_.rows.practice.inbox_recipient, opens), 0U);
    EXPECT_EQ(unseen(made_.rows.slots.at(0).person.bytes, opens), 0U);
    EXPECT_EQ(unseen(made_.rows.slots.at(0).public_key.bytes, opens), 0U);
}

TEST_F(TagBytes, OfTheSlotListBeforeTheRosterIsChanged) {
    Roster changed = roster();
    const crypto::Secret key = practice_key();
    const auto holds = [&] { return check_roster(changed, key).is_ok(); };
    EXPECT_EQ(unseen(changed.practice.slot_list_tag.bytes, holds), 0U);
    EXPECT_EQ(unseen(changed.practice.inbox_recipient, holds), 0U);
    ASSERT_TRUE(changed.safekeeping.tag);
    EXPECT_EQ(unseen(changed.safekeeping.tag->bytes, holds), 0U);
}

TEST_F(TagBytes, OfKitAndEscrow) {
    const crypto::Secret key = practice_key();
    ASSERT_TRUE(made_.safekeeping.tag);
    const auto holds = [&] { return is_vouched(key, made_.rows.practice.id, made_.safekeeping); };
    EXPECT_EQ(unseen(made_.safekeeping.tag->bytes, holds), 0U);
}

TEST_F(TagBytes, OfThePageKeysCommitment) {
    const crypto::Secret key = practice_key();
    const auto opens = [&] { return open_epoch(made_.rows.practice.id, made_.epoch, key).is_ok(); };
    EXPECT_EQ(unseen(made_.epoch.commitment.bytes, opens), 0U);
    EXPECT_EQ(unseen(made_.epoch.wrapped, opens), 0U);
}

TEST_F(TagBytes, OfASpareCode) {
    OpenedAccount account;
    account.private_key = secret("a private half");
    account.totp_secret = crypto::Secret(crypto::kTotpSecretSize);
    const SpareCodes codes = draw_spare_codes(account.private_key, made_.rows.person.id, entropy_);
    made_.rows.second_factor.spare_codes = {codes.tags.at(0)};
    const std::string typed(codes.shown.at(0));
    const auto is_taken = [&] {
        return check_code(made_.rows, account, as_bytes(typed), 1, false).use == CodeUse::spare;
    };
    EXPECT_EQ(unseen(made_.rows.second_factor.spare_codes.at(0).bytes, is_taken), 0U);
}

}  // namespace
}  // namespace firedrill::identity
