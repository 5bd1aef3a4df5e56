// PracticeModel: a plain model of who can open a practice, beside the real one, and what must hold between
// them. Header only.
//
// Every secret that ever was (passwords, invitation codes, recovery codes, shares, cookies) is remembered,
// with the generation of the practice key in which it became void, and so is every state of the directory.
// Power may go at any operation of a disk during an act: then the directory decides whether it happened, and
// it must have when it was answered.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crypto/aead.h"
#include "crypto/totp.h"
#include "identity/codes.h"
#include "identity/directory.h"
#include "identity/escrow.h"
#include "identity/safekeeping.h"
#include "tests/support/authenticator.h"
#include "tests/support/practice_world.h"

namespace firedrill::identity::test {

using firedrill::test::PracticeWorld;
using firedrill::test::secret;

enum class Act : std::uint8_t {
    invite,
    join,
    wrong_sign_in,
    stay_signed_in,
    change_password,
    disable,
    disable_by_operator,
    use_code,
    replace_kit,
    make_escrow,
    use_escrow,
    end_escrow,
    submit,
    reboot,
    restore_all,
    factor_on,
    factor_off,
    sign_in_with_code,
    restore_practice,
};
inline constexpr std::uint32_t kActs = 19;

struct Step {
    Act act = Act::submit;
    std::uint32_t who = 0;
    std::uint32_t what = 0;
    std::uint32_t cut = 0;  ///< 0: power stays; else it goes at that operation of a disk
};
inline std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << "{act " << static_cast<int>(step.act) << ", who " << step.who << ", what " << step.what
               << ", cut " << step.cut << "}";
}

class PracticeModel {
  public:
    PracticeModel() : world_(1) {}
    [[nodiscard]] std::size_t acts() const { return acts_; }
    [[nodiscard]] std::size_t restores() const { return restores_; }

  protected:
    struct Factor {
        Bytes app;                       ///< the secret in the app
        std::vector<std::string> spare;  ///< empty: made, but the power went before they were seen
        std::vector<std::string> used_spare;
    };
    struct Account {
        std::string password;
        Role role = Role::owner;
        bool is_active = true;
        std::optional<Factor> factor;
    };
    struct Escrow {
        std::uint8_t needed = 2;
        std::vector<std::string> shares;  ///< empty: made, but the power went before they were seen
    };
    struct Void {
        enum class Kind : std::uint8_t { password, invitation, code, shares, cookie } kind;
        std::string login;
        std::vector<std::string> texts;
        std::uint64_t generation;  ///< of the practice key when it became void
    };
    struct Copy {
        Roster roster;
        std::vector<InvitationRow> invitations;
    };

    // --- helpers

