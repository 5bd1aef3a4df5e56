// FactorWorld: a practice whose owner has an authenticator app, for tests of the second factor.
#pragma once

#include <string>

#include "crypto/totp.h"
#include "identity/directory.h"
#include "identity/people.h"
#include "tests/support/authenticator.h"
#include "tests/support/practice_world.h"

namespace firedrill::test {

class FactorWorld : public PracticeWorld {
  public:
    explicit FactorWorld(std::uint64_t seed) : PracticeWorld(seed) { EXPECT_TRUE(create().is_ok()); }

    identity::Confirmation confirm(const identity::SignedIn& who, std::string_view password = kPassword) {
        return {who.session, secret(password), "10.0.0.9"};
    }
    /// What the app of an address shows now.
    std::string app_code(ByteView app_secret, std::int64_t steps_later = 0) {
        const std::uint64_t step = crypto::totp_step(machine->seams().clock.wall());
        return crypto::write_totp_code(
            crypto::totp_code(app_secret, step + static_cast<std::uint64_t>(steps_later)));
    }
    std::string code(std::int64_t steps_later = 0) { return app_code(app, steps_later); }
    void next_step() { pass(std::chrono::seconds(crypto::kTotpPeriodSeconds)); }

    Result<identity::SecondFactorOn> confirm_code(const identity::SignedIn& who, std::string_view typed,
                                                  std::string_view password = kPassword) {
        return wait<identity::SecondFactorOn>([&](auto then) {
            identity->people().confirm_second_factor(confirm(who, password), secret(typed), who.token, then);
        });
    }
    /// The owner sets up the second factor; the app's secret and the spare codes are kept here.
    identity::SignedIn set_up(const identity::SignedIn& who) {
        const auto proposed = identity->people().propose_second_factor(who.token);
        EXPECT_TRUE(proposed.is_ok());
        app = read_otpauth(proposed->otpauth).value_or(Enrolment{}).secret;
        const auto on = confirm_code(who, code());
        EXPECT_TRUE(on.is_ok()) << on.error().text;
        spare = on->spare_codes;
        next_step();
        return on->fresh;
    }
    Result<identity::SignedIn> sign_in_with(std::string_view typed, std::string source = "10.0.0.9",
                                            std::string_view password = kPassword) {
        return sign_in(password, "ada", "harbor", std::move(source), typed);
    }
    Status turn_off(const identity::SignedIn& who, std::string_view password = kPassword) {
        return wait<void>([&](auto then) {
            identity->people().turn_off_second_factor(confirm(who, password), who.token, then);
        });
    }
    Result<std::vector<std::string>> renew(const identity::SignedIn& who,
                                           std::string_view password = kPassword) {
        return wait<std::vector<std::string>>(
            [&](auto then) { identity->people().renew_spare_codes(confirm(who, password), then); });
    }
    Status change_password(const identity::SignedIn& who, std::string_view old_one,
                           std::string_view new_one) {
        return wait<void>([&](auto then) {
            identity->people().change_password(confirm(who, old_one), secret(new_one), who.token, then);
        });
    }
    identity::Credentials rows(std::string login = "ada") {
        identity::Credentials out;
        const Status loaded = wait<void>([&](auto then) {
            storage->transact(
                identity::kDirectory, store::Access::read,
                [&](store::Database& database) -> Status {
                    out = TRY(identity::load_credentials(database, "harbor", login)).value();
                    return {};
                },
                then);
        });
        EXPECT_TRUE(loaded.is_ok());
        return out;
    }
    Status alter(const char* sql) {
        return wait<void>([&](auto then) {
            storage->transact(
                identity::kDirectory, store::Access::write,
                [sql](store::Database& database) { return database.execute(sql); }, then);
        });
    }

    Bytes app;
    std::vector<std::string> spare;
};

}  // namespace firedrill::test
