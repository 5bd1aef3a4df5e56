// PracticeWorld: identity and submissions over real storage on a simulated machine, for tests.
//
// Power cuts and reboots keep the disks. wait() turns a callback into its result by running the world.
// Everything is a function of the seed.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "forms/submissions.h"
#include "identity/identity.h"
#include "identity/node_keys.h"
#include "sim/seams/machine.h"
#include "store/restore.h"
#include "store/storage.h"

namespace firedrill::test {

/// Custody that tests can look into; `is_leaky` plants the bug of a key left behind.
class SpyCustody final : public identity::KeyCustody {
  public:
    explicit SpyCustody(bool is_leaky) : is_leaky_(is_leaky) {}
    void keep(StoreId practice, crypto::Secret practice_key) override {
        real_->keep(practice, std::move(practice_key));
    }
    const crypto::Secret* find(StoreId practice) const override { return real_->find(practice); }
    void forget(StoreId practice) override {
        if (!is_leaky_) {
            real_->forget(practice);
        }
    }

  private:
    std::unique_ptr<identity::KeyCustody> real_ = identity::make_key_custody();
    bool is_leaky_;
};

inline crypto::Secret secret(std::string_view text) {
    return crypto::Secret(as_bytes(text));
}

inline store::KeyRing copy_ring(const store::KeyRing& ring) {
    store::KeyRing out;
    for (const store::EpochKey& epoch : ring) {
        out.push_back({epoch.epoch, epoch.timeline, epoch.key.copy()});
    }
    return out;
}

class PracticeWorld {
  public:
    static constexpr std::string_view kPassword = "plum-kettle-orbit-42";

    explicit PracticeWorld(std::uint64_t seed, bool leaks_keys = false)
        : universe(seed), leaks_keys_(leaks_keys) {
        data = universe.make_disk("data");
        log = universe.make_disk("log");
        power_on();
        keys = identity::make_node_keys(TimelineId{{1}}, machine->seams().entropy);
        auto made = store::Storage::create(machine->seams(), options(), as_bytes("node slots of a test"));
        EXPECT_TRUE(made.is_ok()) << made.error().text;
        storage = std::move(made).value();
        EXPECT_TRUE(start().is_ok());
    }
    ~PracticeWorld() { drop_node(); }

    /// Power goes, or is already gone; then the machine boots again.
    void reboot() {
        machine->cut_power();
        drop_node();
        data->cut_power_after(0);
        log->cut_power_after(0);
        power_on();
        auto opened = store::Storage::open(machine->seams(), options());
        EXPECT_TRUE(opened.is_ok()) << opened.error().text;
        storage = std::move(opened).value();
        EXPECT_TRUE(start().is_ok());
    }

    /// The data disk is lost: everything is rebuilt from the log disk onto new ones, and the node boots on a
    /// new timeline.
    void restore_all() {
        machine->cut_power();
        drop_node();
        for (const auto& disk : {data.get(), log.get()}) {
            disk->cut_power_after(0);
        }
        log->power_on();
        lost.push_back(std::move(data));
        lost.push_back(std::move(log));
        data = universe.make_disk("data" + std::to_string(lost.size()));
        log = universe.make_disk("log" + std::to_string(lost.size()));
        Disk* source = lost.back().get();
        Disk* target = log.get();
        store::RestoreOptions how;
        how.new_timeline.bytes.fill(static_cast<Byte>(0x40 + lost.size()));
        const auto report = store::restore_from_log({&source, 1}, *data, {&target, 1}, how);
        CHECK(report.is_ok());
        power_on();
        auto opened = store::Storage::open(machine->seams(), options());
        EXPECT_TRUE(opened.is_ok()) << opened.error().text;
        storage = std::move(opened).value();
        CHECK(identity::ensure_epoch(keys, storage->timeline(), machine->seams().entropy));
        EXPECT_TRUE(start().is_ok());
    }

    template <class T, class Call>
    Result<T> wait(Call call) {
        auto got = std::make_shared<std::optional<Result<T>>>();
        call([got](Result<T> result) { *got = std::move(result); });
        const Instant limit = universe.loop.now() + std::chrono::hours(1);
        universe.loop.run_until(
            [&] { return got->has_value() || !machine->is_on() || universe.loop.now() > limit; });
        if (!got->has_value()) {
            return machine->is_on() ? Error{Fault::timeout, "no answer within an hour"}
                                    : Error{Fault::powered_off, "power went first"};
        }
        return std::move(**got);
    }

