// SafekeepingWorld: a practice and its owner's acts on people, kit and escrow, for tests. Header only.
#pragma once

#include <string>
#include <vector>

#include "identity/safekeeping.h"
#include "tests/support/practice_world.h"

namespace firedrill::test {

class SafekeepingWorld : public PracticeWorld {
  public:
    static constexpr std::string_view kNewPassword = "willow-cobalt-harvest-31";

    explicit SafekeepingWorld(std::uint64_t seed) : PracticeWorld(seed) {
        const auto made = create();
        EXPECT_TRUE(made.is_ok());
        recovery_code = made ? made->recovery_code : "";
    }
    static identity::Confirmation confirm(const identity::SignedIn& who, std::string_view password) {
        return {who.session, secret(password), "10.0.0.9"};
    }
    Result<identity::Safekept> look() {
        return wait<identity::Safekept>([&](auto then) { identity->safekeeping().look("harbor", then); });
    }
    Result<identity::NewKit> replace_kit(const identity::SignedIn& who,
                                         std::string_view password = kPassword) {
        return wait<identity::NewKit>(
            [&](auto then) { identity->safekeeping().replace_kit(confirm(who, password), then); });
    }
    Result<identity::NewEscrow> make_escrow(const identity::SignedIn& who, std::uint32_t needed,
                                            std::vector<std::string> holders,
                                            std::string_view password = kPassword) {
        return wait<identity::NewEscrow>([&](auto then) {
            identity->safekeeping().make_escrow(confirm(who, password), needed, holders, then);
        });
    }
    Status confirm_shares(const identity::SignedIn& who, std::vector<std::string> checksums,
                          std::string_view password = kPassword) {
        return wait<void>([&](auto then) {
            identity->safekeeping().confirm_shares(confirm(who, password), checksums, then);
        });
    }
    Status end_escrow(const identity::SignedIn& who, std::string_view password = kPassword) {
        return wait<void>(
            [&](auto then) { identity->safekeeping().end_escrow(confirm(who, password), then); });
    }
    Result<identity::Recovered> recover(std::string code, std::string_view password = kNewPassword,
                                        std::string login = "ada") {
        return wait<identity::Recovered>([&](auto then) {
            identity->people().recover({"harbor", code, login, secret(password), "10.0.0.7"}, then);
        });
    }
    Result<identity::Recovered> recover_by_shares(std::vector<std::string> shares,
                                                  std::string_view password = kNewPassword,
                                                  std::string login = "ada") {
        return wait<identity::Recovered>([&](auto then) {
            identity->safekeeping().recover_by_shares({"harbor", shares, login, secret(password), "10.0.0.7"},
                                                      then);
        });
    }
    Result<identity::Invitation> invite(const identity::SignedIn& owner, std::string login,
                                        identity::Role role, std::string_view password = kPassword) {
        return wait<identity::Invitation>(
            [&](auto then) { identity->people().invite(confirm(owner, password), login, role, then); });
    }
    Result<identity::Joined> join(std::string code, std::string_view password) {
        return wait<identity::Joined>(
            [&](auto then) { identity->people().join({code, secret(password), "10.0.0.7"}, then); });
    }
    /// As it stands on paper.
    static std::string typed(const identity::ShareLines& lines) {
        std::string out;
        for (const std::string& line : lines) {
            out += line + "\n";
        }
        return out;
    }
    Status alter(const char* sql) {
        return wait<void>([&](auto then) {
            storage->transact(
                identity::kDirectory, store::Access::write,
                [sql](store::Database& database) { return database.execute(sql); }, then);
        });
    }

    std::string recovery_code;
};

}  // namespace firedrill::test
