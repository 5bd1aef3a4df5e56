// After a practice's key was replaced, its old pages are sealed under the new one while somebody is signed
// in.
#include "store/reseal.h"

#include <gtest/gtest.h>

#include "sim/judge_nonces.h"
#include "store/leaves_file.h"
#include "store/page_store.h"
#include "store_world.h"

namespace firedrill::store {
namespace {

using namespace std::chrono_literals;

const StoreId kStore = store_id(1);
const StoreId kOther = store_id(2);

EpochKey key_of(StoreId store, KeyEpoch epoch, TimelineId timeline = test_timeline()) {
    KeyRing one = test_ring(store, timeline, static_cast<Byte>(0x5a + epoch - 1));
    one.back().epoch = epoch;
    return std::move(one.back());
}
KeyRing ring_of(StoreId store, KeyEpoch first, KeyEpoch last) {
    KeyRing ring;
    for (KeyEpoch epoch = first; epoch <= last; ++epoch) {
        ring.push_back(key_of(store, epoch));
    }
    return ring;
}

struct ResealTest : testing::Test {
    StoreWorld world;
    void SetUp() override { expect_ok(world.create()); }
    static void expect_ok(const Status& status) { ASSERT_TRUE(status.is_ok()) << status.error().text; }
    /// About `rows` / 4 pages.
    static Status fill(StoreWorld& world, StoreId store, int first, int rows) {
        return world.write(store, [first, rows](Database& database) -> Status {
            for (int id = first; id < first + rows; ++id) {
                auto insert = TRY(database.prepare("INSERT INTO note (id, body) VALUES (?1, ?2)"));
                const std::string body = std::to_string(id) + std::string(900, 'x');
                insert.bind(1, id).bind(2, std::string_view(body));
                TRY(insert.run());
            }
            return {};
        });
    }
    static void pass(StoreWorld& world, Duration time) { world.universe.loop.run_for(time); }
    ResealProgress progress(StoreId store = kStore) { return world.health(store).reseal; }
};

/// Epochs of the pages in the page file of `store`, which must be folded.
std::map<KeyEpoch, std::uint64_t> epochs_of(StoreWorld& world, StoreId store) {
    std::map<KeyEpoch, std::uint64_t> found;
    auto pages = PageStore::open(*world.data, store);
    EXPECT_TRUE(pages);
    for (PageNumber page = 1; pages && page <= (*pages)->position().page_count; ++page) {
        auto sealed = (*pages)->read(page);
        EXPECT_TRUE(sealed);
        if (sealed && *sealed) {
            ++found[page_epoch(**sealed)];
        }
    }
    return found;
}

/// How many pages of `store` a ring opens.
std::uint64_t opened_by(StoreWorld& world, StoreId store, KeyRing ring) {
    const auto cipher = make_page_cipher(store, std::move(ring));
    auto pages = PageStore::open(*world.data, store);
    EXPECT_TRUE(pages);
    std::uint64_t count = 0;
    SealedPage plain;
    for (PageNumber page = 1; pages && page <= (*pages)->position().page_count; ++page) {
        auto sealed = (*pages)->read(page);
        count += sealed && *sealed && cipher->open(page, **sealed, plain) ? 1 : 0;
    }
    return count;
}

TEST(RetiredEpochs, AreThoseThatAKeyOfTheSameTimelineFollows) {
    const auto ring = [](std::initializer_list<Byte> timelines) {
        KeyRing out;
        for (const Byte each : timelines) {
            TimelineId timeline;
            timeline.bytes.fill(each);
            out.push_back({static_cast<KeyEpoch>(out.size() + 1), timeline, crypto::Secret(32)});
        }
        return out;
    };
    EXPECT_EQ(retired_through({}), 0U);
    EXPECT_EQ(retired_through(ring({1})), 0U);
    EXPECT_EQ(retired_through(ring({1, 1})), 1U);
    EXPECT_EQ(retired_through(ring({1, 1, 1})), 2U);
    EXPECT_EQ(retired_through(ring({1, 2})), 0U);     // restored, nobody left
    EXPECT_EQ(retired_through(ring({1, 1, 2})), 1U);  // somebody left, then restored
    EXPECT_EQ(retired_through(ring({1, 2, 2})), 2U);  // restored, then somebody left: who knew 1 and 2
    EXPECT_EQ(retired_through(ring({1, 1, 2, 3})), 1U);
}

TEST_F(ResealTest, EndsWithNoPageThatTheOldKeyOpens) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 3000));
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    const PageNumber pages = world.health(kStore).pages;
    ASSERT_GT(pages, 2 * kResealPages);
    EXPECT_EQ(progress().state, ResealState::looking);
    expect_ok(world.fold());
    EXPECT_EQ(opened_by(world, kStore, ring_of(kStore, 1, 1)), pages);

    pass(world, 1min);

    EXPECT_EQ(progress().state, ResealState::none);
    EXPECT_EQ(progress().left, 0U);
    EXPECT_EQ(world.health(kStore).pages, pages);
    expect_ok(world.fold());
    EXPECT_EQ(epochs_of(world, kStore), (std::map<KeyEpoch, std::uint64_t>{{2, pages}}));
    EXPECT_EQ(opened_by(world, kStore, ring_of(kStore, 1, 1)), 0U);
    EXPECT_EQ(opened_by(world, kStore, ring_of(kStore, 2, 2)), pages);
    expect_ok(world.read(kStore, check_integrity));
    expect_ok(world.restart());
    EXPECT_FALSE(world.unlock_with(kStore, ring_of(kStore, 1, 1)).is_ok());
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    EXPECT_EQ(world.query(kStore, "SELECT sum(id) FROM note"), "4501500");
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(ResealTest, GoesInBoundedCommitsAndSaysWhatIsLeft) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 3000));
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    const PageNumber pages = world.health(kStore).pages;
    const CommitSequence before = world.health(kStore).sequence;
    std::vector<PageNumber> left;
    for (int i = 0; i < 100 && progress().state != ResealState::none; ++i) {
        pass(world, 100ms);
        if (progress().state == ResealState::sealing && (left.empty() || left.back() != progress().left)) {
            left.push_back(progress().left);
        }
    }
    ASSERT_GE(left.size(), 3U);
    EXPECT_EQ(left.front(), pages);
    for (std::size_t i = 1; i < left.size(); ++i) {
        EXPECT_EQ(left[i - 1] - left[i], kResealPages);
    }
    EXPECT_EQ(world.health(kStore).sequence, before + (pages + kResealPages - 1) / kResealPages);
    const CommitSequence after = world.health(kStore).sequence;
    pass(world, 10min);
    EXPECT_EQ(world.health(kStore).sequence, after);  // done once
}