    std::string source() {
        ++sources_;
        return "10.1." + std::to_string(sources_ / 200) + "." + std::to_string(sources_ % 200);
    }
    std::string fresh_password() { return "walnut-quarry-tulip-" + std::to_string(1000 + ++passwords_ * 37); }
    /// What the app shows that many steps later. Each sign_in() begins two steps later than the one before.
    std::string app_code(const Factor& factor, std::uint64_t steps_later = 0) const {
        const std::uint64_t step = crypto::totp_step(world_.machine->seams().clock.wall());
        return crypto::write_totp_code(crypto::totp_code(factor.app, step + steps_later));
    }
    /// With the right code when the account has a second factor: only the password is in question.
    Result<SignedIn> sign_in(const std::string& login, std::string_view password) {
        world_.pass(std::chrono::minutes(1));
        const auto known = accounts_.find(login);
        const bool has_factor = known != accounts_.end() && known->second.factor;
        return world_.sign_in(password, login, "harbor", source(),
                              has_factor ? app_code(*known->second.factor) : "");
    }
    /// With the right password and this code, at once.
    Result<SignedIn> sign_in_with(const std::string& login, const std::string& code) {
        return world_.sign_in(accounts_.at(login).password, login, "harbor", source(), code);
    }
    void expect_refused(const std::string& login, const std::string& code) {
        ++wrong_codes_[login];
        const auto refused = sign_in_with(login, code);
        RC_ASSERT(!refused.is_ok());
        RC_ASSERT(refused.error().fault == Fault::refused);
    }
    std::string login_at(std::uint32_t which) const {
        return std::next(accounts_.begin(), static_cast<std::ptrdiff_t>(which % accounts_.size()))->first;
    }
    std::string owner() const {
        for (const auto& [login, account] : accounts_) {
            if (account.is_active && account.role == Role::owner) {
                return login;
            }
        }
        RC_FAIL("no owner is left");
        return "";
    }
    std::size_t owner_count() const {
        std::size_t out = 0;
        for (const auto& [login, account] : accounts_) {
            out += account.is_active && account.role == Role::owner ? 1U : 0U;
        }
        return out;
    }
    Confirmation confirm(const SignedIn& in) {
        return {in.session, secret(accounts_.at(in.session.login).password), source()};
    }
    SignedIn owner_in() {
        const std::string login = owner();
        const auto in = sign_in(login, accounts_.at(login).password);
        RC_ASSERT(in.is_ok());
        note_due_key(login);
        return *in;
    }
    template <class Look>
    void look(Look look) {
        const Status looked = world_.wait<void>([&](auto then) {
            world_.storage->transact(
                kDirectory, store::Access::read,
                [&](store::Database& database) -> Status { return look(database); }, then);
        });
        RC_ASSERT(looked.is_ok());
    }
    Copy copy_now() {
        Copy out;
        look([&](store::Database& database) -> Status {
            const StoreId practice = TRY(load_practices(database)).at(0).practice.id;
            out.roster = TRY(load_roster(database, practice)).value();
            out.invitations = TRY(load_invitations(database, practice));
            return {};
        });
        return out;
    }
    /// Changes with everything that an act can change.
    static Digest fingerprint(const Copy& copy) {
        crypto::Sha256 hash;
        hash.update(copy.roster.practice.slot_list_tag.view());
        hash.update(copy.roster.safekeeping.tag->view());
        for (const Member& one : copy.roster.members) {
            const std::array<Byte, 2> state{static_cast<Byte>(one.row.state),
                                            static_cast<Byte>(one.row.role)};
            hash.update(state);
            hash.update(one.row.wrapped_private);
            hash.update(one.sealed);
        }
        for (const InvitationRow& row : copy.invitations) {
            hash.update(row.id);
            hash.update(row.wrapped);
        }
        return hash.finish();
    }
    void keep_copy() {
        Copy now = copy_now();
        const Digest print = fingerprint(now);
        if (copies_.empty() || print != last_print_) {
            last_print_ = print;
            copies_.push_back(std::move(now));
        }
    }

    /// Runs an act under a possible power cut. Yields whether it happened: the directory says so, and must
    /// not contradict the answer.
    template <class T, class Call>
    bool happened(std::optional<Result<T>>& answer, Call call) {
        keep_copy();
        const Digest before = last_print_;
        if (step_.cut > 0) {
            (step_.cut % 2 == 0 ? world_.log : world_.data)->cut_power_after(1 + step_.cut / 2);
        }
        answer = world_.wait<T>(call);
        const bool went_dark = !world_.machine->is_on();
        if (step_.cut > 0) {
            power_cut();
        }
        keep_copy();
        const bool is_done = last_print_ != before;
        if (answer->is_ok()) {
            RC_ASSERT(is_done);
        } else if (!went_dark) {
            RC_ASSERT(!is_done);
        }
        acts_ += is_done ? 1U : 0U;
        return is_done;
    }
    void power_cut() {
        world_.reboot();
        for (auto& [token, login] : sessions_) {
            dead_tokens_.insert(token);
        }
        sessions_.clear();
        wrong_codes_.clear();
    }
    void end_sessions_of(const std::string& login, std::string_view except = {}) {
        std::erase_if(sessions_, [&](const auto& one) {
            if (one.second == login && one.first != except) {
                dead_tokens_.insert(one.first);
                return true;
            }
            return false;
        });
    }
    void make_void(Void::Kind kind, std::string login, std::vector<std::string> texts) {
        void_.push_back({kind, std::move(login), std::move(texts), generation_});
    }
    /// With new keys, which have no second factor, or with the same ones.
    void set_password(const std::string& login, const std::string& password, bool has_new_keys = true) {
        if (const auto known = accounts_.find(login); known != accounts_.end()) {
            make_void(Void::Kind::password, login, {known->second.password});
        }
        accounts_[login].password = password;
        if (has_new_keys) {
            accounts_[login].factor.reset();
        }
    }
    void withdraw_invitations() {
        for (const auto& [login, invitation] : invitations_) {
            make_void(Void::Kind::invitation, login, {invitation.first});
        }
        invitations_.clear();
        unseen_.clear();
    }
    /// The practice key was replaced: invitations are void with it.
    void key_replaced() {
        withdraw_invitations();
        ++generation_;
        is_due_ = false;
    }

