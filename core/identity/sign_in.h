// SignInDesk: from practice, login, password and code to a session. Loop only; used inside identity/.
//
//   admit → read rows → hash, open, check the code (Lane::passwords) → consume the code → raise the cost →
//   open the practice → session
//
// Refused sign-ins are watched for guessing that is spread thin. Whatever was wrong (practice, login,
// password, code, account), the answer is the same after the same work: everything up to the end of the job
// runs for everybody, and only who had all of it right goes on. A code is consumed durably before anything is
// opened: whatever crashes, it is not accepted twice.
#pragma once

#include <map>
#include <memory>

#include "identity/alive.h"
#include "identity/guess_watch.h"
#include "identity/people_node.h"
#include "identity/second_factor.h"

namespace firedrill::identity {

struct SignInTools {
    Seams seams;
    store::Storage& storage;
    const IdentityOptions& options;
    SessionTable& sessions;
    Gates& gates;
    SlowDown& slow_down;
    std::size_t& waiting;  ///< jobs given to Lane::passwords
    Generations& generations;
    PeopleNode& people;
    std::function<Result<PracticeInfo>(std::string_view name)> find_practice;
};

class SignInDesk {
  public:
    using Then = std::function<void(Result<SignedIn>)>;

    explicit SignInDesk(SignInTools tools) : tools_(std::move(tools)) {}
    /// Identity::sign_in().
    void sign_in(SignIn request, Then then);

  private:
    struct Attempt {
        SignIn request;
        Then then;
        Credentials credentials;
        Result<OpenedAccount> account = Error{};
        CodeCheck code;
        bool takes_app_codes = true;
        std::optional<PersonRow> raised;  ///< the same account under the present cost
        std::uint64_t generation = 0;     ///< of the practice's people when they were read
    };
    using AttemptPtr = std::shared_ptr<Attempt>;

    void read_rows(const AttemptPtr& attempt);
    void hash(const AttemptPtr& attempt);
    void judge(const AttemptPtr& attempt);
    void consume(const AttemptPtr& attempt);
    void raise_cost(const AttemptPtr& attempt);
    void enter(const AttemptPtr& attempt);
    void admit_person(const AttemptPtr& attempt);
    void refuse(const AttemptPtr& attempt);
    /// False, and answered, when the people of the practice changed since this attempt read them.
    bool is_current(const AttemptPtr& attempt);
    void journal(const std::string& sentence) const;
    void answer_later(Then then, Error error);

    SignInTools tools_;
    GuessWatch watch_;
    Alive alive_;
};

}  // namespace firedrill::identity
