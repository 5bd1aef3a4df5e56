// Submissions over real storage on a simulated machine: sealed while nobody is in, drained exactly once
// whatever breaks.
#include "forms/submissions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "crypto/keypair.h"
#include "forms/envelope.h"
#include "tests/support/practice_world.h"
#include "tests/support/test_entropy.h"

namespace firedrill::forms {
namespace {

using test::PracticeWorld;

SubmissionId id_of(std::uint8_t number) {
    return SubmissionId{{number}};
}

std::set<SubmissionId> ids(const std::vector<Summary>& listed) {
    std::set<SubmissionId> out;
    for (const Summary& summary : listed) {
        EXPECT_TRUE(out.insert(summary.id).second) << "listed twice";
    }
    return out;
}

/// Rows of the directory's inbox of a practice, waiting or drained.
std::int64_t count_inbox(PracticeWorld& world, bool drained) {
    std::int64_t out = -1;
    const Status status = world.wait<void>([&](auto then) {
        world.storage->transact(
            StoreId{}, store::Access::read,
            [&](store::Database& directory) -> Status {
                auto query = TRY(directory.prepare("SELECT count(*) FROM inbox WHERE (drained > 0) = ?1"));
                query.bind(1, static_cast<std::int64_t>(drained));
                TRY(query.step());
                out = query.integer(0);
                return {};
            },
            then);
    });
    EXPECT_TRUE(status.is_ok());
    return out;
}

TEST(Submissions, WaitSealedWhileNobodyIsInAndAreReadAfterSignIn) {
    PracticeWorld world(1);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(id_of(1), R"({"answer":"canary"})").is_ok());
    EXPECT_FALSE(world.storage->is_unlocked(world.practice_id()));
    EXPECT_EQ(count_inbox(world, false), 1);
    ASSERT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(count_inbox(world, false), 0);
    EXPECT_EQ(count_inbox(world, true), 1);  // kept, marked
    const auto listed = world.list(world.practice_id());
    ASSERT_TRUE(listed.is_ok()) << listed.error().text;
    ASSERT_EQ(listed->size(), 1u);
    EXPECT_EQ((*listed)[0].form, "phq-9");
    const auto read = world.wait<Submission>(
        [&](auto then) { world.submissions->read(world.practice_id(), id_of(1), then); });
    ASSERT_TRUE(read.is_ok());
    EXPECT_EQ(read->response, R"({"answer":"canary"})");
    EXPECT_EQ(read->summary.received, (*listed)[0].received);
}

TEST(Submissions, ArriveAlsoWhileSomebodyIsIn) {
    PracticeWorld world(2);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    for (std::uint8_t i = 1; i <= 3; ++i) {
        ASSERT_TRUE(world.submit(id_of(i)).is_ok());
        world.pass(std::chrono::seconds(1));
    }
    const auto listed = world.list(world.practice_id());
    ASSERT_TRUE(listed.is_ok());
    ASSERT_EQ(listed->size(), 3u);
    EXPECT_EQ((*listed)[0].id, id_of(3));  // newest first
    EXPECT_EQ((*listed)[2].id, id_of(1));
}

TEST(Submissions, TheSameIdAgainChangesNothing) {
    PracticeWorld world(3);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(id_of(1), "first").is_ok());
    ASSERT_TRUE(world.submit(id_of(1), "second").is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    ASSERT_TRUE(world.submit(id_of(1), "third").is_ok());  // after it was drained
    EXPECT_EQ(world.list(world.practice_id())->size(), 1u);
    const auto read = world.wait<Submission>(
        [&](auto then) { world.submissions->read(world.practice_id(), id_of(1), then); });
    ASSERT_TRUE(read.is_ok());
    EXPECT_EQ(read->response, "first");
}

TEST(Submissions, AreRefusedToReadersWhileThePracticeIsLocked) {
    PracticeWorld world(4);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(id_of(1)).is_ok());
    EXPECT_EQ(world.list(world.practice_id()).error().fault, Fault::refused);
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok());
    ASSERT_TRUE(world.sign_out(in->token).is_ok());
    EXPECT_EQ(world.list(world.practice_id()).error().fault, Fault::refused);
    const auto read = world.wait<Submission>(
        [&](auto then) { world.submissions->read(world.practice_id(), id_of(1), then); });
    EXPECT_EQ(read.error().fault, Fault::refused);
}

