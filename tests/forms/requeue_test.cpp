// A practice's store that was taken back to an earlier state gets from the inbox what it lost: exactly once,
// whatever crashes.
#include <gtest/gtest.h>

#include <set>

#include <rapidcheck/gtest.h>

#include "identity/people.h"
#include "tests/support/practice_world.h"

namespace firedrill::forms {
namespace {

using test::PracticeWorld;

SubmissionId id_of(std::uint32_t number) {
    SubmissionId id;
    store_u32(id.bytes.data(), number);
    return id;
}

class RequeueWorld : public PracticeWorld {
  public:
    explicit RequeueWorld(std::uint64_t seed) : PracticeWorld(seed) { EXPECT_TRUE(create().is_ok()); }

    Status enter() {
        const auto in = sign_in();
        token_ = in ? in->token : "";
        return in ? Status() : Status(in.error());
    }
    Status leave() { return sign_out(std::exchange(token_, "")); }
    bool is_in() const { return !token_.empty(); }
    void forget_session() { token_.clear(); }
    store::Lsn durable() const { return storage->health().durable; }
    Result<store::StoreRestorePlan> take_back(store::Lsn until) {
        return wait<store::StoreRestorePlan>([&](auto then) {
            storage->restore_store(practice_id(), {until, {}}, store::RestoreMode::go, then);
        });
    }
    /// Ids in the practice's store; fails when one is there twice.
    std::multiset<SubmissionId> stored() {
        std::multiset<SubmissionId> out;
        const auto listed = list(practice_id());
        EXPECT_TRUE(listed.is_ok()) << listed.error().text;
        for (const Summary& summary : listed ? *listed : std::vector<Summary>()) {
            out.insert(summary.id);
        }
        return out;
    }
    Status remove(SubmissionId id) {
        return wait<void>([&](auto then) {
            storage->transact(
                practice_id(), store::Access::write,
                [id](store::Database& database) -> Status {
                    auto statement = TRY(database.prepare("DELETE FROM submission WHERE id = ?1"));
                    statement.bind(1, id.view());
                    return statement.run();
                },
                then);
        });
    }
    bool has_journalled(std::string_view part) const {
        return std::any_of(journal.begin(), journal.end(),
                           [part](const std::string& line) { return line.find(part) != std::string::npos; });
    }

