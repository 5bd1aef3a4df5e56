// PracticeWalk: the acts of random histories of one practice, each done for real and in the model. Header
// only.
#pragma once

#include "tests/identity/practice_model.h"

namespace firedrill::identity::test {

class PracticeWalk : public PracticeModel {
  public:
    PracticeWalk() {
        const auto made = world_.create();
        RC_ASSERT(made.is_ok());
        kit_ = made->recovery_code;
        first_state_ = world_.storage->health().durable;
        accounts_["ada"] = {std::string(PracticeWorld::kPassword), Role::owner, true, {}};
        keep_copy();
    }

    void run(const Step& step) {
        world_.pass(std::chrono::minutes(2));
        step_ = step;
        switch (step.act) {
            case Act::invite: invite(); break;
            case Act::join: join(); break;
            case Act::wrong_sign_in: wrong_sign_in(); break;
            case Act::stay_signed_in: stay_signed_in(); break;
            case Act::change_password: change_password(); break;
            case Act::disable: disable(); break;
            case Act::disable_by_operator: disable_by_operator(); break;
            case Act::use_code: use_code(); break;
            case Act::replace_kit: replace_kit(); break;
            case Act::make_escrow: make_escrow(); break;
            case Act::use_escrow: use_escrow(); break;
            case Act::end_escrow: end_escrow(); break;
            case Act::submit: submit(); break;
            case Act::reboot: reboot(); break;
            case Act::restore_all: restore_all(); break;
            case Act::factor_on: factor_on(); break;
            case Act::factor_off: factor_off(); break;
            case Act::sign_in_with_code: sign_in_with_code(); break;
            case Act::restore_practice: restore_practice(); break;
        }
        check_sessions();
        keep_copy();
        check_invitations();
        check_slots();
    }
    /// Everybody who should gets in and sees everything; nothing that is void gets anybody in, not even with
    /// an old copy of the directory; then every last secret is used up, one by one.
    void finish() {
        check_accounts();
        check_old_copies();
        check_void_secrets();
        if (escrow_ && !escrow_->shares.empty()) {
            open_by_shares("zoe");
            keep_copy();
            check_accounts();
        }
        if (kit_) {
            const std::string login = owner();
            const auto recovered = recover(*kit_, login);
            RC_ASSERT(recovered.is_ok());
            accept_rescue(login, recovered->code);
            check_accounts();
        }
        keep_copy();
        check_old_copies();
    }

  private:
    /// Of one account until the node starts again; it takes 20 before it refuses the app's codes for a day.
    static constexpr std::uint32_t kWrongCodes = 12;

    // --- acts

