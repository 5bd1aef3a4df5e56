// Scenario: one file of a world to be judged, as plain data. Pure values; loaded by load_scenario().
//
// Every key has a default and a range; an unknown key is an error that names key, file and line. The keys,
// their defaults and the JSON schema come from one table (scenario_keys.h). Format: docs/formats/scenario.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace firedrill::sim {

/// A bound such as "<= 10m", ">= 1" or plain 0 (which means "== 0"). Durations are held in seconds.
struct Bound {
    enum class Op : std::uint8_t { none, equal, less, less_equal, greater, greater_equal };
    Op op = Op::none;
    double value = 0;
    std::string text;  ///< as written, for reports
    /// `none` holds for everything.
    [[nodiscard]] bool holds(double measured) const noexcept;
};

struct Topology {
    std::uint32_t log_disks = 2;
    std::uint32_t spare_sets = 2;  ///< sets of empty disks (one data disk and the log disks) that lie ready
    std::string disk = "ssd";      ///< preset: ssd, hdd
    Duration latency = std::chrono::milliseconds(15);  ///< one way between people and the node
};

struct Workload {
    std::uint32_t practices = 1;
    std::uint32_t submissions_per_day = 40;   ///< of each practice, at any hour, more by day
    std::uint32_t staff_visits_per_day = 24;  ///< of each practice, spread over the opening hours
    std::uint32_t opens_hour = 8;
    std::uint32_t closes_hour = 18;
    Duration think = std::chrono::minutes(2);  ///< a patient takes up to this long to fill a form in
    std::vector<std::string> forms{"phq-9", "pt-intake"};
    bool tls = true;
};

enum class HazardKind : std::uint8_t {
    corrupt_pages,
    disk_dies,
    disk_returns,
    node_crash,
    power_loss,
    practice_restored,
    key_replaced,
};
/// "store.corrupt_pages", "disk.dies", "node.crash", "power.loss", "practice.restored", "key.replaced".
/// "log.disk.dies" is disk.dies of a log disk.
std::string_view hazard_name(HazardKind kind) noexcept;

struct Hazard {
    HazardKind kind = HazardKind::node_crash;
    Duration at{};                ///< after the start of the run
    Duration spread{};            ///< the seed adds up to this
    bool follows = false;         ///< `after` was given instead of `at`
    Duration after{};             ///< this long after the hazard before it struck for the first time
    std::string disk = "data";    ///< data, log0 … log3, or all-logs
    std::string store = "all";    ///< whose pages: practice, directory, all
    std::string reach = "pages";  ///< pages: page files only; disk: every file of the data disk
    std::uint32_t percent = 100;  ///< how many of the pages, at least one
    Duration back = std::chrono::hours(2);  ///< how far practices are taken back
    std::uint32_t times = 1;
    Duration every = std::chrono::hours(6);  ///< between repetitions
    int line = 0;
};

/// What people do and how long they take. All of it is input, never measured.
struct People {
    Duration monitor_every = std::chrono::minutes(1);
    std::uint32_t alarm_after = 2;  ///< bad checks in a row before the operator believes them
    Duration complaint =
        std::chrono::minutes(5);  ///< staff or patients in trouble call the operator after this
    Duration decide = std::chrono::minutes(2);
    Duration provision = std::chrono::minutes(1);  ///< until empty disks are ready
    Duration reboot = std::chrono::seconds(45);    ///< a machine or process comes back by itself
    Duration announce = std::chrono::seconds(30);  ///< the practice is told that the service is back
    std::string patch_at = "02:30";                ///< nightly clean restart for patches; "never" for none
    bool starts_over = true;                       ///< when nothing can be restored, an empty node is set up
};

struct Expect {
    std::string verdict = "pass";
    Bound rpo;  ///< seconds of lost work
    Bound rto;  ///< seconds from hazard to service
    Bound lost{Bound::Op::equal, 0, "0"};
    Bound leaks{Bound::Op::equal, 0, "0"};
    Duration liveness = std::chrono::minutes(30);  ///< after the storm, everything must work within this
    std::map<std::string, std::string> claims;     ///< claim id → holds, refuted, not_judged; default holds
};

struct Negative {
    std::string plant;  ///< a worse part by name (planted.h); empty: none
    std::string
        caught_by;  ///< the judge that must find something: durability, integrity, secrecy, nonces; or empty
};

struct Scenario {
    std::string path;  ///< as given by the caller
    std::string
        name;  ///< path below scenarios/, or the file's name, without ".toml": "fast/database-corrupt"
    std::uint32_t schema = 1;
    std::string title;
    std::vector<std::string> claims;
    Duration duration = std::chrono::hours(72);
    std::string schedule = "modern";  ///< which copies are made: modern is all that exists so far
    Topology topology;
    Workload workload;
    std::vector<Hazard> hazards;
    People people;
    Expect expect;
    Negative negative;
};

/// bad_input naming file, line, key and what is allowed; not_found or permission naming the file.
Result<Scenario> load_scenario(const std::string& path);
/// The same for text already read; `path` is used for names and messages.
Result<Scenario> parse_scenario(std::string_view text, const std::string& path);

}  // namespace firedrill::sim