TEST_F(ResealTest, AnOpenConnectionReadsAndWritesOnBetweenTheSteps) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 3000));
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    int next = 10000;
    while (progress().state != ResealState::none) {
        ASSERT_LT(next, 10500);
        pass(world, 70ms);
        expect_ok(fill(world, kStore, next++, 1));
        expect_ok(world.execute(
            kStore, fmt::format("UPDATE note SET body = 'short' WHERE id = {}", (next * 37) % 3000 + 1)));
        EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), std::to_string(3000 + next - 10000));
    }
    expect_ok(world.read(kStore, check_integrity));
    expect_ok(world.fold());
    EXPECT_FALSE(epochs_of(world, kStore).contains(1));
    expect_ok(world.restart());
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    EXPECT_EQ(world.query(kStore, "SELECT count(*) FROM note"), std::to_string(3000 + next - 10000));
    expect_ok(world.read(kStore, check_integrity));
}

TEST_F(ResealTest, RestsWhileTheStoreIsLockedAndGoesOnAfterIt) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 3000));
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    while (progress().state != ResealState::sealing || progress().left > world.health(kStore).pages / 2) {
        pass(world, 50ms);
    }
    expect_ok(world.lock(kStore));
    const PageNumber left = progress().left;
    ASSERT_GT(left, 0U);
    const CommitSequence sequence = world.health(kStore).sequence;
    pass(world, 5min);
    EXPECT_EQ(world.health(kStore).sequence, sequence);
    EXPECT_EQ(progress().left, left);

    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    EXPECT_EQ(progress().left, left);  // what it knew needs no key
    pass(world, 1min);
    EXPECT_EQ(progress().state, ResealState::none);
    expect_ok(world.fold());
    EXPECT_FALSE(epochs_of(world, kStore).contains(1));
}

