// World: what everything in one universe shares: time, chance, network, the judges, and who is called when it
// breaks.
//
// A value of one run; single-threaded. Nodes know nothing of it: they see seams only.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "crypto/tls.h"
#include "sim/https_client.h"
#include "sim/judge_integrity.h"
#include "sim/judge_nonces.h"
#include "sim/judge_recovery.h"
#include "sim/judge_secrecy.h"
#include "sim/ledger.h"
#include "sim/scenario.h"
#include "sim/seams/machine.h"
#include "sim/trace.h"

namespace firedrill::sim {

inline constexpr const char* kNodeAddress = "10.0.0.2";
inline constexpr const char* kNodeHost = "forms.example";
inline constexpr const char* kPatientDesk = "203.0.113.10";
inline constexpr const char* kStaffDesk = "198.51.100.20";
inline constexpr const char* kOperatorDesk = "192.0.2.5";
inline constexpr const char* kOwnerDesk = "198.51.100.21";
inline constexpr std::array<const char*, 4> kDeskAddresses{kPatientDesk, kStaffDesk, kOperatorDesk,
                                                           kOwnerDesk};

/// One practice as its own people know it.
struct PracticeAccount {
    std::string name;
    std::string title;
    std::string login;
    std::string password;  ///< holds a canary
};

/// A person's, or a crowd's, computer: it never breaks.
struct Desk {
    Desk(Universe& universe, const std::string& address)
        : clock(universe.loop), host(universe.network.attach(address, clock)) {}
    SimClock clock;
    std::unique_ptr<SimHost> host;
};

class World {
  public:
    World(const Scenario& which, std::uint64_t seed);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    const Scenario& scenario;
    Universe universe;
    Trace trace;
    Ledger ledger;
    IntegrityJudge integrity{ledger};
    SecrecyJudge secrecy;
    NonceJudge nonces;
    RecoveryJudge recovery;

    /// What browsers trust and remember; the authority comes from the node when it is made. Null without TLS.
    std::shared_ptr<crypto::TlsClientContext> tls;
    std::vector<PracticeAccount> practices;
    std::string passphrase;  ///< the operator's; begins with the canary prefix

    [[nodiscard]] Instant now() const { return universe.loop.now(); }
    [[nodiscard]] bool is_storm() const { return is_storm_; }
    /// The storm is over: no more hazards and no more ordinary work.
    void end_storm() { is_storm_ = false; }
    /// How any person reaches the node.
    HttpsClientOptions client_options();
    std::string draw_canary(Random& random);
    /// Browsers trust this authority from now on. Nothing without TLS.
    Status trust(const std::string& authority_pem);

    /// A person saw that something does not work: the operator hears of it (set by the operator).
    std::function<void()> on_complaint;
    /// The node serves again after an outage: practices are told (set by the universe).
    std::function<void()> on_announcement;

    void note(TraceKind kind, std::string_view who, std::string_view detail) {
        trace.add(now(), kind, who, detail);
    }
    /// The simulator itself, or its picture of the site, is wrong: the run ends with a code of its own.
    void harness_fault(std::string what);
    [[nodiscard]] const std::string& harness_fault() const { return harness_fault_; }
    /// Progress for people; costs nothing when nobody listens.
    std::function<void(const std::string&)> on_progress;
    void tell(const std::string& what) const;

  private:
    bool is_storm_ = true;
    std::string harness_fault_;
    SimEntropy client_entropy_;
};

}  // namespace firedrill::sim
