#include "sim/live_drill.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/version.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "posix/entropy.h"
#include "posix/loop.h"
#include "sim/live_people.h"
#include "sim/live_server.h"
#include "sim/universe.h"

namespace firedrill::sim {

namespace {

constexpr std::size_t kPatients = 4;
constexpr Duration kStartLimit = std::chrono::seconds(60);
constexpr Duration kRecoveryLimit = std::chrono::seconds(60);
constexpr Duration kAuditLimit = std::chrono::minutes(5);
constexpr std::uint32_t kMostCrashes = 20;

class LiveDrill {
  public:
    LiveDrill(const Scenario& scenario, std::uint64_t seed)
        : scenario_(scenario),
          random_(seed),
          scene_{loop_, loop_, [this] { return client_options(); }, "", "", "", scenario.workload.forms} {}

    Result<RunReport> play() {
        server_ = TRY(LiveServer::create());
        TRY(start_server());
        const LiveServerFacts& facts = server_->facts();
        scene_.practice = facts.practice;
        scene_.login = facts.login;
        scene_.password = facts.password;
        tls_ = TRY(crypto::TlsClientContext::create(facts.authority_pem, entropy_));
        for (std::size_t i = 0; i < kPatients; ++i) {
            patients_.push_back(
                std::make_unique<LivePatient>(scene_, random_.stream(fmt::format("patient {}", i))));
            patients_.back()->start();
        }
        TRY(crash_again_and_again());
        TRY(finish_work());
        TRY(audit());
        stop_code_ = server_->stop();
        search_files();
        return report();
    }

  private:
    HttpsClientOptions client_options() {
        HttpsClientOptions options;
        options.server = server_->facts().endpoint;
        options.server_name = "localhost";
        options.host = "localhost" + options.server.text.substr(options.server.text.rfind(':'));
        options.tls = tls_;
        options.deadline = 30s;
        options.on_plaintext = [this](ByteView plain) { scene_.secrecy.saw_plaintext(plain); };
        return options;
    }

    /// Runs the loop until done or the limit; true when done.
    bool pump(Duration limit, const std::function<bool()>& is_done) {
        const Instant until = loop_.now() + limit;
        const TimerId timer = loop_.call_at(until, [] {});
        loop_.run_until([&] { return is_done() || loop_.now() >= until || !scene_.problem.empty(); });
        loop_.cancel(timer);
        return is_done();
    }

    Status start_server() {
        TRY(server_->start());
        bool is_ready = false;
        const Instant until = loop_.now() + kStartLimit;
        while (!is_ready) {
            TRY(server_->poll_ready(is_ready));
            pump(5ms, [] { return false; });
            if (loop_.now() > until) {
                return Error{Fault::timeout, "the server did not serve within a minute"};
            }
        }
        return {};
    }

    Status crash_again_and_again() {
        for (const Hazard& hazard : scenario_.hazards) {
            for (std::uint32_t n = 0; n < hazard.times; ++n) {
                const std::uint64_t before = scene_.ledger.acknowledged_count();
                pump(std::chrono::milliseconds(random_.between(300, 1500)), [] { return false; });
                if (!pump(10s, [&] { return scene_.ledger.acknowledged_count() > before; })) {
                    return problem("nobody could submit anything before the crash");
                }
                TRY(crash());
            }
        }
        return {};
    }

    Status crash() {
        first_crash_ = first_crash_.value_or(loop_.now());
        last_crash_ = loop_.now();
        recovery_.hazard(loop_.now());
        server_->kill();
        recovery_.detected(loop_.now());
        recovery_.decided(loop_.now());
        recovery_.provisioned(loop_.now());
        TRY(start_server());
        recovery_.serving(loop_.now());
        const std::uint64_t before = scene_.ledger.acknowledged_count();
        bool has_read = false;
        LiveStaff staff(scene_);
        staff.start({}, [&](const std::string&, bool, bool) { has_read = true; }, [] {});
        bool was_acknowledged = false;
        const bool is_back = pump(kRecoveryLimit, [&] {
            if (!was_acknowledged && scene_.ledger.acknowledged_count() > before) {
                was_acknowledged = true;
                recovery_.acknowledged(loop_.now());
            }
            return has_read && was_acknowledged;
        });
        if (!is_back) {
            return problem("the service did not come back within a minute");
        }
        recovery_.staff_read(loop_.now());
        ++crashes_;
        return {};
    }

