// Random histories of people against a plain model: whoever should be able to open the practice can, nobody
// else can, and no submission is lost or doubled, whatever they do and whenever the power goes.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "identity/people.h"
#include "tests/support/practice_world.h"

namespace firedrill::identity {
namespace {

using test::PracticeWorld;
using test::secret;

struct Account {
    std::string password;
    Role role = Role::owner;
    bool is_active = true;
};

class PeopleWalk {
  public:
    explicit PeopleWalk(std::uint64_t seed) : world_(seed), random_(sim::Random(seed).stream("people")) {
        const auto made = world_.create();
        EXPECT_TRUE(made.is_ok());
        recovery_code_ = made ? made->recovery_code : "";
        accounts_["ada"] = {std::string(PracticeWorld::kPassword), Role::owner, true};
    }

    void step() {
        switch (random_.below(8)) {
            case 0:
            case 1: invite(); break;
            case 2: disable(); break;
            case 3: disable_by_operator(); break;
            case 4: change_password(); break;
            case 5: recover(); break;
            case 6: submit(); break;
            default: reboot(); break;
        }
        world_.pass(std::chrono::minutes(2));
    }
    /// Everybody tries; those who get in see everything.
    void check() {
        for (const auto& [login, account] : accounts_) {
            const auto in = sign_in(login, account.password);
            ASSERT_EQ(in.is_ok(), account.is_active) << login << ": " << (in ? "got in" : in.error().text);
            if (in) {
                EXPECT_EQ(in->session.role, account.role);
                read_all();
                ASSERT_TRUE(world_.sign_out(in->token).is_ok());
            }
        }
        for (const auto& [login, password] : void_) {
            if (accounts_.at(login).password != password || !accounts_.at(login).is_active) {
                ASSERT_FALSE(sign_in(login, password).is_ok()) << login;
            }
        }
        EXPECT_FALSE(world_.storage->is_unlocked(world_.practice_id()));
    }
    std::size_t acts() const { return acts_; }

