// Random histories of a practice against a plain model: who is in, what was confirmed, when the store is
// open.
#include <gtest/gtest.h>

#include <set>

#include "identity/directory.h"
#include "tests/support/practice_world.h"

namespace firedrill::identity {
namespace {

using test::PracticeWorld;

struct Model {
    std::vector<std::string> tokens;  // live sessions
    std::set<SubmissionId> confirmed;
    std::uint64_t next_id = 1;
};

class Walk {
  public:
    explicit Walk(std::uint64_t seed) : world_(seed), random_(sim::Random(seed).stream("walk")) {
        EXPECT_TRUE(world_.create().is_ok());
    }
    void step() {
        switch (random_.below(9)) {
            case 0: sign_in(); break;
            case 1: sign_out(); break;
            case 2:
            case 3: submit(); break;
            case 4: read(); break;
            case 5: world_.pass(std::chrono::minutes(random_.below(6))); break;
            case 6: idle(); break;
            case 7: reboot(); break;
            case 8:
                EXPECT_FALSE(world_.sign_in("a wrong password", "ada", "harbor", "10.66.0.1").is_ok());
                break;
            default: break;
        }
        check();
    }
    std::size_t confirmed() const { return model_.confirmed.size(); }

  private:
    void sign_in() {
        const auto in = world_.sign_in();
        ASSERT_TRUE(in.is_ok()) << in.error().text;
        model_.tokens.push_back(in->token);
        if (model_.tokens.size() > 12) {  // below the bound of sessions, so that none ends by itself
            sign_out();
        }
    }
    void sign_out() {
        if (model_.tokens.empty()) {
            return;
        }
        const std::size_t which = random_.below(model_.tokens.size());
        ASSERT_TRUE(world_.sign_out(model_.tokens[which]).is_ok());
        EXPECT_EQ(world_.identity->find_session(model_.tokens[which]), nullptr);
        model_.tokens.erase(model_.tokens.begin() + static_cast<std::ptrdiff_t>(which));
    }
    void submit() {
        SubmissionId id;
        store_u64(id.bytes.data(), model_.next_id++);
        ASSERT_TRUE(world_.submit(id).is_ok());
        model_.confirmed.insert(id);
    }
    void read() {
        const auto listed = world_.list(world_.practice_id());
        ASSERT_EQ(listed.is_ok(), !model_.tokens.empty());
        if (listed) {
            std::set<SubmissionId> ids;
            for (const forms::Summary& summary : *listed) {
                EXPECT_TRUE(ids.insert(summary.id).second);
            }
            EXPECT_EQ(ids, model_.confirmed);
        }
    }
    void idle() {
        world_.pass(std::chrono::minutes(16));
        world_.identity->expire_sessions();
        world_.pass(std::chrono::seconds(1));
        model_.tokens.clear();
    }
    void reboot() {
        world_.reboot();
        model_.tokens.clear();
    }
    void check() {
        for (const std::string& token : model_.tokens) {  // which also marks them seen
            EXPECT_NE(world_.identity->find_session(token), nullptr);
        }
        const StoreId practice = world_.practice_id();
        EXPECT_EQ(world_.storage->is_unlocked(practice), !model_.tokens.empty());
        EXPECT_EQ(world_.custody->find(practice) != nullptr, !model_.tokens.empty());
        EXPECT_EQ(world_.identity->find_practice("harbor")->is_open, !model_.tokens.empty());
    }

    PracticeWorld world_;
    sim::Random random_;
    Model model_;
};

TEST(IdentityModel, RandomHistoriesAgreeWithAPlainModel) {
    std::size_t confirmed = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Walk walk(seed);
        for (int i = 0; i < 40 && !testing::Test::HasFailure(); ++i) {
            walk.step();
        }
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
        confirmed += walk.confirmed();
    }
    EXPECT_GT(confirmed, 100u);
}

TEST(IdentityTimeline, ANewTimelineGetsItsOwnEpochOnceAndOldPagesStayOpen) {
    PracticeWorld world(77);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(SubmissionId{{1}}).is_ok());
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    const StoreId practice = world.practice_id();
    const crypto::Secret* key = world.custody->find(practice);
    ASSERT_NE(key, nullptr);
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 2; ++i) {
        const Status loaded = world.wait<void>([&](auto then) {
            world.storage->transact(
                kDirectory, store::Access::write,
                [&](store::Database& directory) -> Status {
                    const auto ring = TRY(load_ring(directory, practice, TimelineId{{9}}, *key,
                                                    world.machine->seams().entropy));
                    EXPECT_EQ(ring.back().timeline, TimelineId{{9}});
                    EXPECT_EQ(ring.back().epoch, ring.size());
                    sizes.push_back(ring.size());
                    return {};
                },
                then);
        });
        ASSERT_TRUE(loaded.is_ok()) << loaded.error().text;
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 2}));
    // Back on the old timeline the next sign-in makes a third epoch, and reads what the first sealed.
    ASSERT_TRUE(world.sign_out(in->token).is_ok());
    world.reboot();
    ASSERT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(world.list(practice)->size(), 1u);
}

}  // namespace
}  // namespace firedrill::identity