TEST(Submissions, UnknownNumbersAreNotFoundAndLongAnswersAreRefused) {
    PracticeWorld world(5);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    const auto read = world.wait<Submission>(
        [&](auto then) { world.submissions->read(world.practice_id(), id_of(9), then); });
    EXPECT_EQ(read.error().fault, Fault::not_found);
    EXPECT_EQ(world.submit(id_of(1), std::string(256 * 1024 + 1, 'x')).error().fault, Fault::limit);
    EXPECT_TRUE(world.submit(id_of(1), std::string(256 * 1024, 'x')).is_ok());
    EXPECT_EQ(world.list(world.practice_id())->size(), 1u);
}

TEST(Submissions, MoreThanABatchIsDrainedWhole) {
    PracticeWorld world(6);
    ASSERT_TRUE(world.create().is_ok());
    for (int i = 0; i < 250; ++i) {
        ASSERT_TRUE(world.submit(SubmissionId{{static_cast<Byte>(i), 1}}).is_ok());
    }
    ASSERT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(count_inbox(world, false), 0);
    EXPECT_EQ(ids(*world.list(world.practice_id())).size(), 250u);
}

/// Pages of every size, walked both ways, while new ones arrive: each form once, in one order.
TEST(Submissions, ThePagesOfTheListHaveEachOfThemOnceWhateverArrivesMeanwhile) {
    for (const std::uint32_t limit : {1U, 2U, 3U, 7U, 20U, 100U}) {
        PracticeWorld world(40 + limit);
        ASSERT_TRUE(world.create().is_ok());
        for (std::uint8_t i = 1; i <= 20; ++i) {
            ASSERT_TRUE(world.submit(id_of(i)).is_ok());  // most of them at one and the same instant
            world.pass(i % 5 == 0 ? Duration(std::chrono::seconds(1)) : Duration(0));
        }
        ASSERT_TRUE(world.sign_in().is_ok());
        const StoreId practice = world.practice_id();
        const auto key = [](const Summary& one) { return ListKey{one.received, one.id}; };
        const auto before = *world.list(practice);
        ASSERT_EQ(before.size(), 20U);
        std::vector<SubmissionId> down;
        ListWish wish{ListFrom::newest, {}, limit};
        SummaryPage page;
        for (std::uint8_t turn = 0;; ++turn) {
            const auto got = world.list_page(practice, wish);
            ASSERT_TRUE(got.is_ok()) << got.error().text;
            page = *got;
            ASSERT_LE(page.items.size(), limit);
            ASSERT_EQ(page.has_newer, turn > 0);
            for (const Summary& one : page.items) {
                down.push_back(one.id);
            }
            if (!page.has_older) {
                break;
            }
            ASSERT_EQ(page.items.size(), limit);
            wish = {ListFrom::older_than, key(page.items.back()), limit};
            ASSERT_TRUE(world.submit(id_of(static_cast<std::uint8_t>(100 + turn))).is_ok());
        }
        std::vector<SubmissionId> expected;
        for (const Summary& one : before) {
            expected.push_back(one.id);
        }
        EXPECT_EQ(down, expected) << limit;

        const auto after = *world.list(practice);
        std::vector<SubmissionId> up(down.end() - static_cast<std::ptrdiff_t>(page.items.size()), down.end());
        while (page.has_newer) {
            page = *world.list_page(practice, {ListFrom::newer_than, key(page.items.front()), limit});
            ASSERT_FALSE(page.items.empty());
            ASSERT_TRUE(page.has_older);
            for (auto one = page.items.rbegin(); one != page.items.rend(); ++one) {
                up.insert(up.begin(), one->id);
            }
        }
        std::vector<SubmissionId> all;
        for (const Summary& one : after) {
            all.push_back(one.id);
        }
        EXPECT_EQ(up, all) << limit;
    }
}