TEST_F(ResealTest, KnowsNothingAfterAStartUntilTheStoreIsOpened) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 1200));
    EXPECT_EQ(progress().state, ResealState::none);
    expect_ok(world.restart());
    EXPECT_EQ(progress().state, ResealState::unknown);
    pass(world, 5min);
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    EXPECT_EQ(progress().state, ResealState::looking);
    pass(world, 1min);
    EXPECT_EQ(progress().state, ResealState::none);
}

TEST_F(ResealTest, StoresTakeTurns) {
    for (const StoreId& store : {kStore, kOther}) {
        expect_ok(world.unlock_with(store, ring_of(store, 1, 1)));
        expect_ok(fill(world, store, 1, 6000));
        expect_ok(world.unlock_with(store, ring_of(store, 1, 2)));
    }
    while (progress(kStore).state != ResealState::sealing || progress(kOther).state != ResealState::sealing) {
        pass(world, 50ms);
    }
    pass(world, 1s);
    EXPECT_LT(progress(kStore).left, world.health(kStore).pages);
    EXPECT_LT(progress(kOther).left, world.health(kOther).pages);
    pass(world, 1min);
    EXPECT_EQ(progress(kStore).state, ResealState::none);
    EXPECT_EQ(progress(kOther).state, ResealState::none);
}

TEST_F(ResealTest, ADamagedPageIsBroughtBackFromTheLogFirst) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 2000));
    expect_ok(world.fold());
    expect_ok(world.lock(kStore));
    const PageNumber pages = world.health(kStore).pages;
    ASSERT_TRUE(
        world.data->corrupt(page_file_name(kStore, 1), 99 * kPageSize + 50, Bytes(9, 0xAA)).has_value());
    expect_ok(world.restart());
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    pass(world, 1min);
    EXPECT_EQ(progress().state, ResealState::none);
    EXPECT_EQ(world.health(kStore).repaired_pages, 1U);
    expect_ok(world.fold());
    EXPECT_EQ(epochs_of(world, kStore), (std::map<KeyEpoch, std::uint64_t>{{2, pages}}));
}

TEST_F(ResealTest, APageThatCannotBeHadIsLeftOutAndStaysCounted) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 2000));
    expect_ok(world.lock(kStore));
    expect_ok(world.fold());
    ASSERT_TRUE(
        world.data->corrupt(page_file_name(kStore, 1), 99 * kPageSize + 50, Bytes(9, 0xAA)).has_value());
    auto pages = PageStore::open(*world.data, kStore);  // without a log to repair from
    ASSERT_TRUE(pages);
    const auto cipher = make_page_cipher(kStore, ring_of(kStore, 1, 2));
    Resealer resealer(1, (*pages)->position().page_count);
    std::uint64_t sealed = 0;
    while (!resealer.is_over()) {
        auto commit = resealer.step(**pages, *cipher, world.machine->seams().entropy);
        ASSERT_TRUE(commit) << commit.error().text;
        sealed += *commit ? (*commit)->pages.size() : 0;
    }
    EXPECT_EQ(sealed, (*pages)->position().page_count - 1);
    EXPECT_EQ(resealer.progress().state, ResealState::unreadable);
    EXPECT_EQ(resealer.progress().left, 1U);
}