  private:
    std::string token_;
};

using Ids = std::multiset<SubmissionId>;

TEST(Requeue, WhatWasDrainedAfterThatStateIsDrainedAgain) {
    RequeueWorld world(1);
    ASSERT_TRUE(world.submit(id_of(1)));
    ASSERT_TRUE(world.enter());
    ASSERT_TRUE(world.leave());
    const store::Lsn state = world.durable();
    ASSERT_TRUE(world.submit(id_of(2)));
    ASSERT_TRUE(world.enter());
    ASSERT_TRUE(world.submit(id_of(3)));
    EXPECT_EQ(world.stored().size(), 3U);
    ASSERT_TRUE(world.leave());
    EXPECT_FALSE(world.has_journalled("put back"));
    const auto done = world.take_back(state);
    ASSERT_TRUE(done) << done.error().text;

    ASSERT_TRUE(world.enter());

    EXPECT_EQ(world.stored(), (Ids{id_of(1), id_of(2), id_of(3)}));
    EXPECT_TRUE(world.has_journalled("2 submissions were put back"));
    const auto read = world.wait<Submission>(
        [&](auto then) { world.submissions->read(world.practice_id(), id_of(3), then); });
    ASSERT_TRUE(read);
    EXPECT_EQ(read->response, R"({"answer":1})");
}

TEST(Requeue, WhatStaffRemovedBeforeThatStateStaysRemoved) {
    RequeueWorld world(2);
    ASSERT_TRUE(world.submit(id_of(1)));
    ASSERT_TRUE(world.submit(id_of(2)));
    ASSERT_TRUE(world.enter());
    ASSERT_TRUE(world.remove(id_of(1)));
    const store::Lsn state = world.durable();
    ASSERT_TRUE(world.remove(id_of(2)));
    ASSERT_TRUE(world.leave());
    ASSERT_TRUE(world.take_back(state));
    ASSERT_TRUE(world.enter());
    EXPECT_EQ(world.stored(), (Ids{id_of(2)}));
}

TEST(Requeue, AFutureThatWasLeftAndComeBackToLacksNothing) {
    RequeueWorld world(3);
    ASSERT_TRUE(world.enter());
    ASSERT_TRUE(world.leave());
    const store::Lsn empty = world.durable();
    for (std::uint32_t i = 1; i <= 3; ++i) {
        ASSERT_TRUE(world.submit(id_of(i)));
        ASSERT_TRUE(world.enter());
        ASSERT_TRUE(world.leave());
    }
    const store::Lsn first_future = world.durable();
    ASSERT_TRUE(world.take_back(empty));
    ASSERT_TRUE(world.submit(id_of(4)));
    ASSERT_TRUE(world.enter());
    EXPECT_EQ(world.stored().size(), 4U);
    ASSERT_TRUE(world.leave());
    const store::Lsn second_future = world.durable();
    ASSERT_TRUE(world.take_back(first_future));  // never saw the fourth
    ASSERT_TRUE(world.enter());
    EXPECT_EQ(world.stored(), (Ids{id_of(1), id_of(2), id_of(3), id_of(4)}));
    ASSERT_TRUE(world.submit(id_of(5)));
    ASSERT_TRUE(world.leave());
    ASSERT_TRUE(world.take_back(second_future));
    ASSERT_TRUE(world.enter());
    EXPECT_EQ(world.stored(), (Ids{id_of(1), id_of(2), id_of(3), id_of(4), id_of(5)}));
}

TEST(Requeue, HoldsAcrossRestarts) {
    RequeueWorld world(4);
    ASSERT_TRUE(world.submit(id_of(1)));
    ASSERT_TRUE(world.enter());
    ASSERT_TRUE(world.leave());
    const store::Lsn state = world.durable();
    world.reboot();
    ASSERT_TRUE(world.submit(id_of(2)));
    ASSERT_TRUE(world.enter());
    ASSERT_TRUE(world.leave());
    ASSERT_TRUE(world.take_back(state));
    world.reboot();
    ASSERT_TRUE(world.enter());
    EXPECT_EQ(world.stored(), (Ids{id_of(1), id_of(2)}));
}

TEST(Requeue, KeysOfLaterThanThatStateStayValidAndItsOldPagesAreSealedAnew) {
    RequeueWorld world(5);
    identity::People& people = world.identity->people();
    const auto in = world.sign_in();
    ASSERT_TRUE(in);
    ASSERT_TRUE(world.submit(id_of(1)));
    const auto me = [&] {
        return identity::Confirmation{in->session, test::secret(PracticeWorld::kPassword), "10.0.0.9"};
    };
    const auto invited = world.wait<identity::Invitation>(
        [&](auto then) { people.invite(me(), "bob", identity::Role::clinician, then); });
    ASSERT_TRUE(invited) << invited.error().text;
    ASSERT_TRUE(world.wait<identity::Joined>([&](auto then) {
        people.join({invited->code, test::secret("gravel-mosaic-harvest-8"), "10.0.0.9"}, then);
    }));
    EXPECT_EQ(world.stored().size(), 1U);
    const store::Lsn state = world.durable();
    const auto list = world.wait<identity::PeopleList>([&](auto then) { people.list("harbor", then); });
    ASSERT_TRUE(list);
    for (const identity::Person& person : list->people) {
        if (person.login == "bob") {
            ASSERT_TRUE(world.wait<void>([&](auto then) { people.disable(me(), person.id, then); }));
        }
    }
    ASSERT_TRUE(world.submit(id_of(2)));  // to the recipient that came with the new key
    EXPECT_EQ(world.stored().size(), 2U);
    ASSERT_TRUE(world.sign_out(in->token));
    ASSERT_TRUE(world.take_back(state));

    ASSERT_TRUE(world.enter());

    EXPECT_EQ(world.stored(), (Ids{id_of(1), id_of(2)}));
    EXPECT_EQ(world.storage->health().of(world.practice_id()).reseal.state, store::ResealState::looking);
    world.pass(std::chrono::seconds(30));
    EXPECT_EQ(world.storage->health().of(world.practice_id()).reseal.state, store::ResealState::none);
}

/// Random people: forms arrive, staff come and go, the practice is taken back to any earlier state, power
/// goes at any operation. Every form that was acknowledged is in the practice exactly once at the end.
RC_GTEST_PROP(RequeueModel, NoneIsLostAndNoneIsDoubled, ()) {
    RequeueWorld world(*rc::gen::inRange<std::uint64_t>(1, 1'000'000));
    const store::Lsn begin = world.durable();
    std::set<SubmissionId> acknowledged;
    std::set<SubmissionId> tried;
    std::uint32_t number = 0;
    const auto reboot = [&] {
        world.forget_session();
        world.reboot();
    };
    for (int step = 0; step < 25; ++step) {
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
            case 1: {
                const SubmissionId id = id_of(++number);
                tried.insert(id);
                if (world.submit(id)) {
                    acknowledged.insert(id);
                }
                break;
            }
            case 2:
                if (!world.is_in()) {
                    (void)world.enter().is_ok();
                }
                break;
            case 3:
                if (world.is_in()) {
                    (void)world.leave().is_ok();
                }
                break;
            case 4:
                if (world.is_in()) {
                    (void)world.list(world.practice_id()).is_ok();
                }
                break;
            case 5:
            case 6:
                if (!world.is_in()) {
                    (void)world.take_back(*rc::gen::inRange<store::Lsn>(begin, world.durable() + 1)).is_ok();
                }
                break;
            default: {
                auto& disk = *rc::gen::arbitrary<bool>() ? *world.log : *world.data;
                disk.cut_power_after(*rc::gen::inRange<std::uint64_t>(1, 40));
            }
        }
        if (!world.machine->is_on()) {
            reboot();
        }
    }
    reboot();
    RC_ASSERT(world.enter().is_ok());
    const Ids stored = world.stored();
    for (const SubmissionId& id : acknowledged) {
        RC_ASSERT(stored.count(id) == 1U);
    }
    for (const SubmissionId& id : stored) {
        RC_ASSERT(tried.contains(id));
        RC_ASSERT(stored.count(id) == 1U);
    }
}

}  // namespace
}  // namespace firedrill::forms