TEST(Submissions, APlaceInTheListNeedNotBeOfAForm) {
    PracticeWorld world(39);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(id_of(1)).is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    const StoreId practice = world.practice_id();
    constexpr WallTime kNever{std::numeric_limits<std::int64_t>::min()};
    constexpr WallTime kAtTheEnd{std::numeric_limits<std::int64_t>::max()};

    const auto none = world.list_page(practice, {ListFrom::older_than, {kNever, {}}, 5});
    const auto all = world.list_page(practice, {ListFrom::older_than, {kAtTheEnd, {}}, 5});
    const auto later = world.list_page(practice, {ListFrom::newer_than, {kNever, {}}, 5});

    ASSERT_TRUE(none.is_ok() && all.is_ok() && later.is_ok());
    EXPECT_TRUE(none->items.empty());
    EXPECT_TRUE(none->has_newer && !none->has_older);
    EXPECT_EQ(all->items.size(), 1U);
    EXPECT_TRUE(!all->has_newer && !all->has_older);
    EXPECT_EQ(later->items.size(), 1U);
    EXPECT_TRUE(!later->has_newer && !later->has_older);
}

TEST(Submissions, DrainsAtOnceShareTheirWork) {
    PracticeWorld world(7);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    ASSERT_TRUE(world.submit(id_of(1)).is_ok());
    std::uint32_t added = 0;
    int answers = 0;
    for (int i = 0; i < 5; ++i) {
        world.submissions->drain(world.practice_id(), [&](const Result<std::uint32_t>& drained) {
            ++answers;
            added += drained ? *drained : 100;
        });
    }
    world.pass(std::chrono::seconds(5));
    EXPECT_EQ(answers, 5);
    EXPECT_EQ(added, 1u);
}

