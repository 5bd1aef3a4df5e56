// FakeIdentity and FakeSubmissions: practices in memory, for tests and fuzz targets of the site. Loop only.
//
// Answers come at once, or, with `holds`, when release() is called: to see what late answers do.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "forms/submissions.h"
#include "identity/identity.h"
#include "identity/people.h"
#include "identity/safekeeping.h"

namespace firedrill::web::test {

/// Runs callbacks now or holds them.
class Valve {
  public:
    bool holds = false;
    void pass(std::function<void()> call) {
        if (holds) {
            held_.push_back(std::move(call));
        } else {
            call();
        }
    }
    void release() {
        for (const auto& call : std::exchange(held_, {})) {
            call();
        }
    }

  private:
    std::vector<std::function<void()>> held_;
};

inline StoreId practice_id(Byte number) {
    StoreId id;
    id.bytes[0] = number;
    return id;
}

/// Nobody comes and nobody leaves: people are tested over the real thing (tests/node).
class FakePeople final : public identity::People {
  public:
    void list(std::string_view, Then<identity::PeopleList> then) override { then(not_here()); }
    void invite(identity::Confirmation, std::string, identity::Role,
                Then<identity::Invitation> then) override {
        then(not_here());
    }
    void join(identity::Joining, Then<identity::Joined> then) override { then(not_here()); }
    void disable(identity::Confirmation, PersonId, Then<void> then) override { then(not_here()); }
    void disable_by_operator(std::string_view, std::string_view, Then<void> then) override {
        then(not_here());
    }
    void change_password(identity::Confirmation, crypto::Secret, std::string, Then<void> then) override {
        then(not_here());
    }
    Result<identity::SecondFactorProposal> propose_second_factor(std::string_view) override {
        return not_here();
    }
    void confirm_second_factor(identity::Confirmation, crypto::Secret, std::string,
                               Then<identity::SecondFactorOn> then) override {
        then(not_here());
    }
    void turn_off_second_factor(identity::Confirmation, std::string, Then<void> then) override {
        then(not_here());
    }
    void renew_spare_codes(identity::Confirmation, Then<std::vector<std::string>> then) override {
        then(not_here());
    }
    std::vector<identity::SessionInfo> list_sessions(std::string_view) override { return {}; }
    Status end_session(std::string_view, std::string_view) override { return not_here(); }
    void recover(identity::Recovery, Then<identity::Recovered> then) override { then(not_here()); }

  private:
    static Error not_here() { return {Fault::unavailable, "not here"}; }
};

/// Nothing is kept: safekeeping too is tested over the real thing.
class FakeSafekeeping final : public identity::Safekeeping {
  public:
    void look(std::string_view, Then<identity::Safekept> then) override { then(not_here()); }
    void replace_kit(identity::Confirmation, Then<identity::NewKit> then) override { then(not_here()); }
    void make_escrow(identity::Confirmation, std::uint32_t, std::vector<std::string>,
                     Then<identity::NewEscrow> then) override {
        then(not_here());
    }
    void confirm_shares(identity::Confirmation, std::vector<std::string>, Then<void> then) override {
        then(not_here());
    }
    void end_escrow(identity::Confirmation, Then<void> then) override { then(not_here()); }
    void recover_by_shares(identity::ShareRecovery, Then<identity::Recovered> then) override {
        then(not_here());
    }

  private:
    static Error not_here() { return {Fault::unavailable, "not here"}; }
};

class FakeIdentity final : public identity::Identity {
  public:
    static constexpr std::string_view kPassword = "correct horse battery staple";
    FakeIdentity() {
        add("alpha", "Alpha Physical Therapy");
        add("beta", "Beta <b>& \"Sons\"</b>");
    }
    Valve valve;
    std::optional<Error> sign_in_error;  ///< answers every sign-in
    std::size_t password_checks = 0;

    void add(std::string name, std::string title) {
        identity::PracticeInfo info;
        info.id = practice_id(static_cast<Byte>(practices_.size() + 1));
        info.name = std::move(name);
        info.title = std::move(title);
        practices_.push_back(std::move(info));
    }
    [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }

    void start(store::KeyRing, Then<void> then) override { then({}); }
    void create_practice(identity::NewPractice, Then<identity::PracticeInfo> then) override {
        then(Error{Fault::unavailable, "not here"});
    }
    void list_practices(Then<std::vector<identity::PracticeInfo>> then) override {
        valve.pass([this, then] { then(practices_); });
    }
    Result<identity::PracticeInfo> find_practice(std::string_view name) const override {
        const auto found = std::ranges::find(practices_, name, &identity::PracticeInfo::name);
        if (found == practices_.end()) {
            return Error{Fault::not_found, "no such practice"};
        }
        return *found;
    }
    void sign_in(identity::SignIn request, Then<identity::SignedIn> then) override {
        ++password_checks;
        const auto practice = find_practice(request.practice);
        const bool is_right =
            practice.is_ok() && request.login == "owner" && as_text(request.password.view()) == kPassword;
        valve.pass([this, then, is_right, practice, login = request.login] {
            if (sign_in_error) {
                return then(*sign_in_error);
            }
            if (!is_right) {
                return then(Error{Fault::refused, "sign-in refused"});
            }
            identity::SignedIn out;
            out.token = fmt::format("token-{:037}", ++tokens_);
            out.session.practice = practice->id;
            out.session.practice_name = practice->name;
            out.session.login = login;
            out.session.csrf = fmt::format("csrf-{:038}", tokens_);
            sessions_[out.token] = out.session;
            then(std::move(out));
        });
    }
    const identity::Session* find_session(std::string_view token) override {
        const auto found = sessions_.find(token);
        return found == sessions_.end() ? nullptr : &found->second;
    }
    void sign_out(std::string_view token, Then<void> then) override {
        sessions_.erase(std::string(token));
        valve.pass([then] { then({}); });
    }
    void end_sessions(std::string_view, Then<std::size_t> then) override {
        const std::size_t count = sessions_.size();
        sessions_.clear();
        then(count);
    }
    identity::People& people() override { return people_; }
    identity::Safekeeping& safekeeping() override { return safekeeping_; }
    void expire_sessions() override { sessions_.clear(); }
    void close_all(Then<void> then) override {
        sessions_.clear();
        then({});
    }

  private:
    std::vector<identity::PracticeInfo> practices_;
    std::map<std::string, identity::Session, std::less<>> sessions_;
    std::size_t tokens_ = 0;
    FakePeople people_;
    FakeSafekeeping safekeeping_;
};

class FakeSubmissions final : public forms::Submissions {
  public:
    Valve valve;
    std::optional<Error> submit_error;
    std::optional<Error> read_error;
    std::size_t submit_calls = 0;
    forms::ListWish last_wish;
    forms::SummaryPage page;  ///< what list() answers, before what was stored
    std::map<std::pair<StoreId, SubmissionId>, forms::Submission> stored;

    void submit(StoreId practice, const std::array<Byte, 32>&, SubmissionId id, std::string_view form,
                std::string response, Then<void> then) override {
        ++submit_calls;
        valve.pass([this, practice, id, form = std::string(form), response = std::move(response), then] {
            if (submit_error) {
                return then(*submit_error);
            }
            stored.try_emplace({practice, id}, forms::Submission{{id, form, WallTime{}}, response});
            then({});
        });
    }
    void drain(StoreId, Then<std::uint32_t> then) override { then(0U); }
    void list(StoreId practice, forms::ListWish wish, Then<forms::SummaryPage> then) override {
        last_wish = wish;
        valve.pass([this, practice, then] {
            if (read_error) {
                return then(*read_error);
            }
            forms::SummaryPage out = page;
            for (const auto& [key, submission] : stored) {
                if (key.first == practice) {
                    out.items.push_back(submission.summary);
                }
            }
            then(std::move(out));
        });
    }
    void read(StoreId practice, SubmissionId id, Then<forms::Submission> then) override {
        valve.pass([this, practice, id, then] {
            if (read_error) {
                return then(*read_error);
            }
            const auto found = stored.find({practice, id});
            if (found == stored.end()) {
                return then(Error{Fault::not_found, "no such submission"});
            }
            then(found->second);
        });
    }
};

}  // namespace firedrill::web::test
