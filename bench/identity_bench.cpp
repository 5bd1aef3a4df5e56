// firedrill_identity_bench [--json] [--tiny]: can a stranger tell from the time of a refused sign-in whether
// an account exists, is disabled, or whether the password was right and only the code wrong?
//
// Every sample is one whole sign-in of the real identity and storage over simulated disks, on one thread,
// timed on the real clock: no network, no scheduler, no other user hides a difference. The kinds are
// interleaved in random order. Argon2id runs at a toy cost: it is the same call for all, and at its real
// price its noise would only cover what is looked for. Distinguishable: Mann-Whitney says so, and the
// medians differ by more than kTolerance. Exit code 0: no kind is distinguishable from a wrong password, and
// a planted early return was; 1: otherwise, or when so few samples could not show kTolerance; 2: usage.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/distinguish.h"
#include "tests/support/factor_world.h"

namespace firedrill::bench {
namespace {

using test::FactorWorld;
using test::PracticeWorld;

constexpr std::string_view kColleague = "gravel-lantern-mosaic-8";
constexpr double kAlpha = 0.01;  // of all comparisons together
// What a stranger cannot see behind Argon2id: at its real price one sign-in varies by a millisecond and more,
// so that five microseconds take more than a million of them, and slow-down grants an account 2,880 a day.
constexpr double kTolerance = 5;  // microseconds between medians

struct Attempt {
    std::string practice, login, password, code;
};
struct Kind {
    std::string_view name;
    std::function<Attempt(std::mt19937_64&)> draw;
    std::vector<double> microseconds;
};
struct Verdict {
    std::string_view name;
    double difference_us = 0;  ///< of the medians, against a wrong password
    double p = 1;
    bool is_distinguishable = false;
};

class Stage {
  public:
    Stage() : world_(1) {
        const auto owner = world_.sign_in();
        CHECK(owner.is_ok());
        for (const char* login : {"bob", "carol"}) {
            const auto invitation = world_.wait<identity::Invitation>([&](auto then) {
                world_.identity->people().invite(world_.confirm(*owner), login, identity::Role::clinician,
                                                 then);
            });
            CHECK(invitation.is_ok());
            const auto joined = world_.wait<identity::Joined>([&](auto then) {
                world_.identity->people().join({invitation->code, test::secret(kColleague), "10.0.0.7"},
                                               then);
            });
            CHECK(joined.is_ok());
        }
        world_.set_up(*owner);
        CHECK(world_.alter("UPDATE person SET state = 1 WHERE login = 'carol'").is_ok());
        world_.journal.clear();
    }

    /// One sign-in that is refused, in microseconds of real time.
    double time(const Attempt& attempt, bool has_early_return) {
        world_.pass(std::chrono::minutes(1));  // nobody has to wait, and every code is of a fresh step
        const std::string source =
            fmt::format("10.{}.{}.{}", 1 + source_ / 65536 % 250, source_ / 256 % 256, source_ % 256);
        ++source_;
        std::optional<Result<identity::SignedIn>> answer;
        identity::SignIn request{attempt.practice, attempt.login, test::secret(attempt.password), source,
                                 test::secret(attempt.code)};
        const auto start = std::chrono::steady_clock::now();
        if (has_early_return && attempt.login == "nobody") {  // the planted bug
            answer = Result<identity::SignedIn>(Error{Fault::refused, "no such account"});
        } else {
            world_.identity->sign_in(std::move(request),
                                     [&](Result<identity::SignedIn> got) { answer = std::move(got); });
            world_.universe.loop.run_until([&] { return answer.has_value(); });
        }
        const auto end = std::chrono::steady_clock::now();
        CHECK(!answer->is_ok() && answer->error().fault == Fault::refused);
        return std::chrono::duration<double, std::micro>(end - start).count();
    }