TEST_F(ResealTest, APageThatIsLostAfterItWasLookedAtStaysCounted) {
    expect_ok(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    expect_ok(fill(world, kStore, 1, 2000));
    expect_ok(world.lock(kStore));
    expect_ok(world.fold());
    auto pages = PageStore::open(*world.data, kStore);
    ASSERT_TRUE(pages);
    const auto cipher = make_page_cipher(kStore, ring_of(kStore, 1, 2));
    Resealer resealer(1, (*pages)->position().page_count);
    while (resealer.progress().state == ResealState::looking) {
        ASSERT_TRUE(resealer.step(**pages, *cipher, world.machine->seams().entropy));
    }
    const PageNumber last = (*pages)->position().page_count;
    ASSERT_TRUE(
        world.data
            ->corrupt(page_file_name(kStore, 1), std::uint64_t{last - 1} * kPageSize + 50, Bytes(9, 0xAA))
            .has_value());
    (*pages)->drop_read_ahead();

    while (!resealer.is_over()) {
        ASSERT_TRUE(resealer.step(**pages, *cipher, world.machine->seams().entropy));
    }

    EXPECT_EQ(resealer.progress().state, ResealState::unreadable);
    EXPECT_EQ(resealer.progress().left, 1U);
}

/// Seals and opens as the real one, and tells a judge of every nonce.
class WatchedCipher final : public PageCipher {
  public:
    WatchedCipher(StoreId store, KeyRing ring, sim::NonceJudge& judge)
        : store_(store), real_(make_page_cipher(store, std::move(ring))), judge_(judge) {}
    void seal(PageNumber page, CommitSequence sequence, const crypto::Nonce& nonce, ByteView plain,
              SealedPage& out) override {
        judge_.saw_seal(store_, nonce);
        real_->seal(page, sequence, nonce, plain, out);
    }
    Status open(PageNumber page, const SealedPage& sealed, MutableBytes out) override {
        return real_->open(page, sealed, out);
    }

  private:
    StoreId store_;
    std::unique_ptr<PageCipher> real_;
    sim::NonceJudge& judge_;
};

TEST(ResealNonces, NoneIsEverUsedTwiceAcrossRestartsEither) {
    sim::NonceJudge judge;
    StoreWorld world;
    world.parts.page_cipher = [&judge](StoreId store, KeyRing ring) {
        return std::make_unique<WatchedCipher>(store, std::move(ring), judge);
    };
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    ASSERT_TRUE(ResealTest::fill(world, kStore, 1, 2000));
    const std::uint64_t before = judge.seals();
    for (const KeyEpoch newest : {KeyEpoch{2}, KeyEpoch{3}}) {
        ASSERT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, newest)));
        world.universe.loop.run_for(500ms);
        ASSERT_TRUE(world.restart());
        ASSERT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, newest)));
        world.universe.loop.run_for(1min);
        ASSERT_EQ(world.health(kStore).reseal.state, ResealState::none);
    }
    EXPECT_GE(judge.seals(), before + 2 * world.health(kStore).pages);
    EXPECT_EQ(judge.reused(), 0U);
}

/// Everything on both disks after a whole run.
Bytes picture_of_a_run() {
    StoreWorld world;
    EXPECT_TRUE(world.create());
    EXPECT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
    EXPECT_TRUE(ResealTest::fill(world, kStore, 1, 1500));
    EXPECT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
    world.universe.loop.run_for(1min);
    EXPECT_TRUE(world.fold());
    Bytes all;
    for (sim::SimDisk* disk : {world.data.get(), world.logs[0].get()}) {
        for (const std::string& name : disk->peek_names()) {
            append(all, *disk->peek(name));
        }
    }
    return all;
}

TEST(ResealModel, TwoRunsAreTheSame) {
    EXPECT_EQ(picture_of_a_run(), picture_of_a_run());
}

/// Power goes at each operation of a disk while pages are sealed anew; whoever opens the store next ends it.
TEST(ResealModel, APowerCutAtAnyOperationLosesNothingAndTheNextOpeningGoesOn) {
    std::uint64_t points = 0;
    for (int disk = 0; disk < 2; ++disk) {
        for (std::uint64_t k = 1;; ++k) {
            ASSERT_LT(k, 500U);
            StoreWorld world(k);
            world.fold_after_bytes = 512 << 10;
            ASSERT_TRUE(world.create());
            ASSERT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, 1)));
            ASSERT_TRUE(ResealTest::fill(world, kStore, 1, 1300));
            ASSERT_TRUE(world.unlock_with(kStore, ring_of(kStore, 1, 2)));
            sim::SimDisk& struck = disk == 0 ? *world.data : *world.logs[0];
            struck.cut_power_after(k);
            world.universe.loop.run_for(20s);
            const bool is_over = world.machine->is_on();
            struck.cut_power_after(0);

            ASSERT_TRUE(world.restart()) << "disk " << disk << ", operation " << k;
            const Status opened = world.unlock_with(kStore, ring_of(kStore, 1, 2));
            ASSERT_TRUE(opened) << "disk " << disk << ", operation " << k << ": " << opened.error().text;
            ASSERT_EQ(world.query(kStore, "SELECT sum(id) FROM note"), "845650");
            world.universe.loop.run_for(20s);
            ASSERT_EQ(world.health(kStore).reseal.state, ResealState::none);
            ASSERT_TRUE(world.fold());
            ASSERT_FALSE(epochs_of(world, kStore).contains(1)) << "disk " << disk << ", operation " << k;
            ASSERT_TRUE(world.read(kStore, check_integrity));
            ++points;
            if (is_over) {
                break;
            }
        }
    }
    EXPECT_GT(points, 10U);
}

}  // namespace
}  // namespace firedrill::store