    /// The account's password is in the model already.
    void accept_rescue(const std::string& login, std::optional<std::string> next_code) {
        if (kit_) {
            make_void(Void::Kind::code, login, {*kit_});
        }
        kit_ = std::move(next_code);
        accounts_[login].role = Role::owner;
        accounts_[login].is_active = true;
        end_sessions_of(login);
        key_replaced();
    }
    void leave(const SignedIn& in) {
        if (step_.cut == 0) {
            RC_ASSERT(world_.sign_out(in.token).is_ok());
        }
        dead_tokens_.insert(in.token);
    }
    /// An owner's sign-in replaces the key that an operator's act left due.
    void note_due_key(const std::string& login) {
        if (is_due_ && accounts_.at(login).role == Role::owner) {
            key_replaced();
        }
    }

    // --- what must hold

    void check_sessions() {
        for (const auto& [token, login] : sessions_) {  // which also marks them seen
            RC_ASSERT(world_.identity->find_session(token) != nullptr);
        }
        for (const std::string& token : dead_tokens_) {
            RC_ASSERT(world_.identity->find_session(token) == nullptr);
        }
    }
    /// The directory holds the invitations that are open, and no others.
    void check_invitations() {
        std::set<std::string> expected = unseen_;
        for (const auto& [login, invitation] : invitations_) {
            expected.insert(login);
        }
        std::set<std::string> held;
        for (const InvitationRow& row : copies_.back().invitations) {
            held.insert(row.login);
        }
        RC_ASSERT(held == expected);
    }
    /// Who may open the practice holds a slot, and nobody else does once the key was replaced.
    void check_slots() {
        for (const auto& [login, account] : accounts_) {
            const Member* member = copies_.back().roster.find(login);
            RC_ASSERT(member != nullptr);
            if (account.is_active || !is_due_) {
                RC_ASSERT(member->sealed.empty() == !account.is_active);
            }
        }
    }
    void read_all() {
        const auto listed = world_.list(world_.practice_id());
        RC_ASSERT(listed.is_ok());
        std::set<SubmissionId> ids;
        for (const forms::Summary& one : *listed) {
            RC_ASSERT(ids.insert(one.id).second);
            RC_ASSERT(confirmed_.contains(one.id) || maybe_.contains(one.id));
        }
        for (const SubmissionId& id : confirmed_) {
            RC_ASSERT(ids.contains(id));
        }
    }
    void check_accounts() {
        for (const auto& [login, account] : accounts_) {
            if (account.is_active && account.factor) {
                expect_refused(login, "");
            }
            const auto in = sign_in(login, account.password);
            RC_ASSERT(in.is_ok() == account.is_active);
            if (in) {
                RC_ASSERT(in->session.role == account.role);
                note_due_key(login);
                read_all();
                RC_ASSERT(world_.sign_out(in->token).is_ok());
            }
        }
        for (const auto& [login, invitation] : invitations_) {
            look([&](store::Database& database) -> Status {
                const auto code = read_code(CodeKind::invitation, invitation.first).value();
                const auto row = TRY(load_invitation(database, invitation_id(code)));
                RC_ASSERT(row.has_value() && open_invitation(*row, code).is_ok());
                return {};
            });
        }
    }
    Result<Recovered> recover(const std::string& code, const std::string& login) {
        const std::string password = fresh_password();
        auto out = world_.wait<Recovered>([&](auto then) {
            world_.identity->people().recover({"harbor", code, login, secret(password), source()}, then);
        });
        if (out) {
            set_password(login, password);
        }
        return out;
    }
    Result<Recovered> recover_by(const std::vector<std::string>& shares, const std::string& login) {
        const std::string password = fresh_password();
        auto out = world_.wait<Recovered>([&](auto then) {
            world_.identity->safekeeping().recover_by_shares(
                {"harbor", shares, login, secret(password), source()}, then);
        });
        if (out) {
            set_password(login, password);
        }
        return out;
    }
    void open_by_shares(const std::string& login) {
        std::vector<std::string> shares = escrow_->shares;
        shares.resize(escrow_->needed);
        const auto recovered = recover_by(shares, login);
        RC_ASSERT(recovered.is_ok());
        make_void(Void::Kind::shares, login, escrow_->shares);
        escrow_.reset();
        accept_rescue(login, recovered->code);
    }
    void try_void(const Void& one) {
        switch (one.kind) {
            case Void::Kind::password: {
                const Account& account = accounts_.at(one.login);
                if (!account.is_active || account.password != one.texts[0]) {
                    RC_ASSERT(!sign_in(one.login, one.texts[0]).is_ok());
                }
                break;
            }
            case Void::Kind::invitation: {
                const auto joined = world_.wait<Joined>([&](auto then) {
                    world_.identity->people().join({one.texts[0], secret(fresh_password()), source()}, then);
                });
                RC_ASSERT(!joined.is_ok());
                break;
            }
            case Void::Kind::code: RC_ASSERT(!recover(one.texts[0], "zoe").is_ok()); break;
            case Void::Kind::shares: RC_ASSERT(!recover_by(one.texts, "zoe").is_ok()); break;
            case Void::Kind::cookie: break;
        }
    }
    void check_void_secrets() {
        for (const Void& one : void_) {
            try_void(one);
        }
    }
    /// The practice key that a secret gets out of a copy.
    static Result<crypto::Secret> open_copy(Copy& copy, const Void& one) {
        const Error none{Fault::not_found, ""};
        Credentials rows;
        rows.practice = copy.roster.practice;
        for (const Member& member : copy.roster.members) {
            if (!member.sealed.empty()) {
                rows.slots.push_back(slot_fact(member.row));
            }
        }
        if (one.kind == Void::Kind::invitation) {
            const auto code = read_code(CodeKind::invitation, one.texts[0]).value();
            for (const InvitationRow& row : copy.invitations) {
                if (row.id == invitation_id(code)) {
                    return open_invitation(row, code);
                }
            }
            return none;
        }
        for (const Member& member : copy.roster.members) {
            const bool is_it = one.kind == Void::Kind::password ? member.row.login == one.login
                               : one.kind == Void::Kind::code   ? member.row.state == PersonState::recovery
                                                                : member.row.state == PersonState::escrow;
            if (!is_it) {
                continue;
            }
            rows.person = member.row;
            rows.person.state = PersonState::active;  // with the bytes in hand nobody asks for the state
            rows.sealed_practice_key = member.sealed;
            if (one.kind == Void::Kind::password) {
                return open_credentials(rows, secret(one.texts[0]));
            }
            if (one.kind == Void::Kind::code) {
                return open_recovery(rows, read_code(CodeKind::recovery, one.texts[0]).value());
            }
            std::vector<crypto::Secret> shares;
            for (const std::string& text : one.texts) {
                shares.push_back(std::move(read_share(text).value()));
            }
            return open_escrow(rows, shares);
        }
        return none;
    }
    /// No void secret gives today's practice key with any copy, unless it was good at some time under that
    /// key.
    void check_old_copies() {
        const SignedIn in = owner_in();
        const crypto::Secret key = world_.custody->find(world_.practice_id())->copy();
        keep_copy();  // the sign-in may have replaced a key that was due
        leave(in);
        for (const Void& one : void_) {
            if (one.texts.empty()) {
                continue;
            }
            bool ever_opened = false;
            for (Copy& copy : copies_) {
                const auto opened = open_copy(copy, one);
                ever_opened = ever_opened || opened.is_ok();
                if (opened && one.generation < generation_) {
                    RC_ASSERT(!crypto::equal_secret(opened->view(), key.view()));
                }
            }
            RC_ASSERT(ever_opened);  // the control: it was good once, and its copy shows it
        }
    }