TEST(Submissions, AnItemThatDoesNotOpenStopsNobodyAndIsNoted) {
    PracticeWorld world(8);
    ASSERT_TRUE(world.create().is_ok());
    const StoreId practice = world.practice_id();
    test::TestEntropy entropy(9);
    const auto stranger = crypto::make_age_identity(entropy);
    ASSERT_TRUE(world.submit(id_of(1)).is_ok());
    ASSERT_TRUE(world
                    .wait<void>([&](auto then) {
                        world.submissions->submit(practice, stranger.public_key, id_of(2), "phq-9", "{}",
                                                  then);
                    })
                    .is_ok());
    ASSERT_TRUE(world.submit(id_of(3)).is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    EXPECT_EQ(ids(*world.list(practice)), (std::set{id_of(1), id_of(3)}));
    EXPECT_EQ(count_inbox(world, false), 1);
    EXPECT_TRUE(std::ranges::any_of(world.journal,
                                    [](const std::string& note) { return note.starts_with("inbox: 1 "); }));
}

TEST(Submissions, AnItemUnderAnotherNumberIsNotTaken) {
    PracticeWorld world(10);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(id_of(1)).is_ok());
    ASSERT_TRUE(world
                    .wait<void>([&](auto then) {
                        world.storage->transact(
                            StoreId{}, store::Access::write,
                            [](store::Database& directory) {
                                return directory.execute(
                                    "UPDATE inbox SET id = x'02000000000000000000000000000000'");
                            },
                            then);
                    })
                    .is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    EXPECT_TRUE(world.list(world.practice_id())->empty());
    EXPECT_EQ(count_inbox(world, false), 1);
}

// Submit three, sign in (which drains), submit one more, list (which drains): power goes at the k-th disk
// operation. Whoever was told ok must be found afterwards, once; whoever was not may be found or not, and may
// try again.
void run_with_a_cut(std::uint64_t k, bool on_log, bool& was_cut) {
    PracticeWorld world(5000 + k);
    ASSERT_TRUE(world.create().is_ok());
    const StoreId practice = world.practice_id();
    ASSERT_TRUE(world.submit(id_of(1), "one").is_ok());
    std::set<SubmissionId> confirmed{id_of(1)};
    (on_log ? world.log : world.data)->cut_power_after(k);
    const auto try_submit = [&](std::uint8_t number) {
        if (world.machine->is_on() && world.submit(id_of(number)).is_ok()) {
            confirmed.insert(id_of(number));
        }
    };
    try_submit(2);
    try_submit(3);
    if (world.machine->is_on() && world.sign_in().is_ok()) {
        try_submit(4);
        if (world.machine->is_on()) {
            if (const auto listed = world.list(practice); listed.is_ok()) {
                EXPECT_TRUE(std::ranges::includes(ids(*listed), confirmed)) << k;
            }
        }
    }
    was_cut = !world.machine->is_on();
    world.reboot();
    for (std::uint8_t number = 1; number <= 4; ++number) {  // people try again, with the same number
        ASSERT_TRUE(world.submit(id_of(number), "again").is_ok()) << k;
    }
    const auto in = world.sign_in();
    ASSERT_TRUE(in.is_ok()) << k << ": " << in.error().text;
    const auto listed = world.list(practice);
    ASSERT_TRUE(listed.is_ok()) << k;
    EXPECT_EQ(ids(*listed), (std::set{id_of(1), id_of(2), id_of(3), id_of(4)})) << k;
    EXPECT_EQ(count_inbox(world, false), 0) << k;
    const auto first =
        world.wait<Submission>([&](auto then) { world.submissions->read(practice, id_of(1), then); });
    ASSERT_TRUE(first.is_ok());
    EXPECT_EQ(first->response, "one") << k;
}

TEST(Submissions, APowerCutAtAnyDiskOperationLosesAndDoublesNothing) {
    for (const bool on_log : {true, false}) {
        bool was_cut = true;
        std::uint64_t k = 0;
        while (was_cut) {
            ++k;
            ASSERT_LT(k, 1000u);
            run_with_a_cut(k, on_log, was_cut);
            if (HasFatalFailure()) {
                return;
            }
        }
        EXPECT_GT(k, on_log ? 10u : 0u);
    }
}

TEST(Submissions, NoPlaintextReachesAnyDisk) {
    PracticeWorld world(11);
    ASSERT_TRUE(world.create().is_ok());
    ASSERT_TRUE(world.submit(id_of(1), "zq7-canary-zq7").is_ok());
    ASSERT_TRUE(world.sign_in().is_ok());
    ASSERT_EQ(world.list(world.practice_id())->size(), 1u);
    ASSERT_TRUE(world.wait<void>([&](auto then) { world.storage->fold(then); }).is_ok());
    std::size_t bytes = 0;
    for (sim::SimDisk* disk : {world.data.get(), world.log.get()}) {
        for (const std::string& name : disk->peek_names()) {
            const auto contents = disk->peek(name);
            ASSERT_TRUE(contents);
            bytes += contents->size();
            EXPECT_EQ(as_text(*contents).find("zq7-canary"), std::string_view::npos) << name;
            EXPECT_EQ(as_text(*contents).find("Harbor Therapy"), std::string_view::npos) << name;
        }
    }
    EXPECT_GT(bytes, 8192u);
}

TEST(Envelope, ReadsBackWhatItWroteAndRefusesEverythingElse) {
    const Envelope envelope{id_of(1), StoreId{{2}}, WallTime{-5}, "phq-9", R"({"a":1})"};
    const crypto::Secret written = write_envelope(envelope);
    const ByteView bytes = written.view();
    const auto read = read_envelope(bytes);
    ASSERT_TRUE(read.is_ok());
    EXPECT_EQ(read->id, envelope.id);
    EXPECT_EQ(read->practice, envelope.practice);
    EXPECT_EQ(read->received, envelope.received);
    EXPECT_EQ(read->form, envelope.form);
    EXPECT_EQ(read->response, envelope.response);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(read_envelope(bytes.first(size)).is_ok()) << size;
    }
    Bytes longer(bytes.begin(), bytes.end());
    longer.push_back(0);
    EXPECT_EQ(read_envelope(longer).error().fault, Fault::bad_input);
    longer.pop_back();
    longer[8] = 2;
    EXPECT_EQ(read_envelope(longer).error().fault, Fault::newer_format);
    longer[8] = 0;
    EXPECT_EQ(read_envelope(longer).error().fault, Fault::bad_input);
    longer[8] = 1;
    longer[10] = 1;
    EXPECT_EQ(read_envelope(longer).error().fault, Fault::bad_input);
}

// A change here is a change of docs/formats/submission_envelope.md and needs a new version number.
TEST(Envelope, BytesAreAsDocumented) {
    const crypto::Secret written =
        write_envelope({id_of(0xAA), StoreId{{0xBB}}, WallTime{1772366400000000000}, "phq-9", "{}"});
    EXPECT_EQ(to_hex(written.view()),
              "46445355424d4954"                  // magic
              "01000000"                          // version, zero
              "aa000000000000000000000000000000"  // submission
              "bb000000000000000000000000000000"  // practice
              "0080d6b3d9b59818"                  // received
              "05000000"                          // form
              "7068712d39"
              "02000000"  // response
              "7b7d");
}

}  // namespace
}  // namespace firedrill::forms