    Status finish_work() {
        for (const auto& patient : patients_) {
            patient->stop();
        }
        const bool is_over = pump(kRecoveryLimit, [&] {
            return std::all_of(patients_.begin(), patients_.end(),
                               [](const auto& one) { return one->is_resting(); });
        });
        return problem(is_over ? "" : "patients could not finish their submissions");
    }

    Status audit() {
        bool is_over = false;
        LiveStaff staff(scene_);
        staff.start(
            scene_.ledger.acknowledged_ids(scene_.practice),
            [&](const std::string& id, bool is_there, bool is_right) {
                audit_[id] = !is_there  ? AuditOutcome::absent
                             : is_right ? AuditOutcome::equal
                                        : AuditOutcome::different;
            },
            [&] { is_over = true; });
        is_live_ = pump(kAuditLimit, [&] { return is_over; });
        return problem("");
    }

    /// The drill's own trouble, else `text`; ok when both are empty.
    Status problem(const std::string& text) {
        const std::string& what = scene_.problem.empty() ? text : scene_.problem;
        if (what.empty()) {
            return {};
        }
        return Error{Fault::unavailable, fmt::format("live drill: {}", what)};
    }

    /// What a thief of the machine would find: every file of the node, and its journal.
    void search_files() {
        std::error_code failed;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(server_->folder(), failed)) {
            std::error_code is_gone;
            if (!entry.is_regular_file(is_gone)) {
                continue;
            }
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
            const std::string name = entry.path().lexically_relative(server_->folder()).string();
            if (name == "server.journal") {
                scene_.secrecy.journal(bytes, loop_.now());
            } else {
                const bool is_log = name.find("/log/") != std::string::npos;
                scene_.secrecy.sector(is_log ? Medium::log_disk : Medium::data_disk, "live", name, 0,
                                      as_bytes(bytes), loop_.now());
            }
        }
    }

    RunReport report() {
        RunReport out;
        out.scenario = scenario_.name;
        out.title = scenario_.title;
        out.seed = random_.seed();
        out.seed_text = fmt::format("{}", out.seed);
        out.commit = build_commit();
        Evidence& e = out.evidence;
        const Instant end = loop_.now();
        e.durability = judge_durability(scene_.ledger, audit_, last_crash_.value_or(end));
        e.acknowledged_before_hazard = scene_.ledger.acknowledged_before(first_crash_.value_or(end));
        e.integrity_findings = scene_.integrity.count();
        e.reads = scene_.integrity.reads();
        e.secrecy = scene_.secrecy.summary();
        for (const Hazard& hazard : scenario_.hazards) {
            e.hazards.push_back({hazard.kind, hazard.disk, crashes_ > 0});
        }
        e.reboots = crashes_;
        e.recovery = recovery_.worst();
        e.is_outage_open = recovery_.is_open();
        e.is_live = is_live_ && stop_code_ == 0;
        out.judgement = judge(scenario_, e);
        out.expected = scenario_.expect.verdict;
        out.exit_code = exit_code(scenario_, out.judgement);
        return out;
    }