    void invite() {
        const SignedIn in = owner_in();
        std::string login =
            step_.who % 3 == 0 ? login_at(step_.what) : "p" + std::to_string(accounts_.size());
        const Role role = kRoles[step_.what % kRoles.size()];
        std::optional<Result<Invitation>> made;
        const bool is_done = happened(
            made, [&](auto then) { world_.identity->people().invite(confirm(in), login, role, then); });
        if (world_.machine->is_on() && step_.cut == 0) {
            RC_ASSERT(made->is_ok() == (login != in.session.login));
        }
        if (is_done) {
            if (const auto old = invitations_.find(login); old != invitations_.end()) {
                make_void(Void::Kind::invitation, login, {old->second.first});
                invitations_.erase(old);
            }
            unseen_.erase(login);
            if (!*made) {
                unseen_.insert(login);
            } else {
                invitations_[login] = {(*made)->code, role};
            }
        }
        leave(in);
    }
    void join() {
        if (invitations_.empty()) {
            return;
        }
        const auto at =
            std::next(invitations_.begin(), static_cast<std::ptrdiff_t>(step_.who % invitations_.size()));
        const std::string login = at->first;
        const auto [code, role] = at->second;
        const std::string password = fresh_password();
        const auto known = accounts_.find(login);
        const bool loses_last_owner = known != accounts_.end() && known->second.is_active &&
                                      known->second.role == Role::owner && role != Role::owner &&
                                      owner_count() == 1;
        std::optional<Result<Joined>> joined;
        const bool is_done = happened(joined, [&](auto then) {
            world_.identity->people().join({code, secret(password), source()}, then);
        });
        if (step_.cut == 0) {
            RC_ASSERT(joined->is_ok() == !loses_last_owner);
        }
        if (is_done) {
            set_password(login, password);
            accounts_[login].role = role;
            accounts_[login].is_active = true;
            make_void(Void::Kind::invitation, login, {code});
            invitations_.erase(login);
            end_sessions_of(login);
        }
    }
    void wrong_sign_in() {
        const std::string login = login_at(step_.who);
        RC_ASSERT(!sign_in(login, "not-the-password-at-all").is_ok());
        if (!void_.empty()) {
            try_void(void_[step_.what % void_.size()]);
        }
    }
    void stay_signed_in() {
        const std::string login = login_at(step_.who);
        if (!accounts_.at(login).is_active || sessions_.size() >= 6) {
            return;
        }
        const auto in = sign_in(login, accounts_.at(login).password);
        RC_ASSERT(in.is_ok());
        sessions_[in->token] = login;
        note_due_key(login);
        read_all();
    }
    void change_password() {
        const std::string login = login_at(step_.who);
        if (!accounts_.at(login).is_active) {
            return;
        }
        const auto in = sign_in(login, accounts_.at(login).password);
        RC_ASSERT(in.is_ok());
        note_due_key(login);
        const std::string password = fresh_password();
        std::optional<Result<void>> changed;
        const bool is_done = happened(changed, [&](auto then) {
            world_.identity->people().change_password(confirm(*in), secret(password), in->token, then);
        });
        if (step_.cut == 0) {
            RC_ASSERT(changed->is_ok());
        }
        if (is_done) {
            set_password(login, password, false);
            end_sessions_of(login);
        }
        leave(*in);
    }
    void disable() {
        const SignedIn in = owner_in();
        const std::string login = login_at(step_.who);
        const Member* leaver = copies_.back().roster.find(login);
        const PersonId person = leaver == nullptr ? PersonId{} : leaver->row.id;
        std::optional<Result<void>> left;
        const bool is_done =
            happened(left, [&](auto then) { world_.identity->people().disable(confirm(in), person, then); });
        if (step_.cut == 0) {
            RC_ASSERT(left->is_ok() == (login != in.session.login));
        }
        if (is_done) {
            accounts_.at(login).is_active = false;
            make_void(Void::Kind::password, login, {accounts_.at(login).password});
            end_sessions_of(login);
            key_replaced();
        }
        leave(in);
    }
    void disable_by_operator() {
        const std::string login = login_at(step_.who);
        const Account& account = accounts_.at(login);
        const bool is_last = account.is_active && account.role == Role::owner && owner_count() == 1;
        const bool was_active = account.is_active;
        std::optional<Result<void>> left;
        const Status status = world_.wait<void>(
            [&](auto then) { world_.identity->people().disable_by_operator("harbor", login, then); });
        RC_ASSERT(status.is_ok() == !is_last);
        if (status) {
            withdraw_invitations();
        }
        if (status && was_active) {
            accounts_.at(login).is_active = false;
            is_due_ = true;
            make_void(Void::Kind::password, login, {account.password});
            end_sessions_of(login);
            ++acts_;
        }
    }
    void use_code() {
        if (!kit_ || step_.what % 3 != 0) {
            return;
        }
        const std::string login = step_.who % 2 == 0 ? owner() : "r" + std::to_string(accounts_.size());
        rescue<Recovered>(
            login,
            [&](const std::string& password, auto then) {
                world_.identity->people().recover({"harbor", *kit_, login, secret(password), source()}, then);
            },
            false);
    }
    void use_escrow() {
        if (!escrow_ || escrow_->shares.empty()) {
            return;
        }
        std::vector<std::string> shares = escrow_->shares;
        std::rotate(shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(step_.what % shares.size()),
                    shares.end());
        shares.resize(escrow_->needed - 1U);
        RC_ASSERT(!recover_by(shares, "zoe").is_ok());
        shares = escrow_->shares;
        std::rotate(shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(step_.what % shares.size()),
                    shares.end());
        shares.resize(escrow_->needed);
        const std::string login = step_.who % 2 == 0 ? owner() : "s" + std::to_string(accounts_.size());
        rescue<Recovered>(
            login,
            [&](const std::string& password, auto then) {
                world_.identity->safekeeping().recover_by_shares(
                    {"harbor", shares, login, secret(password), source()}, then);
            },
            true);
    }
    template <class T, class Call>
    void rescue(const std::string& login, Call call, bool is_by_shares) {
        const std::string password = fresh_password();
        std::optional<Result<T>> recovered;
        const bool is_done = happened(recovered, [&](auto then) { call(password, then); });
        if (step_.cut == 0) {
            RC_ASSERT(recovered->is_ok());
        }
        if (!is_done) {
            return;
        }
        if (is_by_shares) {
            make_void(Void::Kind::shares, login, escrow_->shares);
            escrow_.reset();
        }
        set_password(login, password);
        accept_rescue(login, *recovered ? std::optional((*recovered)->code) : std::nullopt);
    }
    void replace_kit() {
        const SignedIn in = owner_in();
        std::optional<Result<NewKit>> kit;
        const bool is_done =
            happened(kit, [&](auto then) { world_.identity->safekeeping().replace_kit(confirm(in), then); });
        if (step_.cut == 0) {
            RC_ASSERT(kit->is_ok());
        }
        if (is_done) {
            if (kit_) {
                make_void(Void::Kind::code, in.session.login, {*kit_});
            }
            kit_ = *kit ? std::optional((*kit)->code) : std::nullopt;
            key_replaced();
        }
        leave(in);
    }
    void make_escrow() {
        const SignedIn in = owner_in();
        const std::uint8_t count = static_cast<std::uint8_t>(2 + step_.who % 4);
        const std::uint8_t needed = static_cast<std::uint8_t>(2 + step_.what % (count - 1U));
        std::vector<std::string> holders;
        for (std::uint8_t i = 0; i < count; ++i) {
            holders.push_back("holder " + std::to_string(i));
        }
        std::optional<Result<NewEscrow>> made;
        const bool is_done = happened(made, [&](auto then) {
            world_.identity->safekeeping().make_escrow(confirm(in), needed, holders, then);
        });
        if (step_.cut == 0) {
            RC_ASSERT(made->is_ok() == !escrow_.has_value());
        }
        if (is_done) {
            escrow_ = Escrow{needed, {}};
            for (std::size_t i = 0; *made && i < (*made)->shares.size(); ++i) {
                std::string text;
                for (const std::string& line : (*made)->shares[i]) {
                    text += line + "\n";
                }
                escrow_->shares.push_back(text);
            }
        }
        leave(in);
    }
    void end_escrow() {
        const SignedIn in = owner_in();
        std::optional<Result<void>> ended;
        const bool is_done =
            happened(ended, [&](auto then) { world_.identity->safekeeping().end_escrow(confirm(in), then); });
        if (step_.cut == 0) {
            RC_ASSERT(ended->is_ok() == escrow_.has_value());
        }
        if (is_done) {
            make_void(Void::Kind::shares, in.session.login, escrow_->shares);
            escrow_.reset();
            key_replaced();
        }
        leave(in);
    }
    void submit() {
        SubmissionId id;
        store_u64(id.bytes.data(), ++next_submission_);
        if (step_.cut > 0) {
            (step_.cut % 2 == 0 ? world_.log : world_.data)->cut_power_after(1 + step_.cut / 2);
        }
        const Status stored = world_.submit(id);
        if (step_.cut > 0) {
            power_cut();
        } else {
            RC_ASSERT(stored.is_ok());
        }
        (stored ? confirmed_ : maybe_).insert(id);
    }
    void factor_on() {
        const std::string login = login_at(step_.who);
        Account& account = accounts_.at(login);
        if (!account.is_active || account.factor || wrong_codes_[login] >= kWrongCodes) {
            return;
        }
        const auto in = sign_in(login, account.password);
        RC_ASSERT(in.is_ok());
        note_due_key(login);
        const auto proposed = world_.identity->people().propose_second_factor(in->token);
        RC_ASSERT(proposed.is_ok());
        Factor factor{firedrill::test::read_otpauth(proposed->otpauth).value().secret, {}, {}};
        const std::string code = app_code(factor);
        std::optional<Result<SecondFactorOn>> on;
        const bool is_done = happened(on, [&](auto then) {
            world_.identity->people().confirm_second_factor(confirm(*in), secret(code), in->token, then);
        });
        RC_ASSERT((step_.cut > 0 || on->is_ok()));
        if (is_done) {
            factor.spare = *on ? (*on)->spare_codes : std::vector<std::string>();
            account.factor = std::move(factor);
            end_sessions_of(login);
            expect_refused(login, code);  // it confirmed, and signs nobody in
            expect_refused(login, "");
        }
        dead_tokens_.insert(in->token);
        leave(*on ? (*on)->fresh : *in);
    }
    void factor_off() {
        const std::string login = login_with_factor();
        if (login.empty()) {
            return;
        }
        Account& account = accounts_.at(login);
        const auto in = sign_in(login, account.password);
        RC_ASSERT(in.is_ok());
        note_due_key(login);
        std::optional<Result<void>> off;
        const bool is_done = happened(off, [&](auto then) {
            world_.identity->people().turn_off_second_factor(confirm(*in), in->token, then);
        });
        RC_ASSERT((step_.cut > 0 || off->is_ok()));
        if (is_done) {
            account.factor.reset();
            end_sessions_of(login);
        }
        leave(*in);
    }
    /// Empty when there is nobody who has one and may try wrong codes.
    std::string login_with_factor() {
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            const std::string login = login_at(step_.who + static_cast<std::uint32_t>(i));
            const Account& account = accounts_.at(login);
            if (account.is_active && account.factor && wrong_codes_[login] < kWrongCodes) {
                return login;
            }
        }
        return "";
    }
    void sign_in_with_code() {
        const std::string login = login_with_factor();
        if (login.empty()) {
            return;
        }
        Factor& factor = accounts_.at(login).factor.value();
        world_.pass(std::chrono::minutes(1));
        switch (step_.what % 4) {
            case 0: expect_refused(login, wrong_code(factor)); break;
            case 1: use_once(login, app_code(factor, step_.what / 4 % 2)); break;
            case 2:
                if (!factor.spare.empty()) {
                    factor.used_spare.push_back(factor.spare.back());
                    factor.spare.pop_back();
                    use_once(login, factor.used_spare.back());
                }
                break;
            default:
                for (std::size_t i = 0; i < factor.used_spare.size() && i < 2; ++i) {
                    expect_refused(login, factor.used_spare[i]);
                }
        }
    }
    std::string wrong_code(const Factor& factor) const {
        const std::uint64_t now = crypto::totp_step(world_.machine->seams().clock.wall());
        std::set<std::uint32_t> right;
        for (std::uint64_t step = now - 1; step <= now + 1; ++step) {
            right.insert(crypto::totp_code(factor.app, step));
        }
        std::uint32_t wrong = step_.who;
        while (right.contains(wrong)) {
            ++wrong;
        }
        return crypto::write_totp_code(wrong);
    }
    /// A right code opens once, wherever it is tried again and whatever the power did in between. Nobody
    /// knows whether one counts as used when the power went before the answer; the next attempt uses it up.
    void use_once(const std::string& login, const std::string& code) {
        if (step_.cut > 0) {
            (step_.cut % 2 == 0 ? world_.log : world_.data)->cut_power_after(1 + step_.cut / 2);
        }
        const auto in = sign_in_with(login, code);
        const bool went_dark = !world_.machine->is_on();
        RC_ASSERT((in.is_ok() || went_dark));
        if (step_.cut > 0 || step_.who % 3 == 0) {
            power_cut();
        }
        if (in) {
            note_due_key(login);
            dead_tokens_.insert(in->token);
            RC_ASSERT((world_.sign_out(in->token).is_ok() || step_.cut > 0 || step_.who % 3 == 0));
        } else {
            const auto again = sign_in_with(login, code);
            RC_ASSERT((again.is_ok() || again.error().fault == Fault::refused));
            wrong_codes_[login] += again ? 0U : 1U;
        }
        ++acts_;
        expect_refused(login, code);
        const auto next = sign_in(login, accounts_.at(login).password);
        RC_ASSERT(next.is_ok());
        note_due_key(login);
        RC_ASSERT(world_.sign_out(next->token).is_ok());
    }
    /// What the operator can do without a key, once everybody has left. People are in the directory and stay
    /// as they are; submissions that came after that state are back once somebody is in.
    void restore_practice() {
        while (!sessions_.empty()) {
            RC_ASSERT(world_.sign_out(sessions_.begin()->first).is_ok());
            dead_tokens_.insert(sessions_.begin()->first);
            sessions_.erase(sessions_.begin());
        }
        const store::Lsn states = world_.storage->health().durable - first_state_ + 1;
        const store::Lsn until = first_state_ + (step_.who * 60 + step_.what) % states;
        if (step_.cut > 0) {
            (step_.cut % 2 == 0 ? world_.log : world_.data)->cut_power_after(1 + step_.cut / 2);
        }
        const auto restored = world_.wait<store::StoreRestorePlan>([&](auto then) {
            world_.storage->restore_store(world_.practice_id(), {until, {}}, store::RestoreMode::go, then);
        });
        const bool went_dark = !world_.machine->is_on();
        // Refused: it stands there already.
        RC_ASSERT((restored.is_ok() || went_dark || restored.error().fault == Fault::refused));
        if (step_.cut > 0) {
            power_cut();
        }
        acts_ += restored ? 1U : 0U;
        restores_ += restored ? 1U : 0U;
        if (step_.what % 2 == 0) {
            const SignedIn in = owner_in();
            read_all();
            RC_ASSERT(world_.sign_out(in.token).is_ok());
        }
    }
    void reboot() { power_cut(); }
    void restore_all() {
        world_.restore_all();
        for (auto& [token, login] : sessions_) {
            dead_tokens_.insert(token);
        }
        sessions_.clear();
    }
};

}  // namespace firedrill::identity::test