    Result<identity::PracticeInfo> create(std::string name = "harbor",
                                          std::string_view password = kPassword) {
        return wait<identity::PracticeInfo>([&](auto then) {
            identity->create_practice({name, "Harbor Therapy", "ada", secret(password)}, then);
        });
    }
    Result<identity::SignedIn> sign_in(std::string_view password = kPassword, std::string login = "ada",
                                       std::string practice = "harbor", std::string source = "10.0.0.9",
                                       std::string_view code = {}) {
        return wait<identity::SignedIn>([&](auto then) {
            identity->sign_in({practice, login, secret(password), source, secret(code)}, then);
        });
    }
    Status sign_out(const std::string& token) {
        return wait<void>([&](auto then) { identity->sign_out(token, then); });
    }
    Status submit(SubmissionId id, std::string response = R"({"answer":1})") {
        const auto practice = identity->find_practice("harbor");
        CHECK(practice.is_ok());
        return wait<void>([&](auto then) {
            submissions->submit(practice->id, practice->inbox_recipient, id, "phq-9", response, then);
        });
    }
    Result<std::vector<forms::Summary>> list(StoreId practice) {
        return TRY(list_page(practice, {forms::ListFrom::newest, {}, 1000})).items;
    }
    Result<forms::SummaryPage> list_page(StoreId practice, forms::ListWish wish) {
        return wait<forms::SummaryPage>([&](auto then) { submissions->list(practice, wish, then); });
    }
    StoreId practice_id() const { return identity->find_practice("harbor").value().id; }
    void pass(Duration time) { universe.loop.run_for(time); }

    sim::Universe universe;
    std::unique_ptr<sim::SimDisk> data;
    std::unique_ptr<sim::SimDisk> log;
    std::vector<std::unique_ptr<sim::SimDisk>> lost;  ///< disks that restore_all() replaced
    std::unique_ptr<sim::Machine> machine;
    identity::NodeKeys keys;
    std::unique_ptr<store::Storage> storage;
    std::unique_ptr<forms::Submissions> submissions;
    std::unique_ptr<identity::Identity> identity;
    SpyCustody* custody = nullptr;
    crypto::PasswordCost cost = crypto::kToyCost;  ///< from the next boot on
    identity::SecondFactorRule second_factor = identity::SecondFactorRule::optional;  ///< likewise
    std::vector<std::string> journal;

  private:
    store::StorageOptions options() const {
        store::StorageOptions out;
        out.node = keys.node;
        out.first_timeline = TimelineId{{1}};
        out.signing_seed = &keys.signing_seed;
        return out;
    }
    void power_on() {
        past_.push_back(std::move(machine));
        machine = std::make_unique<sim::Machine>(universe, "node" + std::to_string(past_.size()), "10.0.0.1",
                                                 std::vector<sim::SimDisk*>{data.get(), log.get()});
    }
    void drop_node() {
        identity.reset();
        submissions.reset();
        storage.reset();
    }
    Status start() {
        const auto note = [this](std::string_view text) { journal.emplace_back(text); };
        Seams seams = machine->seams();
        submissions =
            forms::Submissions::create(seams, *storage, forms::make_inbox_sealer(seams.entropy), note);
        auto spy = std::make_unique<SpyCustody>(leaks_keys_);
        custody = spy.get();
        identity::IdentityOptions made;
        made.cost = cost;
        made.second_factor = second_factor;
        made.custody = std::move(spy);
        made.practice_migrations = forms::practice_migrations();
        made.on_created = forms::store_inbox_identity;
        made.on_unlocked = [this](StoreId practice, store::Storage::Done done) {
            submissions->drain(practice, [done](const Result<std::uint32_t>& drained) {
                done(drained ? Status() : Status(drained.error()));
            });
        };
        made.journal = note;
        identity = identity::Identity::create(seams, *storage, std::move(made));
        return wait<void>([&](auto then) { identity->start(copy_ring(keys.directory), then); });
    }

    bool leaks_keys_;
    std::vector<std::unique_ptr<sim::Machine>> past_;  // kept: a cut inside a job may still be on the stack
};

}  // namespace firedrill::test