  private:
    std::string source() {
        ++sources_;
        return "10.1." + std::to_string(sources_ / 200) + "." + std::to_string(sources_ % 200);
    }
    std::string fresh_password() { return "walnut-quarry-tulip-" + std::to_string(1000 + ++passwords_ * 37); }
    Result<SignedIn> sign_in(const std::string& login, const std::string& password) {
        world_.pass(std::chrono::minutes(1));
        return world_.sign_in(password, login, "harbor", source());
    }
    /// An active owner's login.
    std::string owner() {
        for (const auto& [login, account] : accounts_) {
            if (account.is_active && account.role == Role::owner) {
                return login;
            }
        }
        ADD_FAILURE() << "no owner is left";
        return "ada";
    }
    std::string anybody() {
        return std::next(accounts_.begin(), static_cast<std::ptrdiff_t>(random_.below(accounts_.size())))
            ->first;
    }
    std::size_t owners() const {
        return static_cast<std::size_t>(std::ranges::count_if(accounts_, [](const auto& one) {
            return one.second.is_active && one.second.role == Role::owner;
        }));
    }
    void set_password(const std::string& login, const std::string& password) {
        void_.emplace_back(login, accounts_[login].password);
        accounts_[login].password = password;
    }
    Confirmation confirm(const SignedIn& in) {
        return {in.session, secret(accounts_.at(in.session.login).password), source()};
    }
    void invite() {
        const auto in = sign_in(owner(), accounts_.at(owner()).password);
        ASSERT_TRUE(in.is_ok()) << in.error().text;
        const std::string login = random_.below(3) == 0 ? anybody() : "p" + std::to_string(accounts_.size());
        const Role role = kRoles[random_.below(kRoles.size())];
        const auto invitation = world_.wait<Invitation>(
            [&](auto then) { world_.identity->people().invite(confirm(*in), login, role, then); });
        ASSERT_EQ(invitation.is_ok(), login != owner());
        if (invitation) {
            if (random_.below(4) == 0) {
                reboot();
            }
            const std::string password = fresh_password();
            const auto joined = world_.wait<Joined>([&](auto then) {
                world_.identity->people().join({invitation->code, secret(password), source()}, then);
            });
            ASSERT_TRUE(joined.is_ok()) << joined.error().text;
            set_password(login, password);
            accounts_[login].role = role;
            accounts_[login].is_active = true;
            ++acts_;
        }
        ASSERT_TRUE(world_.sign_out(in->token).is_ok());
    }
    void disable() {
        const std::string actor = owner();
        const auto in = sign_in(actor, accounts_.at(actor).password);
        ASSERT_TRUE(in.is_ok());
        const std::string login = anybody();
        PersonId person{};
        const auto list =
            world_.wait<PeopleList>([&](auto then) { world_.identity->people().list("harbor", then); });
        ASSERT_TRUE(list.is_ok());
        for (const Person& one : list->people) {
            person = one.login == login ? one.id : person;
        }
        const bool cuts_power = random_.below(3) == 0;
        if (cuts_power) {
            (random_.below(2) == 0 ? world_.log : world_.data)->cut_power_after(1 + random_.below(12));
        }
        const Status left = world_.wait<void>(
            [&](auto then) { world_.identity->people().disable(confirm(*in), person, then); });
        if (!world_.machine->is_on()) {
            world_.reboot();
            // Done or not: the directory knows, and the model follows it.
            const auto after =
                world_.wait<PeopleList>([&](auto then) { world_.identity->people().list("harbor", then); });
            ASSERT_TRUE(after.is_ok());
            for (const Person& one : after->people) {
                EXPECT_TRUE(!left.is_ok() || one.login != login || !one.is_active);
                accounts_.at(one.login).is_active = one.is_active;
            }
            return;
        }
        ASSERT_EQ(left.is_ok(), login != actor) << left.error().text;
        accounts_.at(login).is_active = accounts_.at(login).is_active && login == actor;
        acts_ += left ? 1 : 0;
        world_.reboot();  // also forgets a cut that did not come
    }
    void disable_by_operator() {
        const std::string login = anybody();
        const bool is_last =
            accounts_.at(login).is_active && accounts_.at(login).role == Role::owner && owners() == 1;
        const Status left = world_.wait<void>(
            [&](auto then) { world_.identity->people().disable_by_operator("harbor", login, then); });
        ASSERT_EQ(left.is_ok(), !is_last);
        if (left) {
            accounts_.at(login).is_active = false;
            ++acts_;
        }
    }
    void change_password() {
        const std::string login = anybody();
        if (!accounts_.at(login).is_active) {
            return;
        }
        const auto in = sign_in(login, accounts_.at(login).password);
        ASSERT_TRUE(in.is_ok());
        const std::string password = fresh_password();
        const Status changed = world_.wait<void>([&](auto then) {
            world_.identity->people().change_password(confirm(*in), secret(password), in->token, then);
        });
        ASSERT_TRUE(changed.is_ok()) << changed.error().text;
        set_password(login, password);
        ASSERT_TRUE(world_.sign_out(in->token).is_ok());
        ++acts_;
    }
    void recover() {
        const std::string login = owner();
        const std::string password = fresh_password();
        const auto recovered = world_.wait<Recovered>([&](auto then) {
            world_.identity->people().recover({"harbor", recovery_code_, login, secret(password), source()},
                                              then);
        });
        ASSERT_TRUE(recovered.is_ok()) << recovered.error().text;
        const auto again = world_.wait<Recovered>([&](auto then) {
            world_.identity->people().recover({"harbor", recovery_code_, login, secret(password), source()},
                                              then);
        });
        EXPECT_EQ(again.error().fault, Fault::refused);
        recovery_code_ = recovered->code;
        set_password(login, password);
        ++acts_;
    }
    void submit() {
        SubmissionId id;
        store_u64(id.bytes.data(), ++submitted_);
        ASSERT_TRUE(world_.submit(id).is_ok());
    }
    void reboot() { world_.reboot(); }
    void read_all() {
        const auto listed = world_.list(world_.practice_id());
        ASSERT_TRUE(listed.is_ok()) << listed.error().text;
        std::set<SubmissionId> ids;
        for (const forms::Summary& one : *listed) {
            ids.insert(one.id);
        }
        EXPECT_EQ(ids.size(), listed->size());
        EXPECT_EQ(ids.size(), submitted_);
    }

    PracticeWorld world_;
    sim::Random random_;
    std::map<std::string, Account> accounts_;
    std::vector<std::pair<std::string, std::string>> void_;  // passwords that were replaced
    std::string recovery_code_;
    std::uint64_t submitted_ = 0;
    std::uint64_t sources_ = 0;
    std::uint64_t passwords_ = 0;
    std::size_t acts_ = 0;
};

TEST(PeopleModel, RandomHistoriesAgreeWithAPlainModel) {
    std::size_t acts = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        PeopleWalk walk(seed);
        for (int i = 0; i < 16 && !testing::Test::HasFailure(); ++i) {
            walk.step();
        }
        walk.check();
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
        acts += walk.acts();
    }
    EXPECT_GT(acts, 60u);
}

}  // namespace
}  // namespace firedrill::identity
