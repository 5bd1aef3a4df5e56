// Goal: whatever was wrong with a refused sign-in, the node does the same work for it: the same hashes,
// reads, commits and sealed messages, and as many exceptions, each of which costs microseconds. Method:
// counted, not timed; the timing verdict is `./dev bench identity`. Control: the same count sees what a
// thrown exception, one more hash or one more transaction adds.
#include <gtest/gtest.h>

#include <dlfcn.h>

#include <atomic>

#include "tests/support/factor_world.h"

namespace {
std::atomic<std::uint64_t> thrown_count{0};
}  // namespace

// Every exception of the process passes here, also those that a library catches itself.
extern "C" void __cxa_throw(void* object, void* type, void (*destroy)(void*)) {
    ++thrown_count;
    using Throw = void (*)(void*, void*, void (*)(void*));
    static const auto real = reinterpret_cast<Throw>(dlsym(RTLD_NEXT, "__cxa_throw"));
    real(object, type, destroy);
    std::abort();  // it does not return
}

namespace firedrill::identity {
namespace {

using test::FactorWorld;
using test::PracticeWorld;
using test::secret;

constexpr std::string_view kColleague = "gravel-lantern-mosaic-8";
constexpr std::string_view kWrong = "gravel-lantern-mosaic-9";

struct Tally {
    std::uint64_t thrown = 0;
    std::uint64_t disk_operations = 0;
    std::uint64_t commits = 0;
    std::uint64_t journal_lines = 0;
    Duration charged{};  ///< virtual time: password hashes, pages sealed and opened, disk
    std::string answer;
    bool operator==(const Tally&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Tally& work) {
    return out << work.thrown << " exceptions, " << work.disk_operations << " disk operations, "
               << work.commits << " commits, " << work.journal_lines << " lines, " << work.charged.count()
               << " ns, \"" << work.answer << '"';
}

class EqualWork : public testing::Test {
  protected:
    EqualWork() : world_(1) {
        const auto owner = world_.sign_in();
        CHECK(owner.is_ok());
        for (const char* login : {"bob", "carol"}) {
            const auto invitation = world_.wait<Invitation>([&](auto then) {
                world_.identity->people().invite(world_.confirm(*owner), login, Role::clinician, then);
            });
            CHECK(invitation.is_ok());
            CHECK(world_
                      .wait<Joined>([&](auto then) {
                          world_.identity->people().join({invitation->code, secret(kColleague), "10.0.0.7"},
                                                         then);
                      })
                      .is_ok());
        }
        world_.set_up(*owner);
        CHECK(world_.alter("UPDATE person SET state = 1 WHERE login = 'carol'").is_ok());
        // Each of them once: what is read for the first time is read now.
        for (const char* login : {"ada", "bob", "carol", "nobody"}) {
            (void)work_of({"harbor", login, secret(kWrong), "", secret("123456")});
        }
    }

    template <class Call>
    Tally count(Call call) {
        world_.pass(std::chrono::minutes(2));  // nobody has to wait
        const std::uint64_t thrown = thrown_count;
        const std::uint64_t operations = world_.data->operation_count() + world_.log->operation_count();
        const auto commits = world_.storage->health().durable;
        const std::size_t lines = world_.journal.size();
        const Instant begin = world_.universe.loop.now();
        Tally out;
        out.answer = call();
        out.charged = world_.universe.loop.now() - begin;
        out.thrown = thrown_count - thrown;
        out.disk_operations = world_.data->operation_count() + world_.log->operation_count() - operations;
        out.commits = world_.storage->health().durable - commits;
        out.journal_lines = world_.journal.size() - lines;
        return out;
    }
    Tally work_of(SignIn request) {
        return count([&] {
            request.source = "10.1.0." + std::to_string(++source_);
            const auto answer =
                world_.wait<SignedIn>([&](auto then) { world_.identity->sign_in(std::move(request), then); });
            return answer.is_ok() ? std::string("signed in") : answer.error().text;
        });
    }
    Tally refused(std::string_view practice, std::string_view login, std::string_view password,
                  std::string_view code = {}) {
        return work_of({std::string(practice), std::string(login), secret(password), "", secret(code)});
    }

    FactorWorld world_;
    int source_ = 0;
};

TEST_F(EqualWork, OfEveryRefusedSignIn) {
    const Tally wrong = refused("harbor", "bob", kWrong);
    EXPECT_NE(wrong.answer.find("do not belong together"), std::string::npos) << wrong;
    EXPECT_EQ(wrong.commits, 0U);
    EXPECT_EQ(wrong.thrown, 0U);
    EXPECT_GE(wrong.charged, std::chrono::milliseconds(10)) << "no hash was paid for";
    const std::string spare = "ABCDE-FGHJK-MNPQR-STVWX";
    // What is read depends on the account that stands for the name, not on what was wrong with the attempt:
    // one with a second factor has rows more.
    const Tally wrong_coded = refused("harbor", "ada", kWrong, "123456");
    EXPECT_EQ(wrong_coded.answer, wrong.answer);
    EXPECT_EQ(wrong_coded.thrown, 0U);
    for (const Tally& unknown :
         {refused("harbor", "nobody", kColleague), refused("nowhere", "bob", kColleague),
          refused("harbor", "someone", kColleague)}) {
        EXPECT_TRUE(unknown == wrong || unknown == wrong_coded) << unknown;
    }
    EXPECT_EQ(wrong, refused("harbor", "carol", kColleague)) << "disabled, right password";
    EXPECT_EQ(wrong, refused("harbor", "carol", kWrong)) << "disabled, wrong password";
    EXPECT_EQ(wrong, refused("harbor", "bob", kWrong, "123456")) << "a code that nobody asked for";
    EXPECT_EQ(wrong, refused("harbor", "bob", "")) << "no password";
    EXPECT_EQ(wrong, refused("harbor", "bob", std::string(5000, 'x'))) << "a password of nobody";
    EXPECT_EQ(wrong_coded, refused("harbor", "ada", PracticeWorld::kPassword, "000000"))
        << "second factor, right password, wrong code";
    EXPECT_EQ(wrong_coded, refused("harbor", "ada", PracticeWorld::kPassword)) << "second factor, no code";
    EXPECT_EQ(wrong_coded, refused("harbor", "ada", PracticeWorld::kPassword, spare))
        << "a spare code of nobody";
    EXPECT_EQ(wrong_coded, refused("harbor", "ada", kWrong)) << "second factor, wrong password, no code";
}

TEST_F(EqualWork, TheCountSeesWhatAnAttemptAdds) {
    const auto nothing = [] { return std::string(); };
    const Tally none = count(nothing);
    EXPECT_EQ(none, count(nothing));
    EXPECT_NE(none, count([&] {
                  try {
                      throw std::runtime_error("caught where nobody sees it");
                  } catch (const std::runtime_error&) {
                      return std::string();
                  }
              }));
    EXPECT_NE(none, count([&] {  // a hash, as its price
                  const Status charged = world_.wait<void>([&](auto then) {
                      world_.machine->seams().workers.run(
                          Lane::passwords,
                          [&] { world_.machine->seams().workers.charge(Work::password_hash, 1); },
                          [then] { then(Status()); });
                  });
                  EXPECT_TRUE(charged);
                  return std::string();
              }));
    EXPECT_NE(none, count([&] {
                  EXPECT_TRUE(world_.alter("UPDATE person SET state = 1 WHERE login = 'carol'").is_ok());
                  return std::string();
              }));
}

}  // namespace
}  // namespace firedrill::identity
