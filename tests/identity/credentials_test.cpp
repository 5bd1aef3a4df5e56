// From a password to a practice key, without a store: what opens, what does not, and what an operator can do.
#include "identity/creation.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "crypto/aead.h"
#include "crypto/keypair.h"
#include "tests/support/practice_world.h"
#include "tests/support/test_entropy.h"

namespace firedrill::identity {
namespace {

using test::secret;

constexpr TimelineId kTimeline{{5}};
constexpr std::string_view kPassword = "plum-kettle-orbit-42";

CreatedPractice sample(Entropy& entropy) {
    return make_practice({"harbor", "Harbor", "ada", secret(kPassword)}, kTimeline, crypto::kToyCost,
                         WallTime{1'800'000'000'000'000'000}, entropy);
}

class CredentialsTest : public testing::Test {
  protected:
    test::TestEntropy entropy_{3};
    CreatedPractice made_ = sample(entropy_);

    Fault fault_of(const Credentials& rows, std::string_view password = kPassword) {
        const auto opened = open_credentials(rows, secret(password));
        EXPECT_FALSE(opened.is_ok());
        return opened.is_ok() ? Fault::internal : opened.error().fault;
    }
};

TEST_F(CredentialsTest, ThePasswordLeadsToThePageKeys) {
    const auto practice_key = open_credentials(made_.rows, secret(kPassword));
    ASSERT_TRUE(practice_key.is_ok()) << practice_key.error().text;
    const auto epoch = open_epoch(made_.rows.practice.id, made_.epoch, *practice_key);
    ASSERT_TRUE(epoch.is_ok());
    EXPECT_EQ(epoch->epoch, 1u);
    EXPECT_EQ(epoch->timeline, kTimeline);
    EXPECT_TRUE(crypto::equal_secret(epoch->key.view(), made_.ring[0].key.view()));
    EXPECT_EQ(crypto::age_identity_from(made_.inbox_identity)->public_key,
              made_.rows.practice.inbox_recipient);
}

TEST_F(CredentialsTest, OtherPasswordsAndDecoysAreTheSameFault) {
    EXPECT_EQ(fault_of(made_.rows, "plum-kettle-orbit-43"), Fault::wrong_secret);
    EXPECT_EQ(fault_of(made_.rows, ""), Fault::wrong_secret);
    EXPECT_EQ(fault_of(make_decoy(crypto::kToyCost, entropy_)), Fault::wrong_secret);
    made_.rows.person.state = PersonState::disabled;
    EXPECT_EQ(fault_of(made_.rows), Fault::wrong_secret);
}

TEST_F(CredentialsTest, EveryAlteredByteOfEveryWrapIsRefused) {
    for (std::size_t at = 0; at < made_.rows.person.wrapped_private.size(); ++at) {
        made_.rows.person.wrapped_private[at] ^= 1;
        EXPECT_FALSE(open_credentials(made_.rows, secret(kPassword)).is_ok()) << at;
        made_.rows.person.wrapped_private[at] ^= 1;
    }
    for (std::size_t at = 0; at < made_.rows.sealed_practice_key.size(); ++at) {
        made_.rows.sealed_practice_key[at] ^= 1;
        EXPECT_EQ(fault_of(made_.rows), Fault::damaged) << at;
        made_.rows.sealed_practice_key[at] ^= 1;
    }
    const auto practice_key = open_credentials(made_.rows, secret(kPassword));
    ASSERT_TRUE(practice_key.is_ok());
    for (std::size_t at = 0; at < made_.epoch.wrapped.size(); ++at) {
        made_.epoch.wrapped[at] ^= 1;
        EXPECT_FALSE(open_epoch(made_.rows.practice.id, made_.epoch, *practice_key).is_ok()) << at;
        made_.epoch.wrapped[at] ^= 1;
    }
    made_.epoch.commitment.bytes[0] ^= 1;
    EXPECT_FALSE(open_epoch(made_.rows.practice.id, made_.epoch, *practice_key).is_ok());
}

TEST_F(CredentialsTest, WrapsOfOnePracticeOrPersonDoNotFitAnother) {
    CreatedPractice other = sample(entropy_);  // same password, same names
    const auto mine = open_credentials(made_.rows, secret(kPassword));
    ASSERT_TRUE(mine.is_ok());
    EXPECT_FALSE(open_epoch(other.rows.practice.id, other.epoch, *mine).is_ok());
    EpochRow renumbered = made_.epoch;
    renumbered.epoch = 2;
    EXPECT_FALSE(open_epoch(made_.rows.practice.id, renumbered, *mine).is_ok());

    Credentials spliced = sample(entropy_).rows;
    spliced.sealed_practice_key = made_.rows.sealed_practice_key;
    EXPECT_EQ(fault_of(spliced), Fault::damaged);
    Credentials renamed = sample(entropy_).rows;
    renamed.practice.id = made_.rows.practice.id;
    EXPECT_EQ(fault_of(renamed), Fault::wrong_secret);
}

// An operator writes the directory as they like. What would let them read is refused at the next sign-in.
TEST_F(CredentialsTest, AnInboxRecipientSlippedInByAnOperatorIsFound) {
    made_.rows.practice.inbox_recipient = crypto::make_age_identity(entropy_).public_key;
    EXPECT_EQ(fault_of(made_.rows), Fault::damaged);
}

TEST_F(CredentialsTest, APersonSlippedInByAnOperatorIsFound) {
    SlotFact stranger = made_.rows.slots[0];
    stranger.person.bytes[0] ^= 1;
    made_.rows.slots.push_back(stranger);
    EXPECT_EQ(fault_of(made_.rows), Fault::damaged);
}

TEST_F(CredentialsTest, ARoleRaisedByAnOperatorIsFound) {
    made_.rows.slots[0].role = Role::read_only;
    EXPECT_EQ(fault_of(made_.rows), Fault::damaged);
}

TEST(Operator, OpensNoPracticeWithEverythingButThePassword) {
    test::PracticeWorld world(31);
    ASSERT_TRUE(world.create().is_ok());
    const StoreId practice = world.practice_id();
    // The node key, the directory's page keys, or a ring of their own making: none opens the store.
    store::KeyRing directory = test::copy_ring(world.keys.directory);
    const auto with_directory_keys = world.wait<void>([&](auto then) {
        world.storage->unlock(practice, std::move(directory), forms::practice_migrations(), then);
    });
    EXPECT_FALSE(with_directory_keys.is_ok());
    store::KeyRing own;
    own.push_back({1, world.storage->timeline(), world.keys.node_key.copy()});
    const auto with_node_key = world.wait<void>([&](auto then) {
        world.storage->unlock(practice, std::move(own), forms::practice_migrations(), then);
    });
    EXPECT_FALSE(with_node_key.is_ok());
    EXPECT_FALSE(world.storage->is_unlocked(practice));
    EXPECT_TRUE(world.sign_in().is_ok());  // and the attempts did no harm
}

TEST(Phc, WritesAndReadsTheStandardText) {
    PasswordRecord record;
    record.cost = crypto::kProductionCost;
    record.salt.fill(0xFF);
    EXPECT_EQ(write_phc(record), "$argon2id$v=19$m=65536,t=3,p=1$/////////////////////w");
    const auto read = read_phc(write_phc(record));
    ASSERT_TRUE(read.is_ok());
    EXPECT_EQ(read->cost, record.cost);
    EXPECT_EQ(read->salt, record.salt);
}

TEST(Phc, RefusesWhatItDidNotWrite) {
    for (const char* bad : {"", "$argon2id$", "$argon2i$v=19$m=65536,t=3,p=1$/////////////////////w",
                            "$argon2id$v=16$m=65536,t=3,p=1$/////////////////////w",
                            "$argon2id$v=19$m=065536,t=3,p=1$/////////////////////w",
                            "$argon2id$v=19$m=65536,t=3,p=2$/////////////////////w",
                            "$argon2id$v=19$m=7,t=3,p=1$/////////////////////w",
                            "$argon2id$v=19$m=1048577,t=3,p=1$/////////////////////w",
                            "$argon2id$v=19$m=65536,t=0,p=1$/////////////////////w",
                            "$argon2id$v=19$m=65536,t=17,p=1$/////////////////////w",
                            "$argon2id$v=19$m=4294967297,t=3,p=1$/////////////////////w",
                            "$argon2id$v=19$m=65536,t=3,p=1$////////////////////w",
                            "$argon2id$v=19$m=65536,t=3,p=1$/////////////////////w$",
                            "$argon2id$v=19$m=-8,t=3,p=1$/////////////////////w"}) {
        const auto read = read_phc(bad);
        ASSERT_FALSE(read.is_ok()) << bad;
        EXPECT_EQ(read.error().fault, Fault::damaged);
    }
}

RC_GTEST_PROP(PhcProperties, ReaderSurvivesAnyText, (const std::string& noise)) {
    RC_ASSERT(!read_phc(noise).is_ok());
    RC_ASSERT(!read_phc("$argon2id$v=19$m=" + noise).is_ok());
}

}  // namespace
}  // namespace firedrill::identity
