// Suite "sim": requests a second that one core simulates: the real node, real pages, simulated disks and
// network, every byte under the eyes of the judges. Goals: a quiet year of a small clinic (1,000 requests a
// day) within 60 s with TLS on every connection, within 15 s without.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/installation.h"
#include "sim/patient.h"
#include "sim/world.h"
#include "suites.h"

namespace firedrill::bench {
namespace {

constexpr std::int64_t kPatients = 25;
constexpr std::int64_t kRequestsAPatient =
    2;  // the form, then the submission, each on a connection of its own
constexpr Duration kLimit = std::chrono::hours(24);

sim::Scenario quiet(bool is_tls) {
    sim::Scenario scenario;
    scenario.name = "bench";
    scenario.workload.tls = is_tls;
    return scenario;
}

class SimStage {
  public:
    explicit SimStage(bool is_tls)
        : scenario_(quiet(is_tls)),
          world_(scenario_, 1),
          installation_(world_),
          desk_(world_.universe, sim::kPatientDesk) {
        must(installation_.create());
        bool is_done = false;
        const auto finish = [&](const Status& status) {
            must(status);
            is_done = true;
        };
        installation_.boot([&](const Status& booted) {
            must(booted);
            must(world_.trust(installation_.node()->authority_pem()));
            installation_.create_practices(finish);
        });
        run_until([&] { return is_done; });
    }

    /// All patients come at once, fill in a form, send it, and are answered.
    void serve_patients() {
        std::vector<std::unique_ptr<sim::Patient>> patients;
        std::int64_t left = kPatients;
        for (std::int64_t i = 0; i < kPatients; ++i) {
            patients.push_back(
                std::make_unique<sim::Patient>(world_, desk_, world_.practices.front(), "phq-9",
                                               world_.universe.random.stream(std::to_string(next_++))));
            patients.back()->start([&left] { --left; });
        }
        run_until([&left] { return left == 0; });
    }

  private:
    static void must(const Status& status) {
        if (!status.is_ok()) {
            throw std::runtime_error("the simulated node failed: " + status.error().text);
        }
    }
    void run_until(const std::function<bool()>& is_done) {
        const Instant limit = world_.now() + kLimit;
        world_.universe.loop.run_until(
            [&] { return is_done() || world_.now() >= limit || !world_.harness_fault().empty(); });
        if (!is_done()) {
            throw std::runtime_error("the simulated people got no answer: " + world_.harness_fault());
        }
    }

    sim::Scenario scenario_;
    sim::World world_;
    sim::Installation installation_;
    sim::Desk desk_;
    std::uint64_t next_ = 0;
};

Contender contender(std::string name, bool is_tls) {
    auto stage = std::make_shared<SimStage>(is_tls);  // owner: the contender
    return {std::move(name),
            [stage = std::move(stage)](benchmark::State& state) {
                for (auto _ : state) {
                    stage->serve_patients();
                }
                state.SetItemsProcessed(state.iterations() * kPatients * kRequestsAPatient);
            },
            8};
}

}  // namespace

Suite make_sim_suite(const std::filesystem::path&, Size) {
    Suite suite{"sim", {}, {}};
    suite.contenders = {contender("tls", true), contender("plain", false)};
    suite.rows = {{"sim.requests.tls", Figure::rate, "tls", "", ">= 6083"},        // 365,000 in 60 s
                  {"sim.requests.plain", Figure::rate, "plain", "", ">= 24333"}};  // 365,000 in 15 s
    return suite;
}

}  // namespace firedrill::bench
