// Suite "sim": requests a second that one core simulates: the real node, real pages, simulated disks and
// network, every byte under the eyes of the judges. Goals: a quiet year of a small clinic (1,000 requests a
// day) within 60 s with TLS on every connection, within 15 s without.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/browser.h"
#include "sim/installation.h"
#include "sim/patient.h"
#include "sim/world.h"
#include "suites.h"

namespace firedrill::bench {
namespace {

constexpr std::int64_t kVisitors = 25;
constexpr std::int64_t kRequestsAVisit = 5;  // home, practice, form, submission, thanks: on one connection
constexpr Duration kLimit = std::chrono::hours(24);

sim::Scenario quiet(bool is_tls) {
    sim::Scenario scenario;
    scenario.name = "bench";
    scenario.workload.tls = is_tls;
    return scenario;
}

/// A patient who opens a connection (resumed TLS after the first), looks around, fills a form in and sends
/// it.
class Visitor {
  public:
    Visitor(sim::World& world, sim::Desk& desk, sim::Random random)
        : world_(world),
          random_(random),
          browser_(desk.clock, *desk.host, world.client_options()),
          practice_("/p/" + world.practices.front().name),
          form_(practice_ + "/forms/phq-9") {}

    void start() {
        get("/", [this] { get(practice_, [this] { get(form_, [this] { submit(); }); }); });
    }
    [[nodiscard]] bool is_done() const { return is_done_; }

  private:
    void get(const std::string& address, std::function<void()> then) {
        browser_.get(address, [this, then = std::move(then)](Result<sim::WebPage> page) {
            if (take(std::move(page))) {
                then();
            }
        });
    }
    void submit() {
        const sim::HtmlPage page = sim::parse_html(shown_.body);
        const sim::HtmlForm* form = page.find_form(form_);
        if (form == nullptr) {
            world_.harness_fault("the page " + form_ + " holds no form");
            return;
        }
        std::string no_canary;
        const sim::FormValues values = sim::fill_form(page, *form, random_, no_canary).values;
        browser_.post(form_, values, sim::Redirects::follow, [this](Result<sim::WebPage> answer) {
            is_done_ = take(std::move(answer)) && shown_.address.starts_with(practice_ + "/thanks/");
            browser_.rest();
        });
    }
    bool take(Result<sim::WebPage> page) {
        if (!page.is_ok() || page->status != 200) {
            world_.harness_fault(page.is_ok() ? "an unexpected status" : page.error().text);
            return false;
        }
        shown_ = std::move(page).value();
        return true;
    }

    sim::World& world_;
    sim::Random random_;
    sim::Browser browser_;
    std::string practice_;
    std::string form_;
    sim::WebPage shown_;
    bool is_done_ = false;
};

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

    /// All visitors come at once; each is served to the end.
    void serve_visitors() {
        std::vector<std::unique_ptr<Visitor>> visitors;
        for (std::int64_t i = 0; i < kVisitors; ++i) {
            const std::string name = "visitor" + std::to_string(next_++);
            visitors.push_back(std::make_unique<Visitor>(world_, desk_, world_.universe.random.stream(name)));
            visitors.back()->start();
        }
        run_until([&] {
            return std::ranges::all_of(visitors, [](const auto& visitor) { return visitor->is_done(); });
        });
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
                    stage->serve_visitors();
                }
                state.SetItemsProcessed(state.iterations() * kVisitors * kRequestsAVisit);
            },
            8};
}

}  // namespace

Suite make_sim_suite(const std::filesystem::path&, Size) {
    Suite suite{"sim", {}, {}};
    suite.contenders = {contender("tls", true), contender("plain", false)};
    suite.rows = {{"sim.requests.tls", Figure::rate, "tls", "", ">= 6083"},  // 365,000 in 60 s
                  {"sim.requests.tls.cpu", Figure::cpu_cost, "tls", "", "<= 164"},
                  {"sim.requests.plain", Figure::rate, "plain", "", ">= 24333"},  // 365,000 in 15 s
                  {"sim.requests.plain.cpu", Figure::cpu_cost, "plain", "", "<= 41"}};
    return suite;
}

}  // namespace firedrill::bench