    const Scenario& scenario_;
    Random random_;
    posix::PosixEntropy entropy_;
    posix::PosixLoop loop_;
    std::unique_ptr<LiveServer> server_;
    std::shared_ptr<crypto::TlsClientContext> tls_;
    LiveScene scene_;
    std::vector<std::unique_ptr<LivePatient>> patients_;
    RecoveryJudge recovery_;
    Audit audit_;
    std::optional<Instant> first_crash_;
    std::optional<Instant> last_crash_;
    std::uint32_t crashes_ = 0;
    bool is_live_ = false;
    int stop_code_ = 0;
};

std::string compare_text(const RunReport& measured, const Result<RunReport>& predicted) {
    auto figure = [](const std::optional<RecoverySplit>& split) {
        return split ? fmt::format("{:.2f} s", split->total) : std::string("-");
    };
    const Evidence& m = measured.evidence;
    const Evidence p = predicted ? predicted->evidence : Evidence{};
    std::string out =
        fmt::format("live: {}\n  {:<24} {:>14} {:>14}\n", measured.title, "", "simulated", "measured");
    if (!predicted) {
        out += fmt::format("  the prediction failed: {}\n", predicted.error().text);
    }
    auto line = [&](std::string_view what, const std::string& simulated, const std::string& real) {
        out += fmt::format("  {:<24} {:>14} {:>14}\n", what, simulated, real);
    };
    auto losses = [](const DurabilityFinding& d) { return fmt::format("{} of {}", d.lost, d.acknowledged); };
    line("slowest recovery", figure(p.recovery), figure(m.recovery));
    line("lost of acknowledged", losses(p.durability), losses(m.durability));
    line("leaks", fmt::format("{}", p.secrecy.total_leaks()), fmt::format("{}", m.secrecy.total_leaks()));
    line("crashes", fmt::format("{}", p.reboots), fmt::format("{}", m.reboots));
    return out + fmt::format("  verdict {} (expected {})", verdict_name(measured.judgement.verdict),
                             measured.expected);
}

struct LiveOutcome {
    RunReport report;
    std::string comparison;
};

Result<LiveOutcome> play_and_compare(const Scenario& scenario) {
    const auto begun = std::chrono::steady_clock::now();
    RunReport measured = TRY(play_live(scenario));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    measured.wall_s = taken.count();
    measured.virtual_s = taken.count();  // life's own pace
    RunOptions options;
    options.scenario = scenario;
    options.seed = measured.seed;
    options.seed_text = measured.seed_text;
    options.commit = measured.commit;
    const Result<RunReport> predicted = run_universe(options);
    LiveOutcome out{std::move(measured), ""};
    out.comparison = compare_text(out.report, predicted);
    return out;
}

}  // namespace

Result<RunReport> play_live(const Scenario& scenario) {
    std::uint32_t crashes = 0;
    for (const Hazard& hazard : scenario.hazards) {
        crashes += hazard.times;
        if (hazard.kind != HazardKind::node_crash) {
            return Error{Fault::refused,
                         fmt::format("scenario {}, line {}: hazard {} needs a simulated world; a drill "
                                     "plays node.crash only. Use: firedrill sim run",
                                     scenario.path, hazard.line, hazard_name(hazard.kind))};
        }
    }
    if (crashes > kMostCrashes || !scenario.workload.tls || !scenario.negative.plant.empty()) {
        return Error{Fault::refused,
                     fmt::format("scenario {}: a drill plays at most {} crashes, with TLS, without plants",
                                 scenario.path, kMostCrashes)};
    }
    std::random_device device;
    LiveDrill drill(scenario, device());
    return drill.play();
}

int drill_verb(const DrillVerbOptions& options) {
    const cli::Format format = options.is_json ? cli::Format::json : cli::Format::text;
    const Result<Scenario> scenario = load_scenario(options.scenario);
    if (!scenario) {
        return cli::fail(scenario.error(), format);
    }
    const Result<LiveOutcome> outcome = play_and_compare(*scenario);
    if (!outcome) {
        const int code = cli::fail(outcome.error(), format);
        return outcome.error().fault == Fault::refused ? code : static_cast<int>(cli::ExitCode::sim_harness);
    }
    if (options.is_json) {
        cli::note(outcome->comparison);
        cli::print_line(report_json(outcome->report));
    } else {
        cli::print_line(outcome->comparison);
    }
    for (const std::string& reason : outcome->report.judgement.reasons) {
        cli::note(fmt::format("not as expected: {}", reason));
    }
    return outcome->report.exit_code;
}

BoardRun play_live_case(const std::string& root) {
    BoardRun run;
    run.scenario_path = root + "/live/kill-under-load.toml";
    const Result<Scenario> scenario = load_scenario(run.scenario_path);
    const Result<LiveOutcome> outcome =
        scenario ? play_and_compare(*scenario) : Result<LiveOutcome>(scenario.error());
    if (!outcome) {
        run.exit_code = static_cast<int>(cli::ExitCode::sim_harness);
        run.problem = outcome.error().text;
        return run;
    }
    run.seed = outcome->report.seed_text;
    run.exit_code = outcome->report.exit_code;
    run.remark = outcome->comparison;
    Result<ReportSummary> summary = read_report(report_json(outcome->report));
    if (summary) {
        run.report = std::move(summary).value();
    }
    return run;
}

}  // namespace firedrill::sim
