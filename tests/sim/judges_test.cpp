#include <gtest/gtest.h>

#include "sim/judge_durability.h"
#include "sim/judge_integrity.h"
#include "sim/judge_nonces.h"
#include "sim/judge_recovery.h"

namespace firedrill::sim {
namespace {

Instant at(Duration since_start) {
    return Instant{} + since_start;
}
Digest digest_of(const std::string& answer) {
    return content_digest({{"Question", answer}});
}

void confirm(Ledger& ledger, const std::string& page, const std::string& id, const std::string& answer,
             Duration when) {
    ledger.attempt({page, "", "clinic", "form", "patient", "", digest_of(answer), at(when), {}, 0});
    EXPECT_TRUE(ledger.acknowledge(page, id, at(when)));
}

TEST(DurabilityJudge, CallsAnAbsentConfirmedSubmissionLost) {
    Ledger ledger;
    confirm(ledger, "p1", "s1", "a", 1h);
    confirm(ledger, "p2", "s2", "b", 2h);

    const DurabilityFinding found =
        judge_durability(ledger, {{"s1", AuditOutcome::absent}, {"s2", AuditOutcome::equal}}, at(5h));

    EXPECT_EQ(found.acknowledged, 2u);
    EXPECT_EQ(found.lost, 1u);
    EXPECT_EQ(found.first_lost, std::vector<std::string>{"s1"});
    EXPECT_DOUBLE_EQ(found.rpo_seconds, 4 * 3600.0);
    EXPECT_TRUE(found.is_complete());
}

TEST(DurabilityJudge, DoesNotCallLostWhatNobodyCouldAskAbout) {
    Ledger ledger;
    confirm(ledger, "p1", "s1", "a", 1h);
    confirm(ledger, "p2", "s2", "b", 1h);

    const DurabilityFinding found = judge_durability(ledger, {{"s1", AuditOutcome::unreachable}}, at(2h));

    EXPECT_EQ(found.lost, 0u);
    EXPECT_EQ(found.unknown, 2u);
    EXPECT_FALSE(found.is_complete());
}

TEST(DurabilityJudge, IgnoresWhatWasNeverConfirmed) {
    Ledger ledger;
    ledger.attempt({"p1", "", "clinic", "form", "patient", "", digest_of("a"), at(1h), {}, 0});
    EXPECT_EQ(judge_durability(ledger, {}, at(2h)).acknowledged, 0u);
}

TEST(IntegrityJudge, AcceptsWhatWasSubmittedAndNothingElse) {
    Ledger ledger;
    confirm(ledger, "p1", "s1", "a", 1h);
    IntegrityJudge judge(ledger);

    EXPECT_TRUE(judge.saw_read("clinic", "s1", digest_of("a"), {"canary"}, at(2h)));
    EXPECT_TRUE(judge.saw_read("clinic", "s1", digest_of("a"), {"canary"}, at(2h)));
    EXPECT_FALSE(judge.saw_read("clinic", "s1", digest_of("b"), {}, at(2h)));     // altered
    EXPECT_FALSE(judge.saw_read("elsewhere", "s1", digest_of("a"), {}, at(2h)));  // another practice's staff
    EXPECT_FALSE(judge.saw_read("clinic", "s9", digest_of("a"), {}, at(2h)));     // nobody sent it
    EXPECT_EQ(judge.count(), 3u);
    EXPECT_EQ(judge.reads(), 5u);
}

TEST(IntegrityJudge, FindsOneSubmissionUnderTwoIds) {
    Ledger ledger;
    confirm(ledger, "p1", "s1", "a", 1h);
    ledger.attempt({"p2", "", "clinic", "form", "patient", "", digest_of("a"), at(1h), {}, 0});
    IntegrityJudge judge(ledger);

    EXPECT_TRUE(judge.saw_read("clinic", "s1", digest_of("a"), {"canary"}, at(2h)));
    EXPECT_FALSE(judge.saw_read("clinic", "s2", digest_of("a"), {"canary"}, at(2h)));
    judge.saw_list({"s1", "s2", "s1"}, at(3h));
    EXPECT_EQ(judge.count(), 2u);
    EXPECT_FALSE(ledger.acknowledge("p1", "s7", at(4h)));  // the page was confirmed as s1 before
}

TEST(IntegrityJudge, LetsAnUnconfirmedAttemptAppearOnce) {
    Ledger ledger;
    ledger.attempt({"p1", "", "clinic", "form", "patient", "", digest_of("a"), at(1h), {}, 0});
    IntegrityJudge judge(ledger);

    EXPECT_TRUE(judge.saw_read("clinic", "s1", digest_of("a"), {}, at(2h)));
    EXPECT_FALSE(judge.saw_read("clinic", "s2", digest_of("a"), {}, at(2h)));
    EXPECT_TRUE(ledger.acknowledge("p1", "s1", at(3h)));
}

TEST(NonceJudge, CountsANonceThatAStoreUsedBefore) {
    NonceJudge judge;
    NonceJudge::Nonce nonce{};
    StoreId other;
    other.bytes[0] = 1;

    judge.saw_seal({}, nonce);
    judge.saw_seal(other, nonce);  // another store has another key
    EXPECT_EQ(judge.reused(), 0u);
    judge.saw_seal({}, nonce);
    EXPECT_EQ(judge.reused(), 1u);
    EXPECT_EQ(judge.seals(), 3u);
}

TEST(RecoveryJudge, SplitsAnOutageIntoPartsThatAddUp) {
    RecoveryJudge judge;
    judge.hazard(at(1h));
    judge.acknowledged(at(1h + 1min));  // the broken node still answered: that ends nothing
    judge.detected(at(1h + 2min));
    judge.detected(at(1h + 3min));
    judge.decided(at(1h + 5min));
    judge.provisioned(at(1h + 6min));
    judge.restored(at(1h + 6min + 10s), {2s, 3s, 5s});
    judge.serving(at(1h + 6min + 12s));
    judge.staff_read(at(1h + 7min));
    EXPECT_TRUE(judge.is_open());
    judge.acknowledged(at(1h + 8min));
    EXPECT_FALSE(judge.is_open());

    const RecoverySplit split = judge.worst().value();
    EXPECT_DOUBLE_EQ(split.total, 480);
    EXPECT_DOUBLE_EQ(split.detect, 120);
    EXPECT_DOUBLE_EQ(split.decide, 180);
    EXPECT_DOUBLE_EQ(split.provision, 60);
    EXPECT_DOUBLE_EQ(split.verify, 3);
    EXPECT_DOUBLE_EQ(split.detect + split.decide + split.provision + split.fetch + split.verify +
                         split.replay + split.serve,
                     split.total);
}

TEST(RecoveryJudge, PrefersTheSlowestRestoreToAnyRestart) {
    RecoveryJudge judge;
    judge.hazard(at(1h));
    judge.restored(at(1h + 1min), {});
    judge.serving(at(1h + 1min));
    judge.staff_read(at(1h + 2min));
    judge.acknowledged(at(1h + 2min));
    judge.hazard(at(5h));
    judge.serving(at(6h));
    judge.staff_read(at(6h));
    judge.acknowledged(at(6h));

    EXPECT_DOUBLE_EQ(judge.worst().value().total, 120);
    EXPECT_EQ(judge.outages().size(), 2u);
}

TEST(RecoveryJudge, KnowsNoRecoveryWhileTheServiceIsAway) {
    RecoveryJudge judge;
    EXPECT_FALSE(judge.worst());
    judge.hazard(at(1h));
    judge.acknowledged(at(2h));
    EXPECT_TRUE(judge.is_open());
    EXPECT_FALSE(judge.worst());
}

}  // namespace
}  // namespace firedrill::sim
