// LiveServer: our own program as a server process for a live drill.
//
// Used on the main thread. The folder holds everything of the drill and is removed by the destructor, which
// also kills the process.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "seams/network.h"
#include "sim/process.h"

namespace firedrill::sim {

/// What the server says of itself once it serves.
struct LiveServerFacts {
    Endpoint endpoint;
    std::string authority_pem;
    std::string practice;
    std::string login;
    std::string password;  ///< only from the first start, when the demo practice is made
};

class LiveServer {
  public:
    /// Makes the folder and draws the passphrase file. `program` is what start() runs.
    static Result<std::unique_ptr<LiveServer>> create(std::string program = own_program());
    ~LiveServer();
    LiveServer(const LiveServer&) = delete;
    LiveServer& operator=(const LiveServer&) = delete;

    /// Starts the process; the second time at the endpoint of the first.
    Status start();
    /// Looks for the line that says it serves; `is_ready` stays false while there is none yet. closed when it
    /// ended.
    Status poll_ready(bool& is_ready);
    void kill();
    /// Asks it to end and waits; its exit code.
    int stop();

    [[nodiscard]] const LiveServerFacts& facts() const { return facts_; }
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] int process_id() const { return process_ ? process_->id() : -1; }

  private:
    LiveServer() = default;
    Status read_facts(const std::string& line);
    std::string program_;
    std::string folder_;
    std::unique_ptr<ChildProcess> process_;
    std::string output_;
    LiveServerFacts facts_;
};

}  // namespace firedrill::sim