    PracticeWorld world_;
    Step step_;
    std::map<std::string, Account> accounts_;
    std::map<std::string, std::pair<std::string, Role>> invitations_;
    std::optional<std::string> kit_;  ///< nullopt: replaced, but the power went before it was seen
    std::optional<Escrow> escrow_;
    std::map<std::string, std::string> sessions_;  ///< token to login
    std::set<std::string> dead_tokens_;
    std::map<std::string, std::uint32_t> wrong_codes_;  ///< behind the right password, since the last start
    std::vector<Void> void_;
    std::vector<Copy> copies_;
    Digest last_print_;
    std::set<std::string> unseen_;  ///< invitations made when the power went: nobody knows their codes
    std::uint64_t generation_ = 0;  ///< of the practice key
    bool is_due_ = false;           ///< somebody whom the operator disabled still holds a slot
    std::set<SubmissionId> confirmed_;
    std::set<SubmissionId> maybe_;  ///< sent when the power went
    std::uint64_t next_submission_ = 0;
    std::uint64_t sources_ = 0;
    std::uint64_t passwords_ = 0;
    std::size_t acts_ = 0;
    std::size_t restores_ = 0;    ///< of the practice alone, answered
    store::Lsn first_state_ = 0;  ///< the earliest that the practice can be taken back to
};

}  // namespace firedrill::identity::test