  private:
    FactorWorld world_;
    std::uint32_t source_ = 0;
};

std::string wrong_code(std::mt19937_64& random) {
    return fmt::format("{:06}", random() % 1'000'000);
}

/// The first is what the others are compared with.
std::vector<Kind> make_kinds() {
    const std::string right(PracticeWorld::kPassword);
    const std::string colleague(kColleague);
    const std::string wrong = "gravel-lantern-mosaic-9";
    const auto plain = [](Attempt attempt) { return [attempt](std::mt19937_64&) { return attempt; }; };
    const auto coded = [](Attempt attempt) {
        return [attempt](std::mt19937_64& random) {
            Attempt out = attempt;
            out.code = wrong_code(random);
            return out;
        };
    };
    return {{"wrong password", plain({"harbor", "bob", wrong, ""}), {}},
            {"unknown person", plain({"harbor", "nobody", colleague, ""}), {}},
            {"unknown practice", plain({"nowhere", "bob", colleague, ""}), {}},
            {"disabled, right password", plain({"harbor", "carol", colleague, ""}), {}},
            {"disabled, wrong password", plain({"harbor", "carol", wrong, ""}), {}},
            {"second factor, wrong password", coded({"harbor", "ada", wrong, ""}), {}},
            {"second factor, right password, wrong code", coded({"harbor", "ada", right, ""}), {}},
            {"second factor, right password, no code", plain({"harbor", "ada", right, ""}), {}}};
}

/// All kinds in random order, `count` times each.
void measure(Stage& stage, std::vector<Kind>& kinds, std::size_t count, bool has_early_return) {
    std::mt19937_64 random(7);
    std::vector<std::size_t> order(kinds.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t round = 0; round < count + 50; ++round) {
        std::ranges::shuffle(order, random);
        for (const std::size_t i : order) {
            const double took = stage.time(kinds[i].draw(random), has_early_return);
            if (round >= 50) {  // caches are warm
                kinds[i].microseconds.push_back(took);
            }
        }
    }
}

double median_of(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

std::vector<Verdict> judge(const std::vector<Kind>& kinds) {
    std::vector<Verdict> out;
    const double one_alpha = kAlpha / static_cast<double>(kinds.size() - 1);  // Bonferroni
    for (std::size_t i = 1; i < kinds.size(); ++i) {
        const double p = mann_whitney_p(kinds[0].microseconds, kinds[i].microseconds);
        const double difference = median_of(kinds[i].microseconds) - median_of(kinds[0].microseconds);
        out.push_back({kinds[i].name, difference, p, p < one_alpha && std::abs(difference) > kTolerance});
    }
    return out;
}

struct Arguments {
    bool is_json = false;
    bool is_tiny = false;
};

void print_json(const std::vector<Verdict>& verdicts, std::size_t count) {
    for (const Verdict& one : verdicts) {
        fmt::print(
            "{{\"kind\":\"{}\",\"samples\":{},\"difference_us\":{:.3f},\"p\":{:.5f},\"distinguishable\":{}}}"
            "\n",
            one.name, count, one.difference_us, one.p, one.is_distinguishable);
    }
}

void print_text(const std::vector<Verdict>& verdicts, std::size_t count) {
    for (const Verdict& one : verdicts) {
        fmt::print("{:<44} {:>6} samples  {:>+8.3f} us  p {:.5f}  distinguishable: {}\n", one.name, count,
                   one.difference_us, one.p, one.is_distinguishable);
    }
}

int run(const Arguments& arguments) {
    const std::size_t count = arguments.is_tiny ? 30 : 5000;
    Stage stage;
    std::vector<Kind> kinds = make_kinds();
    measure(stage, kinds, count, false);
    const std::vector<Verdict> verdicts = judge(kinds);
    const double power =
        smallest_detected(kinds[0].microseconds, kAlpha / static_cast<double>(verdicts.size()), 7);

    std::vector<Kind> planted = {make_kinds()[0], make_kinds()[1]};
    measure(stage, planted, std::max<std::size_t>(count / 10, 30), true);
    const bool plant_is_found = judge(planted)[0].is_distinguishable;

    bool is_sound = plant_is_found && power <= kTolerance;
    for (const Verdict& one : verdicts) {
        is_sound = is_sound && !one.is_distinguishable;
    }
    arguments.is_json ? print_json(verdicts, count) : print_text(verdicts, count);
    const double median = median_of(kinds[0].microseconds);
    if (arguments.is_json) {
        fmt::print(
            "{{\"median_us\":{:.1f},\"smallest_detected_us\":{:.3f},\"planted_early_return_found\":{}}}\n",
            median, power, plant_is_found);
    } else {
        fmt::print(
            "a refused sign-in: median {:.1f} us; a difference from {:.3f} us on would be seen; planted "
            "early "
            "return found: {}\n",
            median, power, plant_is_found);
    }
    return is_sound || arguments.is_tiny ? 0 : 1;  // a tiny run says only that the bench runs
}

}  // namespace
}  // namespace firedrill::bench

int main(int argc, char** argv) {
    firedrill::bench::Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        arguments.is_json = arguments.is_json || word == "--json";
        arguments.is_tiny = arguments.is_tiny || word == "--tiny";
        if (word != "--json" && word != "--tiny") {
            fmt::print(stderr, "firedrill_identity_bench: unknown argument {}; it takes --json and --tiny\n",
                       word);
            return 2;
        }
    }
    return firedrill::bench::run(arguments);
}
