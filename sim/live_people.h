// People of a live drill: patients who submit without pause, and staff who read. Over the real network.
//
// Loop only. They try again until they are stopped; destroying one abandons what it does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/browser.h"
#include "sim/judge_integrity.h"
#include "sim/judge_secrecy.h"
#include "sim/ledger.h"
#include "sim/seams/random.h"

namespace firedrill::sim {

/// What the people of one drill share.
struct LiveScene {
    Clock& clock;
    Network& network;
    std::function<HttpsClientOptions()> client_options;
    std::string practice;
    std::string login;
    std::string password;
    std::vector<std::string> forms;
    Ledger ledger{};
    IntegrityJudge integrity{ledger};
    SecrecyJudge secrecy{};
    std::string problem{};  ///< the first thing that is no failure of the service but of the drill
};

class LivePatient {
  public:
    LivePatient(LiveScene& scene, Random random) : scene_(scene), random_(random) {}
    ~LivePatient() { scene_.clock.cancel(timer_); }
    LivePatient(const LivePatient&) = delete;
    LivePatient& operator=(const LivePatient&) = delete;
    void start() { open(); }
    /// Finishes the submission it is at, then rests.
    void stop() { is_stopping_ = true; }
    [[nodiscard]] bool is_resting() const { return is_resting_; }

  private:
    void open();
    void opened(Result<WebPage> page);
    void send();
    void sent(Result<WebPage> page);
    void later(Duration pause, void (LivePatient::*what)());

    LiveScene& scene_;
    Random random_;
    std::unique_ptr<Browser> browser_;
    TimerId timer_ = TimerId::none;
    std::string address_;
    FormValues values_;
    LedgerEntry entry_;
    bool is_stopping_ = false;
    bool is_resting_ = false;
};

class LiveStaff {
  public:
    /// An answered read: there or not, and if so whether it is what was submitted.
    using OnRead = std::function<void(const std::string& id, bool is_there, bool is_right)>;
    explicit LiveStaff(LiveScene& scene) : scene_(scene) {}
    ~LiveStaff() { scene_.clock.cancel(timer_); }
    LiveStaff(const LiveStaff&) = delete;
    LiveStaff& operator=(const LiveStaff&) = delete;
    /// Signs in (again and again until it works) and reads the ids, or the newest one of the list when there
    /// are none.
    void start(std::vector<std::string> ids, OnRead on_read, std::function<void()> done);

  private:
    void sign_in();
    void signed_in(Result<WebPage> page);
    void read_next();
    void was_read(const std::string& id, Result<WebPage> page);
    void again();

    LiveScene& scene_;
    std::unique_ptr<Browser> browser_;
    TimerId timer_ = TimerId::none;
    std::vector<std::string> ids_;
    bool wants_newest_ = false;
    OnRead on_read_;
    std::function<void()> done_;
};

}  // namespace firedrill::sim
